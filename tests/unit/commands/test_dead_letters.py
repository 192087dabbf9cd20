"""What the attempts say by themselves of an order that can't be read whole."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from commands.attempts_alone import require_no_attempt
from domain import events as e
from domain.codes import Code
from domain.errors import DomainError
from tests.unit.domain.scenario import built, evidence, expired, routed, sent, submitted
from tests.unit.projections.recording import MAPPER, record

FIRST = (*submitted(), routed(), built(), sent())
IDLE = record((*submitted(), routed()))
LIVE = record(FIRST)
OVER = record((*FIRST, expired()))
TWO = (*FIRST, routed(), built(2))
REJECTED = e.AttemptRejected(
    attempt=1, signature="signature-1", slot=9, code=Code.PROGRAM_ERROR, detail="", fee_lamports=5_000
)
ALONE = e.AttemptExpired(attempt=1, signature="signature-1", evidence=evidence(configured=2))
TAKEN = e.BuildRejected(code=Code.GUARD_TAKEN, detail="", logs=())
CANCELLED = e.OrderCancelled(code=Code.CANCELLED, detail="")


def damaged(stream, *topics: str):
    return [replace(one, state=b"damaged", decoded=None) if one.topic in topics else one for one in stream]


@pytest.mark.parametrize(
    "stream",
    [
        damaged(IDLE, e.OrderSubmitted.TOPIC, e.OrderRouted.TOPIC),
        damaged(OVER, e.OrderSubmitted.TOPIC, e.OrderRouted.TOPIC, e.TransactionSubmitted.TOPIC),
        record((*TWO, expired(1), expired(2))),
        record((*TWO, REJECTED, expired(2))),
        damaged(record((*TWO, CANCELLED)), e.OrderCancelled.TOPIC),
    ],
    ids=["no attempt", "its end", "two ends", "a proof for both", "the order's end"],
)
def test_where_each_attempt_has_its_end_or_the_order_has_nothing_is_executed_any_more(stream) -> None:
    require_no_attempt(stream, MAPPER)


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (LIVE[:-1], "live_attempt"),
        (LIVE, "live_attempt"),
        (record((*TWO, REJECTED)), "live_attempt"),
        (record((*TWO, expired(1))), "live_attempt"),
        (record((*TWO, expired(2))), "live_attempt"),
        (record((*FIRST, ALONE)), "unproven_attempt"),
        (record((*FIRST, REJECTED)), "unproven_attempt"),
        (record((*FIRST, expired(), TAKEN)), "unproven_attempt"),
        (record((*submitted(), routed(), TAKEN)), "guard_taken"),
        (damaged(OVER, e.TransactionBuilt.TOPIC), "live_attempt"),
        (damaged(OVER, e.AttemptExpired.TOPIC), "live_attempt"),
        ([*IDLE, replace(IDLE[-1], topic="order.FromTheFuture")], "live_attempt"),
        ([replace(IDLE[0], topic="order.FromTheFuture"), *OVER[1:]], "live_attempt"),
    ],
    ids=[
        "built", "sent", "the second one after a rejection", "the second one", "the first one", "one endpoint's word",
        "one endpoint's rejection", "its guard is there after all", "its guard, and nothing signed",
        "a damaged attempt", "a damaged end", "an unknown topic", "an unknown topic before the end",
    ],
)  # fmt: skip
def test_an_attempt_that_may_land_or_that_nobody_can_read_keeps_it(stream, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        require_no_attempt(stream, MAPPER)
    assert refused.value.code == code
