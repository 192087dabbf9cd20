"""Asking first: what an order would meet, on a real local node; and nothing is left of the question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from solders.keypair import Keypair

from api.rates import Rates
from chains.tips import Tip
from domain.quotes import Refusal
from domain.tokens import SOL, USDC
from tests.integration.api.serving import BODY, CONFIG, Engine, running
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedValkey
from tests.integration.localnet.local_node import LocalNode
from tests.ports import free_port
from tests.unit.domain.scenario import quote
from venues.protocol import Proposal, QuoteRequest, VenueQuote

PREVIEW = "/api/orders/preview"
LIMITS = "/api/admin/accounts/default/limits"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNode]:
    port = free_port()
    node = LocalNode(tmp_path_factory.mktemp("chain"), port, slot_ms=20)
    node.start()
    yield node
    node.stop()


async def preview(engine: Engine, **changes: Any) -> dict[str, Any]:
    answer = await engine.http.post(PREVIEW, json={**BODY, **changes})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_an_order_is_quoted_sized_and_priced_and_none_is_made(node: LocalNode, database: TestDatabase) -> None:
    async with running(database.app, rpc_url=node.url) as engine:
        seen = await preview(engine)
        assert (seen["pair"], seen["side"], seen["refusal"]) == ("SOL/USDC", "sell", None)
        assert [quote["dex"] for quote in seen["quotes"]] == ["Meteora", "Orca", "Raydium"]
        best = max(seen["quotes"], key=lambda quote: float(quote["amountOut"]))
        assert seen["route"]["dex"] == best["dex"] and seen["route"]["expectedOut"] == best["amountOut"]
        assert 0.995 < float(seen["route"]["minimumOut"]) / float(best["amountOut"]) < 1
        assert int(seen["fees"]["guardRentLamports"]) > 2_000_000 and seen["fees"]["networkLamports"] == "5000"
        assert seen["fees"]["venue"] == best["fee"] and best["fee"]["token"] == "SOL"
        assert 700 < seen["bytes"] <= 1232
        assert await engine.events.head() == 0


async def test_tips_of_landers_are_in_its_fees_and_its_size(node: LocalNode, database: TestDatabase) -> None:
    tips = tuple(Tip(lamports, (str(Keypair().pubkey()),)) for lamports in (10_000, 1_000_000))
    async with running(database.app, rpc_url=node.url) as engine:
        plain = await preview(engine)
    assert "tipLamports" not in plain["fees"]
    async with running(database.app, rpc_url=node.url, config=replace(CONFIG, tips=tips)) as engine:
        tipped = await preview(engine)
    assert tipped["fees"] == {**plain["fees"], "tipLamports": "1010000"}
    # A transfer has its program's index, two accounts' with their count, and twelve bytes with theirs; each lander
    # another account. The system program is there for the guard.
    assert tipped["bytes"] - plain["bytes"] == 2 * (1 + 3 + 13 + 32)


async def test_a_limit_that_no_venue_meets_has_no_route_and_is_taken(node: LocalNode, database: TestDatabase) -> None:
    async with running(database.app, rpc_url=node.url) as engine:
        seen = await preview(engine, type="limit", limitPrice="1000")
        assert (seen["route"], seen["bytes"], seen["refusal"]) == (None, None, None)


async def test_it_says_what_the_order_would_be_answered(node: LocalNode, database: TestDatabase) -> None:
    far = {"type": "limit", "limitPrice": "155"}
    async with running(database.app, rpc_url=node.url) as engine:
        for limits, changes, code in (
            ({"maxOrderNotional": "10"}, {}, "order_too_large"),
            # It would sell by the market, whatever it asks for.
            ({"maxOrderNotional": "10"}, {"type": "limit", "limitPrice": "0.01"}, "order_too_large"),
            ({"maxOrderNotional": "1000"}, {}, None),
            ({"maxDailyNotional": "10"}, {}, "notional_exceeded"),
            ({"maxDailyNotional": None, "maxOpenNotional": "10"}, {}, "notional_exceeded"),
            ({"maxOpenNotional": None, "maxOpenOrders": 0}, {}, "open_orders_exceeded"),
            (
                {"maxOpenOrders": None, "priceBandBps": 100},
                {"type": "limit", "limitPrice": "155"},
                "price_outside_band",
            ),
            ({"priceBandBps": 500}, far, None),
            ({"pairs": ["JUP/USDC"]}, {}, "pair_not_allowed"),
        ):
            assert (await engine.http.put(LIMITS, json=limits)).status_code == 200
            head = await engine.events.head()
            while engine.feed.position < head:
                await engine.http.get("/health/live")
            refusal = (await preview(engine, **changes))["refusal"]
            assert (refusal["code"] if refusal else None) == code
            answer = await engine.http.post("/api/orders", json={**BODY, **changes})
            assert (answer.json().get("code") if answer.status_code != 202 else None) == code, answer.text


async def test_a_venue_that_is_halted_or_not_allowed_is_a_refusal_and_no_route(
    node: LocalNode, database: TestDatabase
) -> None:
    async with running(database.app, rpc_url=node.url) as engine:
        halted = (await preview(engine))["route"]["dex"]
        others = [venue for venue in ("Meteora", "Orca", "Raydium") if venue != halted]

        async def refused() -> tuple[list[str], str | None]:
            head = await engine.events.head()
            while engine.feed.position < head:
                await engine.http.get("/health/live")
            seen = await preview(engine)
            found = [quote["dex"] for quote in seen["quotes"] if quote.get("refusal") == "venue_unavailable"]
            assert seen["refusal"] is None
            return found, seen["route"] and seen["route"]["dex"]

        halt = {"scope": f"venue:{halted.lower()}", "state": "reducing", "because": "the test"}
        assert (await engine.http.put("/api/admin/trading-state", json=halt)).status_code == 200
        assert (await refused())[0] == [], "a sell is let through"
        halt["state"] = "halted"
        assert (await engine.http.put("/api/admin/trading-state", json=halt)).status_code == 200
        found, route = await refused()
        assert found == [halted] and route in others
        assert (await engine.http.put(LIMITS, json={"venues": [others[0]]})).status_code == 200
        found, route = await refused()
        assert (sorted(found), route) == (sorted([halted, others[1]]), others[0])
        assert (await engine.http.put(LIMITS, json={"venues": [halted]})).status_code == 200
        assert (await refused())[1] is None


class Boastful:
    """A remote venue that offers ``amount_out``, whatever it is asked."""

    venues: ClassVar = {"Far": frozenset({frozenset({SOL.mint, USDC.mint})})}
    is_remote = True
    service_name = None
    quotes_exact_out = False

    def __init__(self, amount_out: int) -> None:
        self.amount_out = amount_out

    async def quote_all(self, requests: Sequence[QuoteRequest]) -> list[list[VenueQuote | Refusal]]:
        return [[VenueQuote(quote(self.amount_out, "Far", amount_in=asked.amount_in))] for asked in requests]

    async def swap(self, *_: object, **__: object) -> Proposal:
        raise AssertionError("nothing is proposed for a preview")

    swap_exact_out = swap


async def test_a_remote_quote_that_no_order_would_take_is_a_refusal(node: LocalNode, database: TestDatabase) -> None:
    far = Boastful(0)
    async with running(database.app, rpc_url=node.url, remote=(far,)) as engine:

        async def seen() -> tuple[str, str | None]:
            answer = await preview(engine)
            [said] = [one for one in answer["quotes"] if one["dex"] == "Far"]
            return answer["route"]["dex"], said.get("refusal")

        best = max(float(one["amountOut"]) for one in (await preview(engine))["quotes"] if one["dex"] != "Far")
        far.amount_out = int(best * 1.04 * 10**USDC.decimals)
        assert await seen() == ("Far", None)
        far.amount_out = int(best * 1.06 * 10**USDC.decimals)
        route, refusal = await seen()
        assert route != "Far" and refusal == "venue_answer_invalid"


async def test_previews_that_remote_venues_are_asked_for_have_a_rate_of_their_own(
    node: LocalNode, database: TestDatabase, valkey: EmbeddedValkey
) -> None:
    config, rates = replace(CONFIG, previews_per_minute=2), Rates(valkey.url, fail_open=True)
    async with running(database.app, rpc_url=node.url, config=config, rates=rates, remote=(Boastful(1),)) as engine:
        await preview(engine)
        await preview(engine)
        answer = await engine.http.post(PREVIEW, json=BODY)
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert 0 < int(answer.headers["retry-after"]) <= 60 and "limit" not in answer.json()
        # Orders are counted apart.
        assert (await engine.http.put(LIMITS, json={"ordersPerMinute": 5})).status_code == 200
        order = await engine.http.post("/api/orders", json=BODY)
        assert (order.status_code, order.headers["ratelimit-remaining"]) == (202, "4")
    async with running(database.app, rpc_url=node.url, config=config, rates=rates) as engine:
        # The node's answer is shared by all who ask.
        await preview(engine)


async def test_a_body_that_is_no_order_is_the_same_problem(engine: Engine) -> None:
    answer = await engine.http.post(PREVIEW, json={**BODY, "tokenOut": "DOGE"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_token")
