import asyncio
import contextlib
import json
import logging
from typing import Any

import pytest
from solders.hash import Hash

from chains import transport
from chains.endpoint import Endpoint
from chains.errors import ChainUnavailableError
from chains.protocol import OutcomeQuestion, SentTransaction
from chains.solana_client import SolanaChain
from tests.integration.chains.endpoint_server import Request, always, http, rpc, serving

HTML = http(b"<html><body>502 Bad Gateway</body></html>", content_type="text/html")
TRANSACTION = bytes(range(256)) * 2

BROKEN = {
    "an HTML page": HTML,
    "half of a JSON": http(b'{"jsonrpc":"2.0","id":1,"resu'),
    "an answer that breaks off": http(b'{"jsonrpc":"2.0","id":1,"result":1}', length=400),
    "too many requests": http(b"slow down", status="429 Too Many Requests"),
    "a server error": http(b"", status="503 Service Unavailable"),
    "a redirect": http(b"", status="302 Found"),
    "nothing at all": b"",
    "not HTTP": b"220 mail.example ESMTP\r\n\r\n",
    "neither result nor error": http(b'{"jsonrpc":"2.0","id":1}'),
    "a list": http(b"[]"),
    "another shape": http(b'{"jsonrpc":"2.0","id":1,"result":{"context":{"slot":-1},"value":[7]}}'),
    "deep nesting": http(b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 100_000),
    "a preflight failure without data": http(b'{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"no"}}'),
    "a preflight failure with other data": http(
        b'{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"no","data":{"err":"ANewError","logs":7}}}'
    ),
    "an error without id": http(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse"}}'),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN.keys())
async def test_whatever_an_endpoint_answers_is_a_chain_that_is_unavailable(answer: bytes) -> None:
    async with serving(always(answer)) as url, SolanaChain(url) as chain:
        with pytest.raises(ChainUnavailableError):
            await chain.latest_blockhash()
        with pytest.raises(ChainUnavailableError):
            await chain.statuses(["a", "b"])
        with pytest.raises(ChainUnavailableError):
            await chain.accounts(["a"])
        sent = await chain.send(TRANSACTION)
        assert sent
        assert sent != "accepted"


async def test_an_endpoint_that_hangs_is_unavailable_within_its_time_out() -> None:
    async with serving(always(None)) as url, SolanaChain(url, timeout=0.1) as chain:
        with pytest.raises(ChainUnavailableError, match="timeout"):
            await chain.genesis_hash()
        assert await chain.send(TRANSACTION) == "timeout"


async def test_nobody_listening_is_a_chain_that_is_unavailable() -> None:
    async with SolanaChain("http://127.0.0.1:1") as chain:
        with pytest.raises(ChainUnavailableError, match="ConnectError"):
            await chain.block_height("finalized")
        assert await chain.send(TRANSACTION) == "ConnectError"


KEY = "3f1c9a52-4242-bbbb-cccc-0123456789ab"


@pytest.mark.parametrize("secret", [f"http://{{}}/?api-key={KEY}", f"http://{{}}/v2/{KEY}", f"http://{KEY}@{{}}"])
@pytest.mark.parametrize("many", [1, 3], ids=["alone", "in a batch"])
async def test_a_key_that_an_endpoint_says_back_is_in_no_error(secret: str, many: int) -> None:
    async def refuse(request: Request) -> bytes:
        calls = request if isinstance(request, list) else [request]
        error = {"code": -32401, "message": f"{'no ' * 60}access with {KEY}, nor with {KEY.upper()}"}
        answers = [{"jsonrpc": "2.0", "id": call["id"], "error": error} for call in calls]
        return http(json.dumps(answers if isinstance(request, list) else answers[0]).encode())

    async with serving(refuse) as url:
        address = url.removeprefix("http://")
        async with SolanaChain(secret.format(address)) as chain:
            sent = await asyncio.gather(*(chain.send(TRANSACTION) for _ in range(many)))
            with pytest.raises(ChainUnavailableError) as failed:
                await chain.latest_blockhash()
    for said in (*sent, str(failed.value)):
        assert "3f1c" not in said.lower()
        assert "error -32401: no no" in said
        assert "[secret]" in said


async def test_a_node_that_tells_no_height_is_quoted_with_its_reason() -> None:
    async def refuse(request: Request) -> bytes:
        if request["method"] == "getBlockHeight":
            return rpc(request, error={"code": -32005, "message": "Node is behind by 42 slots"})
        value = {"blockhash": str(Hash.default()), "lastValidBlockHeight": 150}
        return rpc(request, result={"context": {"slot": 1}, "value": value})

    async with serving(refuse) as url, SolanaChain(url) as chain:
        with pytest.raises(ChainUnavailableError, match=r"error -32005: Node is behind by 42 slots"):
            await chain.latest_blockhash()


async def test_a_send_skips_preflight_and_is_made_once() -> None:
    asked: list[Request] = []

    async def refuse(request: Request) -> bytes:
        asked.append(request)
        return rpc(request, error={"code": -32002, "message": "Transaction simulation failed: Blockhash not found"})

    async with serving(refuse) as url, SolanaChain(url) as chain:
        answer = await chain.send(TRANSACTION)
    assert answer == "error -32002: Transaction simulation failed: Blockhash not found"
    assert [one["params"][1] for one in asked] == [
        {"encoding": "base64", "skipPreflight": True, "preflightCommitment": "confirmed", "maxRetries": 0}
    ]


async def test_a_transaction_that_an_endpoint_says_back_is_kept_out_of_the_answer() -> None:
    async def echo(request: Request) -> bytes:
        return rpc(request, error={"code": -32602, "message": f"invalid: {request['params'][0]} is not it"})

    async with serving(echo) as url, SolanaChain(url) as chain:
        assert await chain.send(TRANSACTION) == "error -32602: invalid: ... is not it"


async def test_the_key_in_an_endpoints_address_is_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(always(http(b"", status="401 Unauthorized"))) as url:
        keyed = url.replace("http://", "http://user:s3cret@") + "/v1/s3cret?api-key=s3cret"
        async with SolanaChain(keyed) as chain:
            with pytest.raises(ChainUnavailableError, match="HTTP 401") as failed:
                await chain.genesis_hash()
            said = [await chain.send(TRANSACTION), str(await chain.outcomes([QUESTION]))]
    error: BaseException | None = failed.value
    assert "127.0.0.1:" in str(error)
    assert "s3cret" not in " ".join([str(error), *said, *(record.getMessage() for record in caplog.records)])
    assert failed.value.__suppress_context__


SENT = SentTransaction("s", "wallet", "in", "out", "guard", 151)
QUESTION = OutcomeQuestion(genesis_hash="g", guard="guard", sent=(SENT,))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://user:pw@rpc.example.com/v1/key?api-key=x", "rpc.example.com"),
        ("http://127.0.0.1:8899", "127.0.0.1:8899"),
        ("http://[::1]:8899/", "[::1]:8899"),
    ],
)
async def test_an_endpoint_is_named_by_its_host(url: str, name: str) -> None:
    endpoint = Endpoint(url)
    await endpoint.close()
    assert endpoint.name == name


