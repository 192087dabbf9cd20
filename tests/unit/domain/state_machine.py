"""An order's state machine, found by asking ``decide`` every question in every state that it leads to.

``python -m tests.unit.domain.state_machine --write`` writes it to ``docs/order-states.md``, which a test holds equal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import get_args
from uuid import UUID

from domain import commands as c
from domain import events as e
from domain.codes import Code
from domain.decide import decide
from domain.errors import DomainError
from domain.evidence import GuardTaken
from domain.evolve import evolve
from domain.legs import Leg
from domain.order import Order
from domain.quotes import Refusal
from tests.unit.domain.scenario import LATE, NOW, build, evidence, landing, quote, quoted, submit

DOCUMENT = Path(__file__).parents[3] / "docs" / "order-states.md"
STATUSES: tuple[e.Status, ...] = get_args(e.Status)

_MUCH_LATER = NOW + timedelta(hours=1)
# Two attempts show everything that one ended and one live attempt can do to each other.
_MOST_ATTEMPTS = 2
_EVIDENCE = evidence()
_LIST = UUID(int=7)
_FINAL, _PASSING = "insufficient_funds", "program_error"


@dataclass(frozen=True)
class Transition:
    """``event`` leads from ``before`` (None: no order yet) to ``after`` when ``command`` is decided."""

    event: type[e.OrderEvent]
    before: e.Status | None
    after: e.Status
    command: str


@cache
def transitions() -> frozenset[Transition]:
    """Every change of status, or staying at one, that ``decide`` and ``evolve`` allow."""
    found: set[Transition] = set()
    seen: set[tuple[object, ...]] = set()
    ahead: list[Order | None] = [None]
    while ahead:
        order = ahead.pop()
        for command in _commands(order):
            after = order
            for event in _decided(order, command):
                before = after.status if after else None
                after = evolve(after, event)
                found.add(Transition(type(event), before, after.status, type(command).__name__))
            if after is not None and _key(after) not in seen:
                seen.add(_key(after))
                ahead.append(after)
    return frozenset(found)


def _decided(order: Order | None, command: c.OrderCommand) -> list[e.OrderEvent]:
    try:
        return decide(order, command)
    except DomainError:
        return []


def _key(order: Order) -> tuple[object, ...]:
    """What of an order a decision depends on, but for amounts, prices and times."""
    attempts = tuple((attempt.submitted, attempt.end, attempt.purpose) for attempt in order.attempts)
    armed = None if order.rest is None else order.rest.armed_at is not None
    triggered = order.triggered_at is not None
    return (
        order.type,
        order.time_in_force,
        order.status,
        order.stop_reached,
        order.best_touch is not None,
        triggered,
        attempts,
        min(order.rejections, 3),
        armed,
        order.cancellation,
        order.paper,
        order.leg,
        order.released,
    )


def _commands(order: Order | None) -> Iterator[c.OrderCommand]:
    if order is None:
        limit, stop = Decimal(150), Decimal(140)
        yield submit()
        yield replace(submit(), paper=True)
        yield replace(submit(deadline=None, type="limit", limit_price=limit), paper=True)
        yield submit(deadline=None, type="limit", limit_price=limit)
        yield submit(type="limit", limit_price=limit, time_in_force="ioc")
        yield submit(deadline=None, type="trailing-stop", trail_bps=500)
        yield submit(deadline=None, type="stop", stop_price=stop)
        yield submit(deadline=None, type="stop-limit", limit_price=limit, stop_price=stop)
        yield replace(submit(), leg=Leg(list_id=_LIST, kind="oco", number=1))
        yield replace(submit(deadline=None), leg=Leg(list_id=_LIST, kind="oto", number=2))
        return
    for touch in ("139", "145", "160"):
        seen = e.Observation(source="pools", pair="SOL/USDC", slot=1, touch=Decimal(touch), observed_at=NOW)
        yield c.ObservePrice(seen, met_at_size=True, now=_MUCH_LATER)
    for now in (order.deadline or NOW) - timedelta(seconds=1), _MUCH_LATER + (LATE - NOW):
        yield quoted(quote(out=300_000_000), now=now)
        yield quoted(quote(out=1), now=now)
        yield c.FillOnPaper(quoted(quote(out=300_000_000), now=now))
        for code in (_FINAL, _PASSING):
            yield c.RecordQuotes((), (Refusal(venue="Orca", code=code, detail=""),), now)
            yield c.RejectBuild(code, "", (), now)
            yield c.GiveUp(code, "", now)
        if len(order.attempts) < _MOST_ATTEMPTS:
            next_one = build(len(order.attempts) + 1, minimum=order.route.minimum_out if order.route else 1, now=now)
            yield next_one
            yield replace(next_one, purpose="cancel", minimum_out=0)
            yield c.ReplaceSwap(quoted(quote(out=300_000_000), now=now), replace(next_one, minimum_out=300_000_000))
        for attempt in order.attempts:
            yield c.RecordSent(attempt.number, attempt.signature, "accepted")
            yield c.RecordExpiry(attempt.number, _EVIDENCE, now)
            success = landing(attempt.number)
            found = success.landing.model_copy(update={"amount_out": attempt.minimum_out})
            yield replace(success, landing=found, now=now)
            final = found.model_copy(update={"commitment": "finalized", "shown_by": ("127.0.0.1",)})
            yield replace(success, landing=final, now=now)
            yield c.RestateOutcome(attempt.number, final)
            for code in (_FINAL, _PASSING):
                yield replace(landing(attempt.number, "finalized", code), now=now)
    if order.leg:
        yield c.ReleaseOrder(NOW)
        yield c.RecordOtherLeg(GuardTaken(taken_by="another", slot=9, shown_by=("127.0.0.1",)))
    yield c.DiscardOrder()
    yield c.RequestCancel()
    yield c.AmendOrder(NOW, slippage_bps=order.slippage_bps % 100 + 1)
    if order.type == "market":
        yield c.RequestCancel(Code.DEADLINE_PASSED)


def document() -> str:
    """The state machine as a page of Markdown: an event a row, the status before it a column, the one after a cell."""
    found = transitions()
    lines = [
        "# The states of an order",
        "",
        "Generated from the code by `make docs`; a test holds it equal. A row is an event, a column the status before",
        "it, a cell the status after it. An empty cell: `domain.decide` never records that event at that status.",
        "",
        f"| event | none yet | {' | '.join(STATUSES)} | recorded by |",
        f"|{'---|' * (len(STATUSES) + 3)}",
    ]
    for event in e.ORDER_EVENTS:
        of_event = [one for one in found if one.event is event]
        cells = [
            ", ".join(sorted({one.after for one in of_event if one.before == before})) for before in (None, *STATUSES)
        ]
        by = ", ".join(f"`{name}`" for name in sorted({one.command for one in of_event}))
        lines.append(f"| `{event.__name__}` | {' | '.join(cells)} | {by} |")
    lines += ["", "What each event records:", ""]
    lines += [f"- `{event.__name__}`: {_first_sentence(event)}" for event in e.ORDER_EVENTS]
    return "\n".join(lines) + "\n"


def _first_sentence(event: type[e.OrderEvent]) -> str:
    paragraph = " ".join((event.__doc__ or "").split("\n\n")[0].split())
    return paragraph.replace("``", "`")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(document())
    else:
        print(document(), end="")
