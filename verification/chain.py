"""The chain against the log: every transaction that carries our memo is what was recorded of it, and the reverse.

The log was read first. What the chain shows beyond it is asked of the log as it is now before it counts for anything.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from itertools import repeat

import psycopg
import psycopg_pool

from chains.errors import ChainUnavailableError, UnansweredError
from chains.wallet_history import Listed, Movement, WalletHistory
from chains.wallet_messages import Memo
from domain import events as e
from domain.log_behind import ForeignTransactionFound
from event_store.hash_chain.verification import Finding, Verdict
from event_store.mapper import UNREADABLE, EventMapper
from event_store.read.log import Log
from verification.attempts import Attempt, Attempts
from verification.reclaim_check import FEES, RENT, TIPS, ReclaimCheck
from verification.reclaims import RecordedReclaims
from verification.report import RECONCILE, RECORD, Report, Track

AGAIN = "Verify again when the node can show it."
WAIT = "Nothing: verify again when the order has ended."


class ChainCheck:
    """Compares one node's view of the wallets with ``attempts``; ``log`` is the log as of now."""

    def __init__(
        self,
        history: WalletHistory,
        log: Log,
        mapper: EventMapper,
        attempts: Attempts,
        reclaims: RecordedReclaims,
        report: Report,
        track: Track,
    ) -> None:
        self._history = history
        self._log = log
        self._mapper = mapper
        self._attempts = attempts
        self._report = report
        # Tasks side by side come to an end in any order: each takes a step of its own.
        self._steps = iter(track(repeat(None), None, "transactions"))
        self._on_chain: Counter[str] = Counter()
        self._in_log: Counter[str] = Counter()
        self._rents = ReclaimCheck(history, log, mapper, reclaims, report, self._on_chain, self._in_log)

    async def run(self, wallets: Iterable[str]) -> None:
        try:
            genesis_hash = await self._history.genesis_hash()
            for wallet in sorted(wallets):
                await self._read(wallet)
            await self._look_for_unseen(genesis_hash)
            await self._rents.look_for_unseen(genesis_hash)
        except ChainUnavailableError as error:
            what = f"the node cannot be read to the end: {error}"
            self._report.add(Finding("chain", "unchecked", what, "Verify again when the node answers."))
            return
        for other, number in self._attempts.on_other_chains(genesis_hash).items():
            what = f"{number} attempts were signed for the chain with genesis {other}; the node serves {genesis_hash}"
            remedy = "Set SOLANA_RPC_URL to a node of that chain, or DATABASE_URL to this chain's log."
            self._report.add(Finding("chain", "unchecked", what, remedy))
        for order_id, number in self._attempts.succeeded_twice():
            what = f"{number} of the order's transactions succeeded"
            self._report.add(Finding("chain", "differs", what, RECONCILE, order_id))
        self._name_live()
        self._compare_totals()

    async def _read(self, wallet: str) -> None:
        async for page in self._history.pages(wallet):
            await asyncio.gather(*(self._look(wallet, listed) for listed in page))

    async def _look(self, wallet: str, listed: Listed) -> None:
        recorded = self._attempts.find(listed.signature)
        if recorded is None and self._rents.concerns(listed):
            await self._look_at_reclaim(wallet, listed)
            return
        if recorded is None and listed.memo is None:
            return
        self._attempts.saw(listed.signature)
        try:
            movement = await self._history.movement(listed.signature, wallet)
        except ChainUnavailableError as error:
            self._say("unchecked", f"{listed.signature} cannot be read: {error}", AGAIN, recorded)
            return
        if movement is None:
            what = f"the node lists {listed.signature} in slot {listed.slot}, and does not show it"
            self._say("unchecked", what, AGAIN, recorded)
            return
        self._count()
        if recorded is not None:
            self._compare(recorded, movement)
        elif foreign := self._attempts.foreign.get(listed.signature):
            self._compare_foreign(foreign, movement)
        elif movement.signed and movement.memo is not None:
            # Without the wallet's signature the memo is a stranger's word.
            await self._unknown(listed.signature, movement, movement.memo)

    async def _look_at_reclaim(self, wallet: str, listed: Listed) -> None:
        try:
            await self._rents.look(wallet, listed)
        except ChainUnavailableError as error:
            self._say("unchecked", f"{listed.signature} cannot be read: {error}", AGAIN, None)

    def _compare(self, recorded: Attempt, movement: Movement) -> None:
        if not movement.failed:
            self._attempts.succeeded(recorded.order_id, recorded.signature)
        how = "failed" if movement.failed else "succeeded"
        if recorded.ending is None:
            return self._undecided(recorded, f"its transaction {how} on the chain, which the log doesn't say yet")
        self._on_chain.update(_moved(movement))
        self._in_log.update(_recorded(recorded))
        wanted = {"confirmed": "succeeded", "cancelled": "succeeded", "rejected": "failed"}.get(
            recorded.ending, "never landed"
        )
        if how != wanted:
            what = f"recorded as {recorded.ending}, and its transaction {how} in slot {movement.slot}"
            return self._say("differs", what, RECONCILE, recorded)
        differing = [
            f"{name}: recorded {ours}, on the chain {theirs}"
            for name, ours, theirs in (
                ("amounts", recorded.gained, movement.gained),
                ("fee", recorded.fee_lamports, movement.fee_lamports),
                ("slot", recorded.slot, movement.slot),
                ("guard", recorded.guard, movement.guard),
                ("guard rent", recorded.guard_lamports or 0, movement.guard_lamports),
                ("tip", recorded.tip_lamports or 0, movement.tip_lamports),
                ("memo", Memo(recorded.order_id, recorded.number, recorded.purpose), movement.memo),
            )
            if ours != theirs
        ]
        if differing:
            self._say("differs", "; ".join(differing), RECONCILE, recorded)
        return None

    def _compare_foreign(self, foreign: ForeignTransactionFound, movement: Movement) -> None:
        """What `surefill recover` has recorded of a transaction that this log did not sign."""
        if not movement.failed:
            self._attempts.succeeded(foreign.order_id, foreign.signature)
        recorded = _recorded_foreign(foreign)
        self._on_chain.update(_moved(movement))
        self._in_log.update(recorded)
        same = (foreign.failed, foreign.slot) == (movement.failed, movement.slot) and recorded == _moved(movement)
        if not same:
            what = f"attempt {foreign.attempt}: {foreign.signature}, signed outside of the log, isn't what was recorded"
            self._report.add(Finding("chain", "differs", what, RECONCILE, stream_id=foreign.order_id))

    async def _unknown(self, signature: str, movement: Movement, memo: Memo) -> None:
        """A transaction of ours that the log, as it was read, doesn't have."""
        try:
            known = await self._built_since(signature, memo)
        except (psycopg.Error, psycopg_pool.PoolTimeout) as error:
            what = (
                f"attempt {memo.attempt}: {signature} is newer than what was read of the log, which is unreachable now"
            )
            remedy = f"Verify again when PostgreSQL answers ({type(error).__name__})."
            return self._report.add(Finding("chain", "unchecked", what, remedy, stream_id=memo.order_id))
        if known:
            what = f"attempt {memo.attempt} was signed after the log was read"
            return self._report.add(Finding("chain", "pending", what, WAIT, stream_id=memo.order_id))
        how = "failed" if movement.failed else "succeeded"
        if not movement.failed:
            self._attempts.succeeded(memo.order_id, signature)
        if self._attempts.is_unreadable(memo.order_id):
            what = f"attempt {memo.attempt}: {signature} {how}; the order's events cannot all be read"
            return self._report.add(
                Finding("chain", "unchecked", what, "Mend what the log's own check says.", stream_id=memo.order_id)
            )
        self._on_chain.update(_moved(movement))
        what = f"attempt {memo.attempt}: {signature} {how} in slot {movement.slot}, signed by the wallet, and unknown"
        remedy = self._report.remedy_of_unknown(RECORD if movement.failed else RECONCILE)
        return self._report.add(Finding("chain", "differs", f"{what} to the log", remedy, stream_id=memo.order_id))

    async def _built_since(self, signature: str, memo: Memo) -> bool:
        for recorded in await self._log.load(memo.order_id):
            if recorded.topic != e.TransactionBuilt.TOPIC:
                continue
            try:
                built = self._mapper.load(recorded.topic, recorded.state)
            except UNREADABLE:
                continue  # the log's own check names it
            if isinstance(built, e.TransactionBuilt) and built.signature == signature:
                return True
        return False

    async def _look_for_unseen(self, genesis_hash: str) -> None:
        first: int | None = None
        for recorded in self._attempts.unseen(genesis_hash):
            first = await self._history.first_available_slot() if first is None else first
            movement = await self._history.movement(recorded.signature, recorded.wallet)
            if movement is not None:
                self._count()
                self._attempts.saw(recorded.signature)
                self._compare(recorded, movement)
                continue
            said = f"recorded as {recorded.ending} in slot {recorded.slot or 0}"
            verdict, what, remedy = await self._look_in_block(recorded.slot or 0, recorded.signature, first)
            if verdict == "differs":
                self._in_log.update(_recorded(recorded))
            self._say(verdict, f"{said}; {what}", remedy, recorded)
        for foreign in self._attempts.unseen_foreign(genesis_hash):
            first = await self._history.first_available_slot() if first is None else first
            movement = await self._history.movement(foreign.signature, foreign.wallet)
            if movement is not None:
                self._count()
                self._compare_foreign(foreign, movement)
                continue
            said = f"attempt {foreign.attempt}: {foreign.signature}, recorded as signed outside of the log"
            verdict, what, remedy = await self._look_in_block(foreign.slot, foreign.signature, first)
            if verdict == "differs":
                self._in_log.update(_recorded_foreign(foreign))
            self._report.add(
                Finding("chain", verdict, f"{said}, in slot {foreign.slot}; {what}", remedy, foreign.order_id)
            )

    async def _look_in_block(self, slot: int, signature: str, first: int) -> tuple[Verdict, str, str]:
        """A null answer proves nothing; the block where it was recorded does."""
        if slot < first:
            return "unchecked", f"the node's history begins at slot {first}", "Verify against an archive node."
        try:
            holds = await self._history.block_holds(slot, signature)
        except UnansweredError:
            raise
        except ChainUnavailableError as unreadable:
            return "unchecked", f"the node shows neither the transaction nor the block: {unreadable}", AGAIN
        if holds:
            return "unchecked", "it is in the block, and the node does not show it", AGAIN
        return "differs", "the block of that slot does not hold it", RECONCILE

    def _count(self) -> None:
        self._report.looked_at["transactions"] += 1
        next(self._steps, None)

    def _name_live(self) -> None:
        for recorded in self._attempts.live_unseen():
            self._undecided(recorded, "its transaction is not on the chain, and may still land")

    def _undecided(self, recorded: Attempt, what: str) -> None:
        if self._attempts.is_unreadable(recorded.order_id):
            what = f"{what}; the order's events cannot all be read"
            return self._say("unchecked", what, "Mend what the log's own check says.", recorded)
        return self._say("pending", what, WAIT, recorded)

    def _compare_totals(self) -> None:
        for what in sorted(self._on_chain.keys() | self._in_log.keys()):
            moved, confirmed = self._on_chain[what], self._in_log[what]
            if moved != confirmed:
                text = f"{what}: the transactions moved {moved:+}, the log confirms {confirmed:+}"
                self._report.add(Finding("chain", "differs", text, self._report.remedy_of_unknown()))

    def _say(self, verdict: Verdict, what: str, remedy: str, recorded: Attempt | None) -> None:
        if recorded is None:
            return self._report.add(Finding("chain", verdict, what, remedy))
        text = f"attempt {recorded.number}: {what}"
        return self._report.add(Finding("chain", verdict, text, remedy, recorded.order_id, recorded.version))


def _moved(movement: Movement) -> Counter[str]:
    costs = {FEES: movement.fee_lamports, RENT: movement.guard_lamports, TIPS: movement.tip_lamports}
    return Counter({**movement.gained, **costs})


def _recorded_foreign(foreign: ForeignTransactionFound) -> Counter[str]:
    gained = {**{mint: -amount for mint, amount in foreign.paid.items()}, **foreign.received}
    costs = {FEES: foreign.fee_lamports, RENT: foreign.guard_rent_lamports, TIPS: foreign.tip_lamports}
    return Counter({**gained, **costs})


def _recorded(attempt: Attempt) -> Counter[str]:
    recorded = {FEES: attempt.fee_lamports, RENT: attempt.guard_lamports, TIPS: attempt.tip_lamports}
    return Counter({**attempt.gained, **{name: lamports or 0 for name, lamports in recorded.items()}})
