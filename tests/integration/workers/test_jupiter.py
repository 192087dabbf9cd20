"""Orders through Jupiter's shapes to confirmed transactions of the local chain, and whatever a service may answer."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from chains.priority_fees import PriorityFees
from chains.protocol import Chain, Simulation
from chains.solana_client import SolanaChain
from domain.codes import Code
from domain.events import BuildRejected, OrderRouted, TransactionBuilt
from domain.evidence import TransactionError
from domain.numbers import less_slippage
from domain.tokens import KNOWN_TOKENS, SOL, USDC
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.remote_setting import RemoteSetting
from tests.integration.workers.test_execution import QUICK
from tests.stubs.jupiter import JupiterStub, running_jupiter, shown
from venues.errors import VenueError
from venues.jupiter.client import refused
from venues.jupiter.venue import Jupiter
from venues.protocol import Proposal, QuoteRequest, VenueQuote
from venues.remote.breaker import FAILURES
from venues.remote.budget import NoBudget
from venues.remote.needed_accounts import NeededAccounts
from venues.remote.service import Service

AN_ACCOUNT = {"pubkey": "1" * 32, "isSigner": False, "isWritable": False}


@dataclass
class Setting(RemoteSetting):
    stub: JupiterStub
    jupiter: Jupiter


@asynccontextmanager
async def through_jupiter(
    engine: EngineHarness, *, words: tuple[str, ...] = ("jupiter",), beside_pools: bool = False, within: float = 2.0
) -> AsyncIterator[Setting]:
    async with running_jupiter(engine.book) as stub:
        service = Service(
            "jupiter", stub.url, budget=NoBudget(), refused=refused, timeout=within, headers={"x-api-key": "a key"}
        )
        jupiter = Jupiter(service, NeededAccounts(engine.chain), words=words, tokens=KNOWN_TOKENS.tokens)
        venues = [jupiter, engine.book] if beside_pools else [jupiter]
        try:
            yield Setting(engine, engine.executor(venues=venues), stub, jupiter)
        finally:
            await service.close()


async def test_an_order_goes_through_jupiter_to_a_confirmed_transaction(engine: EngineHarness) -> None:
    engine.start_tracker(QUICK)
    async with through_jupiter(engine) as setting:
        order_id = await setting.executed()
        order = await engine.until(order_id, lambda order: order.ended)
        [routed] = await setting.recorded(order_id, OrderRouted)
        [built] = await setting.recorded(order_id, TransactionBuilt)
    assert order.status == "confirmed"
    assert order.fill is not None
    assert order.fill.venue == "Jupiter"
    assert order.fill.amount_out >= routed.minimum_out == built.minimum_out
    # Quote and instructions are one call, asked with the key and for the wallet, SOL wrapped.
    assert len(setting.stub.asked) == 1
    assert setting.stub.keys == ["a key"]
    assert setting.stub.asked[0]["taker"] == engine.wallet.address
    assert setting.stub.asked[0]["wrapAndUnwrapSol"] == "false"
    # Its price for compute is a hint that is heeded; what makes accounts that are there is left out.
    assert built.compute_unit_price == setting.stub.unit_price
    assert bytes(Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")) not in base64.b64decode(
        built.transaction
    )


async def test_a_price_for_compute_beyond_what_an_order_may_offer_is_cut(engine: EngineHarness) -> None:
    async with through_jupiter(engine) as setting:
        setting.stub.unit_price = 10**12
        order_id = await setting.executed()
        [built] = await setting.recorded(order_id, TransactionBuilt)
    assert 0 < built.priority_fee_lamports <= 1_000_000 // 7 + 1


async def test_what_was_paid_lately_at_its_accounts_raises_what_it_offers(engine: EngineHarness) -> None:
    async with through_jupiter(engine) as setting:
        setting.stub.unit_price = 0
        context = setting.executor._visit.builder._context

        async def paid(accounts: Any) -> list[int]:
            return [0, 4_000, 9_000]

        raised = replace(context, fees=PriorityFees(paid, 100))
        setting.executor._visit.builder._context = raised
        order_id = await setting.executed()
        [built] = await setting.recorded(order_id, TransactionBuilt)
    assert built.compute_unit_price == 9_000
    # The node itself is asked in its own form, and answers.
    assert await engine.chain.recent_priority_fees([engine.wallet.address]) is not None


async def test_meteora_and_orca_are_routes_of_their_own_labels(engine: EngineHarness) -> None:
    async with through_jupiter(engine, words=("meteora", "orca")) as setting:
        order_id = await setting.executed()
        [routed] = await setting.recorded(order_id, OrderRouted)
    assert {quote.venue for quote in routed.quotes} == {"Meteora via Jupiter", "Orca via Jupiter"}
    assert {query["dexes"] for query in setting.stub.asked} == {
        "Meteora,Meteora DLMM,Meteora DAMM v2",
        "Whirlpool,Orca V2,Orca V1",
    }


async def test_a_quote_that_got_old_is_asked_for_again(engine: EngineHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venues.jupiter.venue.QUOTE_AGE_S", 0.0)
    async with through_jupiter(engine) as setting:
        order_id = await setting.executed()
        assert len(setting.stub.asked) == 2
        assert await setting.recorded(order_id, TransactionBuilt)


async def test_fewer_accounts_are_asked_for_where_the_route_does_not_fit(engine: EngineHarness) -> None:
    async with through_jupiter(engine) as setting:

        def large(answer: dict[str, Any]) -> dict[str, Any]:
            if "maxAccounts" in setting.stub.asked[-1] and int(setting.stub.asked[-1]["maxAccounts"]) <= 30:
                return answer
            more = [{"pubkey": str(Pubkey.new_unique()), "isSigner": False, "isWritable": False} for _ in range(40)]
            answer["swapInstruction"]["accounts"] += more
            return answer

        setting.stub.edit = large
        order_id = await setting.executed()
        assert await setting.recorded(order_id, TransactionBuilt)
    assert [query.get("maxAccounts") for query in setting.stub.asked] == [None, "40", "30"]


class Blind:
    """The chain by a node that doesn't show what programs call."""

    def __init__(self, chain: SolanaChain) -> None:
        self._chain = chain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    async def simulate(self, message: MessageV0) -> Simulation:
        return replace(await self._chain.simulate(message), inner=None)


