"""What a log that was put back has recorded of its lost end agrees with the chain, or is named."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from chains.reclaim import ClosingGuard, compose_reclaim, token_account_of
from chains.transactions import compose
from cli.outside import outside_orders
from cli.recover import Orders, _recover
from commands.ids import DEFAULT_ACCOUNT, order_id
from domain.log_behind import ForeignTransactionFound
from domain.tokens import SOL, USDC
from projections.accounts import wallet_of
from runtime.errors import StartupError
from tests.integration.chains.endpoint_server import Alter
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_closed_elsewhere import executed_and_reclaimed
from tests.integration.workers.test_foreign_transactions import executed, found_behind, recovered
from tests.integration.workers.test_histories_apart import an_endpoint, asking
from tests.integration.workers.test_reclaim import SHORT, transfer_tokens
from tests.skipping import hurried
from verification.report import RECORD, RECOVER, Finding, Report, untracked
from verification.run import verify_everything


async def findings(engine: EngineHarness) -> list[Finding]:
    """What `surefill verify` names, but for what is only unchecked."""
    found: list[Finding] = []
    report = Report(found.append)
    url, node = engine.settings.database_url, engine.rpc_url
    await asyncio.to_thread(verify_everything, url, node, report, untracked, None, chain=True)
    return [one for one in found if one.verdict == "differs"]


async def caught_up(engine: EngineHarness, processor: str) -> None:
    head = await engine.events.head()
    async with asyncio.timeout(20), engine.pool.connection() as connection:
        query = "select position from positions where processor = %s"
        while not (row := await (await connection.execute(query, [processor])).fetchone()) or row[0] < head:
            await asyncio.sleep(0.05)


async def test_the_guard_of_an_order_that_was_executed_and_reclaimed_elsewhere_needs_no_row(
    engine: EngineHarness, other: EngineHarness
) -> None:
    mine, _ = await executed_and_reclaimed(engine, "mine")
    assert await other.submit(client_order_id="mine") == mine
    await found_behind(other)
    of_chain = [one for one in await findings(other) if one.check == "chain"]
    said = " ".join(one.what for one in of_chain)
    assert "attempt 1: " in said and "a reclaim, " in said and "the transactions moved" in said
    assert {one.remedy for one in of_chain} == {RECOVER}
    await recovered(other)
    assert (await other.order(mine)).status == "confirmed"
    other.start_projector()
    other.start_reclaimer(SHORT)
    await caught_up(other, "reclaim")
    await caught_up(other, "projector:orders_v1")
    async with asyncio.timeout(20), other.pool.connection() as connection:
        while await (await connection.execute("select 1 from guards")).fetchone():
            await asyncio.sleep(0.05)
    await other.stop()
    assert await findings(other) == []


async def test_a_transaction_of_elsewhere_that_the_chain_does_not_have_is_named(engine: EngineHarness) -> None:
    """Recorded on the word of an endpoint that had lied."""
    slot = (await engine.chain.latest_blockhash()).slot
    mine = await engine.submit(client_order_id="mine")
    assert mine == order_id(DEFAULT_ACCOUNT, "mine")
    told: dict[str, Any] = {"failed": False, "fee_lamports": 5_000, "guard": None, "guard_rent_lamports": 2_039_280}
    forged = ForeignTransactionFound(
        order_id=mine, attempt=1, purpose="swap", signature="5" * 88, slot=slot, wallet=engine.wallet.address,
        genesis_hash=engine.genesis_hash, paid={SOL.mint: 10**9}, received={USDC.mint: 10**9}, **told,
    )  # fmt: skip
    await engine.store.foreign.record(DEFAULT_ACCOUNT, [forged])
    engine.start_projector()
    await caught_up(engine, "projector:orders_v1")
    await engine.stop()
    found = await findings(engine)
    async with asyncio.timeout(30):
        while not any("does not hold it" in one.what for one in found):
            assert not [one for one in found if one.check != "chain"]
            await asyncio.sleep(0.5)  # the block of that slot isn't final yet
            found = await findings(engine)
    assert {one.stream_id for one in found if "signed outside of the log" in one.what} == {mine}


NOBODY = Orders(frozenset(), others=False)


async def failed_outside(engine: EngineHarness, ordered: UUID) -> list[str]:
    """A swap of the order and a reclaim that another program has signed with the wallet, and that failed, finalized."""
    key, wallet = engine.wallet.guard_key(), engine.wallet.address
    blockhash = (await engine.chain.latest_blockhash()).blockhash
    too_much = transfer_tokens(engine, token_account_of(wallet), 2**63)
    swap = engine.wallet.sign(
        compose(
            [too_much], guard=[], wallet=wallet, order_id=ordered, attempt=1, blockhash=blockhash, compute_units=50_000
        )
    )
    never_made = [ClosingGuard(key.of_order(wallet, uuid4()).address)]
    message = compose_reclaim(
        never_made, wallet=wallet, authority=key.authority, reclaim_id=uuid4(), blockhash=blockhash
    )
    signed = [swap, engine.wallet.sign_reclaim(message, key)]
    signatures = [str(one.signatures[0]) for one in signed]
    for one in signed:
        await engine.chain.send(bytes(one))
    async with asyncio.timeout(20):
        while not all(
            one and one.failed and one.commitment == "finalized"
            for one in (await engine.chain.statuses(signatures)).found
        ):
            await asyncio.sleep(0.05)
    return signatures


@pytest.mark.parametrize("known", [True, False], ids=["of an order of the log", "of an order it doesn't have"])
async def test_what_failed_outside_of_a_log_that_is_not_behind_agrees_once_recover_has_recorded_it(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    ordered = await engine.submit(client_order_id="mine")
    signatures = await failed_outside(engine, ordered if known else uuid4())
    engine.start_projector()
    await caught_up(engine, "projector:orders_v1")
    await engine.stop()
    unknown = [one for one in await findings(engine) if "unknown to the log" in one.what]
    assert [one.remedy for one in unknown] == [RECORD] * 2
    for name in ("database_url", "redis_url", "solana_rpc_url", "data_dir"):
        monkeypatch.setenv(name.upper(), str(getattr(engine.settings, name)))

    said = await _recover(NOBODY, NOBODY, "")

    assert said.startswith("failed on the chain outside of the log, now recorded: 2\n")
    assert all(signature in said for signature in signatures)
    assert said.endswith("the log is not known to be behind; there is nothing to recover")
    assert await findings(engine) == []
    assert not (await engine.order(ordered)).ended
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted
    assert await _recover(NOBODY, NOBODY, "") == "the log is not known to be behind; there is nothing to recover"


async def test_a_success_outside_of_a_log_that_is_not_behind_is_left_to_the_comparison(
    engine: EngineHarness, other: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = await executed(engine, "theirs")
    assert theirs.fill and theirs.guard
    async with asyncio.timeout(20):
        while not await engine.chain.is_finalized(theirs.guard):
            await asyncio.sleep(0.05)
    for name in ("database_url", "redis_url", "solana_rpc_url", "data_dir"):
        monkeypatch.setenv(name.upper(), str(getattr(other.settings, name)))
    with pytest.raises(StartupError, match=f"{theirs.fill.tx_hash}, which the log doesn't know, and nothing was"):
        await _recover(NOBODY, NOBODY, "")
    assert await other.store.foreign.found(DEFAULT_ACCOUNT) == []


async def test_a_log_that_has_no_wallet_yet_gets_none_by_it(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be bound to that one for ever, whichever its first engine is to trade with."""
    async with engine.pool.connection() as connection:
        await connection.execute("update accounts set wallet = null")
    for name in ("database_url", "redis_url", "solana_rpc_url", "data_dir"):
        monkeypatch.setenv(name.upper(), str(getattr(engine.settings, name)))
    assert await _recover(NOBODY, NOBODY, "") == "the log is not known to be behind; there is nothing to recover"
    assert await wallet_of(engine.pool, DEFAULT_ACCOUNT) is None


