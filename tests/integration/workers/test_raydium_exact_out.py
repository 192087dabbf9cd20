"""Orders that name the amount they get, through Raydium's Trade API to confirmed transactions of the local chain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from domain.events import BuildRejected, OrderRouted, TransactionBuilt
from domain.tokens import SOL, USDC
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_exact_out import assert_kept, difference, held, moved
from tests.integration.workers.test_execution import QUICK
from tests.integration.workers.test_raydium import through_raydium
from venues.constant_product import read_swap
from venues.raydium.venue import NAME

Steps = list[list[Instruction]]
SELL: dict[str, Any] = {"amount_in": 0, "amount_out": 75_000_000}
BUY: dict[str, Any] = {"token_in": USDC, "token_out": SOL, "amount_in": 0, "amount_out": 500_000_000}


@pytest.mark.parametrize("terms", [SELL, BUY], ids=["sell", "buy"])
@pytest.mark.parametrize(("as_object", "legacy"), [(False, False), (True, True)], ids=["list", "legacy object"])
async def test_it_gets_exactly_what_it_names_for_no_more_than_its_maximum(
    engine: EngineHarness, terms: dict[str, Any], as_object: bool, legacy: bool
) -> None:
    engine.start_tracker(QUICK)
    before = await held(engine)
    async with through_raydium(engine) as setting:
        setting.stub.as_object, setting.stub.legacy = as_object, legacy
        order_id = await setting.executed(**terms)
        order = await engine.until(order_id, lambda order: order.ended)
        [routed] = await setting.recorded(order_id, OrderRouted)
        [quoted], [taken] = setting.stub.quoted, setting.stub.taken
    assert order.status == "confirmed"
    assert_kept(order)
    assert difference(await held(engine), before) == moved(order)
    assert order.fill is not None
    assert order.fill.venue == NAME
    assert (routed.chosen.amount_out, routed.minimum_out) == (terms["amount_out"],) * 2
    # The quote and its slippage, a percent.
    assert routed.maximum_in == routed.chosen.amount_in * 101 // 100
    assert quoted["amount"] == str(terms["amount_out"])
    data = taken["swapResponse"]["data"]
    assert (data["swapType"], data["inputAmount"]) == ("BaseOut", str(routed.chosen.amount_in))
    assert data["aFieldOfLater"] == {"kept": [1, 2.5, "3"]}


async def test_a_quote_that_got_old_is_asked_for_again(engine: EngineHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venues.raydium.venue.QUOTE_AGE_S", 0.0)
    async with through_raydium(engine) as setting:
        order_id = await setting.executed(**SELL)
        assert [query["amount"] for query in setting.stub.quoted] == ["75000000"] * 2
        assert await setting.recorded(order_id, TransactionBuilt)


async def test_one_that_got_dearer_than_the_maximum_is_not_taken(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("venues.raydium.venue.QUOTE_AGE_S", 0.0)
    async with through_raydium(engine) as setting:

        def dearer(answer: dict[str, Any]) -> dict[str, Any]:
            if len(setting.stub.quoted) > 1:
                answer["data"]["inputAmount"] = str(int(answer["data"]["inputAmount"]) * 102 // 100)
            return answer

        setting.stub.edit_quote = dearer
        order_id = await setting.executed(**SELL)
        [rejected] = await setting.recorded(order_id, BuildRejected)
        assert rejected.code == "slippage_exceeded"
        assert not setting.stub.taken


async def test_a_pool_that_takes_more_than_the_maximum_fails_its_simulation(engine: EngineHarness) -> None:
    async with through_raydium(engine) as setting:
        setting.stub.edit_quote = cheaper(970)
        order_id = await setting.executed(**SELL)
        [rejected] = await setting.recorded(order_id, BuildRejected)
    assert rejected.code == "slippage_exceeded"


async def test_a_route_in_several_transactions_says_nothing_of_routes_from_an_exact_amount_in(
    engine: EngineHarness,
) -> None:
    async with through_raydium(engine) as setting:
        setting.stub.edit_steps = lambda steps: [*steps, *steps]
        order_id = await setting.executed(**SELL)
        [rejected] = await setting.recorded(order_id, BuildRejected)
        assert rejected.code == "no_liquidity"
        setting.stub.edit_steps = lambda steps: steps
        assert await setting.recorded(await setting.executed(client_order_id="in"), TransactionBuilt)
        assert not await setting.recorded(await setting.executed(client_order_id="out", **SELL), TransactionBuilt)


def cheaper(mille: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Quotes that take so many thousandths of what the pool takes, in transactions that allow no more."""

    def edit(answer: dict[str, Any]) -> dict[str, Any]:
        for name in ("inputAmount", "otherAmountThreshold"):
            answer["data"][name] = str(int(answer["data"][name]) * mille // 1_000)
        return answer

    return edit


def edited(swap: Callable[[Instruction], Instruction]) -> Callable[[Steps], Steps]:
    return lambda steps: [[*steps[0][:-1], swap(steps[0][-1])]]


def rewritten(instruction: Instruction, kind: int, amount_in: int, amount_out: int) -> Instruction:
    data = bytes([kind]) + amount_in.to_bytes(8, "little") + amount_out.to_bytes(8, "little")
    return Instruction(instruction.program_id, data, list(instruction.accounts))


def from_an_exact_amount_in(swap: Instruction) -> Instruction:
    """It would pay the whole of the maximum, and the amount out at least."""
    terms = read_swap(bytes(swap.data))
    assert terms is not None
    return rewritten(swap, 1, terms.amount_in * 1_004 // 1_000, terms.minimum_out)


def less_out(swap: Instruction) -> Instruction:
    terms = read_swap(bytes(swap.data))
    assert terms is not None
    return rewritten(swap, 2, terms.amount_in, terms.minimum_out - 1)


def to_a_stranger(swap: Instruction) -> Instruction:
    accounts = list(swap.accounts)
    accounts[6] = AccountMeta(Pubkey.new_unique(), False, True)
    return Instruction(swap.program_id, bytes(swap.data), accounts)


def extra_transfer(steps: Steps) -> Steps:
    payer = steps[0][-1].accounts[2].pubkey
    give = TransferParams(from_pubkey=payer, to_pubkey=Pubkey.new_unique(), lamports=10**9)
    return [[*steps[0], transfer(give)]]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (edited(from_an_exact_amount_in), "wrong_exact_side"),
        (edited(less_out), "minimum_too_low"),
        (edited(to_a_stranger), "wrong_destination"),
        (lambda steps: [[*steps[0], steps[0][-1]]], "not_one_swap"),
        (extra_transfer, "transfer"),
    ],
    ids=["from an exact amount in", "less out", "to a stranger", "two swaps", "an extra transfer"],
)
async def test_a_hostile_transaction_is_refused_and_the_order_goes_to_another_venue(
    engine: EngineHarness, edit: Callable[[Steps], Steps], reason: str
) -> None:
    engine.start_tracker(QUICK)
    before = await held(engine)
    async with through_raydium(engine, beside_pools=True) as setting:
        # The best quote there is, so that it is taken.
        setting.stub.edit_steps, setting.stub.edit_quote = edit, cheaper(997)
        order_id = await setting.executed(**SELL)
        [rejected] = await setting.recorded(order_id, BuildRejected)
        assert (rejected.code, rejected.detail.split(":")[0]) == ("proposal_refused", reason)
        await engine.execute(order_id, executor=setting.executor)
        order = await engine.until(order_id, lambda order: order.ended)
    assert order.status == "confirmed"
    assert_kept(order)
    assert difference(await held(engine), before) == moved(order)


