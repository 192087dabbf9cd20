"""The shapes of the RPC answers we read, only the fields we need. https://solana.com/docs/rpc/http"""

from __future__ import annotations

from base64 import b64decode
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from solders.hash import Hash, ParseHashError

from domain.numbers import BaseUnits


def _account_data(value: object) -> bytes:
    match value:
        case [str() as text, "base64"]:
            return b64decode(text, validate=True)
    raise ValueError('account data is [text, "base64"]')


def _hash(value: str) -> str:
    try:
        return str(Hash.from_string(value))
    except ParseHashError as error:  # no ValueError, which is all that pydantic takes for a refusal
        raise ValueError("a blockhash is 32 bytes in base58") from error


T = TypeVar("T")
U64 = Annotated[int, Field(ge=0, lt=2**64)]


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, alias_generator=to_camel, extra="ignore")


class Context(Answer):
    slot: U64


class WithContext(Answer, Generic[T]):
    context: Context
    value: T


class LatestBlockhash(Answer):
    blockhash: Annotated[str, AfterValidator(_hash)]
    last_valid_block_height: U64


class EpochInfo(Answer):
    absolute_slot: U64
    block_height: U64


class Status(Answer):
    """``confirmationStatus`` may be null; ``confirmations`` null then means rooted."""

    slot: U64
    confirmations: U64 | None
    err: Any
    confirmation_status: Literal["processed", "confirmed", "finalized"] | None


class SimulationResult(Answer):
    err: Any
    logs: list[str] | None
    units_consumed: U64 | None = None


class AccountData(Answer):
    data: Annotated[bytes, BeforeValidator(_account_data)]


class OwnedAccount(Answer):
    pubkey: str
    account: AccountData


class BlockSignatures(Answer):
    blockhash: str
    previous_blockhash: str
    parent_slot: U64
    block_height: U64
    signatures: list[str]


class TokenAmount(Answer):
    amount: BaseUnits


class TokenBalance(Answer):
    """``owner`` is absent in answers of nodes older than 1.10."""

    account_index: int
    mint: str
    owner: str | None = None
    ui_token_amount: TokenAmount


class Meta(Answer):
    """What a transaction did; balances are in lamports, by account: the message's own, then the loaded ones."""

    err: Any
    fee: U64
    pre_balances: list[U64]
    post_balances: list[U64]
    pre_token_balances: list[TokenBalance] | None
    post_token_balances: list[TokenBalance] | None
    log_messages: list[str] | None


class Instruction(Answer):
    program_id_index: int


class Message(Answer):
    account_keys: list[str]
    instructions: list[Instruction]


class Transaction(Answer):
    signatures: list[str]
    message: Message


class LandedTransaction(Answer):
    slot: U64
    meta: Meta
    transaction: Transaction

    @model_validator(mode="after")
    def _every_account_has_its_balances(self) -> Self:
        count = len(self.meta.pre_balances)
        tokens = [*(self.meta.pre_token_balances or ()), *(self.meta.post_token_balances or ())]
        if len(self.meta.post_balances) != count or len(self.transaction.message.account_keys) > count:
            raise ValueError("balances are missing")
        if any(not 0 <= balance.account_index < count for balance in tokens):
            raise ValueError("a token balance is of no account of the transaction")
        return self


STATUSES = WithContext[list[Status | None]]
LATEST_BLOCKHASH = WithContext[LatestBlockhash]
SIMULATION = WithContext[SimulationResult]
ACCOUNTS = WithContext[list[AccountData | None]]
