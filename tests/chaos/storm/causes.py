"""Which faults may be why an order failed: a failure that none of them explains is a wrong outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.codes import Code
from domain.events import OrderFailed
from tests.chaos.storm.monkey import Struck

# A fault is felt a while after it has ended: a retry waits up to 5 s, a killed PostgreSQL recovers.
FELT_FOR = timedelta(seconds=5)
# Something always strikes: only faults that filled this share of an order's life explain its end.
LEAST_SHARE = 1 / 3

_LIES = ("denies", "fails", "guardless", "ahead", "short", "over")
_ILL_NODE = {f"node {name}" for name in ("error", "http", "html", "half", "slow", "timeout", "genesis", *_LIES)}
_NODE_AWAY = {"kill node", "stop node", "kill everything"}
_NOT_LANDING = {f"node {name}" for name in ("drop", "delay", "stall", "fork", "blind", "behind", "stale", "purged")}
# The projector hands over what comes due.
_EXECUTING = ("worker", "projector", "tracker", "core", "engine")
_ROLES_AWAY = {f"{kind} {role}" for kind in ("kill", "stop") for role in _EXECUTING}
_SERVERS_AWAY = {
    f"{kind} {server}" for kind in ("kill", "stop", "restart", "empty") for server in ("postgres", "valkey")
}
# Of `WITH=adapters`: the services fail by themselves, and nobody may ask them while Valkey doesn't count.
_ILL_VENUE = {"venue unruly"} | _SERVERS_AWAY
_ANY = _ILL_NODE | _NODE_AWAY | _NOT_LANDING | _ROLES_AWAY | _SERVERS_AWAY

CAUSES: dict[str, set[str]] = {
    Code.CHAIN_UNAVAILABLE: _ILL_NODE | _NODE_AWAY,
    Code.VENUE_UNAVAILABLE: _ILL_NODE | _NODE_AWAY | _ILL_VENUE,
    Code.VENUE_RATE_LIMITED: _ILL_VENUE,
    Code.VENUE_ANSWER_INVALID: _ILL_VENUE,
    # Each start of a worker asks the node before anything is signed.
    Code.GUARD_UNPROVEN: _ILL_NODE | _NODE_AWAY | _SERVERS_AWAY | _ROLES_AWAY,
    Code.BLOCKHASH_NOT_FOUND: _ILL_NODE | _NOT_LANDING,
    Code.TRANSACTION_EXPIRED: _ILL_NODE | _NODE_AWAY | _NOT_LANDING | _ROLES_AWAY,
    # The market walks on while a fault keeps the order from it.
    Code.SLIPPAGE_EXCEEDED: _ANY,
    Code.DEADLINE_PASSED: _ANY,
}


def unexplained(failed: OrderFailed, begun: datetime, ended: datetime, struck: Sequence[Struck]) -> str | None:
    """Why nothing that struck between ``begun`` and ``ended`` explains the failure; None where something does."""
    causes = CAUSES.get(failed.code)
    if causes is None:
        return f"failed with {failed.code}, which no fault causes"
    felt = [(max(one.begun, begun), min(one.over + FELT_FOR, ended)) for one in struck if one.strike.name in causes]
    covered, upto = timedelta(), begun
    for start, end in sorted(felt):
        covered += max(end - max(start, upto), timedelta())
        upto = max(upto, end)
    if covered >= (ended - begun) * LEAST_SHARE:
        return None
    return f"failed with {failed.code}; what may cause it was felt {covered.total_seconds():.0f} s of its life"