async def test_more_in_than_the_maximum_is_written_over(engine: EngineHarness) -> None:
    """Whatever the proposal allows, what is signed allows the order's maximum."""
    async with through_raydium(engine) as setting:
        setting.stub.edit_steps = edited(lambda swap: rewritten(swap, 2, 2**64 - 1, SELL["amount_out"]))
        order_id = await setting.executed(**SELL)
        [routed] = await setting.recorded(order_id, OrderRouted)
        [built] = await setting.recorded(order_id, TransactionBuilt)
    assert built.maximum_in == routed.maximum_in < 10**9


async def test_a_pool_fills_the_order_where_the_venues_swaps_take_more_than_its_quotes(engine: EngineHarness) -> None:
    engine.start_tracker(QUICK)
    before = await held(engine)
    async with through_raydium(engine, beside_pools=True) as setting:
        setting.stub.edit_quote = cheaper(970)
        order_id = await setting.executed(**SELL)
        for _ in range(2):
            await engine.execute(order_id, executor=setting.executor)
        order = await engine.until(order_id, lambda order: order.ended)
        first, *_ = await setting.recorded(order_id, OrderRouted)
        rejected = await setting.recorded(order_id, BuildRejected)
    honest = min(quote.amount_in for quote in first.quotes if quote.venue != NAME)
    assert [one.maximum_in for one in rejected] == [None, honest * 101 // 100]
    assert order.status == "confirmed"
    assert_kept(order)
    assert difference(await held(engine), before) == moved(order)


async def test_a_quote_that_takes_far_less_than_all_others_is_not_taken(engine: EngineHarness) -> None:
    async with through_raydium(engine, beside_pools=True) as setting:
        setting.stub.edit_quote = cheaper(900)
        order_id = await setting.executed(**SELL)
        [routed] = await setting.recorded(order_id, OrderRouted)
    assert [(one.venue, one.code) for one in routed.refusals] == [(NAME, "venue_answer_invalid")]
    assert routed.chosen.venue != NAME


@pytest.mark.parametrize(
    "change",
    [{"inputMint": USDC.mint}, {"outputAmount": "1"}, {"inputAmount": 5}, {"inputAmount": "0"}, {"swapType": "BaseIn"}],
    ids=str,
)
async def test_a_quote_for_something_else_or_in_another_form_is_not_taken(
    engine: EngineHarness, change: dict[str, Any]
) -> None:
    async with through_raydium(engine) as setting:
        setting.stub.edit_quote = lambda answer: answer | {"data": answer["data"] | change}
        order_id = await setting.executed(**SELL)
        assert not await setting.recorded(order_id, OrderRouted)
