"""What clients are told by an engine whose log was put back to an earlier moment."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

import psycopg
import pytest

from commands.accounts import Behind
from commands.foreign import ForeignTransactions
from commands.ids import DEFAULT_ACCOUNT, list_id, order_id
from commands.recovery import Recovery
from commands.submit import Accepted, submit_order
from commands.twap.lost_slices import LostSlices
from commands.twap.schedule import TwapSchedule
from domain.errors import DomainError
from domain.legs import leg_id
from domain.log_behind import ForeignTransactionFound
from domain.tokens import KNOWN_TOKENS
from domain.twap_schedule import slice_id
from tests.integration.api.serving import BODY, MAPPER, Engine
from tests.integration.api.test_streams import stream

LIMIT = {"type": "limit", "limitPrice": "900"}
REASON = "the witness has seen position 9 in epoch 1, the log ends at 1"


async def found_behind(engine: Engine, ended_at: int) -> None:
    assert await engine.accounts.found_behind(DEFAULT_ACCOUNT, Behind(REASON, ended_at, 1, 9))


async def recovered_and_resumed(engine: Engine) -> None:
    recovery = Recovery(engine.events, engine.orders, engine.accounts)
    every = [one.order_id for one in await recovery.open_orders()]
    await recovery.decide(DEFAULT_ACCOUNT, every, [], by="me", because="looked at")
    await engine.accounts.resume(DEFAULT_ACCOUNT, "looked at")


async def test_while_it_is_behind_only_an_order_with_a_client_order_id_is_taken(engine: Engine) -> None:
    await engine.submit(**LIMIT)
    await found_behind(engine, 1)
    head = await engine.events.head()
    refused = await engine.http.post("/api/orders/execute", json=BODY)
    assert (refused.status_code, refused.json()["code"]) == (503, "log_behind")
    assert (refused.json()["field"], refused.json()["reason"]) == ("clientOrderId", REASON)
    batch = await engine.http.post("/api/orders/batch", json={"orders": [BODY, {**BODY, "clientOrderId": "again"}]})
    assert [item["status"] for item in batch.json()["items"]] == [503, 202]
    assert await engine.events.head() == head + 2

    order = (await engine.http.get(batch.json()["items"][1]["order"]["links"]["order"])).json()
    assert order["halt"] == {"code": "log_behind", "detail": REASON}
    await recovered_and_resumed(engine)
    assert "halt" not in (await engine.http.get(f"/api/orders/{order['orderId']}")).json()
    await engine.submit()


async def found_on_the_chain(engine: Engine, order_id: UUID) -> None:
    lost_slices = LostSlices(engine.events, MAPPER, TwapSchedule(engine.pool))
    foreign = ForeignTransactions(
        engine.events, engine.orders._appender, MAPPER, engine.orders, engine.accounts, lost_slices
    )
    found = ForeignTransactionFound(
        order_id=order_id,
        attempt=1,
        purpose="swap",
        signature=order_id.hex,
        slot=7,
        wallet="wallet",
        genesis_hash="genesis",
        failed=False,
        paid={KNOWN_TOKENS.find("SOL").mint: 1_500_000_000},  # type: ignore[union-attr]
        received={KNOWN_TOKENS.find("USDC").mint: 1_400_000_000},  # type: ignore[union-attr]
        fee_lamports=5_000,
        guard="guard",
        guard_rent_lamports=2_039_280,
    )
    assert await foreign.record(DEFAULT_ACCOUNT, [found])


async def test_who_posts_again_what_the_chain_has_executed_is_told_so_whatever_refuses_a_new_order(
    engine: Engine,
) -> None:
    halt = {"scope": "engine", "state": "halted", "because": "the test"}
    assert (await engine.http.put("/api/admin/trading-state", json=halt)).status_code == 200
    gone = {**BODY, **LIMIT, "timeInForce": "gtd", "expiresAt": "2026-01-01T00:00:00Z", "clientOrderId": "lost"}
    leg = {name: value for name, value in gone.items() if name != "clientOrderId"}
    pair = {"kind": "oco", "clientListId": "lost", "legs": [leg, {**leg, "limitPrice": "901"}]}
    slices = {"kind": "twap", "clientListId": "sliced", "order": BODY, "slices": 2, "everyMs": 60_000}
    posts = [("/api/orders/execute", gone), ("/api/order-lists", pair), ("/api/order-lists", slices)]
    for path, body in posts:
        assert (await engine.http.post(path, json=body)).status_code in (422, 423)
    executed = [
        order_id(DEFAULT_ACCOUNT, "lost"),
        leg_id(list_id(DEFAULT_ACCOUNT, "lost"), 2),
        slice_id(list_id(DEFAULT_ACCOUNT, "sliced"), 1),
    ]
    for one in executed:
        await found_on_the_chain(engine, one)
    for path, body in posts:
        assert (await engine.http.post(path, json=body)).status_code == 202
    for one in executed[:2]:
        shown = (await engine.http.get(f"/api/orders/{one}")).json()
        assert (shown["status"], shown.get("txHash")) == ("confirmed", one.hex), shown


async def test_a_position_of_the_lost_end_is_gone_and_every_other_holds(engine: Engine) -> None:
    engine.project()
    first = await engine.submit(**LIMIT)
    assert first["position"] == "1.1"
    await found_behind(engine, 1)
    again = await engine.submit(**LIMIT, clientOrderId="again")
    assert again["position"] == "2.4"
    for lost in ("1.4", "4", "1.9", "3.4"):
        answer = await engine.http.get("/api/orders", params={"position": lost})
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (410, "position_lost", "position")
        assert "clientOrderId" in answer.json()["detail"]
        assert answer.json().get("endedAt") == (None if lost == "3.4" else "1.1")
    ahead = (await engine.http.get("/api/orders", params={"position": "2.99"})).json()
    assert ahead["detail"] == f"Nothing has that position: the log ends at 2.{await engine.events.head()}."
    for held in ("1.1", "1", "2.4"):
        assert (await engine.http.get("/api/orders", params={"position": held})).status_code == 200
    events = (await engine.http.get(f"{again['links']['events']}")).json()["items"]
    assert [event["position"] for event in events] == ["2.4"]
    # It is the first answer for ever.
    assert await engine.submit(**LIMIT, clientOrderId="again") == again


async def test_an_order_is_named_by_the_epoch_it_is_of_also_where_that_began_while_it_was_taken(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def after_it_was_found(*asked: Any, **how: Any) -> Accepted:
        await found_behind(engine, 1)
        return await submit_order(*asked, **how)

    async def gone(*_: object) -> None:
        raise psycopg.OperationalError("the connection is closed")

    assert (await engine.submit(**LIMIT))["position"] == "1.1"
    asked = {**BODY, **LIMIT, "clientOrderId": "again"}
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("api.orders.submit.submit_order", after_it_was_found)
        meanwhile.setattr(type(engine.accounts), "epochs", gone)
        answer = await engine.http.post("/api/orders", json=asked)
    # Its first name would be of an epoch that had ended: a list that is asked with it would call it lost.
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (503, "outcome_unknown", True)
    repeated = await engine.http.post("/api/orders", json=asked)
    assert (repeated.status_code, repeated.json()["position"]) == (202, "2.4")
    assert repeated.json()["orderId"] == answer.json()["orderId"]


async def test_so_is_a_cursor_of_the_lost_end(engine: Engine) -> None:
    engine.project()
    for _ in range(3):
        last = await engine.submit(**LIMIT)
    page = (await engine.http.get("/api/orders", params={"limit": 1, "position": last["position"]})).json()
    raw = base64.urlsafe_b64decode(page["next"] + "=" * (-len(page["next"]) % 4))
    assert raw.endswith(b"1.3")
    await found_behind(engine, 2)
    answer = await engine.http.get("/api/orders", params={"cursor": page["next"]})
    assert (answer.status_code, answer.json()["code"]) == (410, "position_lost")
    assert answer.json()["field"] == "cursor" and "without a cursor" in answer.json()["detail"]
    # An earlier version's belonged to no account and no question.
    unbound = base64.urlsafe_b64encode(b"2").decode().rstrip("=")
    assert (await engine.http.get("/api/orders", params={"cursor": unbound})).status_code == 400


@pytest.mark.parametrize("ended", [False, True])
async def test_a_socket_that_goes_on_after_the_lost_end_gets_the_state_and_4410(engine: Engine, ended: bool) -> None:
    order = await engine.submit(**LIMIT)
    assert await stream(engine, order["orderId"], "?after=7") == ([], 4400)
    await found_behind(engine, 1)
    if ended:
        recovery = Recovery(engine.events, engine.orders, engine.accounts)
        await recovery.decide(DEFAULT_ACCOUNT, [], [UUID(order["orderId"])], by="me", because="it was told so")
    messages, close = await stream(engine, order["orderId"], "?after=7")
    status, sequence = ("failed", 2) if ended else ("pending", 1)
    assert [(one["status"], one["sequence"]) for one in messages] == [(status, sequence)]
    assert close == 4410


async def test_of_orders_that_end_together_one_is_not_kept_while_the_other_is_cancelled(engine: Engine) -> None:
    """What is recorded as kept would have ended with the other one."""
    legs = [{**BODY, **LIMIT}, {**BODY, **LIMIT, "limitPrice": "950"}]
    accepted = (await engine.http.post("/api/order-lists", json={"kind": "oco", "legs": legs})).json()
    first, second = map(UUID, accepted["orderIds"])
    alone = UUID((await engine.submit(**LIMIT))["orderId"])
    await found_behind(engine, 3)
    recovery, head = Recovery(engine.events, engine.orders, engine.accounts), await engine.events.head()
    with pytest.raises(DomainError, match=f"{second}, which is to be kept, ends with it") as refused:
        await recovery.decide(DEFAULT_ACCOUNT, [second], [alone, first], by="me", because="looked at")
    assert refused.value.code == "not_cancellable" and await engine.events.head() == head
    await recovery.decide(DEFAULT_ACCOUNT, [alone], [first, second], by="me", because="looked at")
    ended = (await engine.orders.load([first, second, alone])).orders
    assert [ended[one].order.ended for one in (first, second, alone)] == [True, True, False]  # type: ignore[union-attr]


async def test_a_twap_is_not_cancelled_before_it_is_known_what_it_executed(engine: Engine) -> None:
    """It would be said to have ended with what this log knows of its slices; what the lost end has is more."""
    order = {**BODY, **LIMIT, "timeInForce": "gtc"}
    asked = {"kind": "twap", "clientListId": "t-1", "order": order, "slices": 2, "everyMs": 3_000}
    list_id = (await engine.http.post("/api/order-lists", json=asked)).json()["listId"]
    await found_behind(engine, 1)
    head = await engine.events.head()
    refused = await engine.http.post(f"/api/order-lists/{list_id}/cancel")
    assert (refused.status_code, refused.json()["code"], refused.json()["reason"]) == (503, "log_behind", REASON)
    [item] = (await engine.http.post("/api/orders/cancel", json={"all": True})).json()["items"]
    assert item["problem"]["code"] == "log_behind"
    assert await engine.events.head() == head

    await recovered_and_resumed(engine)
    for _ in range(2):
        cancelled = await engine.http.post(f"/api/order-lists/{list_id}/cancel")
        assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
    # What had ended before is answered as ever.
    await engine.accounts.found_behind(DEFAULT_ACCOUNT, Behind(REASON, 1))
    assert (await engine.http.post(f"/api/order-lists/{list_id}/cancel")).status_code == 202
