"""Which guards reclaims of elsewhere have closed: the chain refuses a second success under them no more, this does."""

from __future__ import annotations

from uuid import UUID

from commands.foreign_reclaims import ForeignReclaims
from domain.trading_state import AccountTrading


class ClosedElsewhere:
    """As this process knows them. They are recorded while the log counts as put back and nothing is traded: what was
    read while an account trades holds for as long as its trading streams say the same.
    """

    def __init__(self, reclaims: ForeignReclaims) -> None:
        self._reclaims = reclaims
        self._known: dict[UUID, tuple[tuple[int, int | None], frozenset[str]]] = {}

    async def of(self, account_id: UUID, trading: AccountTrading) -> frozenset[str]:
        """The guards of an account that trades as ``trading`` says; none, for most."""
        versions = (trading.version, trading.log_version)
        known = self._known.get(account_id)
        if known is None or known[0] != versions:
            known = (versions, frozenset(await self._reclaims.closed(account_id)))
            self._known[account_id] = known
        return known[1]