async def test_a_venue_stays_trusted_where_it_is_the_node_that_shows_too_little(engine: EngineHarness) -> None:
    async with through_jupiter(engine) as setting:
        blind = engine.executor(chain=cast(Chain, Blind(engine.chain)), venues=[setting.jupiter])
        order_id = await engine.submit()
        await engine.execute(order_id, executor=blind)
        [rejected] = await setting.recorded(order_id, BuildRejected)
        assert (rejected.code, rejected.detail.partition(":")[0]) == ("chain_unavailable", "simulated_unseen")
        assert setting.jupiter.breakers["Jupiter"].state == "closed"


Edit = Callable[[dict[str, Any], EngineHarness], None]


def with_transfer(answer: dict[str, Any], engine: EngineHarness) -> None:
    own = Pubkey.from_string(engine.wallet.address)
    give = TransferParams(from_pubkey=own, to_pubkey=Pubkey.new_unique(), lamports=10**9)
    answer["otherInstructions"] = [shown(transfer(give))]


def with_signer(answer: dict[str, Any], engine: EngineHarness) -> None:
    answer["swapInstruction"]["accounts"].append(
        {"pubkey": str(Pubkey.new_unique()), "isSigner": True, "isWritable": False}
    )


def for_another(answer: dict[str, Any], engine: EngineHarness) -> None:
    answer["swapInstruction"]["accounts"][6]["pubkey"] = engine.book.pools(answer["inputMint"], answer["outputMint"])[
        0
    ].vaults[1]


def by_another_program(answer: dict[str, Any], engine: EngineHarness) -> None:
    answer["swapInstruction"]["programId"] = str(Pubkey.new_unique())


