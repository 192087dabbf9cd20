"""A log with orders in it, a projector that can be told to catch up, and hands that reach behind both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from msgspec.structs import replace
from psycopg_pool import AsyncConnectionPool

from commands.ids import DEFAULT_ACCOUNT
from commands.orders import OrderRepository
from commands.submit import submit_order
from domain.commands import SubmitOrder
from domain.events import ORDER_EVENTS
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC
from event_store.append.appender import Appender
from event_store.hash_chain.hashing import event_hash, log_hash
from event_store.hash_chain.verification import Finding
from event_store.mapper import EventMapper
from event_store.pool import connection_pool
from event_store.processors import positions
from event_store.processors.leases import Lease
from event_store.read.log import Log
from event_store.read.snapshot import snapshot
from event_store.types import RecordedEvent
from projections.orders import PROCESSOR
from projections.projector import OrdersProjector
from tests.integration.conftest import TestDatabase, superuser_url
from tests.integration.embedded import EmbeddedPostgres
from tests.integration.feeds import following
from tests.integration.workers.conftest import chain_timeout, engine, other, rpc_url
from verification import checkpoint as checkpoints
from verification.checkpoint import Checkpoint
from verification.report import Report, untracked
from verification.run import verify_everything

__all__ = ["chain_timeout", "engine", "other", "rpc_url"]

MAPPER = EventMapper(ORDER_EVENTS)


@dataclass
class Verified:
    """What a verification said."""

    findings: list[Finding]
    report: Report

    def of(self, verdict: str, check: str | None = None) -> list[Finding]:
        return [one for one in self.findings if one.verdict == verdict and check in (None, one.check)]


@dataclass
class AuditHarness:
    """The log of one database, from both sides of the engine."""

    database: TestDatabase
    superuser: str
    pool: AsyncConnectionPool
    log: Log
    orders: OrderRepository
    appender: Appender

    async def submit(self, **changes: Any) -> UUID:
        terms = {
            "type": "market", "token_in": SOL, "token_out": USDC, "amount_in": 10**9, "slippage_bps": 50,
            "slippage_defaulted": False,
        }  # fmt: skip
        deadline = changes.pop("deadline", datetime.now(UTC) + timedelta(seconds=60))
        command = SubmitOrder(OrderTerms(**{**terms, **changes}), deadline, "localnet")
        return (await submit_order(self.orders, DEFAULT_ACCOUNT, command)).order_id

    async def project(self) -> None:
        """Let the read model catch up with the log."""
        head = await self.log.head()
        async with following(self.log) as feed, Lease(self.pool, PROCESSOR, owner="test").hold() as lease:
            projector = asyncio.create_task(OrdersProjector(self.pool, feed, MAPPER).run(lease))
            async with asyncio.timeout(10):
                while not (projector.done() or self._projected() >= head):
                    await asyncio.sleep(0.02)
            projector.cancel()
            await asyncio.gather(projector, return_exceptions=True)

    def _projected(self) -> int:
        with snapshot(self.database.app) as now:
            return positions.load_from(now, PROCESSOR)

    @contextmanager
    def behind_the_engine(self) -> Iterator[psycopg.Connection]:
        """A superuser's connection with the log's triggers off, its search path ours; committed on leaving."""
        with psycopg.connect(self.superuser) as connection:
            connection.execute("set search_path to surefill_app, surefill")
            connection.execute("alter table events disable trigger all")
            connection.execute("alter table log_head disable trigger all")
            yield connection
            connection.execute("alter table events enable always trigger events_are_immutable")
            connection.execute("alter table log_head enable always trigger log_head_stays")

    def change(self, statement: str, *parameters: object) -> None:
        with self.behind_the_engine() as connection:
            assert connection.execute(statement, parameters).rowcount

    def rewrite(self, change: Callable[[RecordedEvent], RecordedEvent | None]) -> None:
        """Put ``change`` of every event in its place (None ends the log there), with every hash computed anew."""
        with snapshot(self.database.app) as before:
            events = sorted(before.events(), key=lambda event: event.position)
        last: dict[UUID, bytes] = {}
        running, kept = b"", events[0]
        with self.behind_the_engine() as connection:
            for event in events:
                changed = change(event)
                if changed is None:
                    connection.execute("delete from events where position >= %s", [event.position])
                    break
                kept = replace(changed, hash=event_hash(changed, last.get(event.stream_id, b"")))
                last[event.stream_id] = kept.hash
                running = log_hash(running, kept.position, kept.recorded_at, kept.hash)
                connection.execute(
                    "update events set topic = %s, state = %s, recorded_at = %s, hash = %s where position = %s",
                    [kept.topic, kept.state, kept.recorded_at, kept.hash, kept.position],
                )
            connection.execute(
                "update log_head set position = %s, recorded_at = %s, hash = %s",
                [kept.position, kept.recorded_at, running],
            )

    def tamper(self, three_orders: list[UUID]) -> UUID:
        """Change a column of the first's row, the second's document, take the third's away, add that of no order."""
        stranger = uuid4()
        with self.database.connect() as app:
            app.execute("update orders_v1 set status = 'confirmed' where order_id = %s", [three_orders[0]])
            app.execute(
                "update orders_v1 set state = jsonb_set(state, '{amount_in}', '\"7\"') where order_id = %s",
                [three_orders[1]],
            )
            app.execute("delete from orders_v1 where order_id = %s", [three_orders[2]])
            app.execute(
                "insert into orders_v1 select %s, account_id, status, version, position, submitted_at, updated_at,"
                " first_position, state from orders_v1 limit 1",
                [stranger],
            )
        return stranger

    async def forget_read_model(self) -> None:
        with self.database.connect() as app:
            app.execute("delete from orders_v1")
            app.execute("delete from positions")
        await self.project()

    async def verify(self, *, node: str = "", checkpoint: Checkpoint | None = None) -> Verified:
        """Every check against ``node``; without one, those that need no chain."""
        findings: list[Finding] = []
        report = Report(findings.append)
        mark = checkpoint.mark if checkpoint else None
        # The chain answers from this thread's loop.
        await asyncio.to_thread(verify_everything, self.database.app, node, report, untracked, mark, chain=bool(node))
        if not node:
            findings = [one for one in findings if one.check != "chain"]
        return Verified(findings, report)

    def checkpoint(self, earlier: Checkpoint | None = None) -> Checkpoint:
        with snapshot(self.database.app) as now:
            return checkpoints.take(now, datetime.now(UTC), earlier, untracked)


@pytest.fixture
async def audit(database: TestDatabase, postgres: EmbeddedPostgres) -> AsyncIterator[AuditHarness]:
    appender = Appender(database.app)
    await appender.start()
    async with connection_pool(database.app, max_size=4) as pool:
        log = Log(pool)
        yield AuditHarness(
            database, superuser_url(postgres, database), pool, log, OrderRepository(log, appender, MAPPER), appender
        )
    await appender.stop()


@pytest.fixture
async def three_orders(audit: AuditHarness) -> list[UUID]:
    """Each two events, at positions 1 and 2, 3 and 4, 5 and 6; the read model has them."""
    ids = [await audit.submit() for _ in range(3)]
    await audit.project()
    return ids
