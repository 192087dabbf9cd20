"""What a swap cost beside its price, each part a figure of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from domain import events as e
from domain.evolve import fold
from projections.order_view import order_view
from tests.unit.domain.scenario import built, given, landing, routed, sent, submitted

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TIP, RENT = 10_000, 2_039_280


def test_tip_and_accounts_rent_are_said_beside_the_network_fee() -> None:
    history = (*submitted(), routed(), built().model_copy(update={"tip_lamports": TIP}), sent())
    landed = landing(1)
    made = landed.landing.model_copy(update={"account_rent_lamports": RENT})
    (confirmed,) = given(*history).when(type(landed)(1, made, landed.now)).then(e.OrderConfirmed)
    assert isinstance(confirmed, e.OrderConfirmed)
    said = (confirmed.tip_lamports, confirmed.account_rent_lamports, confirmed.network_fee_lamports)
    assert said == (TIP, RENT, 5_000)
    order = fold((*history, confirmed))
    assert order is not None
    fee = order_view(UUID(int=1), order, 6, NOW, NOW).fee
    assert fee is not None
    assert (fee.tip_lamports, fee.account_rent_lamports, fee.network_lamports) == (str(TIP), str(RENT), "5000")


def test_an_order_that_has_neither_says_neither() -> None:
    (confirmed,) = given(*submitted(), routed(), built(), sent()).when(landing(1)).then(e.OrderConfirmed)
    assert {"tipLamports", "accountRentLamports"}.isdisjoint(confirmed.public())
