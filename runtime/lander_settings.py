"""Settings of landers: who is handed the signed bytes beside the RPC endpoint, and what they are tipped for it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode
from solders.pubkey import Pubkey

from chains.lander_terms import LanderTerms, jito, rpc, sender
from chains.tips import MOST_TIP_LAMPORTS, Tip
from domain.priority import FIRST_PRICE
from runtime.setting_forms import with_scheme

# As their own documentation lists them for mainnet.
_JITO_ACCOUNTS = (
    "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5",
    "HFqU5x63VTqvQss8hp11i4wVV8bD44PvwucfZ2bU7gRe",
    "Cw8CFyM9FkoMi7K7Crf6HNQqf4uEMzpKw6QNghXLvLkY",
    "ADaUMid9yfUytqMBgopwjb2DTLSokTSzL1zt6iGPaS49",
    "DfXygSm4jCyNCybVYYK6DwvWqjKee8pbDmJGcLWNDXjh",
    "ADuUkR4vqLUMWXxW9gh6D6L8pMSawimctcNZ5pGwDcEt",
    "DttWaMuVvTiduZRnguLF7jNxTgiMBZ1hyAumKUiL2KRL",
    "3AVi9Tg9Uo68tJfuvoKvqKNWKkC5wPdSSdeBnizKZ6jT",
)
_SENDER_ACCOUNTS = (
    "4ACfpUFoaSD9bfPdeu6DBt89gB6ENTeHBXCAi87NhDEE",
    "D2L6yPZ2FmmmTKPgzaMKdhu6EWZcTpLy1Vhx8uvZe7NZ",
    "9bnz4RShgq1hAnLnZbP8kbgBg1kEmcJBYQq3gQbmnSta",
    "5VY91ws6B2hMmBFRsXkoAAdsPHBJwRfBht4DXox3xkwn",
    "2nyhqdwKcJZR2vcqCyrYsaPVdAnFoJjiksCXJ7hfEYgD",
    "2q5pghRs6arqVjRvT5gfgWfWcHWmw1ZuCzphgd5KfWGJ",
    "wyvPkWjVZz1M8fHQnMMCDTQDbkManefNNhweYk5WkcF",
    "3KCKozbAaF75qEU33jtzozcJ29yJuaLJTy2jFdzUY8bT",
    "4vieeGHPYPG2MmyPRcYjdiDmmhN3ww7hsFNap8pVN3Ey",
    "4TQLFNWK8AovT1gFvda5jfw2oJeRMKEmw7aH6MGBJ3or",
)
Lamports = Annotated[int, Field(ge=1, le=MOST_TIP_LAMPORTS)]
LEAST_PRIORITY_LAMPORTS = 10
"""With less an order's first transaction, which may offer a seventh of it, could offer nothing for 1.4 million compute
units.
"""


class LanderSettings(BaseSettings):
    """Part of ``Settings``."""

    lander_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        repr=False,
        description="More RPC endpoints, comma separated, that the same signed bytes are sent to; none is waited for.",
    )
    jito_url: str = Field(
        "", repr=False, description="A block engine of Jito's (`.../api/v1/transactions`), sent what tips it."
    )
    jito_tip_lamports: Annotated[int, Field(ge=1_000, le=MOST_TIP_LAMPORTS)] = Field(
        10_000, description="What a swap tips it, in lamports; 1,000 is its minimum."
    )
    jito_tip_accounts: Annotated[tuple[str, ...], NoDecode] = Field(
        _JITO_ACCOUNTS, description="Its tip accounts, comma separated; orders take turns at them."
    )
    sender_url: str = Field(
        "",
        repr=False,
        description="A sender like Helius's (`.../fast`), sent what tips it and offers for priority.",
    )
    sender_tip_lamports: Lamports = Field(
        1_000_000, description="What a swap tips it, in lamports; its minimum depends on the plan."
    )
    sender_tip_accounts: Annotated[tuple[str, ...], NoDecode] = Field(
        _SENDER_ACCOUNTS, description="Its tip accounts, comma separated; orders take turns at them."
    )
    max_tip_lamports: Lamports = Field(
        2_000_000,
        description="What an order may tip at most, all landers together; nothing starts beyond it.",
    )

    @field_validator("lander_urls")
    @classmethod
    def each_is_http(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(with_scheme(url, "http", "https") for url in value)

    @field_validator("jito_url", "sender_url")
    @classmethod
    def is_http(cls, value: str) -> str:
        return with_scheme(value, "http", "https")

    @field_validator("jito_tip_accounts", "sender_tip_accounts")
    @classmethod
    def each_is_an_account(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            accounts = tuple(str(Pubkey.from_string(one)) for one in value)
        except ValueError:
            raise ValueError("must hold accounts, each 32 bytes in base58") from None
        return tuple(dict.fromkeys(accounts))

    @model_validator(mode="after")
    def tips_are_bounded(self) -> Self:
        tipped = sum(tip.lamports for tip in self.tips)
        if tipped > self.max_tip_lamports:
            raise ValueError(f"JITO_TIP_LAMPORTS and SENDER_TIP_LAMPORTS are {tipped}, more than MAX_TIP_LAMPORTS")
        return self

    @property
    def named_tips(self) -> dict[str, Tip]:
        """What each swap tips, by the setting that names the accounts."""
        tips = {}
        if self.jito_url:
            tips["JITO_TIP_ACCOUNTS"] = Tip(self.jito_tip_lamports, self.jito_tip_accounts)
        if self.sender_url:
            tips["SENDER_TIP_ACCOUNTS"] = Tip(self.sender_tip_lamports, self.sender_tip_accounts)
        return tips

    @property
    def tips(self) -> tuple[Tip, ...]:
        """What each swap tips."""
        return tuple(self.named_tips.values())

    @property
    def landers(self) -> tuple[LanderTerms, ...]:
        """Who is sent the signed bytes beside SOLANA_RPC_URL."""
        tips, found = self.named_tips, [*map(rpc, self.lander_urls)]
        if self.jito_url:
            found.append(jito(self.jito_url, tips["JITO_TIP_ACCOUNTS"]))
        if self.sender_url:
            found.append(sender(self.sender_url, tips["SENDER_TIP_ACCOUNTS"]))
        return tuple(found)

    @property
    def least_unit_price(self) -> int:
        """What a transaction offers for a compute unit at least, in micro-lamports: a sender asks for something."""
        return FIRST_PRICE if self.sender_url else 0
