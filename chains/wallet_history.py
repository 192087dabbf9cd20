"""Everything a wallet did on the chain, read from the transactions themselves, so that records can be checked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self
from uuid import UUID

import msgspec
import stamina
from solders.transaction import VersionedTransaction
from stamina.instrumentation import PrometheusOnRetryHook, set_on_retry_hooks

from chains.answers import OWNERS, U64, Answer, BlockSignatures, EpochInfo, Meta
from chains.balance_change import balance_change
from chains.endpoint import Endpoint
from chains.errors import RpcError, UnansweredError, UnbelievableError
from chains.guard import TOKEN_PROGRAM
from chains.transactions import CANARY_MEMO
from chains.wallet_messages import (
    MEMO,
    RECLAIM,
    Memo,
    closed_by,
    guard_of,
    is_signed,
    memo_named,
    memo_of,
    reclaim_of,
    tipped_by,
)
from domain.evidence import Commitment
from domain.numbers import U64_MAX

PAGE = 1_000
ACCOUNTS_A_CALL = 100
# JSON_RPC_SERVER_ERROR_UNSUPPORTED_TRANSACTION_VERSION
_UNSUPPORTED_VERSION = -32015
# It is kept in a table, and asked for again.
_Signature = Annotated[str, msgspec.Meta(pattern=r"^[1-9A-HJ-NP-Za-km-z]{1,88}\Z")]
# As nodes list the memos of a transaction: "[length] text", joined by "; ".
_LISTED_MEMO = re.compile(rf"\[\d+\] {MEMO.pattern}(?=;|$)", re.ASCII)
_LISTED_CANARY = re.compile(rf"\[\d+\] {CANARY_MEMO}(?=;|$)", re.ASCII)
_LISTED_RECLAIM = re.compile(rf"\[\d+\] {RECLAIM.pattern}(?=;|$)", re.ASCII)

# Tries are counted and not logged each: who gives up says so, and why.
set_on_retry_hooks([PrometheusOnRetryHook])


@dataclass(frozen=True, slots=True)
class Listed:
    """A transaction as a node lists it for a wallet; ``finalized`` as of the answer. ``reclaim``: which it names;
    ``canary``: it says that it makes one.
    """

    signature: str
    slot: int
    failed: bool
    finalized: bool
    memo: Memo | None
    reclaim: UUID | None = None
    canary: bool = False


@dataclass(frozen=True, slots=True)
class Movement:
    """What a transaction did to a wallet.

    ``gained`` is by mint, in base units, what is less being negative and what is the same left out; neither the network
    fee, ``fee_lamports``, is in it, nor the rent, ``guard_lamports``, that went into the ``guard`` it makes, nor what
    it tips beside that, ``tip_lamports``.
    ``signed``: the wallet is among the signers, and its signature is right, which no endpoint can forge. ``closed`` are
    token accounts whose lamports it sends to the wallet.
    """

    slot: int
    failed: bool
    signed: bool
    memo: Memo | None
    gained: dict[str, int]
    fee_lamports: int
    guard: str | None
    guard_lamports: int
    reclaim: UUID | None = None
    closed: tuple[str, ...] = ()
    tip_lamports: int = 0


_OF_A_NEWER_VERSION = Movement(0, False, False, None, {}, 0, None, 0)


@dataclass(frozen=True, slots=True)
class Tip:
    """How far an endpoint has come: a slot, and the height of its block."""

    slot: int
    height: int


class _Entry(Answer, frozen=True):
    signature: _Signature
    slot: U64
    err: Any
    memo: str | None = None
    confirmation_status: str | None = None


class _Transaction(Answer, frozen=True):
    slot: U64
    meta: Meta
    transaction: VersionedTransaction

    def __post_init__(self) -> None:
        self.meta.check(len(self.transaction.message.account_keys))

    def __repr__(self) -> str:
        """Without the signed bytes."""
        return f"_Transaction(slot={self.slot})"


class WalletHistory:
    """Reads from the endpoint at ``url``; raises ``ChainUnavailableError`` where repeated calls get no answer."""

    def __init__(self, url: str, *, timeout: float = 10.0, connections: int = 16) -> None:
        self._endpoint = Endpoint(url, timeout=timeout, connections=connections)
        # A call's time-out counts from its start: none is started before a connection is free for it.
        self._free_connections = asyncio.Semaphore(connections)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._endpoint.close()

    @property
    def name(self) -> str:
        """The endpoint's host, without path or credentials."""
        return self._endpoint.name

    async def genesis_hash(self) -> str:
        return str(await self._call("getGenesisHash", shape=str))

    async def first_available_slot(self) -> int:
        """What is before it, this endpoint can't show any more."""
        return int(await self._call("getFirstAvailableBlock", shape=U64))

    async def tip(self, commitment: Commitment) -> Tip:
        info = await self._call("getEpochInfo", {"commitment": commitment}, shape=EpochInfo)
        return Tip(info.absolute_slot, info.block_height)

    async def pages(
        self, wallet: str, commitment: Commitment = "confirmed", *, until: str | None = None, at_slot: int | None = None
    ) -> AsyncIterator[list[Listed]]:
        """The wallet's transactions, the newest first, a thousand at a time: those after ``until``, where that is
        given and the endpoint knows it, as of ``at_slot`` or later.
        """
        bounds = {"until": until, "minContextSlot": at_slot}
        given = {name: value for name, value in bounds.items() if value is not None}
        before: str | None = None
        while True:
            config = {"limit": PAGE, "commitment": commitment, **given} | ({"before": before} if before else {})
            entries = await self._call("getSignaturesForAddress", wallet, config, shape=list[_Entry])
            if not entries:
                return
            if entries[-1].signature == before:
                raise UnansweredError(self._endpoint.name, "getSignaturesForAddress goes in a circle")
            before = entries[-1].signature
            yield [_listed(entry) for entry in entries]

    async def movement(self, signature: str, wallet: str, commitment: Commitment = "confirmed") -> Movement | None:
        """What the transaction did to the wallet; None where the endpoint doesn't show it, which proves nothing.

        One of a newer version than the engine signs is none that it has signed, whatever its memo says.
        """
        config = {"encoding": "base64", "commitment": commitment, "maxSupportedTransactionVersion": 0}
        try:
            found = await self._call("getTransaction", signature, config, shape=_Transaction | None)
        except RpcError as refused:
            if refused.code != _UNSUPPORTED_VERSION:
                raise
            return _OF_A_NEWER_VERSION
        if found is None:
            return None
        if [str(first) for first in found.transaction.signatures[:1]] != [signature]:
            raise UnansweredError(self._endpoint.name, "getTransaction was answered with another transaction")
        message = found.transaction.message
        keys = [str(key) for key in message.account_keys]
        guard = guard_of(message, keys, wallet)
        tip = 0 if guard is None or found.meta.err is not None else tipped_by(message, keys, wallet, guard)
        change = balance_change(found.meta, keys, wallet, guard, tip_lamports=tip)
        amounts = [*change.of_all().values(), change.guard_lamports]
        if beyond := [amount for amount in amounts if abs(amount) > U64_MAX]:
            raise UnbelievableError(self.name, f"getTransaction was answered with more than a u64 holds: {beyond[0]}")
        return Movement(
            slot=found.slot,
            failed=found.meta.err is not None,
            signed=is_signed(found.transaction, keys, wallet),
            memo=memo_of(message, keys),
            gained=change.of_all(),
            fee_lamports=change.fee_lamports,
            guard=guard,
            guard_lamports=change.guard_lamports,
            reclaim=reclaim_of(message, keys),
            closed=tuple(closed_by(message, keys, wallet)),
            tip_lamports=tip,
        )

    async def guards_there(
        self, addresses: Sequence[str], at_slot: int = 0, commitment: Commitment = "finalized"
    ) -> set[str]:
        """Those of the addresses at which there is an order's guard, as of ``at_slot`` or later."""
        config: dict[str, Any] = {"encoding": "base64", "commitment": commitment, "minContextSlot": at_slot}
        config |= {"dataSlice": {"offset": 0, "length": 0}}
        there: set[str] = set()
        for at in range(0, len(addresses), ACCOUNTS_A_CALL):
            part = list(addresses[at : at + ACCOUNTS_A_CALL])
            answer = await self._call("getMultipleAccounts", part, config, shape=OWNERS)
            if len(answer.value) != len(part) or answer.context.slot < at_slot:
                raise UnansweredError(self.name, "not every account was answered")
            found = zip(part, answer.value, strict=True)
            there |= {address for address, account in found if account and account.owner == TOKEN_PROGRAM}
        return there

    async def block_holds(self, slot: int, signature: str) -> bool:
        """Whether the finalized block of ``slot`` has the signature; raises ``ChainUnavailableError`` if unreadable."""
        config = {"transactionDetails": "signatures", "rewards": False, "commitment": "finalized"}
        config |= {"maxSupportedTransactionVersion": 0}
        block = await self._call("getBlock", slot, config, shape=BlockSignatures)
        return signature in block.signatures

    @stamina.retry(on=UnansweredError, attempts=4, timeout=30, wait_initial=0.2, wait_max=2.0)
    async def _call(self, method: str, *params: object, shape: Any) -> Any:
        async with self._free_connections:
            return await self._endpoint.call(method, *params, shape=shape)


def _listed(entry: _Entry) -> Listed:
    found = _LISTED_MEMO.search(entry.memo or "")
    memo = memo_named(found) if found else None
    closing = _LISTED_RECLAIM.search(entry.memo or "")
    finalized = entry.confirmation_status == "finalized"
    reclaim = UUID(closing[1]) if closing else None
    canary = _LISTED_CANARY.search(entry.memo or "") is not None
    return Listed(entry.signature, entry.slot, entry.err is not None, finalized, memo, reclaim, canary)
