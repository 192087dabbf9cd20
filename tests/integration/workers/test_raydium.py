"""Orders through Raydium's Trade API to confirmed transactions of the local chain, and whatever it may answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from chains.lookup_tables import LookupTableCache
from domain.events import BuildRejected, OrderRouted, TransactionBuilt
from domain.tokens import KNOWN_TOKENS, USDC
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.remote_setting import RemoteSetting
from tests.integration.workers.test_execution import QUICK
from tests.stubs.jupiter import making_account
from tests.stubs.raydium import RaydiumStub, running_raydium
from venues.raydium.client import refused
from venues.raydium.venue import NAME, Raydium
from venues.remote.budget import NoBudget
from venues.remote.service import Service

Steps = list[list[Instruction]]


@dataclass
class Setting(RemoteSetting):
    stub: RaydiumStub


@asynccontextmanager
async def through_raydium(
    engine: EngineHarness, *, beside_pools: bool = False, within: float = 2.0
) -> AsyncIterator[Setting]:
    async with running_raydium(engine.book) as stub:
        service = Service("raydium", stub.url, budget=NoBudget(), refused=refused, timeout=within)
        tables = LookupTableCache(engine.chain.lookup_table)
        raydium = Raydium(service, engine.chain, tables.with_entries, tokens=KNOWN_TOKENS.tokens)
        venues = [raydium, engine.book] if beside_pools else [raydium]
        try:
            yield Setting(engine, engine.executor(venues=venues, patience=max(5.0, within)), stub)
        finally:
            await service.close()


@pytest.mark.parametrize("as_object", [False, True], ids=["list", "object"])
@pytest.mark.parametrize("legacy", [False, True], ids=["v0", "legacy"])
async def test_an_order_goes_through_raydium_to_a_confirmed_transaction(
    engine: EngineHarness, as_object: bool, legacy: bool
) -> None:
    engine.start_tracker(QUICK)
    async with through_raydium(engine) as setting:
        setting.stub.as_object, setting.stub.legacy = as_object, legacy
        order_id = await setting.executed()
        order = await engine.until(order_id, lambda order: order.ended)
        [routed] = await setting.recorded(order_id, OrderRouted)
    assert order.status == "confirmed"
    assert order.fill is not None
    assert order.fill.venue == NAME
    assert order.fill.amount_out >= routed.minimum_out
    # The whole quote went back as it came, with what nobody here knows; SOL stays wrapped.
    [taken] = setting.stub.taken
    assert taken["swapResponse"]["data"]["aFieldOfLater"] == {"kept": [1, 2.5, "3"]}
    assert taken["swapResponse"]["id"]
    assert (taken["wrapSol"], taken["unwrapSol"], taken["txVersion"]) == (False, False, "V0")
    assert taken["wallet"] == engine.wallet.address
    assert "outputAccount" in taken


async def test_a_quote_that_got_old_is_asked_for_again(engine: EngineHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venues.raydium.venue.QUOTE_AGE_S", 0.0)
    async with through_raydium(engine) as setting:
        order_id = await setting.executed()
        assert len(setting.stub.quoted) == 2
        assert await setting.recorded(order_id, TransactionBuilt)


async def test_a_transaction_before_it_that_makes_accounts_goes_with_it(engine: EngineHarness) -> None:
    async with through_raydium(engine) as setting:
        setting.stub.edit_steps = lambda steps: [[making_account(engine.wallet.address, USDC.mint)], *steps]
        order_id = await setting.executed()
        assert await setting.recorded(order_id, TransactionBuilt)


async def test_a_route_in_several_transactions_is_refused_and_not_asked_for_again(engine: EngineHarness) -> None:
    engine.start_tracker(QUICK)
    async with through_raydium(engine, beside_pools=True) as setting:
        setting.stub.edit_steps = lambda steps: [*steps, *steps]
        setting.stub.edit_quote = better
        order_id = await setting.executed()
        [rejected] = await setting.recorded(order_id, BuildRejected)
        assert rejected.code == "no_liquidity"
        await engine.execute(order_id, executor=setting.executor)
        order = await engine.until(order_id, lambda order: order.ended)
        assert len(setting.stub.quoted) == 1
    assert order.status == "confirmed"


async def test_a_route_through_several_pools_is_no_offer(engine: EngineHarness) -> None:
    """Their router's instructions can't be read: it would be refused later, and the venue left alone for all orders."""

    def through_two(answer: dict[str, Any]) -> dict[str, Any]:
        answer["data"]["routePlan"] *= 2
        return better(answer)

    engine.start_tracker(QUICK)
    async with through_raydium(engine, beside_pools=True) as setting:
        setting.stub.edit_quote = through_two
        order_id = await setting.executed()
        order = await engine.until(order_id, lambda order: order.ended)
        [routed] = await setting.recorded(order_id, OrderRouted)
    assert order.status == "confirmed"
    assert [one.code for one in routed.refusals if one.venue == NAME] == ["no_liquidity"]
    assert setting.stub.taken == []


def better(answer: dict[str, Any]) -> dict[str, Any]:
    """The best quote there is, so that it is taken."""
    answer["data"]["outputAmount"] = str(int(answer["data"]["outputAmount"]) * 1_003 // 1_000)
    return answer


def extra_transfer(steps: Steps) -> Steps:
    payer = steps[0][-1].accounts[2].pubkey
    give = TransferParams(from_pubkey=payer, to_pubkey=Pubkey.new_unique(), lamports=10**9)
    return [[*steps[0], transfer(give)]]


def extra_signer(steps: Steps) -> Steps:
    swap = steps[0][-1]
    signer = AccountMeta(Pubkey.new_unique(), True, False)
    return [[*steps[0][:-1], Instruction(swap.program_id, bytes(swap.data), [*swap.accounts, signer])]]


def to_a_stranger(steps: Steps) -> Steps:
    swap = steps[0][-1]
    accounts = list(swap.accounts)
    accounts[6] = AccountMeta(Pubkey.new_unique(), False, True)
    return [[*steps[0][:-1], Instruction(swap.program_id, bytes(swap.data), accounts)]]


def another_program(steps: Steps) -> Steps:
    return [[*steps[0], Instruction(Pubkey.new_unique(), b"", [])]]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (extra_transfer, "transfer"),
        (extra_signer, "another_signer"),
        (to_a_stranger, "wrong_destination"),
        (another_program, "unknown_program"),
    ],
)
async def test_a_hostile_transaction_is_refused_recorded_and_the_order_goes_to_another_venue(
    engine: EngineHarness, edit: Callable[[Steps], Steps], reason: str
) -> None:
    engine.start_tracker(QUICK)
    async with through_raydium(engine, beside_pools=True) as setting:
        setting.stub.edit_steps, setting.stub.edit_quote = edit, better
        order_id = await setting.executed()
        [rejected] = await setting.recorded(order_id, BuildRejected)
        assert (rejected.code, rejected.detail.split(":")[0]) == ("proposal_refused", reason)
        await engine.execute(order_id, executor=setting.executor)
        order = await engine.until(order_id, lambda order: order.ended)
    assert order.status == "confirmed"


async def test_a_quote_far_above_all_others_is_not_taken(engine: EngineHarness) -> None:
    """A market order's least amount counts from its first quote: this one would keep it from every other venue."""
    async with through_raydium(engine, beside_pools=True) as setting:
        setting.stub.edit_quote = lambda answer: answer | {"data": answer["data"] | {"outputAmount": str(10**12)}}
        order_id = await setting.executed()
        [routed] = await setting.recorded(order_id, OrderRouted)
    assert [(one.venue, one.code) for one in routed.refusals] == [(NAME, "venue_answer_invalid")]
    assert routed.chosen.venue != NAME


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((200, {"id": "1", "success": False, "version": "V1", "msg": "ROUTE_NOT_FOUND"}, {}), "no_liquidity"),
        ((200, {"id": "1", "success": False, "version": "V1", "msg": "REQ_INPUT_MINT_ERROR"}, {}), "venue_unavailable"),
        ((200, {"id": "1", "success": False, "version": "V1"}, {}), "venue_unavailable"),
        ((200, {"id": "1", "success": True, "version": "V1"}, {}), "venue_answer_invalid"),
        ((200, {"id": "1", "success": True, "version": "V1", "data": {}}, {}), "venue_answer_invalid"),
        ((200, "<html>", {}), "venue_answer_invalid"),
        ((429, "Too Many Requests", {}), "venue_rate_limited"),
        ((502, "Bad Gateway", {}), "venue_unavailable"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]} {str(value[1])[-30:]}",
)
async def test_each_error_of_a_quote_is_one_of_our_codes(engine: EngineHarness, answer: Any, code: str) -> None:
    async with through_raydium(engine, beside_pools=True) as setting:
        setting.stub.next_answers.append(answer)
        order_id = await setting.executed()
        [routed] = await setting.recorded(order_id, OrderRouted)
    assert [(one.venue, one.code) for one in routed.refusals] == [(NAME, code)]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((200, {"success": True, "data": []}, {}), "venue_answer_invalid"),
        ((200, {"success": True, "data": [{"transaction": ""}]}, {}), "venue_answer_invalid"),
        ((200, {"success": True, "data": [{"transaction": "AAAA"}]}, {}), "venue_answer_invalid"),
        ((200, {"success": False, "msg": "INSUFFICIENT_LIQUIDITY"}, {}), "no_liquidity"),
        ((200, {"success": False, "msg": "insufficient balance"}, {}), "venue_unavailable"),
        ((500, "oops", {}), "venue_unavailable"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value[0]} {str(value[1])[-30:]}",
)  # fmt: skip
async def test_each_error_of_a_transaction_is_one_of_our_codes(engine: EngineHarness, answer: Any, code: str) -> None:
    async with through_raydium(engine) as setting:

        def then(quote: dict[str, Any]) -> dict[str, Any]:
            setting.stub.next_answers.append(answer)
            return quote

        setting.stub.edit_quote = then
        order_id = await setting.executed()
        [rejected] = await setting.recorded(order_id, BuildRejected)
    assert rejected.code == code


@pytest.mark.parametrize(
    "change",
    [{"inputMint": USDC.mint}, {"inputAmount": "1"}, {"outputAmount": 5}, {"swapType": "BaseOut"}],
    ids=str,
)
async def test_a_quote_for_something_else_or_in_another_form_is_not_taken(
    engine: EngineHarness, change: dict[str, Any]
) -> None:
    async with through_raydium(engine) as setting:
        setting.stub.edit_quote = lambda answer: answer | {"data": answer["data"] | change}
        order_id = await setting.executed()
        assert not await setting.recorded(order_id, OrderRouted)
