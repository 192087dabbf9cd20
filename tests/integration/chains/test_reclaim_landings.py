"""What endpoints show of a reclaim: enough of them alike, and who shows something else, or nothing."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest

from chains.endpoint import Endpoint
from chains.errors import UnansweredError
from chains.guard import MINT
from chains.reclaim import ReclaimLanding
from chains.reclaim_landings import ReclaimShown, see_reclaim
from tests.integration.chains.endpoint_server import Answer, Request, always, http, rpc, serving

RENT, FEE = 2_039_280, 10_000
LANDED = ReclaimLanding(7, RENT, 0, FEE)


def result(**changes: Any) -> dict[str, Any]:
    meta = {
        "err": None, "fee": FEE, "preBalances": [10**9, RENT], "postBalances": [10**9 + RENT - FEE, 0],
        "preTokenBalances": [], "postTokenBalances": [], "logMessages": [],
    }  # fmt: skip
    message = {"accountKeys": ["wallet", "guard"], "instructions": []}
    shown = {"slot": 7, "meta": meta | changes, "transaction": {"signatures": ["signature"], "message": message}}
    return {"result": shown}


SUCCESS, FAILURE = result(), result(err={"InstructionError": [1, {"Custom": 4}]})
NOTHING: dict[str, Any] = {"result": None}
REFUSED = {"error": {"code": -32011, "message": "Transaction history is not available from this node"}}
SILENT = None


def answering(said: dict[str, Any] | None) -> Answer:
    async def respond(request: Request) -> bytes:
        assert said is not None
        return rpc(request, **said)

    return respond if said is not None else always(http(b"", status="503 Service Unavailable"))


async def shown(*said: dict[str, Any] | None) -> ReclaimShown:
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(answering(one))) for one in said]
        endpoints = [Endpoint(url, batches=False) for url in urls]
        for endpoint in endpoints:
            stack.push_async_callback(endpoint.close)
        return await see_reclaim(endpoints, "signature", "wallet")


async def test_what_enough_endpoints_show_alike_is_agreed() -> None:
    assert (await shown(SUCCESS)).agreed == LANDED
    assert (await shown(SUCCESS, SUCCESS)).agreed == LANDED
    most = await shown(FAILURE, SUCCESS, SUCCESS)
    assert (most.agreed, most.support, len(most.shown)) == (LANDED, 2, 3)
    failed = await shown(FAILURE, FAILURE)
    assert failed.agreed is not None and failed.agreed.error is not None


@pytest.mark.parametrize("other", [FAILURE, result(fee=5_000), NOTHING, REFUSED])
async def test_one_of_two_agrees_with_nobody(other: dict[str, Any]) -> None:
    for said in ((SUCCESS, other), (other, SUCCESS)):
        found = await shown(*said)
        assert found.agreed is None
        assert LANDED in [landing for _, landing in found.shown]


async def test_who_refuses_to_show_it_has_no_history_of_it_and_who_is_silent_has_not_answered() -> None:
    assert len((await shown(SUCCESS, REFUSED)).shown) == 1
    with pytest.raises(UnansweredError, match="1 of 2 endpoints"):
        await shown(SUCCESS, SILENT)


async def test_another_transaction_and_what_no_reclaim_can_have_done_are_no_answers() -> None:
    another, nowhere = result(), result(err="AccountInUse")
    another["result"]["transaction"]["signatures"] = ["another"]
    nowhere["result"]["transaction"]["message"]["instructions"] = [{"programIdIndex": -3}]
    nothing_came_back = result(postBalances=[10**9 - FEE, RENT])
    tokens = [{"accountIndex": 1, "mint": str(MINT), "owner": "wallet", "uiTokenAmount": {"amount": str(2**64 - 1)}}]
    too_much = result(postTokenBalances=[*tokens, {**tokens[0], "accountIndex": 0}])
    for lie in (another, nowhere, nothing_came_back, too_much):
        with pytest.raises(UnansweredError):
            await shown(lie)
