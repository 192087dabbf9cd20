"""The chain against the log, for rents: every reclaim is what was recorded of it, and no guard went without one."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import UUID

from chains.guard import MINT
from chains.wallet_history import Listed, Movement, WalletHistory
from domain.reclaim_events import ReclaimBuilt
from domain.tokens import SOL
from event_store.hash_chain.verification import Finding, Verdict
from event_store.mapper import UNREADABLE, EventMapper
from event_store.read.log import Log
from verification.reclaims import KeptGuard, RecordedReclaim, RecordedReclaims
from verification.report import RECONCILE, RECORD, Report

AGAIN = "Verify again when the node can show it."
WAIT = "Nothing: verify again in a minute."
FEES = "network fees, in lamports"
RENT = "rent in guards, in lamports"
TIPS = "tips to landers, in lamports"


class ReclaimCheck:
    """``on_chain`` and ``in_log`` are the sums that the whole verification compares; ``log`` is the log as of now."""

    def __init__(
        self,
        history: WalletHistory,
        log: Log,
        mapper: EventMapper,
        reclaims: RecordedReclaims,
        report: Report,
        on_chain: Counter[str],
        in_log: Counter[str],
    ) -> None:
        self._history = history
        self._log = log
        self._mapper = mapper
        self._reclaims = reclaims
        self._report = report
        self._on_chain = on_chain
        self._in_log = in_log
        self._since: dict[UUID, ReclaimBuilt] = {}
        self._read_to = report.looked_at["position"]
        self._reading = asyncio.Lock()

    def concerns(self, listed: Listed) -> bool:
        """Whether a transaction of the wallet is a reclaim, or says so."""
        return listed.reclaim is not None or self._reclaims.find(listed.signature) is not None

    async def look(self, wallet: str, listed: Listed) -> None:
        """Compare one with what was recorded of it. Raises ``ChainUnavailableError`` where it can't be read."""
        recorded = self._reclaims.find(listed.signature)
        self._reclaims.saw(listed.signature)
        movement = await self._history.movement(listed.signature, wallet)
        if movement is None:
            what = f"the node lists {listed.signature} in slot {listed.slot}, and does not show it"
            return self._say("unchecked", what, AGAIN, recorded)
        self._report.looked_at["reclaims"] += 1
        if recorded is not None:
            return self._compare(recorded, movement)
        if movement.signed and movement.reclaim is not None:
            await self._unknown(listed.signature, movement, movement.reclaim)
        return None

    async def look_for_unseen(self, genesis_hash: str) -> None:
        """What the log says is on the chain, and guards that it says are there, or were closed."""
        for recorded in self._reclaims.unseen(genesis_hash):
            movement = await self._history.movement(recorded.signature, recorded.wallet)
            if movement is None:
                what = f"recorded as {recorded.ending} in slot {recorded.slot}; the node does not show it"
                self._say("unchecked", what, "Verify against an archive node.", recorded)
            else:
                self._compare(recorded, movement)
        for recorded in self._reclaims.live_unseen():
            self._say("pending", "it is not on the chain, and may still land", WAIT, recorded)
        for page in self._reclaims.kept_guards(genesis_hash):
            self._report.looked_at["guards"] += len(page)
            there = await self._history.guards_there([kept.guard for kept in page], commitment="confirmed")
            for kept in page:
                if kept.guard not in there:
                    await self._gone(kept)
        tip = await self._history.tip("finalized")
        for closed in self._reclaims.closed_guards(genesis_hash):
            self._report.looked_at["guards"] += len(closed)
            there = await self._history.guards_there([one.guard for one in closed], tip.slot)
            for one in closed:
                # A node that is behind shows what was not closed yet.
                if one.guard in there and (one.slot or 0) <= tip.slot:
                    what = f"reclaim: recorded as landed, and its guard {one.guard} is on the chain"
                    self._report.add(Finding("chain", "differs", what, RECONCILE, one.reclaim_id, one.version))

    def _compare(self, recorded: RecordedReclaim, movement: Movement) -> None:
        how = "failed" if movement.failed else "succeeded"
        if recorded.ending is None:
            return self._say("pending", f"it {how} on the chain, which the log doesn't say yet", WAIT, recorded)
        self._on_chain.update(_moved(movement))
        self._in_log.update(_recorded(recorded))
        wanted = {"landed": "succeeded", "failed": "failed"}.get(recorded.ending, "never landed")
        if how != wanted:
            what = f"recorded as {recorded.ending}, and it {how} in slot {movement.slot}"
            return self._say("differs", what, RECONCILE, recorded)
        came_back = {mint: amount for mint, amount in _came_back(recorded).items() if amount}
        differing = [
            f"{name}: recorded {ours}, on the chain {theirs}"
            for name, ours, theirs in (
                ("what came back", came_back, movement.gained),
                ("fee", recorded.fee_lamports, movement.fee_lamports),
                ("slot", recorded.slot or movement.slot, movement.slot),
                ("memo", recorded.reclaim_id, movement.reclaim),
            )
            if ours != theirs
        ]
        if differing:
            self._say("differs", "; ".join(differing), RECONCILE, recorded)
        return None

    async def _unknown(self, signature: str, movement: Movement, reclaim_id: UUID) -> None:
        """A reclaim that the log, as it was read, doesn't have."""
        built = (await self._built_since()).get(reclaim_id)
        if built is not None and built.signature == signature:
            what = f"reclaim {reclaim_id} was signed after the log was read"
            return self._report.add(Finding("chain", "pending", what, WAIT, reclaim_id))
        how = "failed" if movement.failed else "succeeded"
        self._on_chain.update(_moved(movement))
        what = f"a reclaim, {signature}, {how} in slot {movement.slot}, signed by the wallet, and unknown to the log"
        remedy = self._report.remedy_of_unknown(RECORD if movement.failed else RECONCILE)
        return self._report.add(Finding("chain", "differs", what, remedy, reclaim_id))

    async def _gone(self, kept: KeptGuard) -> None:
        guard, order_id = kept.guard, kept.order_id
        if await self._history.movement(kept.signature, kept.wallet) is None:
            return None  # The node shows not even what made it, which the check of the attempts says.
        since = (await self._built_since()).values()
        if any(closing.guard == guard for built in since for closing in built.guards):
            what = f"its guard {guard} was closed after the log was read"
            return self._report.add(Finding("chain", "pending", what, WAIT, order_id))
        what = f"its guard {guard} is not on the chain, and no reclaim of the log has closed it"
        return self._report.add(Finding("chain", "differs", what, self._report.remedy_of_unknown(), order_id))

    async def _built_since(self) -> dict[UUID, ReclaimBuilt]:
        """Reclaims recorded after the log was read, up to now: the chain shows none before it is recorded.

        Those who look side by side wait for one another: none may find a part of what there is.
        """
        async with self._reading:
            while events := await self._log.read(self._read_to):
                for recorded in events:
                    if recorded.topic == ReclaimBuilt.TOPIC and (built := self._load(recorded.topic, recorded.state)):
                        self._since[recorded.stream_id] = built
                self._read_to = events[-1].position
        return self._since

    def _load(self, topic: str, state: bytes) -> ReclaimBuilt | None:
        try:
            event = self._mapper.load(topic, state)
        except UNREADABLE:
            return None  # the log's own check names it
        return event if isinstance(event, ReclaimBuilt) else None

    def _say(self, verdict: Verdict, what: str, remedy: str, recorded: RecordedReclaim | None) -> None:
        if recorded is None:
            return self._report.add(Finding("chain", verdict, what, remedy))
        text = f"reclaim: {what}"
        return self._report.add(Finding("chain", verdict, text, remedy, recorded.reclaim_id, recorded.version))


def _came_back(recorded: RecordedReclaim) -> dict[str, int]:
    return {SOL.mint: recorded.lamports, str(MINT): recorded.tokens}


def _moved(movement: Movement) -> Counter[str]:
    gained = dict(movement.gained)
    return Counter({FEES: movement.fee_lamports, RENT: -gained.pop(SOL.mint, 0), **gained})


def _recorded(recorded: RecordedReclaim) -> Counter[str]:
    return Counter({FEES: recorded.fee_lamports, RENT: -recorded.lamports, str(MINT): recorded.tokens})
