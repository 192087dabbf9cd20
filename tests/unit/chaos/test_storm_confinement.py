"""The storm notices what is mixed up between accounts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from domain.events import TransactionBuilt
from tests.chaos.storm.confinement import mixed
from tests.chaos.storm.outside import Recorded
from tests.chaos.storm.parties import Party
from tests.chaos.storm.plan import orders, shared
from tests.chaos.storm.verdict import nobodys
from tests.unit.domain.scenario import NOW
from tests.unit.domain.test_reclaim import SENT

ORDER, DESK, VAULT = UUID(int=1), UUID(int=2), UUID(int=3)


def history(account_id: UUID) -> list[Recorded]:
    return [Recorded(version, NOW, event, account_id) for version, event in enumerate(SENT, 1)]


def wallet_of(told: list[Recorded]) -> str:
    return next(one.event.wallet for one in told if isinstance(one.event, TransactionBuilt))


@pytest.mark.parametrize(
    ("recorded_for", "other_wallet", "landed_from", "said"),
    [
        (DESK, False, None, 0), (VAULT, False, None, len(SENT)), (DESK, True, None, 1), (DESK, False, "another's", 1),
    ],
)  # fmt: skip
def test_an_event_a_signature_and_a_transaction_belong_to_the_orders_account(
    recorded_for: UUID, other_wallet: bool, landed_from: str | None, said: int
) -> None:
    told = history(recorded_for)
    wallet = "another's" if other_wallet else wallet_of(told)
    owners = {ORDER: Party("desk", DESK, wallet, "sf_x")}
    chain: dict[UUID, list[dict[str, Any]]] = {ORDER: [{"wallet": landed_from}]} if landed_from else {}
    assert len(mixed(owners, {ORDER: told}, chain)) == said


def test_what_nobody_placed_is_found_in_the_log_and_on_the_chain() -> None:
    assert len(nobodys({}, {ORDER: history(DESK)}, {DESK: [{}]})) == 2


def test_three_accounts_use_the_same_client_order_ids() -> None:
    plan = shared(orders(1, 9, 1), 3)
    ids = [one.client_order_id for one in plan]
    assert ids[0] == ids[1] == ids[2] != ids[3] and len(set(ids)) == 3
    assert shared(plan, 1) == plan
