"""Settings of the wallet: its key, the guard key, and what it may spend."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings
from solders.pubkey import Pubkey


class WalletSettings(BaseSettings):
    """Part of ``Settings``; ``wallet_file`` is there."""

    wallet_keypair: Path | None = Field(
        None, description="The wallet, a keypair file; DATA_DIR/wallet.json where not set."
    )
    wallet_key: str = Field(
        "", repr=False, description="The wallet itself, as a keypair file holds it; it wins over WALLET_KEYPAIR."
    )
    wallet_keystore: Path | None = Field(
        None, description="The wallet, encrypted: an Ed25519 key as PKCS#8 in PEM; it wins over WALLET_KEYPAIR."
    )
    wallet_password: str = Field("", repr=False, description="The password of WALLET_KEYSTORE.")
    signer_url: str = Field(
        "", repr=False, description="Who signs instead of a key here; needs WALLET_ADDRESS and GUARD_KEY."
    )
    wallet_address: str = Field("", description="The wallet's address, base58, where SIGNER_URL signs for it.")
    signer_timeout: Annotated[float, Field(ge=0.1, le=30)] = Field(
        2.0, description="Seconds a signature is waited for."
    )

    guard_key: str = Field(
        "",
        repr=False,
        description="The key that orders' guards are made from, 64 hex digits; where not set, it follows from the "
        "wallet's. Never change it while orders are open.",
    )
    lamport_reserve: Annotated[int, Field(ge=0, le=10**15)] = Field(
        50_000_000, description="Lamports of the wallet that swaps leave alone: they are kept for cancels."
    )
    max_priority_fee_lamports: Annotated[int, Field(ge=0, le=10**12)] = Field(
        1_000_000, description="What the transactions of one order may offer for priority, in lamports, all together."
    )
    priority_fee_percentile: Annotated[int, Field(ge=0, le=100)] = Field(
        0,
        description="What a transaction offers for priority at least: this percentile of what was paid lately at the "
        "accounts it writes, within MAX_PRIORITY_FEE_LAMPORTS; 0 doesn't ask.",
    )

    @field_validator("wallet_address")
    @classmethod
    def is_an_address(cls, value: str) -> str:
        if value:
            try:
                Pubkey.from_string(value)
            except ValueError:
                raise ValueError("must be 32 bytes in base58") from None
        return value

    @model_validator(mode="after")
    def a_signer_knows_its_wallet(self) -> Self:
        if self.signer_url and not (self.wallet_address and self.guard_key):
            raise ValueError(
                "SIGNER_URL needs WALLET_ADDRESS and GUARD_KEY: neither follows from a key that isn't here"
            )
        return self

    @field_validator("guard_key")
    @classmethod
    def is_a_key(cls, value: str) -> str:
        if value and not re.fullmatch(r"[0-9a-fA-F]{64}", value):
            raise ValueError("must be 64 hex digits")  # it is a secret: it isn't repeated
        return value
