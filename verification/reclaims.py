"""What the log says of every reclaim, and of the guards that are to be there, in a table that goes with the process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal
from uuid import UUID

from chains.guard import MINT
from domain.account_event import AccountEvent
from domain.log_behind import ForeignReclaimFound
from domain.reclaim import reclaim
from domain.reclaim_events import ReclaimExpired, ReclaimFailed, ReclaimLanded
from domain.tokens import SOL
from verification.attempts import Attempt

_SCHEMA = (Path(__file__).parent / "reclaims.sql").read_text()
GUARDS_A_CALL = 100


@dataclass(slots=True)
class RecordedReclaim:
    """A reclaim as recorded; ``ending`` is None while it may land. Amounts are what came back, 0 but for a landed one;
    ``slot`` is None of one that was recorded without it.
    """

    signature: str
    reclaim_id: UUID
    wallet: str
    genesis_hash: str
    version: int
    ending: Literal["landed", "failed", "expired"] | None
    slot: int | None = None
    lamports: int = 0
    tokens: int = 0
    fee_lamports: int = 0


@dataclass(frozen=True, slots=True)
class KeptGuard:
    """A guard that is to be there, and the transaction that made it."""

    guard: str
    order_id: UUID
    signature: str
    wallet: str


@dataclass(frozen=True, slots=True)
class ClosedGuard:
    """A guard that a reclaim has closed, whose end is its event ``version``; ``slot`` is None where it has none."""

    guard: str
    reclaim_id: UUID
    version: int
    slot: int | None


_COLUMNS = [field.name for field in fields(RecordedReclaim)]


def recorded_reclaim(reclaim_id: UUID, events: Sequence[AccountEvent]) -> tuple[RecordedReclaim, tuple[str, ...]]:
    """A reclaim's stream, and the guards it closes. Raises ``ValueError`` where its events don't follow."""
    state = reclaim(events)
    if state is None:
        raise ValueError("it has no events")
    built = state.built
    one = RecordedReclaim(built.signature, reclaim_id, built.wallet, built.genesis_hash, len(events), None)
    match state.end:
        case ReclaimLanded() as end:
            one.ending, one.slot, one.lamports, one.tokens = "landed", end.slot, end.lamports, end.tokens
            one.fee_lamports = end.fee_lamports
        case ReclaimFailed() as end:
            one.ending, one.slot, one.fee_lamports = "failed", end.slot, end.fee_lamports
        case ReclaimExpired():
            one.ending = "expired"
    return one, tuple(guard.guard for guard in built.guards)


def foreign_reclaim(found: ForeignReclaimFound, version: int) -> RecordedReclaim:
    """One that was read from the chain, as version ``version`` of the stream of such."""
    return RecordedReclaim(
        found.signature,
        found.reclaim_id,
        found.wallet,
        found.genesis_hash,
        version,
        "failed" if found.failed else "landed",
        found.slot,
        found.received.get(SOL.mint, 0),
        found.received.get(str(MINT), 0),
        found.fee_lamports,
    )


class RecordedReclaims:
    """The recorded reclaims, what of them the chain has shown, and the guards of orders."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_SCHEMA)
        self._db.execute("begin")

    def close(self) -> None:
        self._db.close()

    def record(self, one: RecordedReclaim, guards: Iterable[str]) -> None:
        values = [_stored(getattr(one, name), name) for name in _COLUMNS]
        marks = ", ".join("?" * len(_COLUMNS))
        self._db.execute(f"insert or ignore into reclaim ({', '.join(_COLUMNS)}) values ({marks})", values)  # noqa: S608
        if one.ending in ("landed", None):
            self._db.executemany(
                "insert or replace into closed values (?, ?, ?)",
                [(guard, one.ending, one.signature) for guard in guards],
            )

    def record_guards(self, attempts: Iterable[Attempt]) -> None:
        """The guards that attempts made, as recorded."""
        made = [
            (one.guard, str(one.order_id), one.signature, one.wallet, one.genesis_hash)
            for one in attempts
            if one.guard and one.guard_lamports is not None
        ]
        self._db.executemany("insert or ignore into guard values (?, ?, ?, ?, ?)", made)

    def find(self, signature: str) -> RecordedReclaim | None:
        return next(self._select("signature = ?", signature), None)

    def saw(self, signature: str) -> None:
        self._db.execute("update reclaim set seen = 1 where signature = ?", (signature,))

    def unseen(self, genesis_hash: str) -> list[RecordedReclaim]:
        """Those recorded as on this chain that its history hasn't shown."""
        on_chain = "seen = 0 and ending in ('landed', 'failed') and slot is not null and genesis_hash = ?"
        return list(self._select(on_chain, genesis_hash))

    def live_unseen(self) -> list[RecordedReclaim]:
        """Those the log has no end of, and the chain's history doesn't show."""
        return list(self._select("ending is null and seen = 0"))

    def wallets(self) -> set[str]:
        return {row[0] for row in self._db.execute("select distinct wallet from reclaim")}

    def kept_guards(self, genesis_hash: str) -> Iterator[list[KeptGuard]]:
        """The guards that no reclaim of the log may have closed, a hundred at a time."""
        after = ""
        query = (
            "select address, order_id, signature, wallet from guard where genesis_hash = ? and address > ?"
            " and address not in (select guard from closed) order by address limit ?"
        )
        while page := self._db.execute(query, (genesis_hash, after, GUARDS_A_CALL)).fetchall():
            yield [KeptGuard(address, UUID(order_id), *made_by) for address, order_id, *made_by in page]
            after = page[-1][0]

    def closed_guards(self, genesis_hash: str) -> Iterator[list[ClosedGuard]]:
        """The guards that reclaims have closed as recorded, a hundred at a time."""
        after = ""
        query = (
            "select guard, reclaim_id, version, slot from closed join reclaim using (signature)"
            " where closed.ending = 'landed' and genesis_hash = ? and guard > ? order by guard limit ?"
        )
        while page := self._db.execute(query, (genesis_hash, after, GUARDS_A_CALL)).fetchall():
            yield [ClosedGuard(guard, UUID(reclaim_id), *of_it) for guard, reclaim_id, *of_it in page]
            after = page[-1][0]

    def _select(self, where: str, *values: object) -> Iterator[RecordedReclaim]:
        for row in self._db.execute(f"select {', '.join(_COLUMNS)} from reclaim where {where}", values):  # noqa: S608
            values_of = dict(zip(_COLUMNS, row, strict=True))
            amounts = {name: int(values_of[name]) for name in ("lamports", "tokens", "fee_lamports")}
            yield RecordedReclaim(**{**values_of, **amounts, "reclaim_id": UUID(values_of["reclaim_id"])})


def _stored(value: object, name: str) -> object:
    # A u64 is more than SQLite's integers hold: amounts are text.
    return str(value) if name in ("reclaim_id", "lamports", "tokens", "fee_lamports") else value