def more_in(answer: dict[str, Any], engine: EngineHarness) -> None:
    data = bytearray(base64.b64decode(answer["swapInstruction"]["data"]))
    data[1:9] = (int(answer["inAmount"]) + 1).to_bytes(8, "little")
    answer["swapInstruction"]["data"] = base64.b64encode(bytes(data)).decode()


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (with_transfer, "transfer"),
        (with_signer, "another_signer"),
        (for_another, "wrong_destination"),
        (by_another_program, "unknown_program"),
        (more_in, "too_much_in"),
    ],
)
async def test_a_hostile_proposal_is_refused_recorded_and_the_order_goes_to_another_venue(
    engine: EngineHarness, edit: Edit, reason: str
) -> None:
    engine.start_tracker(QUICK)
    async with through_jupiter(engine, beside_pools=True) as setting:

        def hostile(answer: dict[str, Any]) -> dict[str, Any]:
            # The best quote there is, and more above the others' than an order's slippage is.
            answer["outAmount"] = str(int(answer["outAmount"]) * 104 // 100)
            edit(answer, engine)
            return answer

        setting.stub.edit = hostile
        order_id = await setting.executed()
        [rejected] = await setting.recorded(order_id, BuildRejected)
        assert not await setting.recorded(order_id, TransactionBuilt)
        assert (rejected.code, rejected.detail.split(":")[0]) == ("proposal_refused", reason)
        # The venue is left alone for now, so the next try takes the pools.
        await engine.execute(order_id, executor=setting.executor)
        order = await engine.until(order_id, lambda order: order.ended)
        assert len(setting.stub.asked) == 1
    assert order.status == "confirmed"
    assert order.fill
    assert order.fill.venue != "Jupiter"


def a_little_better(answer: dict[str, Any]) -> None:
    answer["outAmount"] = str(int(answer["outAmount"]) * 1_003 // 1_000)


async def test_an_order_goes_on_with_others_than_a_venue_whose_swap_fails(engine: EngineHarness) -> None:
    engine.start_tracker(QUICK)
    async with through_jupiter(engine, beside_pools=True) as setting:

        def broken(answer: dict[str, Any]) -> dict[str, Any]:
            a_little_better(answer)
            accounts = answer["swapInstruction"]["accounts"]
            accounts[4], accounts[5] = accounts[5], accounts[4]
            return answer

        setting.stub.edit = broken
        order_id = await setting.executed()
        [rejected] = await setting.recorded(order_id, BuildRejected)
        assert rejected.code == "program_error"
        await engine.execute(order_id, executor=setting.executor)
        order = await engine.until(order_id, lambda order: order.ended)
        [_, routed] = await setting.recorded(order_id, OrderRouted)
        # Others' orders may still go through it.
        assert setting.jupiter.breakers["Jupiter"].state == "closed"
    assert [(one.venue, one.code) for one in routed.refusals] == [("Jupiter", "venue_unavailable")]
    assert (order.status, order.fill and order.fill.venue != "Jupiter") == ("confirmed", True)


def overstated(answer: dict[str, Any]) -> dict[str, Any]:
    """By more than an order's slippage, and less than what is refused at sight."""
    return answer | {"outAmount": str(int(answer["outAmount"]) * 103 // 100)}


async def test_a_market_order_is_filled_by_a_pool_where_a_venues_swaps_give_less_than_its_quotes(
    engine: EngineHarness,
) -> None:
    engine.start_tracker(QUICK)
    async with through_jupiter(engine, beside_pools=True) as setting:
        setting.stub.edit = overstated
        order_id = await setting.executed()
        # Once it may be the price: it is asked again, and nobody else hears of it.
        assert setting.jupiter.breakers["Jupiter"].state == "closed"
        await engine.execute(order_id, executor=setting.executor)
        assert setting.jupiter.breakers["Jupiter"].state == "open"
        await engine.execute(order_id, executor=setting.executor)
        order = await engine.until(order_id, lambda order: order.ended)
        [first, _, routed] = await setting.recorded(order_id, OrderRouted)
        rejected = await setting.recorded(order_id, BuildRejected)
        [built] = await setting.recorded(order_id, TransactionBuilt)
        # The next order passes it over at once.
        asked = len(setting.stub.asked)
        await engine.until(await setting.executed(), lambda order: order.ended)
        assert len(setting.stub.asked) == asked == 2
    honest = max(quote.amount_out for quote in first.quotes if quote.venue != "Jupiter")
    assert [one.code for one in rejected] == ["slippage_exceeded"] * 2
    assert [one.minimum_out for one in rejected] == [None, less_slippage(honest, 100)]
    assert first.chosen.venue == "Jupiter"
    assert order.fill is not None
    assert (order.status, order.fill.venue) == ("confirmed", routed.chosen.venue)
    assert routed.chosen.venue != "Jupiter"
    assert order.fill.amount_out >= built.minimum_out >= less_slippage(honest, 100)


async def test_a_swap_that_once_gave_less_than_its_quote_changes_nothing_for_its_venue(engine: EngineHarness) -> None:
    engine.start_tracker(QUICK)
    async with through_jupiter(engine, beside_pools=True) as setting:
        setting.stub.edit = overstated
        order_id = await setting.executed()
        setting.stub.edit = lambda answer: answer | {"outAmount": str(int(answer["outAmount"]) * 1_001 // 1_000)}
        await engine.execute(order_id, executor=setting.executor)
        order = await engine.order(order_id)
        # What it quotes now is below the first minimum, which stands.
        assert (order.status, order.misquoted, order.attempts) == ("routing", False, ())
        other = await engine.until(await setting.executed(), lambda order: order.ended)
        assert other.fill is not None
        assert other.fill.venue == "Jupiter"


async def test_an_order_that_allows_no_slippage_says_nothing_against_its_venue_and_stays_within_its_bound(
    engine: EngineHarness,
) -> None:
    engine.start_tracker(QUICK)
    async with through_jupiter(engine, beside_pools=True) as setting:
        # As by a price that moves by a hair between each quote and its simulation.
        setting.stub.edit = lambda answer: answer | {"outAmount": str(int(answer["outAmount"]) + 1)}
        order_id = await setting.executed(slippage_bps=0)
        for _ in range(2):
            await engine.execute(order_id, executor=setting.executor)
        order = await engine.order(order_id)
        [first, *_] = await setting.recorded(order_id, OrderRouted)
        rejected = await setting.recorded(order_id, BuildRejected)
        assert {one.code for one in rejected} == {"slippage_exceeded"}
        assert len(rejected) > 1
        assert (order.status, order.first_minimum_out) == ("routing", first.chosen.amount_out)
        assert setting.jupiter.breakers["Jupiter"].state == "closed"
        other = await engine.until(await setting.executed(), lambda order: order.ended)
        assert other.fill is not None
        assert other.fill.venue == "Jupiter"


class Short(Blind):
    """The chain by a node that says what it says where some account holds too little."""

    async def simulate(self, message: MessageV0) -> Simulation:
        short = TransactionError(code=Code.INSUFFICIENT_FUNDS, detail='{"InstructionError": [4, {"Custom": 1}]}')
        return replace(await self._chain.simulate(message), error=short)


@pytest.mark.parametrize(("amount", "code"), [(10**9, "program_error"), (10**17, "insufficient_funds")])
async def test_an_account_of_the_venues_that_is_short_is_no_wallet_that_is(
    engine: EngineHarness, amount: int, code: str
) -> None:
    async with through_jupiter(engine) as setting:
        short = engine.executor(chain=cast(Chain, Short(engine.chain)), venues=[setting.jupiter])
        order_id = await engine.submit(amount_in=amount)
        await engine.execute(order_id, executor=short)
        [rejected] = await setting.recorded(order_id, BuildRejected)
    assert rejected.code == code


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((400, {"error": "No routes found"}, {}), "no_liquidity"),
        ((400, {"error": "The token JUP is not tradable"}, {}), "no_venue"),
        ((400, {"error": "Invalid taker"}, {}), "venue_unavailable"),
        ((401, {"code": 401, "message": "Unauthorized"}, {}), "venue_unauthorized"),
        ((403, "Forbidden", {}), "venue_unauthorized"),
        ((429, "[API Gateway] Too many requests", {"x-ratelimit-remaining": "-1"}), "venue_rate_limited"),
        ((500, {"error": "Internal"}, {}), "venue_unavailable"),
        ((200, "<html>maintenance</html>", {}), "venue_answer_invalid"),
        ((200, '{"inputMint": "So11', {}), "venue_answer_invalid"),
        ((200, {}, {}), "venue_answer_invalid"),
        ((200, [], {}), "venue_answer_invalid"),
        ((302, "elsewhere", {"location": "http://127.0.0.1:1/"}), "venue_unavailable"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]} {str(value[1])[:20]}",
)
async def test_each_error_is_one_of_our_codes(engine: EngineHarness, answer: Any, code: str) -> None:
    async with through_jupiter(engine, beside_pools=True) as setting:
        setting.stub.next_answers.append(answer)
        order_id = await setting.executed()
        [routed] = await setting.recorded(order_id, OrderRouted)
    assert [(one.venue, one.code) for one in routed.refusals] == [("Jupiter", code)]
    assert routed.chosen.venue != "Jupiter"


@pytest.mark.parametrize(
    "change",
    [
        {"outputMint": "JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN"},
        {"inAmount": "1"},
        {"outAmount": 12_000_000},
        {"outAmount": "1.5"},
        {"outAmount": str(2**64)},
        {"swapInstruction": {"programId": "short", "accounts": [], "data": ""}},
        {"swapInstruction": None},
        {"swapInstruction": {"programId": "1" * 32, "accounts": [], "data": base64.b64encode(bytes(70_000)).decode()}},
        {"swapInstruction": {"programId": "1" * 32, "accounts": [AN_ACCOUNT] * 256, "data": ""}},
    ],
    ids=lambda change: str(change)[:40],
)
async def test_a_quote_for_something_else_or_in_another_form_is_not_taken(
    engine: EngineHarness, change: dict[str, Any]
) -> None:
    async with through_jupiter(engine) as setting:
        setting.stub.edit = lambda answer: answer | change
        order_id = await setting.executed()
        assert not await setting.recorded(order_id, TransactionBuilt)
        order = await engine.order(order_id)
    assert order.status == "routing"


async def test_a_venue_whose_instructions_can_never_be_read_is_left_alone_though_its_quotes_can(
    engine: EngineHarness,
) -> None:
    async with through_jupiter(engine) as setting:
        unreadable = {"programId": "short", "accounts": [], "data": ""}
        setting.stub.edit = lambda answer: answer | {"swapInstruction": unreadable}
        for _ in range(FAILURES):
            [[quote]] = await setting.jupiter.quote_all([QuoteRequest(SOL.mint, USDC.mint, 10**9)])
            assert isinstance(quote, VenueQuote)
            with pytest.raises(VenueError):
                await setting.jupiter.swap(quote, owner=SOL.mint, minimum_out=1, fits=always)
        assert setting.jupiter.service.breaker.state == "closed"
        assert setting.jupiter.breakers["Jupiter"].state == "open"


async def always(proposal: Proposal) -> bool:
    return True


async def test_the_name_of_a_pool_is_recorded_such_as_every_table_can_hold_it(engine: EngineHarness) -> None:
    engine.start_projector()
    async with through_jupiter(engine) as setting:

        def named(answer: dict[str, Any]) -> dict[str, Any]:
            answer["routePlan"][0]["swapInfo"]["ammKey"] = "a\0b\x1b"
            return answer

        setting.stub.edit = named
        order_id = await setting.executed()
        [routed] = await setting.recorded(order_id, OrderRouted)
        await engine.projected()
    assert routed.chosen.pool == "a\ufffdb\ufffd"


async def test_a_venue_that_hangs_is_waited_for_as_long_as_a_quote_may_take(engine: EngineHarness) -> None:
    async with through_jupiter(engine, beside_pools=True, within=0.2) as setting:
        setting.stub.delay = 9.0
        began = time.monotonic()
        order_id = await setting.executed()
        [routed] = await setting.recorded(order_id, OrderRouted)
        assert time.monotonic() - began < 4
    assert [(one.code, one.detail) for one in routed.refusals] == [
        ("venue_unavailable", "jupiter: no answer within 0.2 s")
    ]
