"""`surefill cancel`: an order by its id, or by the name that its client gave it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from cli import cancel
from cli.main import app
from cli.operator import account_named
from commands.cancel import request_cancel
from commands.errors import TooManyConflictsError
from commands.submit import submit_order
from domain.errors import DomainError
from event_store.errors import LogUnavailableError, OutcomeUnknownError
from projections.orders.queries import OrderList
from runtime.composition import Store
from tests.unit.domain.scenario import submit


async def submitted(store: Store, account: str, client_order_id: str) -> UUID:
    """An order that waits for its price."""
    asked = submit(None, type="limit", limit_price=Decimal(1_000), client_order_id=client_order_id)
    return (await submit_order(store.orders, await account_named(store, account), asked)).order_id


async def status(store: Store, order_id: UUID) -> str:
    order = (await store.orders.load([order_id])).orders[order_id].order
    assert order is not None
    return order.status


async def test_an_order_is_cancelled_by_its_clients_own_name_for_it(store: Store) -> None:
    ours, desks = [await submitted(store, account, "a-1") for account in ("default", "desk")]
    assert await cancel._cancel("a-1", "desk", "the test", 5) == f"order {desks} is cancelled"
    assert (await status(store, ours), await status(store, desks)) == ("pending", "cancelled")
    # By its id it is nobody's but its own, whatever account is named.
    assert await cancel._cancel(str(ours).upper(), "desk", "the test", 5) == f"order {ours} is cancelled"


async def test_a_name_that_no_order_has_is_told_as_it_was_typed(store: Store) -> None:
    await submitted(store, "desk", "a-1")
    with pytest.raises(DomainError, match=r"The account default has no order a-1\."):
        await cancel._cancel("a-1", "default", "the test", 5)
    with pytest.raises(DomainError, match="There is no account desk2"):
        await cancel._cancel("a-1", "desk2", "the test", 5)


async def test_the_id_of_an_account_is_no_orders(store: Store) -> None:
    desk = await account_named(store, "desk")
    assert await store.events.load(desk)
    with pytest.raises(DomainError, match=f"There is no order {desk}"):
        await cancel._cancel(str(desk), "desk", "the test", 5)


@pytest.mark.parametrize("name", ["", " ", "a\udcff"])
def test_a_name_that_is_none_cancels_nothing(name: str) -> None:
    """Least of all everything that is open."""
    ended = CliRunner().invoke(app, ["cancel", name, "--because", "the test"])
    assert ended.exit_code == 2


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (OutcomeUnknownError("no answer came"), "outcome_unknown"),
        (LogUnavailableError("no connection"), "log_unavailable"),
        (TooManyConflictsError("7"), "log_unavailable"),
    ],
)
async def test_of_many_one_that_can_not_be_told_keeps_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception, name: str
) -> None:
    first, second = [await submitted(store, "default", client_order_id) for client_order_id in ("a-1", "a-2")]

    async def open_ones(*_: object) -> list[UUID]:
        return [first, second]

    async def request(orders: Any, trading: Any, order_id: UUID, **how: Any) -> Any:
        if order_id == first:
            raise error
        return await request_cancel(orders, trading, order_id, **how)

    monkeypatch.setattr(OrderList, "open", open_ones)
    monkeypatch.setattr(cancel, "request_cancel", request)
    said = await cancel._cancel_open("default", None, "the test")
    again = "repeat the command for those whose cancel isn't known to be recorded"
    assert said == f"2 orders, 1 {name}, 1 cancelled; {again}"
    assert [await status(store, one) for one in (first, second)] == ["pending", "cancelled"]


async def test_one_is_said_as_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    only = await submitted(store, "default", "a-1")

    async def open_ones(*_: object) -> list[UUID]:
        return [only]

    monkeypatch.setattr(OrderList, "open", open_ones)
    assert await cancel._cancel_open("default", None, "the test") == "1 order, 1 cancelled"
    assert (cancel._number(1, "TWAP"), cancel._number(2, "TWAP")) == ("1 TWAP", "2 TWAPs")
