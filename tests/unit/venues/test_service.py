"""Which answers of a service count as failures of it: what can't be used does, whatever its status."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from time import asctime, gmtime, monotonic, strftime, time
from typing import Any, NoReturn

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from domain.tokens import KNOWN_TOKENS, SOL, USDC
from tests.stubs.jupiter import serving
from venues.errors import VenueError
from venues.feeds import pyth
from venues.feeds.jupiter import JupiterFeed
from venues.jupiter import client as jupiter
from venues.jupiter.venue import Jupiter
from venues.protocol import QuoteRequest, VenueQuote
from venues.raydium import client as raydium
from venues.raydium.venue import Raydium
from venues.remote.breaker import FAILURES
from venues.remote.budget import Budget, NoBudget
from venues.remote.needed_accounts import NeededAccounts
from venues.remote.service import PAUSE_S, Refused, Service

Ask = Callable[[Service], Awaitable[Any]]


class Stub:
    """Answers everything with ``status`` and ``body``."""

    url = ""
    status, body = 200, "{}"
    headers: Mapping[str, str] = {}

    async def answer(self, request: web.Request) -> web.Response:
        return web.Response(
            status=self.status, text=self.body, content_type="application/json", headers=dict(self.headers)
        )


@asynccontextmanager
async def asked(
    refused: Refused = jupiter.refused,
    *,
    budget: Budget | None = None,
    headers: Mapping[str, str] | None = None,
    path: str = "",
) -> AsyncIterator[tuple[Stub, Service]]:
    stub = Stub()
    async with serving(stub, web.route("*", "/{path:.*}", stub.answer)) as url:
        service = Service(
            "a service", url + path, budget=budget or NoBudget(), refused=refused, timeout=2.0, headers=headers
        )
        yield stub, service
        await service.close()


async def build(service: Service) -> None:
    await jupiter.build(service, jupiter.BuildRequest(SOL.mint, USDC.mint, 1, SOL.mint))


async def compute(service: Service) -> None:
    await raydium.compute(service, token_in=SOL.mint, token_out=USDC.mint, amount_in=1)


async def jupiter_prices(service: Service) -> None:
    await JupiterFeed(service, KNOWN_TOKENS.tokens, every=0.0).ticks()


async def pyth_prices(service: Service) -> None:
    await pyth.PythFeed(service, KNOWN_TOKENS.tokens, every=0.0).ticks()


async def ask(service: Service, how: Ask, times: int = FAILURES) -> None:
    for _ in range(times):
        try:
            await how(service)
        except VenueError:
            continue


@pytest.mark.parametrize("how", [build, compute, jupiter_prices, pyth_prices])
async def test_who_answers_nothing_that_can_be_used_is_left_alone(how: Ask) -> None:
    async with asked() as (stub, service):
        stub.body = "<html>maintenance</html>"
        await ask(service, how)
        assert service.breaker.state == "open"
        # Nor does such an answer show that it is back.
        service.breaker.until = monotonic()
        assert service.breaker.state == "half_open"
        await ask(service, how, 1)
        assert service.breaker.state == "open"


@pytest.mark.parametrize(
    ("status", "state"),
    [(302, "open"), (404, "open"), (401, "open"), (503, "open"), (400, "closed"), (429, "closed")],
)
async def test_what_is_no_answer_to_the_question_counts_against_the_service(status: int, state: str) -> None:
    async with asked() as (stub, service):
        stub.status = status
        await ask(service, build)
        assert service.breaker.state == state


@pytest.mark.parametrize(
    ("status", "code"), [(401, "venue_unauthorized"), (403, "venue_unauthorized"), (500, "venue_unavailable")]
)
async def test_a_key_that_is_not_accepted_is_told_while_the_service_is_left_alone(status: int, code: str) -> None:
    async with asked() as (stub, service):
        stub.status = status
        await ask(service, build)
        assert service.breaker.state == "open"
        with pytest.raises(VenueError, match="left alone for now") as refused:
            await build(service)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("said", "code", "state"),
    [
        ("ROUTE_NOT_FOUND", "no_liquidity", "closed"),
        ("INSUFFICIENT_LIQUIDITY", "no_liquidity", "closed"),
        ("REQ_OWNER_ACCOUNT_ERROR", "venue_unavailable", "closed"),
        ("REQ_TIMEOUT_ERROR", "venue_unavailable", "closed"),
        ("insufficient balance", "venue_unavailable", "closed"),
        ("SOMETHING_NEW", "venue_unavailable", "closed"),
        ("POOL_UNAVAILABLE", "venue_unavailable", "closed"),
        ("", "venue_unavailable", "closed"),
        ("INTERNAL_SERVER_ERROR", "venue_unavailable", "open"),
        ("Service temporarily unavailable", "venue_unavailable", "open"),
        ("request timed out", "venue_unavailable", "open"),
    ],
)
async def test_no_word_of_raydium_ends_an_order_and_only_one_that_says_it_is_ill_counts_as_a_failure(
    said: str, code: str, state: str
) -> None:
    async with asked(raydium.refused) as (stub, service):
        stub.body = f'{{"id": "q", "success": false, "version": "V1", "msg": "{said}"}}'
        with pytest.raises(VenueError) as failed:
            await compute(service)
        assert failed.value.code == code
        await ask(service, compute, FAILURES - 1)
        assert service.breaker.state == state


class Blocks(NoBudget):
    """Keeps for how many seconds it was to be left alone."""

    pause = 0.0

    async def block_until(self, unix_time: float) -> None:
        self.pause = unix_time - time()


def at(seconds: float) -> str:
    return f"{time() + seconds:.3f}"


@pytest.mark.parametrize(
    ("header", "value", "pause"),
    [
        ("Retry-After", lambda: "120", 120),
        ("Retry-After", lambda: "120.0", 120),
        ("Retry-After", lambda: "0.5", 1),
        ("Retry-After", lambda: formatdate(time() + 120, usegmt=True), 120),
        ("Retry-After", lambda: formatdate(time() + 120), 120),
        ("Retry-After", lambda: strftime("%A, %d-%b-%y %H:%M:%S GMT", gmtime(time() + 120)), 120),
        ("Retry-After", lambda: asctime(gmtime(time() + 120)), 120),
        ("Retry-After", lambda: formatdate(time() - 120, usegmt=True), 1),
        ("X-RateLimit-Reset", lambda: at(60), 60),
        ("X-RateLimit-Reset", lambda: at(-60), 1),
        *(
            (header, lambda said=said: said, 1)
            for header in ("Retry-After", "X-RateLimit-Reset")
            for said in ("soon", "-5", "nan", "inf", "1e9", "1.2.3", "9" * 400, "\u0661\u0662", "")
        ),
        ("Retry-After", lambda: "Wed, 21 Oct 99999999999 07:28:00 GMT", 1),
        ("Retry-After", lambda: "Wed, 99 Oct 2099 07:28:00 GMT", 1),
    ],
)
async def test_who_is_asked_too_often_is_left_alone_as_long_as_it_says_in_any_of_the_forms(
    header: str, value: Callable[[], str], pause: float
) -> None:
    budget = Blocks()
    async with asked(budget=budget) as (stub, service):
        stub.status, stub.headers = 429, {header: value()}
        await ask(service, build, 1)
    # An HTTP date has whole seconds, and a busy machine takes its time between the date and the answer.
    assert max(pause - 5, PAUSE_S - 0.1) < budget.pause <= pause


async def test_a_refusal_of_one_order_shows_that_raydium_is_back() -> None:
    async with asked(raydium.refused) as (stub, service):
        stub.status = 503
        await ask(service, compute)
        service.breaker.until = monotonic()
        stub.status, stub.body = 200, '{"id": "q", "success": false, "version": "V1", "msg": "REQ_OWNER_ACCOUNT_ERROR"}'
        await ask(service, compute, 1)
        assert service.breaker.state == "closed"


KEY = "3f1c9a52-4242-bbbb/cccc+0123456789ab"
FAILED = '{"id": "q", "success": false, "version": "V1", "msg": "INTERNAL_ERROR of key %s"}'


@pytest.mark.parametrize("sent", [{"headers": {"x-api-key": KEY}}, {"path": f"/{KEY}"}], ids=["header", "address"])
@pytest.mark.parametrize(
    ("refused", "how", "status", "body"),
    [
        (jupiter.refused, build, 401, '{"error": "Invalid API key: %s"}'),
        (jupiter.refused, build, 401, "Invalid API key: %s"),
        (jupiter.refused, build, 500, "no " * 62 + "%s"),
        (raydium.refused, compute, 403, '{"error": "Invalid API key: %s"}'),
        (raydium.refused, compute, 200, FAILED),
        (raydium.refused, compute, 200, FAILED.replace("INTERNAL_ERROR", "no " * 59)),
    ],
)
async def test_a_key_that_is_said_back_is_kept_nowhere(
    refused: Refused, how: Ask, status: int, body: str, sent: dict[str, Any]
) -> None:
    for said in (KEY, KEY.upper(), KEY.replace("/", "\\/")):
        async with asked(refused, **sent) as (stub, service):
            stub.status, stub.body = status, body % said
            stub.headers = {"x-api-gateway-request-id": said}
            with capture_logs() as logged, pytest.raises(VenueError) as failed:
                await how(service)
            await ask(service, how)
        kept = f"{failed.value} {failed.value.detail} {service.breaker.reason} {logged}"
        assert "3f1c9a52" not in kept.lower()
        assert "[secret]" in failed.value.detail


async def test_nor_in_why_an_answer_cannot_be_used() -> None:
    def read(_: bytes) -> None:
        raise ValueError(f"{KEY} is no number")

    async with asked(headers={"authorization": f"Bearer {KEY}"}) as (_, service):
        with pytest.raises(VenueError) as failed:
            await service.get("/", {}, read)
        assert KEY not in failed.value.detail
        assert KEY not in service.unusable(f"its {KEY} can't be read").detail


class NoChain:
    """Nothing is read of it for a quote."""

    async def program_accounts(self, program: str) -> NoReturn:
        raise AssertionError

    async def accounts(self, addresses: Sequence[str]) -> NoReturn:
        raise AssertionError

    async def tables(self, used: Mapping[str, int]) -> NoReturn:
        raise AssertionError


async def test_nor_in_the_route_of_a_quote_that_is_recorded() -> None:
    swap = {"inputMint": SOL.mint, "outputMint": USDC.mint}
    instruction = {"programId": SOL.mint, "accounts": [], "data": ""}
    built = {
        **swap,
        "inAmount": "1",
        "outAmount": "2",
        "routePlan": [{"swapInfo": {"ammKey": f"{KEY}\n \x1b[2J", "label": "Orca"}}],
        "computeBudgetInstructions": [],
        "setupInstructions": [],
        "swapInstruction": instruction,
        "otherInstructions": [],
    }
    computed = {**swap, "swapType": "BaseIn", "inputAmount": "1", "outputAmount": "2", "routePlan": [{"poolId": KEY}]}
    request, tokens = QuoteRequest(SOL.mint, USDC.mint, 1), KNOWN_TOKENS.tokens
    async with asked(headers={"x-api-key": KEY}) as (stub, service):
        for group, answer in (
            (Jupiter(service, NeededAccounts(NoChain()), words=["jupiter"], tokens=tokens), built),
            (Raydium(service, NoChain(), NoChain().tables, tokens=tokens), {"success": True, "data": computed}),
        ):
            stub.body = json.dumps(answer)
            [[quoted]] = await group.quote_all([request])
            assert isinstance(quoted, VenueQuote)
            assert quoted.quote.pool in ("[secret]", "[secret]\ufffd[2J")
