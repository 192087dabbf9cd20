"""What a storm comes to: the verdict, the figures, and the seed that repeats it."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from rich.console import Console
from rich.table import Table

from bench.percentiles import percentile
from domain.codes import Code
from domain.events import OrderConfirmed, OrderFailed
from domain.order import Order
from tests.chaos.storm.clients import Clients
from tests.chaos.storm.monkey import Monkey
from tests.chaos.storm.outside import Recorded
from tests.chaos.storm.verdict import Histories, order_of

LEAST_CONFIRMED_PERCENT = 90
EXAMPLES = 8


async def show_progress(console: Console, minutes: float, monkey: Monkey, clients: Clients) -> None:
    """A line every half minute, until cancelled."""
    for elapsed in range(30, int(minutes * 60) + 600, 30):
        await asyncio.sleep(30)
        accepted = sum(bool(one.answers) for one in clients.placed.values())
        closed = sum(one.closed for one in clients.placed.values())
        console.print(f"{elapsed:4d} s: {accepted} orders accepted, {closed} ended, {len(monkey.done)} faults over")


def show(
    console: Console,
    checks: Mapping[str, list[str]],
    histories: Histories,
    monkey: Monkey,
    clients: Clients,
    asked: object,
) -> bool:
    """Whether every promise was kept."""
    orders = {order_id: order_of(history) for order_id, history in histories.items()}
    market = [order for order in orders.values() if order.type == "market" and not is_cancelled(order)]
    confirmed = sum(order.status == "confirmed" for order in market)
    enough = confirmed * 100 >= LEAST_CONFIRMED_PERCENT * len(market)
    _figures(console, orders, histories, monkey, clients)
    console.print(f"market orders confirmed: {confirmed} of {len(market)}{'' if enough else ', too few'}")
    for name, wrong in checks.items():
        console.print(f"{len(wrong):5d}  {name}", style="bold red" if wrong else "green")
        for one in wrong[:EXAMPLES]:
            console.print(f"       {one}", soft_wrap=True, markup=False)
    sound = enough and not any(checks.values())
    console.print(f"{'every promise kept' if sound else 'BROKEN'}; repeated by {asked}", style="bold")
    return sound


def is_cancelled(order: Order) -> bool:
    """Whether somebody asked for its cancel; a deadline that did counts as a failure."""
    return order.cancellation is not None and order.cancellation.code == Code.CANCELLED


def _figures(
    console: Console, orders: Mapping[UUID, Order], histories: Histories, monkey: Monkey, clients: Clients
) -> None:
    recoveries = _recoveries(histories, monkey)
    table = Table("fault", "times", "recovery, s", box=None)
    for name, times in sorted(Counter(one.strike.name for one in monkey.done).items()):
        table.add_row(name, str(times), ", ".join(f"{one:.1f}" for one in sorted(recoveries[name])))
    console.print(table)
    statuses = Counter(f"{order.type} {order.status}" for order in orders.values())
    console.print(f"{len(orders)} orders: " + ", ".join(f"{count} {name}" for name, count in sorted(statuses.items())))
    failures = Counter(
        one.event.code for history in histories.values() for one in history if isinstance(one.event, OrderFailed)
    )
    attempts = Counter(len(order.attempts) for order in orders.values())
    posts = sum(one.asked.times for one in clients.placed.values())
    reconnected = sum(max(0, one.connections - 1) for one in clients.placed.values())
    console.print(
        f"failures by code: {dict(failures) or 'none'}; orders by attempts: {dict(sorted(attempts.items()))}; "
        f"{posts} posts; streams connected again {reconnected} times"
    )
    console.print(f"{len(monkey.done)} faults; {sum(monkey.missed.values())} found nothing to strike")
    if times := [one for each in recoveries.values() for one in each]:
        console.print(
            f"recovery, from a fault's end to the next confirmation: p50 {percentile(times, 50):.2f} s, "
            f"p99 {percentile(times, 99):.2f} s, most {max(times):.2f} s"
        )


def _recoveries(histories: Mapping[UUID, Sequence[Recorded]], monkey: Monkey) -> dict[str, list[float]]:
    """Seconds, one a fault, by the fault's name; a fault during which the next one struck counts with it."""
    confirmations = sorted(
        one.recorded_at for history in histories.values() for one in history if isinstance(one.event, OrderConfirmed)
    )
    recoveries: dict[str, list[float]] = defaultdict(list)
    for struck in monkey.done:
        after = next((at for at in confirmations if at > struck.ended), None)
        if after:
            recoveries[struck.strike.name].append((after - struck.ended).total_seconds())
    return recoveries
