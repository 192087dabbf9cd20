"""What it says of an order where no venue answers, and what an order with one try makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from chains.errors import UnansweredError
from domain import events as e
from domain.commands import RecordQuotes
from domain.decide import decide
from domain.evolve import fold
from tests.unit.domain.scenario import NOW, submitted
from venues.protocol import Fits, Proposal, QuoteRequest, VenueGroup, VenueQuote
from workers.execution.quoting import Quoting


@dataclass
class Failing(VenueGroup):
    """Venues none of which answers."""

    error: Exception

    @property
    def venues(self) -> Mapping[str, frozenset[frozenset[str]]]:
        return {"Orca": frozenset(), "Raydium": frozenset()}

    @property
    def is_remote(self) -> bool:
        return False

    async def quote_all(self, requests: Sequence[QuoteRequest]) -> list[list[VenueQuote]]:  # type: ignore[override]
        raise self.error

    async def swap(self, quote: VenueQuote, *, owner: str, minimum_out: int, fits: Fits) -> Proposal:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("error", "code", "ends"),
    [
        (UnansweredError("node", "timeout"), "chain_unavailable", []),
        (RuntimeError("a defect"), "venue_unavailable", [e.CancelRequested, e.OrderCancelled]),
    ],
)
async def test_a_chain_that_cannot_be_read_is_no_try(error: Exception, code: str, ends: list[type]) -> None:
    order = fold(submitted(time_in_force="ioc"))
    assert order is not None
    answers = await Quoting([Failing(error)]).ask(order)
    assert [refusal.code for refusal in answers.refusals] == [code, code]
    decided = decide(order, RecordQuotes(answers.quotes, answers.refusals, NOW))
    assert [type(event) for event in decided] == ends
