"""A signer over HTTP: one request is one signature, and only the wallet's own under this very message is taken."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey

from chains.errors import SignerError, SignerRefusedError, TransactionRefusedError
from chains.guard import GuardKey
from chains.http_signer import HttpSigner
from chains.reclaim import ClosingGuard, compose_reclaim
from tests.stubs.jupiter import serving
from tests.unit.chains.small_world import KEYPAIR, STRANGER, WALLET, composed


@dataclass
class SignerStub:
    """Signs what it is asked to with ``key``; ``answer`` replaces its answer."""

    key: Keypair = KEYPAIR
    answer: web.Response | None = None
    delay: float = 0.0
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def sign(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.asked.append(asked)
        await asyncio.sleep(self.delay)
        return self.answer or web.json_response({"signature": self._signature(asked)})

    def _signature(self, asked: dict[str, Any]) -> str:
        return str(self.key.sign_message(base64.b64decode(asked["message"])))


@pytest.fixture
async def stub() -> AsyncIterator[SignerStub]:
    stub = SignerStub()
    async with serving(stub, web.post("/p4ss/sign", stub.sign)):
        yield stub


@pytest.fixture
async def signer(stub: SignerStub) -> AsyncIterator[HttpSigner]:
    signer = HttpSigner(f"{stub.url}/p4ss/sign?token=hunter2", WALLET, timeout=0.5)
    yield signer
    await signer.close()


async def test_it_signs_as_a_key_here_would(signer: HttpSigner, stub: SignerStub) -> None:
    message = composed()
    signed = await signer.signed(message)
    signed.verify_and_hash_message()
    assert signed.message == message
    assert [asked["wallet"] for asked in stub.asked] == [WALLET]
    assert signer.guard_key() is None


async def test_a_signature_of_anything_else_is_not_taken(signer: HttpSigner, stub: SignerStub) -> None:
    other = composed(attempt=2)
    for answer in (str(KEYPAIR.sign_message(bytes(other))), str(STRANGER.sign_message(bytes(composed())))):
        stub.answer = web.json_response({"signature": answer})
        with pytest.raises(SignerError, match="isn't the wallet's under this message"):
            await signer.signed(composed())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: web.Response(text="<html>blocked</html>", status=403), "HTTP 403"),
        (lambda: web.json_response({"error": 5}, status=403), "HTTP 403"),
        (lambda: web.json_response({"error": " \n"}, status=403), "HTTP 403"),
        (lambda: web.Response(body=b"[" * 100_000, status=403), "HTTP 403"),
        (lambda: web.json_response({"error": "bad request"}, status=400), "HTTP 400"),
        (lambda: web.json_response({"error": "who are you"}, status=401), "HTTP 401"),
        (lambda: web.json_response({"error": "no such wallet"}, status=404), "HTTP 404"),
        (lambda: web.json_response({"error": "too often"}, status=429), "HTTP 429"),
        (lambda: web.json_response({}), "can't be read"),
        (lambda: web.json_response({"signature": "short"}), "can't be read"),
        (lambda: web.json_response({"signature": 5}), "can't be read"),
        (lambda: web.Response(text="<html>"), "can't be read"),
    ],
)
async def test_a_refusal_or_nonsense_is_no_signature(
    signer: HttpSigner, stub: SignerStub, answer: Any, said: str
) -> None:
    stub.answer = answer()
    with pytest.raises(SignerError, match=said) as refused:
        await signer.signed(composed())
    assert not isinstance(refused.value, SignerRefusedError)
    assert "hunter2" not in str(refused.value)


async def test_a_refusal_by_rules_says_why_in_a_sentence_without_our_secret(
    signer: HttpSigner, stub: SignerStub
) -> None:
    stub.answer = web.json_response(
        {"error": "a daily\n sum\x1b for token hunter2 at /p4ss/sign" + "!" * 300}, status=403
    )
    with pytest.raises(SignerRefusedError, match=r"^the signer refuses: a daily sum. for token ") as refused:
        await signer.signed(composed())
    assert "hunter2" not in str(refused.value) and "p4ss" not in str(refused.value)
    assert len(str(refused.value)) < 230
    assert len(stub.asked) == 1


async def test_what_is_not_answered_in_time_is_not_asked_for_again(signer: HttpSigner, stub: SignerStub) -> None:
    stub.delay = 5.0
    with pytest.raises(SignerError, match=r"within 0\.5 s"):
        await signer.signed(composed())
    assert len(stub.asked) == 1


async def test_a_message_for_another_signature_is_not_even_asked_for(signer: HttpSigner, stub: SignerStub) -> None:
    theirs = MessageV0.try_compile(STRANGER.pubkey(), [], [], Hash.default())
    with pytest.raises(TransactionRefusedError):
        await signer.signed(theirs)
    assert stub.asked == []


async def test_a_reclaim_is_signed_by_both_and_the_canary_never(signer: HttpSigner, stub: SignerStub) -> None:
    key = GuardKey(bytes(32))

    def closing(guard: str) -> MessageV0:
        return compose_reclaim(
            [ClosingGuard(guard, 0)],
            wallet=WALLET,
            authority=key.authority,
            reclaim_id="0193a5c2-7a6b-7def-8123-456789abcdef",  # type: ignore[arg-type]
            blockhash=str(Hash.default()),
            compute_units=10_000,
        )

    signed = await signer.signed_reclaim(closing(str(Pubkey(b"g" * 32))), key)
    signed.verify_and_hash_message()
    with pytest.raises(TransactionRefusedError):
        await signer.signed_reclaim(closing(key.canary(WALLET).address), key)
    assert len(stub.asked) == 1
