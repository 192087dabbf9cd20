"""A database that an earlier version left behind: migrated, its orders go on to their ends, and the log verifies."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from event_store.processors import dead_letters
from event_store.schema.migrate import migrate, migrations
from localnet.market.price import move
from tests.golden.history import DIRECTORY
from tests.integration.conftest import TestDatabase, superuser_url
from tests.integration.embedded import EmbeddedPostgres
from tests.integration.verification.conftest import AuditHarness
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_execution import QUICK
from workers.dispatch.work import EXECUTION

ROWS = DIRECTORY / "database_log_3_app_5.sql"
HAD_RUN = {"log": 3, "app": 5}
GRANTS = """
grant usage on schema {log} to {role};
grant select on all tables in schema {log} to {role};
grant execute on function {log}.append, {log}.store, {log}.lock_log to {role};
grant usage, create on schema {app} to {role};
"""

# Market orders, one of them past its route; one that its stage had set aside; one that had ended.
OPEN, ROUTED = UUID("01a217c6-2454-7e66-8a76-844821289086"), UUID("01a217c6-245c-77cb-a6ef-6fa40531112f")
SET_ASIDE = UUID("01a217c6-2470-78cb-b4e9-ca963a4fe738")
FAILED = UUID("01a217c6-2350-7e5b-8d94-e4b8d395b4b6")
# Limit orders: met at once, back to rest at 149.70 for its size, with its stop reached and a limit of 170, at 1,000.
MET, RESTED = UUID("01a217c6-244c-73ce-937e-d40a1f459a94"), UUID("01a217c6-22db-7a51-97b0-48ee666fe954")
LATCHED, WAITING = UUID("01a217c6-2348-7307-8523-0ff4ac2d374e"), UUID("01a217c6-2446-7e78-97b4-8c9832189004")


@pytest.fixture
async def database(
    empty_database: TestDatabase, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> TestDatabase:
    """The earlier version's database, migrated by this one."""
    with monkeypatch.context() as earlier:
        earlier.setattr("event_store.schema.migrate.migrations", lambda side: migrations(side)[: HAD_RUN[side]])
        earlier.setattr("event_store.schema.migrate._GRANTS", GRANTS)
        await migrate(empty_database.owner, empty_database.app)
    with psycopg.connect(superuser_url(postgres, empty_database)) as connection:
        connection.execute(ROWS.read_bytes())
    await migrate(empty_database.owner, empty_database.app)
    return empty_database


async def confirmed(engine: EngineHarness, *order_ids: UUID) -> None:
    for order_id in order_ids:
        assert (await engine.until(order_id, lambda order: order.ended)).status == "confirmed"


async def test_the_orders_of_an_earlier_version_go_on_to_their_ends(engine: EngineHarness, audit: AuditHarness) -> None:
    async with engine.pool.connection() as connection, connection.cursor() as cursor:
        [letter] = await dead_letters.list_all(cursor)
        rows = await (await cursor.execute("select order_id, stage from work")).fetchall()
    assert (letter.processor, letter.order_id, letter.attempts) == (EXECUTION, SET_ASIDE, 8)
    assert set(rows) == {(order_id, "execute") for order_id in (OPEN, ROUTED, SET_ASIDE)}
    assert (await engine.order(FAILED)).status == "failed"
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker(QUICK)
    await confirmed(engine, OPEN, ROUTED)
    assert (await engine.order(SET_ASIDE)).attempts == ()
    assert (await engine.order(MET)).status == "pending"

    engine.start_watcher()
    await confirmed(engine, MET)
    assert [(await engine.order(resting)).status for resting in (RESTED, LATCHED, WAITING)] == ["pending"] * 3
    await move(engine.rpc_url, engine.market_key, "SOL/USDC", Decimal(153))
    await confirmed(engine, RESTED)
    await move(engine.rpc_url, engine.market_key, "SOL/USDC", Decimal(172))
    await confirmed(engine, LATCHED)
    await engine.work.retry(SET_ASIDE, [EXECUTION])
    await confirmed(engine, SET_ASIDE, await engine.submit())
    assert (await engine.order(WAITING)).status == "pending"

    await engine.projected()
    await engine.stop()
    verified = await audit.verify(node=engine.rpc_url)
    assert verified.of("differs") == verified.of("unchecked") == []
    assert verified.report.looked_at["orders"] == 9
    assert await engine.work.next_due() is None
