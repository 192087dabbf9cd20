"""What an operator who recovers a log is told of its dead-man's switches."""

from __future__ import annotations

from collections.abc import Sequence

from commands.recovery import OpenOrder
from projections.order_view import instant
from runtime.composition import Store


async def set_switches(store: Store, orders: Sequence[OpenOrder]) -> list[str]:
    """A line for each switch that is set in the log, of the accounts of those open orders."""
    switches = await store.deadman.of_all({one.loaded.account_id for one in orders if one.loaded})
    return [
        f"a dead-man's switch of account {account_id} is set for {instant(switch.cancel_at)}: once that has come and "
        "trading is resumed it cancels what the account has open, kept or not"
        for account_id, switch in switches.items()
        if switch.cancel_at and switch.state in ("armed", "firing")
    ]