async def test_a_failure_that_one_endpoint_of_two_hides_is_not_recorded_before_both_show_it(
    engine: EngineHarness, rpc_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And `surefill recover` says which of them shows nothing, and that another is needed in its place."""
    signatures = await failed_outside(engine, uuid4())
    for name in ("database_url", "redis_url", "solana_rpc_url", "data_dir"):
        monkeypatch.setenv(name.upper(), str(getattr(engine.settings, name)))
    hidden: dict[str, Alter] = {"getSignaturesForAddress": lambda _, __: []}
    async with an_endpoint(rpc_url, hidden) as url:
        asking(engine, rpc_url, url)
        async with hurried(engine.rpc_url), outside_orders(engine.settings, engine.store) as outside:
            read = await outside.record_failures()
        monkeypatch.setenv("SOLANA_EVIDENCE_RPC_URLS", url)
        with pytest.raises(StartupError) as refused:
            await _recover(NOBODY, NOBODY, "")
        shows, hides = (one.removeprefix("http://") for one in (rpc_url, url))
        assert str(refused.value) == (
            f"{shows} shows that {min(signatures)} failed, {hides} shows nothing, and so of 1 more: one endpoint alone "
            "proves nothing. Put one that keeps the wallet's transactions in the place of the one that shows nothing "
            "(SOLANA_RPC_URL, SOLANA_EVIDENCE_RPC_URLS), and run surefill recover again"
        )
    assert (read.left, read.recorded, read.reclaims) == (sorted(signatures), [], [])
    async with an_endpoint(rpc_url, {}) as url:
        asking(engine, rpc_url, url)
        async with hurried(engine.rpc_url), outside_orders(engine.settings, engine.store) as outside:
            read = await outside.record_failures()
    assert read.left == []
    assert [one.signature for one in await engine.store.foreign.found(DEFAULT_ACCOUNT)] == signatures[:1]
