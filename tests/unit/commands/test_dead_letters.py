"""What the topics alone say of a stream that can't be read."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from commands.dead_letters import require_no_attempt
from domain.errors import DomainError
from tests.unit.domain.scenario import built, expired, routed, sent, submitted
from tests.unit.projections.recording import record

IDLE = record((*submitted(), routed()))
LIVE = record((*submitted(), routed(), built(), sent()))
OVER = record((*submitted(), routed(), built(), sent(), expired()))


@pytest.mark.parametrize("stream", [IDLE, OVER])
def test_without_an_attempt_or_with_an_end_after_the_last_nothing_can_land(stream) -> None:
    require_no_attempt([replace(one, state=b"damaged") for one in stream])


@pytest.mark.parametrize(
    "stream",
    [
        LIVE[:-1],
        LIVE,
        [*OVER, *LIVE[-2:]],
        [*IDLE, replace(IDLE[-1], topic="order.FromTheFuture")],
        [replace(IDLE[0], topic="order.FromTheFuture"), *OVER[1:]],
    ],
    ids=["built", "sent", "a second attempt", "an unknown topic", "an unknown topic before the end"],
)
def test_an_attempt_without_a_later_end_or_a_topic_nobody_knows_may_still_land(stream) -> None:
    with pytest.raises(DomainError) as refused:
        require_no_attempt(stream)
    assert refused.value.code == "live_attempt"
