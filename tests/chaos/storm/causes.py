"""Which faults may be why an order failed: a failure that none of them explains is a wrong outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.codes import Code
from domain.events import OrderFailed
from tests.chaos.storm.monkey import Struck

# A fault is felt a while after it has ended: a retry waits up to 5 s, a killed PostgreSQL recovers.
FELT_FOR = timedelta(seconds=15)

_ILL_NODE = {f"node {name}" for name in ("error", "http", "html", "half", "slow", "timeout", "genesis")}
_NODE_AWAY = {"kill node", "stop node", "kill everything"}
_NOT_LANDING = {f"node {name}" for name in ("drop", "delay", "stall", "fork", "blind", "behind", "stale", "purged")}
_ROLES_AWAY = {f"{kind} {role}" for kind in ("kill", "stop") for role in ("worker", "tracker", "relay", "engine")}
_SERVERS_AWAY = {
    f"{kind} {server}" for kind in ("kill", "stop", "restart", "empty") for server in ("postgres", "valkey")
}
_ANY = _ILL_NODE | _NODE_AWAY | _NOT_LANDING | _ROLES_AWAY | _SERVERS_AWAY

CAUSES: dict[str, set[str]] = {
    Code.CHAIN_UNAVAILABLE: _ILL_NODE | _NODE_AWAY,
    Code.VENUE_UNAVAILABLE: _ILL_NODE | _NODE_AWAY,
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
    if any(one.strike.name in causes and one.begun <= ended and one.ended + FELT_FOR >= begun for one in struck):
        return None
    return f"failed with {failed.code}, and no fault that may cause it was active"
