"""What the log says of every attempt, in a table that lies on disk and goes with the process.

A million orders must not be held in memory while the chain's history is read against them.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from domain import events as e
from domain.legs import Leg
from domain.log_behind import ForeignTransactionFound

_SCHEMA = (Path(__file__).parent / "attempts.sql").read_text()
_SQL = {path.stem: path.read_text() for path in (Path(__file__).parent / "sql").glob("*.sql")}


@dataclass(slots=True)
class Attempt:
    """An attempt as recorded; ``ending`` is None while it is live.

    Amounts in base units, of a confirmed one alone. ``fee_lamports`` is this transaction's own, ``slot`` where it
    landed: of a confirmed or rejected one. ``guard_lamports`` is the rent in its ``guard``, ``tip_lamports`` what it
    paid to landers, of a confirmed one.
    ``version`` is that of the stream's event that says so.
    """

    signature: str
    order_id: UUID
    number: int
    wallet: str
    genesis_hash: str
    version: int
    ending: Literal["confirmed", "rejected", "expired", "cancelled"] | None
    slot: int | None
    token_in: str
    token_out: str
    amount_in: int | None = None
    amount_out: int | None = None
    fee_lamports: int | None = None
    guard: str | None = None
    guard_lamports: int | None = None
    tip_lamports: int | None = None
    purpose: e.Purpose = "swap"

    @property
    def gained(self) -> dict[str, int]:
        """What the wallet has more of by it, as recorded, by mint; the fee apart."""
        if self.ending != "confirmed":
            return {}
        return {self.token_in: -(self.amount_in or 0), self.token_out: self.amount_out or 0}


_COLUMNS = [field.name for field in fields(Attempt)]
_PAGE = 500
_AMOUNTS = ("amount_in", "amount_out", "fee_lamports", "guard_lamports", "tip_lamports")
_AS_TEXT = ("order_id", *_AMOUNTS)


def attempts_of(order_id: UUID, events: Iterable[tuple[int, e.OrderEvent]]) -> list[Attempt]:
    """The attempts that a stream's versions and events tell of."""
    found: dict[int, Attempt] = {}
    token_in = token_out = ""
    lost: Counter[int] = Counter()
    for version, event in events:
        match event:
            case e.OrderSubmitted():
                token_in, token_out = event.token_in.mint, event.token_out.mint
            case e.TransactionBuilt(attempt=number):
                found[number] = Attempt(
                    event.signature, order_id, number, event.wallet, event.genesis_hash, version, None, None,
                    token_in, token_out, guard=event.guard, purpose=event.purpose,
                )  # fmt: skip
            case e.AttemptRejected() if event.attempt in found:
                one = found[event.attempt]
                one.ending, one.signature, one.slot, one.version = "rejected", event.signature, event.slot, version
                one.fee_lamports = event.fee_lamports
                lost[event.attempt] = event.fee_lamports
            case e.AttemptExpired() if event.attempt in found:
                one = found[event.attempt]
                # One that failed stays failed: the proof that no other ever succeeds comes later.
                one.ending, one.version = one.ending or "expired", version
            case e.OrderConfirmed(attempt=number, tx_hash=tx_hash) if (
                number in found and found[number].signature == tx_hash
            ):
                _confirm(found[number], event, lost, version)
            case e.OrderRestated() if event.attempt in found or event.reason == "other_leg":
                for one in found.values():
                    if one.ending == "confirmed":
                        one.ending, one.slot, one.version = None, None, version
                        one.amount_in = one.amount_out = one.fee_lamports = one.guard_lamports = None
                        one.tip_lamports = None
                if event.reason not in ("cancel", "other_leg"):
                    _confirm(found[event.attempt], event, lost, version)
            case e.OrderCancelled(evidence=cancel) | e.OrderFailed(evidence=cancel) if (
                cancel and cancel.attempt in found and found[cancel.attempt].signature == cancel.signature
            ):
                one = found[cancel.attempt]
                one.ending, one.slot, one.version = "cancelled", cancel.slot, version
                one.fee_lamports = cancel.network_fee_lamports - _of_others(lost, one)
                one.guard_lamports = cancel.guard_rent_lamports
    return list(found.values())


def _confirm(one: Attempt, event: e.OrderConfirmed | e.OrderRestated, lost: Counter[int], version: int) -> None:
    one.ending, one.signature, one.slot, one.version = "confirmed", event.tx_hash, event.slot, version
    one.amount_in, one.amount_out = event.amount_in, event.amount_out
    # The order's fee: that of its failed attempts is in it.
    one.fee_lamports = event.network_fee_lamports - _of_others(lost, one)
    one.guard_lamports, one.tip_lamports = event.guard_rent_lamports, event.tip_lamports


def _of_others(lost: Counter[int], one: Attempt) -> int:
    """What the order's other attempts cost as failures; one that succeeded may have been called failed before."""
    return lost.total() - lost[one.number]