async def test_64_calls_are_under_way_at_once() -> None:
    all_here = asyncio.Barrier(64)

    async def together(request: Request) -> bytes:
        await all_here.wait()
        return rpc(request, result="genesis")

    async with serving(together) as url, SolanaChain(url) as chain:
        answers: list[Any] = await asyncio.gather(*(chain.genesis_hash() for _ in range(64)))
    assert answers == ["genesis"] * 64


async def test_a_blockhash_that_is_none_is_not_passed_on() -> None:
    async def invent(request: Request) -> bytes:
        value = {"blockhash": "not a hash", "lastValidBlockHeight": 150}
        return rpc(request, result={"context": {"slot": 1}, "value": value})

    async with serving(invent) as url, SolanaChain(url) as chain:
        with pytest.raises(ChainUnavailableError):
            await chain.latest_blockhash()


async def test_the_answer_to_another_request_is_none() -> None:
    async def another(request: Request) -> bytes:
        return rpc({"id": request["id"] + 1}, result="genesis")

    async with serving(another) as url, SolanaChain(url) as chain:
        with pytest.raises(ChainUnavailableError, match="can't be read"):
            await chain.genesis_hash()


async def test_an_endpoint_cannot_make_us_hold_more_than_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "ANSWER_BYTES", 10_000)

    async def long(request: Request) -> bytes:
        return rpc(request, result="g" * 20_000)

    async with serving(long) as url, SolanaChain(url) as chain:
        with pytest.raises(ChainUnavailableError, match="too long"):
            await chain.genesis_hash()


async def test_a_call_is_made_once_where_its_connection_breaks_and_where_it_is_sent_elsewhere() -> None:
    asked: list[Request] = []

    async def elsewhere(request: Request) -> bytes:
        asked.append(request)
        head = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /there\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        return head if len(asked) == 1 else b""

    async with serving(elsewhere) as url, SolanaChain(url) as chain:
        assert await chain.send(TRANSACTION) == "HTTP 307"
        assert await chain.send(TRANSACTION) == "RemoteProtocolError"
    assert len(asked) == 2


async def test_calls_one_after_another_share_a_connection() -> None:
    opened = 0

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                assert "accept-encoding: identity" in head
                body = await reader.readexactly(int(head.split("content-length:")[1].split("\r\n")[0]))
                answer = rpc(json.loads(body), result="genesis").replace(b"connection: close\r\n", b"")
                writer.write(answer)
        writer.close()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    async with server, SolanaChain(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as chain:
        assert [await chain.genesis_hash() for _ in range(5)] == ["genesis"] * 5
    assert opened == 1
