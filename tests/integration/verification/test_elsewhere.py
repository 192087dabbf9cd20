"""What a log that was put back has recorded of its lost end agrees with the chain, or is named."""

from __future__ import annotations

import asyncio
from typing import Any

from commands.ids import DEFAULT_ACCOUNT, order_id
from domain.log_behind import ForeignTransactionFound
from domain.tokens import SOL, USDC
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_closed_elsewhere import executed_and_reclaimed
from tests.integration.workers.test_foreign_transactions import found_behind, recovered
from tests.integration.workers.test_reclaim import SHORT
from verification.report import Finding, Report, untracked
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