class Attempts:
    """The recorded attempts, and what of them the chain has shown."""

    def __init__(self) -> None:
        # An empty name: a file of its own that SQLite makes, and removes on closing.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_SCHEMA)
        self._db.execute("begin")
        self.foreign: dict[str, ForeignTransactionFound] = {}
        """By signature, those of the wallet's transactions that the log knows and did not sign: few, or none."""
        self._foreign_shown: set[str] = set()

    def close(self) -> None:
        self._db.close()

    def record(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """Take them in; returned are those whose transaction another attempt has already claimed."""
        marks = ", ".join("?" * len(_COLUMNS))
        statement = f"insert or ignore into attempt ({', '.join(_COLUMNS)}) values ({marks})"  # noqa: S608
        return [attempt for attempt in attempts if not self._db.execute(statement, _stored(attempt)).rowcount]

    def unreadable(self, order_id: UUID) -> None:
        self._db.execute("insert or ignore into unreadable values (?)", (str(order_id),))

    def is_unreadable(self, order_id: UUID) -> bool:
        return bool(self._db.execute("select 1 from unreadable where order_id = ?", (str(order_id),)).fetchone())

    def find(self, signature: str) -> Attempt | None:
        return next(self._select("signature = ?", signature), None)

    def wallets(self) -> set[str]:
        own = {row[0] for row in self._db.execute("select distinct wallet from attempt")}
        return own | {one.wallet for one in self.foreign.values()}

    def on_other_chains(self, genesis_hash: str) -> dict[str, int]:
        """How many attempts were signed for each other chain."""
        query = "select genesis_hash, count(*) from attempt where genesis_hash <> ? group by 1"
        return dict(self._db.execute(query, (genesis_hash,)))

    def saw(self, signature: str) -> None:
        self._db.execute("update attempt set seen = 1 where signature = ?", (signature,))
        if signature in self.foreign:
            self._foreign_shown.add(signature)

    def unseen_foreign(self, genesis_hash: str) -> list[ForeignTransactionFound]:
        """The same of what this log did not sign."""
        shown = self._foreign_shown
        return [one for one in self.foreign.values() if one.genesis_hash == genesis_hash and one.signature not in shown]

    def unseen(self, genesis_hash: str) -> Iterator[Attempt]:
        """Those recorded as landed on this chain that its history hasn't shown; ``saw`` may be told meanwhile."""
        after = ""
        landed = "seen = 0 and ending in ('confirmed', 'rejected', 'cancelled') and genesis_hash = ? and signature > ?"
        while page := list(self._select(f"{landed} order by signature limit {_PAGE}", genesis_hash, after)):
            yield from page
            after = page[-1].signature

    def live_unseen(self) -> Iterator[Attempt]:
        """Those the log has no end of, and the chain's history doesn't show."""
        return self._select("ending is null and seen = 0")

    def succeeded(self, order_id: UUID, signature: str) -> None:
        """The chain shows a success of the order."""
        self._db.execute("insert or ignore into success values (?, ?)", (str(order_id), signature))

    def closed_elsewhere(self, guards: Iterable[str]) -> None:
        """A reclaim that this log did not sign has closed them."""
        self._db.executemany("insert or ignore into closed_elsewhere values (?)", [(guard,) for guard in guards])

    def of_closed_elsewhere(self) -> set[UUID]:
        """The orders whose guards those are."""
        own = self._db.execute("select order_id from attempt where guard in (select guard from closed_elsewhere)")
        closed = {row[0] for row in self._db.execute("select guard from closed_elsewhere")}
        foreign = {one.order_id for one in self.foreign.values() if one.guard in closed}
        return foreign | {UUID(row[0]) for row in own}

    def exclude(self, order_id: UUID, leg: Leg | None) -> None:
        """Whether the order shares its guard with others of its list."""
        if leg is not None and leg.is_exclusive:
            self._db.execute("insert or ignore into exclusive values (?, ?)", (str(order_id), str(leg.list_id)))

    def succeeded_twice(self) -> Iterator[tuple[UUID, int]]:
        """Of orders whose transactions make one guard: one of them, and how many the chain shows to have succeeded."""
        return self._counted("succeeded_twice")

    def won_twice(self) -> Iterator[tuple[UUID, int]]:
        """Of orders that exclude each other: one of them, and how many successes are recorded."""
        return self._counted("won_twice")

    def guarded_apart(self) -> Iterator[tuple[UUID, int]]:
        """The same, and how many guards they make."""
        return self._counted("guarded_apart")

    def guarded_alike(self) -> Iterator[tuple[UUID, int]]:
        """Of orders that make one guard and don't exclude each other: one of them, and how many there are."""
        return self._counted("guarded_alike")

    def _counted(self, query: str) -> Iterator[tuple[UUID, int]]:
        return ((UUID(order_id), count) for order_id, count in self._db.execute(_SQL[query]))

    def _select(self, where: str, *values: object) -> Iterator[Attempt]:
        rows = self._db.execute(f"select {', '.join(_COLUMNS)} from attempt where {where}", values)  # noqa: S608
        return (_loaded(row) for row in rows)


def _stored(one: Attempt) -> tuple[object, ...]:
    # A u64 is more than SQLite's integers hold: amounts are text.
    return tuple(_text(getattr(one, name)) if name in _AS_TEXT else getattr(one, name) for name in _COLUMNS)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _loaded(row: tuple[Any, ...]) -> Attempt:
    values = dict(zip(_COLUMNS, row, strict=True))
    amounts = {name: None if values[name] is None else int(values[name]) for name in _AMOUNTS}
    return Attempt(**{**values, **amounts, "order_id": UUID(values["order_id"])})
