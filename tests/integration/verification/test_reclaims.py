"""Rents that came back are accounted for, and a guard that went without a reclaim is named."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import TypeVar, cast
from uuid import UUID, uuid4

import psycopg
from msgspec.structs import replace

from chains.solana_client import SolanaChain
from commands.ids import DEFAULT_ACCOUNT
from domain.commands import RequestCancel
from domain.reclaim_events import ReclaimLanded
from event_store.hash_chain.verification import Finding
from tests.golden.runs import execute
from tests.integration.verification.conftest import AuditHarness
from tests.integration.workers.harness import EngineHarness, Unsent
from tests.integration.workers.test_foreign_transactions import found_behind, recovered
from tests.integration.workers.test_reclaim import (
    SHORT,
    WEEK,
    close_outside,
    confirmed,
    guard_of,
    past_its_height,
    reclaim_ids,
    reclaims,
    rows,
    until,
)
from verification.report import DIFFERS, EQUAL, Report, untracked
from verification.run import verify_everything

T = TypeVar("T")


async def returned(engine: EngineHarness, audit: AuditHarness, count: int) -> list[UUID]:
    """Orders whose rent has come back; nothing goes on."""
    order_ids = await confirmed(engine, count)
    await past_its_height(engine, *order_ids)
    engine.start_reclaimer(SHORT)
    await until(engine, lambda rows: len(rows) == count and all(row["returned"] for row in rows.values()))
    await engine.stop()
    await audit.project()
    return order_ids


async def test_what_reclaims_returned_is_what_the_chain_shows(engine: EngineHarness, audit: AuditHarness) -> None:
    await returned(engine, audit, 2)
    verified = await audit.verify(node=engine.rpc_url)
    assert verified.findings == []
    assert (verified.report.looked_at["reclaims"], verified.report.exit_code) == (1, EQUAL)


async def test_the_rent_of_a_cancelled_order_comes_back_and_is_accounted_for(
    engine: EngineHarness, audit: AuditHarness
) -> None:
    order_id = await engine.submit()
    await engine.build(order_id)
    request = RequestCancel(by="operator@host", because="it was sold elsewhere")
    await engine.orders.execute(await engine.history(order_id), request)
    execute(engine)
    await engine.until(order_id, lambda order: order.ended and not order.live_attempts)
    await past_its_height(engine, order_id)
    engine.start_reclaimer(SHORT)
    await until(engine, lambda rows: order_id in rows and rows[order_id]["returned"])
    assert (await engine.order(order_id)).status == "cancelled"
    await engine.stop()
    await audit.project()
    assert (await audit.verify(node=engine.rpc_url)).findings == []


async def test_another_amount_than_what_came_back_is_found(engine: EngineHarness, audit: AuditHarness) -> None:
    await returned(engine, audit, 1)
    audit.rewrite(
        lambda event: (
            event
            if event.topic != "account.ReclaimLanded"
            else replace(event, state=event.state.replace(b'"lamports":"2039280"', b'"lamports":"2039281"'))
        )
    )
    verified = await audit.verify(node=engine.rpc_url)
    said = [one.what for one in verified.of("differs", "chain")]
    assert any("what came back" in one for one in said)
    assert any("rent in guards" in one for one in said)


async def test_a_guard_that_is_still_there_though_its_reclaim_is_recorded_as_landed_is_found(
    engine: EngineHarness, audit: AuditHarness
) -> None:
    [order_id] = await confirmed(engine)
    await past_its_height(engine, order_id)
    engine.chain = cast(SolanaChain, Unsent(engine.chain))
    with suppress(asyncio.CancelledError):
        await engine.start_reclaimer(SHORT)
    [reclaim_id], [reclaim] = await reclaim_ids(engine), await reclaims(engine)
    lie = ReclaimLanded(signature=reclaim.built.signature, slot=None, lamports=2_039_280, tokens=0, fee_lamports=10_000)
    await engine.store.reclaims.record_end(DEFAULT_ACCOUNT, reclaim_id, lie, guards=())
    engine.start_reclaimer(WEEK)
    await until(engine, lambda rows: rows[order_id]["returned"])
    await engine.stop()
    await audit.project()
    [found] = (await audit.verify(node=engine.rpc_url)).of("differs")
    assert (found.check, found.stream_id, found.version) == ("chain", reclaim_id, 2)
    assert found.what == f"reclaim: recorded as landed, and its guard {guard_of(engine, order_id)} is on the chain"


async def test_a_reclaim_the_log_does_not_know_is_found_by_its_memo_and_by_the_guard_that_is_gone(
    engine: EngineHarness, audit: AuditHarness
) -> None:
    kept, stolen = await confirmed(engine, 2)
    await past_its_height(engine, kept, stolen)
    await engine.stop()
    await audit.project()
    await close_outside(engine, guard_of(engine, stolen))
    verified = await audit.verify(node=engine.rpc_url)
    said = [one.what for one in verified.of("differs", "chain")]
    assert any("a reclaim" in one and "unknown to the log" in one for one in said)
    assert [one.stream_id for one in verified.of("differs") if "no reclaim of the log has closed it" in one.what] == [
        stolen
    ]
    assert verified.report.exit_code == DIFFERS


async def test_a_reclaim_of_elsewhere_agrees_once_it_is_recorded(engine: EngineHarness, audit: AuditHarness) -> None:
    kept, closed = await confirmed(engine, 2)
    await past_its_height(engine, kept, closed)
    await close_outside(engine, guard_of(engine, closed))
    await found_behind(engine)
    await recovered(engine)
    await engine.stop()
    await audit.project()
    verified = await audit.verify(node=engine.rpc_url)
    assert verified.of("differs") == []
    assert verified.report.looked_at["reclaims"] == 1


async def test_a_row_of_the_table_of_guards_that_is_not_as_the_log_says_is_named(
    engine: EngineHarness, audit: AuditHarness
) -> None:
    back, _ = await returned(engine, audit, 2)
    for change, what in (
        ("update guards set returned = false where order_id = %s", "differs from the log in returned"),
        ("update guards set lamports = lamports + 1 where order_id = %s", "differs from the log in lamports"),
        ("update guards set reclaim = gen_random_uuid() where order_id = %s", "differs from the log in reclaim"),
        ("update guards set account_id = gen_random_uuid() where order_id = %s", "differs from the log in account_id"),
        ("update guards set since = since - interval '1 year' where order_id = %s", "differs from the log in since"),
        ("update guards set since = '-infinity' where order_id = %s", "differs from the log in since"),
        ("delete from guards where order_id = %s", "guards: has no row"),
    ):
        with audit.database.connect() as app:
            kept = app.execute("select * from guards where order_id = %s", [back]).fetchone()
            app.execute(change, [back])
        [found] = (await audit.verify()).of("differs", "read models")
        assert found.stream_id == back and what in found.what
        with audit.database.connect() as app:
            app.execute("delete from guards where order_id = %s", [back])
            app.execute("insert into guards values (%s, %s, %s, %s, %s, %s, %s, %s, %s)", kept)
    assert (await audit.verify()).of("differs") == []


async def test_a_guard_that_no_order_of_the_log_made_is_named(engine: EngineHarness, audit: AuditHarness) -> None:
    await confirmed(engine, 1)
    await engine.stop()
    await audit.project()
    stranger = uuid4()
    with audit.database.connect() as app:
        app.execute(
            "insert into guards (order_id, account_id, since, largest) values (%s, %s, now(), 1)",
            [stranger, DEFAULT_ACCOUNT],
        )
    [found] = (await audit.verify()).of("differs", "read models")
    assert (found.stream_id, found.what) == (stranger, "guards: has a row that the log does not account for")


async def test_a_table_of_guards_that_is_ahead_of_the_log_is_made_again_as_its_remedy_says(
    engine: EngineHarness, audit: AuditHarness
) -> None:
    await returned(engine, audit, 1)
    with audit.database.connect() as app:
        app.execute("update positions set position = position + 1000 where processor = 'reclaim'")
    [found] = (await audit.verify()).of("differs", "read models")
    assert found.what.startswith("guards has come to position")
    assert "empty guards and take the position of reclaim away" in found.remedy
    with audit.database.connect() as app:
        app.execute("truncate guards")
        app.execute("delete from positions where processor = 'reclaim'")
    engine.start_reclaimer(SHORT)
    await until(engine, lambda rows: len(rows) == 1 and all(row["returned"] for row in rows.values()))
    await engine.stop()
    assert (await audit.verify()).of("differs") == []


async def with_guards(engine: EngineHarness, audit: AuditHarness) -> list[UUID]:
    """Two ended orders, whose guards may be closed by a reclaim each; nothing goes on."""
    order_ids = await confirmed(engine, 2)
    await past_its_height(engine, *order_ids)
    engine.start_reclaimer(WEEK)
    await until(engine, lambda rows: len(rows) == 2)
    await engine.stop()
    await audit.project()
    with audit.database.connect() as app:
        app.execute("update guards set largest = 1")
    return order_ids


async def verified_beside(
    engine: EngineHarness,
    audit: AuditHarness,
    once_read: Callable[[], Awaitable[object]],
    once_pending: Callable[[], Awaitable[object]],
) -> list[Finding]:
    """What a verification finds that waits for the one when it has read the log, for the other at its first finding."""
    loop = asyncio.get_running_loop()
    findings: list[Finding] = []

    def wait_for(done: Callable[[], Awaitable[object]]) -> None:
        async def awaited() -> None:
            await done()

        asyncio.run_coroutine_threadsafe(awaited(), loop).result(60)

    def show(finding: Finding) -> None:
        findings.append(finding)
        if len(findings) == 1:
            wait_for(once_pending)

    def track(items: Iterable[T], total: int | None, description: str) -> Iterable[T]:
        if description == "transactions":
            wait_for(once_read)
        return untracked(items, total, description)

    report = Report(show)
    await asyncio.to_thread(verify_everything, audit.database.app, engine.rpc_url, report, track, None, chain=True)
    return findings


async def test_reclaims_that_were_signed_while_it_verified_are_pending_each_of_them(
    engine: EngineHarness, audit: AuditHarness
) -> None:
    order_ids = await with_guards(engine, audit)

    async def both() -> None:
        engine.start_reclaimer(SHORT)
        await until(engine, lambda rows: all(row["returned"] for row in rows.values()))

    async def nothing() -> None:
        pass

    findings = await verified_beside(engine, audit, both, nothing)

    reclaims = {row["reclaim"] for row in (await rows(engine)).values()}
    assert len(reclaims) == 2
    assert {(one.verdict, one.stream_id) for one in findings} == {
        ("pending", one) for one in (*reclaims, *order_ids)
    }  # fmt: skip


async def test_a_guard_that_is_closed_after_another_reclaim_was_asked_for_is_pending_too(
    engine: EngineHarness, audit: AuditHarness
) -> None:
    first, second = await with_guards(engine, audit)
    with audit.database.connect() as app:
        app.execute("update guards set not_before = now() + interval '1 day' where order_id = %s", [second])

    async def one() -> None:
        engine.start_reclaimer(SHORT)
        await until(engine, lambda rows: rows[first]["returned"])

    async def other() -> None:
        with audit.database.connect() as app:
            app.execute("update guards set not_before = now() where order_id = %s", [second])
        await engine.stop()
        engine.start_reclaimer(SHORT)
        await until(engine, lambda rows: rows[second]["returned"])

    findings = await verified_beside(engine, audit, one, other)

    assert [found for found in findings if found.verdict != "pending"] == []
    assert {first, second} < {found.stream_id for found in findings}


async def test_a_log_that_cannot_be_read_on_leaves_what_is_new_unchecked(
    engine: EngineHarness, audit: AuditHarness
) -> None:
    await with_guards(engine, audit)

    async def both_and_then_nobody_reads() -> None:
        engine.start_reclaimer(SHORT)
        await until(engine, lambda rows: all(row["returned"] for row in rows.values()))
        await engine.stop()
        with psycopg.connect(audit.superuser) as connection:
            connection.execute("alter table surefill.events rename to elsewhere")

    async def nothing() -> None:
        pass

    findings = await verified_beside(engine, audit, both_and_then_nobody_reads, nothing)

    assert [(one.check, one.verdict, one.what) for one in findings] == [
        ("log", "unchecked", "the log cannot be read to the end: UndefinedTable")
    ]
