"""What the chain shows of orders that a log which was put back doesn't know: read once nothing can land any more.

Whatever the lost end of the log had signed was signed before anybody reads. So when the finalized height is past the
life of the newest blockhash of that moment, it has landed or never will.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from chains.errors import ChainUnavailableError
from chains.wallet_history import Tip
from commands.accounts import Accounts
from commands.foreign import ForeignTransactions
from commands.foreign_reclaims import ForeignReclaims
from domain.evidence import enough
from domain.log_behind import ForeignReclaimFound, ForeignTransactionFound, WalletHistoryRead
from workers.history.agreement import Agreement, Found, Shown, Stories, guards_in_question
from workers.history.reader import HistoryReader, Reading


@dataclass(slots=True)
class Outside:
    """What was executed and reclaimed outside of the log and was recorded now, as the endpoints of ``tips`` show it.

    ``disputed`` are sentences: what some show, and too few bear out. ``closed`` are orders that ended because their
    guard was closed, by what made it nobody shows. ``left`` are signatures of what isn't recorded; ``hidden`` are
    sentences: those of them that failed, who shows that, and which endpoints don't show it at all.
    """

    tips: Mapping[str, Tip]
    recorded: list[ForeignTransactionFound] = field(default_factory=list)
    reclaims: list[ForeignReclaimFound] = field(default_factory=list)
    disputed: list[str] = field(default_factory=list)
    closed: list[UUID] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)


class OutsideReader:
    """Reads for an account; where the log is behind, the stream of ``log_account`` says so."""

    def __init__(
        self,
        reader: HistoryReader,
        accounts: Accounts,
        foreign: ForeignTransactions,
        reclaims: ForeignReclaims,
        account_id: UUID,
        log_account: UUID | None = None,
    ) -> None:
        self._reader = reader
        self._accounts = accounts
        self._foreign = foreign
        self._reclaims = reclaims
        self._account_id = account_id
        self._log_account = log_account or account_id

    async def record(self, wallet: str, into: Outside) -> None:
        """Read the wallet's whole history, and record what the log lacks of it and the endpoints agree on.

        Raises ``ChainUnavailableError`` where too few endpoints answer.
        """
        reading = await self._read(into.tips)
        agreed = await self._agreement(reading, into.tips)
        stored = await self._foreign.record(self._account_id, agreed.found)
        await self._foreign.settle(self._account_id)
        reclaims = await self._reclaims.record(self._account_id, agreed.reclaims)
        into.recorded += stored
        into.reclaims += reclaims
        into.disputed += agreed.disputed
        if not agreed.disputed:
            await self._read_to_the_end(wallet, reading, into.tips, stored, reclaims)

    async def record_failures(self, into: Outside) -> None:
        """Record what failed outside of a log that isn't behind: it moved nothing but its fee, and decides nothing.

        A success that the log doesn't know is left to the comparison, which halts for it, as is a failure that too few
        endpoints show. Raises ``ChainUnavailableError`` where too few endpoints answer.
        """
        reading = await self._read(into.tips)
        failed, reclaims = _failed(reading.found), _failed(reading.reclaims)
        agreed = Stories(failed, reclaims, self._reader.configured, {}, frozenset()).agreement()
        into.recorded += await self._foreign.record(self._account_id, agreed.found)
        into.reclaims += await self._reclaims.record(self._account_id, agreed.reclaims)
        recorded = {one.signature for one in agreed.found} | {one.signature for one in agreed.reclaims}
        left = (reading.found.keys() | reading.reclaims.keys()) - recorded
        into.left += sorted(left)
        for signature, shown_by in [*_shown_by(failed), *_shown_by(reclaims)]:
            if signature in left and (hides := sorted(set(reading.read) - shown_by)):
                shows = " and ".join(sorted(shown_by))
                into.hidden[signature] = f"{shows} shows that {signature} failed, {' and '.join(hides)} shows nothing"

    async def _read(self, tips: Mapping[str, Tip]) -> Reading:
        """The wallet's whole history, failures included."""
        reading = await self._reader.read("finalized", tips, failures=True)
        if not enough(len(reading.read), self._reader.configured):
            few = "; too few endpoints show the wallet's transactions: put others in the place of those that don't"
            raise ChainUnavailableError("; ".join(reading.problems) + few)
        return reading

    async def _agreement(self, reading: Reading, tips: Mapping[str, Tip]) -> Agreement:
        asked = {name: tips[name] for name in reading.read}
        guards = guards_in_question(reading.found, reading.reclaims)
        there = await self._reader.guards_there(sorted(guards), asked) if guards else {}
        configured = self._reader.configured
        orders = {one.order_id for shown in reading.found.values() for one in shown.values()}
        own = await self._foreign.own_makers(self._account_id, orders, reading.succeeded)
        closed = frozenset(await self._reclaims.closed(self._account_id))
        stories = Stories(reading.found, reading.reclaims, configured, there, frozenset(asked), own, closed)
        return stories.agreement()

    async def _read_to_the_end(
        self,
        wallet: str,
        reading: Reading,
        tips: Mapping[str, Tip],
        stored: list[ForeignTransactionFound],
        reclaims: list[ForeignReclaimFound],
    ) -> None:
        behind = await self._accounts.unrecovered(self._log_account)
        assert behind is not None  # noqa: S101 - asked for a log that is behind
        if not (stored or reclaims) and await self._accounts.history_read(self._log_account):
            return
        read = WalletHistoryRead(
            epoch=behind.epoch,
            wallet=wallet,
            height=min(tips[name].height for name in reading.read),
            endpoints=tuple(sorted(reading.read)),
            executed=sum(not one.failed for one in stored),
        )
        await self._accounts.record_history_read(self._log_account, read)


def _failed(shown: Shown[Found]) -> Shown[Found]:
    """Those that nobody shows as a success."""
    return {signature: said for signature, said in shown.items() if all(one.failed for one in said.values())}


def _shown_by(shown: Shown[Found]) -> list[tuple[str, set[str]]]:
    """Each signature, with the names of the endpoints that show it."""
    return [(signature, set(said)) for signature, said in shown.items()]
