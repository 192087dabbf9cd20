"""What the endpoints show of the wallet's transactions that the log doesn't know.

An endpoint is asked for how far it has come first, and then for the transactions as of that slot or later. The log is
asked after the chain: whatever this log's engine signs is in the log before it is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chains.errors import ChainUnavailableError, UnansweredError
from chains.wallet_history import Listed, Movement, Tip, WalletHistory
from commands.foreign import ForeignTransactions
from commands.foreign_reclaims import ForeignReclaims
from domain.evidence import Commitment
from domain.log_behind import ForeignReclaimFound, ForeignTransactionFound
from workers.history.agreement import Shown

# The main endpoint's list may be as long as it is. Another one that takes longer is as good as none: everybody waits.
OTHERS_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest finalized transaction that was compared with the log: everything before it was, too."""

    signature: str
    slot: int


@dataclass(slots=True)
class Reading:
    """What came of asking each endpoint; those in ``marks`` and ``read``, by name, were read to the end.

    ``found`` are successes that made an order's guard, ``reclaims`` those that closed guards; and failures of either,
    where they were asked for: as each endpoint shows them. ``succeeded`` are the signatures of every success with an
    order's memo, where failures were asked for.
    """

    found: Shown[ForeignTransactionFound] = field(default_factory=dict)
    reclaims: Shown[ForeignReclaimFound] = field(default_factory=dict)
    succeeded: set[str] = field(default_factory=set)
    marks: dict[str, Mark] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class HistoryReader:
    """Reads at each of ``histories``, the main endpoint first, which are to serve the chain of ``genesis_hash``."""

    def __init__(
        self,
        histories: Sequence[WalletHistory],
        foreign: ForeignTransactions,
        reclaims: ForeignReclaims,
        *,
        account_id: UUID,
        wallet: str,
        genesis_hash: str,
    ) -> None:
        self._histories = histories
        self._foreign = foreign
        self._reclaims = reclaims
        self._account_id = account_id
        self._wallet = wallet
        self._genesis_hash = genesis_hash

    @property
    def main(self) -> str:
        return self._histories[0].name

    @property
    def configured(self) -> int:
        return len(self._histories)

    async def tips(self, commitment: Commitment, *, patience: float) -> dict[str, Tip]:
        """How far each endpoint has come that answers and serves the chain, by its name; the others than the main one
        within ``patience`` seconds.
        """
        main, *others = self._histories
        tips = await asyncio.gather(
            self._tip(main, commitment, None), *(self._tip(history, commitment, patience) for history in others)
        )
        return {history.name: tip for history, tip in zip(self._histories, tips, strict=True) if tip}

    async def _tip(self, history: WalletHistory, commitment: Commitment, patience: float | None) -> Tip | None:
        try:
            async with asyncio.timeout(patience):
                if await history.genesis_hash() != self._genesis_hash:
                    return None
                return await history.tip(commitment)
        except (ChainUnavailableError, TimeoutError):
            return None

    async def guards_there(self, guards: Sequence[str], tips: Mapping[str, Tip]) -> dict[str, frozenset[str]]:
        """Those of ``guards`` that any endpoint of ``tips`` shows, finalized, each with the names of those that do.

        Raises ``ChainUnavailableError`` where one doesn't answer.
        """
        asked = [history for history in self._histories if history.name in tips]
        found = await asyncio.gather(*(one.guards_there(guards, tips[one.name].slot) for one in asked))
        shown = {one.name: guards for one, guards in zip(asked, found, strict=True)}
        return {
            guard: frozenset(name for name, guards in shown.items() if guard in guards) for guard in set().union(*found)
        }

    async def read(
        self,
        commitment: Commitment,
        tips: Mapping[str, Tip],
        marks: Mapping[str, Mark] | None = None,
        *,
        failures: bool = False,
    ) -> Reading:
        """Ask each endpoint of ``tips`` for what is newer than its mark; what one doesn't answer is a problem of it."""
        reading = Reading()
        histories = [history for history in self._histories if history.name in tips]
        await asyncio.gather(
            *(
                self._read_at(
                    history, commitment, tips[history.name], (marks or {}).get(history.name), failures, reading
                )
                for history in histories
            )
        )
        return reading

    async def _read_at(
        self, history: WalletHistory, commitment: Commitment, tip: Tip, mark: Mark | None, failures: bool, into: Reading
    ) -> None:
        try:
            async with asyncio.timeout(None if history.name == self.main else OTHERS_PATIENCE_S) as patience:
                newest = await self._read_pages(history, commitment, tip, mark, failures, into)
        except ChainUnavailableError as error:
            into.problems.append(str(error))
            return
        except TimeoutError:
            if not patience.expired():
                raise
            said = f"the list of the wallet's transactions has no end after {OTHERS_PATIENCE_S:g} s"
            into.problems.append(str(UnansweredError(history.name, said)))
            return
        into.read.append(history.name)
        if newest:
            into.marks[history.name] = newest

    async def _read_pages(
        self, history: WalletHistory, commitment: Commitment, tip: Tip, mark: Mark | None, failures: bool, into: Reading
    ) -> Mark | None:
        """Where the next reading may begin."""
        newest = mark
        until = mark.signature if mark else None
        async for page in history.pages(self._wallet, commitment, until=until, at_slot=tip.slot):
            if newest == mark:
                newest = next((Mark(one.signature, one.slot) for one in page if one.finalized), mark)
            listed = [one for one in page if failures or not one.failed]
            for found in await self._compare(history, commitment, listed):
                into.found.setdefault(found.signature, {})[history.name] = found
            if failures:
                into.succeeded.update(one.signature for one in listed if one.memo and not one.failed)
            for reclaim in await self._compare_reclaims(history, commitment, listed):
                into.reclaims.setdefault(reclaim.signature, {})[history.name] = reclaim
            # An endpoint that doesn't know the mark's transaction shows what is older, too.
            if mark and page[-1].slot < mark.slot:
                break
        return newest

    async def _compare(
        self, history: WalletHistory, commitment: Commitment, listed: Sequence[Listed]
    ) -> list[ForeignTransactionFound]:
        named = {one.signature: one.memo.order_id for one in listed if one.memo}
        unknown = await self._foreign.unknown(self._account_id, named)
        movements = await self._movements(history, commitment, unknown)
        return [one for signature, movement in movements.items() if (one := self._of(signature, movement))]

    async def _compare_reclaims(
        self, history: WalletHistory, commitment: Commitment, listed: Sequence[Listed]
    ) -> list[ForeignReclaimFound]:
        named = {one.signature: one.reclaim for one in listed if one.reclaim}
        unknown = await self._reclaims.unknown(self._account_id, named)
        movements = await self._movements(history, commitment, unknown)
        return [one for signature, movement in movements.items() if (one := self._reclaim_of(signature, movement))]

    async def _movements(
        self, history: WalletHistory, commitment: Commitment, signatures: Collection[str]
    ) -> dict[str, Movement]:
        asked = [history.movement(signature, self._wallet, commitment) for signature in signatures]
        movements = dict(zip(signatures, await asyncio.gather(*asked), strict=True))
        for signature, movement in movements.items():
            if movement is None:
                raise UnansweredError(history.name, f"it lists {signature}, and does not show it")
        return {signature: movement for signature, movement in movements.items() if movement}

    def _of(self, signature: str, movement: Movement) -> ForeignTransactionFound | None:
        """None where it is none: a memo without the wallet's signature, or a success that made no guard."""
        memo, made_guard = movement.memo, movement.guard is not None and movement.guard_lamports > 0
        if memo is None or not movement.signed or not (movement.failed or made_guard):
            return None
        return ForeignTransactionFound(
            order_id=memo.order_id,
            attempt=memo.attempt,
            purpose=memo.purpose,
            signature=signature,
            slot=movement.slot,
            wallet=self._wallet,
            genesis_hash=self._genesis_hash,
            failed=movement.failed,
            paid={mint: -amount for mint, amount in movement.gained.items() if amount < 0},
            received={mint: amount for mint, amount in movement.gained.items() if amount > 0},
            fee_lamports=movement.fee_lamports,
            guard=movement.guard,
            guard_rent_lamports=max(0, movement.guard_lamports),
            tip_lamports=movement.tip_lamports,
        )

    def _reclaim_of(self, signature: str, movement: Movement) -> ForeignReclaimFound | None:
        """None where it is none: a memo without the wallet's signature."""
        if movement.reclaim is None or not movement.signed:
            return None
        return ForeignReclaimFound(
            reclaim_id=movement.reclaim,
            signature=signature,
            slot=movement.slot,
            wallet=self._wallet,
            genesis_hash=self._genesis_hash,
            failed=movement.failed,
            guards=() if movement.failed else movement.closed,
            received={mint: amount for mint, amount in movement.gained.items() if amount > 0},
            fee_lamports=movement.fee_lamports,
        )
