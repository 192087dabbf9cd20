"""The shapes of the RPC answers we read, only the fields we need. https://solana.com/docs/rpc/http

They are read from the answer's bytes in one step and strictly: a field that is missing or of another type is a
``ValueError``, one that isn't named here is skipped without being made into an object.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Struct
from solders.hash import Hash, ParseHashError
from solders.transaction import VersionedTransaction

from domain.numbers import U64_MAX

T = TypeVar("T")
U64 = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A slot, a height or an amount of lamports: a u64 on the chain, where half of its range is never reached."""

Digits = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}\Z")]
"""An amount of a token in base units, as its digits; at most a u64, which is checked with the transaction."""

_U64_DIGITS = 20


class HashText(str):
    """32 bytes in base58."""

    __slots__ = ()


class AccountBytes(bytes):
    """The data of an account; in JSON ``[text, "base64"]``."""

    __slots__ = ()


class Answer(Struct, frozen=True, rename="camel"):
    pass


class Context(Answer, frozen=True):
    slot: U64


class WithContext(Answer, Generic[T], frozen=True):
    context: Context
    value: T


class LatestBlockhash(Answer, frozen=True):
    blockhash: HashText
    last_valid_block_height: U64


class EpochInfo(Answer, frozen=True):
    absolute_slot: U64
    block_height: U64


class Status(Answer, frozen=True):
    """``confirmationStatus`` may be null; ``confirmations`` null then means rooted."""

    slot: U64
    confirmations: U64 | None
    err: Any
    confirmation_status: Literal["processed", "confirmed", "finalized"] | None


class InnerInstructions(Answer, frozen=True):
    """What one instruction's program called; each is parsed, partly decoded or compiled, as the node knows it."""

    instructions: list[dict[str, Any]]


class SimulationResult(Answer, frozen=True):
    err: Any
    logs: list[str] | None
    units_consumed: U64 | None = None
    inner_instructions: list[InnerInstructions] | None = None

    @property
    def called(self) -> tuple[dict[str, Any], ...] | None:
        """What the programs called, in order; None where the node doesn't show it."""
        inner = self.inner_instructions
        return None if inner is None else tuple([one for each in inner for one in each.instructions])


class AccountData(Answer, frozen=True):
    data: AccountBytes


class AccountOwner(Answer, frozen=True):
    owner: str


class HeldAccount(Answer, frozen=True):
    owner: str
    lamports: U64
    data: AccountBytes


class TippedAccount(HeldAccount, frozen=True):
    executable: bool


class OwnedAccount(Answer, frozen=True):
    pubkey: str
    account: AccountData


class BlockSignatures(Answer, frozen=True):
    signatures: list[str]


class PrioritizationFee(Answer, frozen=True):
    """The least that a block's transactions paid at the accounts asked for, in micro-lamports a compute unit."""

    slot: U64
    prioritization_fee: U64


class TokenAmount(Answer, frozen=True):
    """``amount`` is text: of the balances that a transaction shows, most are others'."""

    amount: Digits


class TokenBalance(Answer, frozen=True):
    """``owner`` is absent in answers of nodes older than 1.10."""

    account_index: int
    mint: str
    ui_token_amount: TokenAmount
    owner: str | None = None


class Meta(Answer, frozen=True):
    """What a transaction did; balances are in lamports, by account: the message's own, then the loaded ones."""

    err: Any
    fee: U64
    pre_balances: list[U64]
    post_balances: list[U64]
    pre_token_balances: list[TokenBalance] | None
    post_token_balances: list[TokenBalance] | None
    log_messages: list[str] | None

    def check(self, accounts: int) -> None:
        """Raises ``ValueError`` unless each of the ``accounts`` has its balances, and each balance an account."""
        count = len(self.pre_balances)
        if len(self.post_balances) != count or accounts > count:
            raise ValueError("balances are missing")
        for balance in (*(self.pre_token_balances or ()), *(self.post_token_balances or ())):
            if not 0 <= balance.account_index < count:
                raise ValueError("a token balance is of no account of the transaction")
            amount = balance.ui_token_amount.amount
            if len(amount) == _U64_DIGITS and int(amount) > U64_MAX:
                raise ValueError("a token balance is more than a u64")


class Instruction(Answer, frozen=True):
    program_id_index: U64


class Message(Answer, frozen=True):
    account_keys: list[str]
    instructions: list[Instruction]


class Transaction(Answer, frozen=True):
    signatures: list[str]
    message: Message


class LandedTransaction(Answer, frozen=True):
    slot: U64
    meta: Meta
    transaction: Transaction

    def __post_init__(self) -> None:
        self.meta.check(len(self.transaction.message.account_keys))


STATUSES = WithContext[list[Status | None]]
LATEST_BLOCKHASH = WithContext[LatestBlockhash]
SIMULATION = WithContext[SimulationResult]
ACCOUNTS = WithContext[list[AccountData | None]]
OWNERS = WithContext[list[AccountOwner | None]]
HELD = WithContext[list[HeldAccount | None]]
TIPPED = WithContext[list[TippedAccount | None]]
LAMPORTS = WithContext[U64]
VALIDITY = WithContext[bool]


@lru_cache
def reader(shape: Any) -> msgspec.json.Decoder[Any]:
    """Reads JSON as ``shape``; its ``decode`` raises ``ValueError``, or ``RecursionError`` for nesting without end."""
    return msgspec.json.Decoder(shape, dec_hook=_read)


def _read(kind: type, value: object) -> object:
    return _READERS[kind](value)


def _hash(value: object) -> HashText:
    try:
        return HashText(Hash.from_string(value if isinstance(value, str) else ""))
    except ParseHashError as error:  # no ValueError, which is all that msgspec takes for a refusal
        raise ValueError("a blockhash is 32 bytes in base58") from error


def _base64(value: object) -> bytes:
    match value:
        case [str() as text, "base64"]:
            return b64decode(text, validate=True)
    raise ValueError('binary data is [text, "base64"]')


_READERS: dict[type, Callable[[object], object]] = {
    HashText: _hash,
    AccountBytes: lambda value: AccountBytes(_base64(value)),
    VersionedTransaction: lambda value: VersionedTransaction.from_bytes(_base64(value)),
}
