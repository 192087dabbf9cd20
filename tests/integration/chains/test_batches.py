import asyncio
import json
import time
from typing import Any

import pytest

from chains.batches import BATCH_TIMEOUT_S, CALLS_A_BATCH
from chains.endpoint import Endpoint
from chains.errors import RpcError, UnansweredError
from tests.integration.chains.endpoint_server import http, rpc, serving


async def calls(endpoint: Endpoint, count: int) -> list[Any]:
    asked = (endpoint.call("getTransaction", str(n), shape=str) for n in range(count))
    return await asyncio.gather(*asked, return_exceptions=True)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request["id"], "result": f"answer {request['params'][0]}"}


async def test_calls_of_one_moment_go_together_and_each_has_its_own_answer() -> None:
    asked: list[int] = []

    async def backwards(request: Any) -> bytes:
        asked.append(len(request))
        answers = [answer(one) for one in reversed(request)]
        answers[0] = {**answers[0], "error": {"code": -32004, "message": "not yet"}}
        del answers[0]["result"]
        return http(json.dumps(answers[:-1]).encode())

    async with serving(backwards) as url:
        endpoint = Endpoint(url)
        first, second, third = await calls(endpoint, 3)
        await calls(endpoint, 2 * CALLS_A_BATCH)
        await endpoint.close()
    assert isinstance(first, UnansweredError)
    assert second == "answer 1"
    assert isinstance(third, RpcError)
    assert asked == [3, CALLS_A_BATCH, CALLS_A_BATCH]


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "500 Internal Server Error"])
async def test_an_endpoint_that_takes_no_batches_is_asked_one_by_one(status: str) -> None:
    async def single(request: Any) -> bytes:
        if isinstance(request, list):
            return http(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batches"}}', status=status)
        return rpc(request, result=answer(request)["result"])

    async with serving(single) as url:
        endpoint = Endpoint(url)
        refused = await calls(endpoint, 2)
        answered = await calls(endpoint, 2)
        await endpoint.close()
    assert all(isinstance(one, UnansweredError) for one in refused)
    assert answered == ["answer 0", "answer 1"]


@pytest.mark.parametrize(
    "failure",
    [http(b"", status="429 Too Many Requests"), http(b"", status="503 Service Unavailable"), http(b"", length=10), b""],
    ids=["429", "503", "breaks off", "no answer"],
)
async def test_who_asks_for_less_or_is_away_is_sent_no_more_requests_than_before(failure: bytes) -> None:
    asked: list[int] = []
    limited = True

    async def sometimes(request: Any) -> bytes:
        asked.append(len(request))
        return failure if limited else http(json.dumps([answer(one) for one in request]).encode())

    async with serving(sometimes) as url:
        endpoint = Endpoint(url)
        refused = await calls(endpoint, CALLS_A_BATCH)
        again = await calls(endpoint, CALLS_A_BATCH)
        limited = False
        answered = await calls(endpoint, CALLS_A_BATCH)
        await endpoint.close()
    assert all(isinstance(one, UnansweredError) for one in (*refused, *again))
    assert answered == [f"answer {n}" for n in range(CALLS_A_BATCH)]
    assert asked == [CALLS_A_BATCH] * 3


async def test_a_caller_that_leaves_takes_nothing_from_those_it_went_with() -> None:
    async def all_of_them(request: Any) -> bytes:
        return http(json.dumps([answer(one) for one in request]).encode())

    async with serving(all_of_them) as url:
        endpoint = Endpoint(url)
        leaving, staying, other = (asyncio.create_task(endpoint.call("getTransaction", n, shape=str)) for n in "abc")
        await asyncio.sleep(0)
        leaving.cancel()
        assert [await staying, await other] == ["answer b", "answer c"]
        await endpoint.close()


async def test_an_answer_without_a_usable_id_is_nobodys_and_the_others_have_theirs() -> None:
    async def odd(request: Any) -> bytes:
        first, second = map(answer, request)
        return http(json.dumps([{**first, "id": [1]}, "no object", second]).encode())

    async with serving(odd) as url:
        endpoint = Endpoint(url)
        lost, found = await calls(endpoint, 2)
        await endpoint.close()
    assert isinstance(lost, UnansweredError)
    assert found == "answer 1"


async def test_a_slow_call_holds_up_those_it_went_with_for_a_moment_and_then_only_itself() -> None:
    async def slow(request: Any) -> bytes:
        asked = request if isinstance(request, list) else [request]
        if any(one["params"] == ["0"] for one in asked):
            await asyncio.sleep(60)
        return http(
            json.dumps([answer(one) for one in asked] if isinstance(request, list) else answer(request)).encode()
        )

    async with serving(slow) as url:
        endpoint = Endpoint(url, timeout=2 * BATCH_TIMEOUT_S)
        begun = time.monotonic()
        together = await calls(endpoint, 3)
        assert time.monotonic() - begun < 1.5 * BATCH_TIMEOUT_S
        assert all(isinstance(one, UnansweredError) and one.reason == "timeout" for one in together)
        held = asyncio.create_task(endpoint.call("getTransaction", "0", shape=str))
        begun = time.monotonic()
        assert await endpoint.call("getTransaction", "1", shape=str) == "answer 1"
        assert time.monotonic() - begun < BATCH_TIMEOUT_S
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
        await endpoint.close()
