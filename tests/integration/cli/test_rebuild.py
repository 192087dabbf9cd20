"""`surefill rebuild` as an operator runs it: exit codes, sentences, and what a killed one leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID

import pytest

from projections.orders.comparison import REBUILDER
from tests.integration.cli.conftest import SUREFILL, Run
from tests.integration.conftest import TestDatabase
from tests.integration.verification.conftest import AuditHarness, audit, three_orders

__all__ = ["audit", "three_orders"]

Start = Callable[..., "subprocess.Popen[str]"]
TABLES = "select relname from pg_class where relname like 'orders_v1%' and relkind = 'r' order by 1"


@pytest.fixture
def environment(database: TestDatabase, tmp_path: Path) -> dict[str, str]:
    """Of commands that are started and of those that are run."""
    own = {"DATABASE_URL": database.app, "DATABASE_OWNER_URL": "", "DATA_DIR": str(tmp_path), "COLUMNS": "200"}
    return {**os.environ, **own}


@pytest.fixture
async def start(environment: dict[str, str], tmp_path: Path) -> AsyncIterator[Start]:
    """For one that something is done to while it is at work."""
    started: list[subprocess.Popen[str]] = []

    def surefill(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [SUREFILL, *arguments], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield surefill
    for process in started:
        process.kill()
        process.communicate()


def told(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


async def test_replaced_and_equal_is_0_and_says_the_checksum(
    start: Start, audit: AuditHarness, three_orders: list[UUID]
) -> None:
    code, out, err = ended(start("rebuild", "orders"))

    assert (code, err) == (0, "")
    assert out.startswith("6 events, 3 orders in ")
    assert out.endswith(": agreed; the rebuilt one is orders_v1 now\n")


async def test_verify_names_a_change_rebuild_says_and_mends_it_and_verify_is_content(
    run: Run, audit: AuditHarness, three_orders: list[UUID]
) -> None:
    with audit.database.connect() as app:
        app.execute("update orders_v1 set status = 'failed' where order_id = %s", [three_orders[1]])
    code, out, _ = told(run("verify", "--no-chain"))
    assert code == 1
    assert f"stream {three_orders[1]}" in out and "surefill rebuild orders" in out

    code, out, err = told(run("rebuild", "orders"))

    assert (code, err) == (3, "")
    assert f"stream {three_orders[1]}: orders_v1: its row differed from the fold in status" in out
    assert out.endswith("differed in 1 orders and is kept as orders_v1_replaced; the rebuilt one is orders_v1 now\n")
    code, out, _ = told(run("verify", "--no-chain"))
    assert "DIFFERS" not in out

    code, out, _ = told(run("rebuild", "orders", "--json"))
    done = json.loads(out)["rebuilt"]
    assert (code, done["position"], done["orders"], done["differing"], done["kept"]) == (0, "6", 3, 0, None)


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "said"),
    [
        (("orderz",), {}, 2, "there is no read model 'orderz'; there is orders"),
        (("orders",), {"DATABASE_URL": "postgresql://a:hunter2@127.0.0.1:1/d"}, 1, "PostgreSQL is not to be had at "),
        (("orders",), {"DATABASE_URL": ""}, 1, "DATABASE_URL not set, and no surefill runs on "),
    ],
)
async def test_what_cannot_be_rebuilt_is_one_sentence(
    arguments: tuple[str, ...], settings: dict[str, str], code: int, said: str, run: Run
) -> None:
    returned, out, err = told(run("rebuild", *arguments, **settings))

    assert (returned, out) == (code, "")
    assert said in err
    assert "hunter2" not in err


@pytest.mark.parametrize("differs", [False, True])
async def test_a_view_would_stay_with_the_old_table_and_keeps_it_from_being_replaced(
    differs: bool, run: Run, audit: AuditHarness, three_orders: list[UUID]
) -> None:
    with audit.database.connect() as app:
        app.execute("create view mine as select order_id from orders_v1")
        app.execute("update orders_v1 set status = 'failed' where %s", [differs])

    code, out, err = told(run("rebuild", "orders"))

    assert (code, out) == (1, "")
    assert err.startswith("surefill: a view or a foreign key depends on orders_v1 ")
    assert err.count("\n") == 1
    assert bool((await audit.verify()).findings) == differs


async def test_rows_that_a_crash_of_postgresql_took_back_are_one_sentence(
    start: Start, audit: AuditHarness, three_orders: list[UUID]
) -> None:
    with audit.database.connect() as app, audit.database.connect() as reader:
        reader.autocommit = False
        reader.execute("lock table orders_v1 in access share mode")  # it can't come to its end
        rebuilding = start("rebuild", "orders")
        assert next(iter(rebuilding.stderr or ())).startswith("the swap waits for ")
        app.execute("update positions set position = 4 where processor = %s", [REBUILDER])
        reader.rollback()

        code, out, err = ended(rebuilding)

    assert (code, out) == (1, "")
    assert err == (
        "surefill: a crash of PostgreSQL took back rows that were rebuilt; orders_v1 is whole; rebuild it again\n"
    )


REFUSED = "surefill: another rebuild is at work, or was killed within 30 s: rebuild:orders_v1 is held by "


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_a_second_is_refused_and_one_that_was_ended_leaves_the_live_table_and_no_trace_to_the_next(
    by: signal.Signals, start: Start, run: Run, audit: AuditHarness, three_orders: list[UUID]
) -> None:
    with audit.database.connect() as app, audit.database.connect() as reader:
        reader.autocommit = False
        reader.execute("lock table orders_v1 in access share mode")  # it can't come to its end
        first = start("rebuild", "orders")
        said = iter(first.stderr or ())
        assert next(said).startswith("the swap waits for surefill (PostgreSQL process ")
        before = app.execute("table orders_v1 order by order_id").fetchall()

        code, _, err = told(run("rebuild", "orders"))
        assert (code, err.count("\n")) == (1, 1)
        assert err.startswith(REFUSED)

        first.send_signal(by)
        returned = first.wait(20)
        if by == signal.SIGKILL:
            assert returned == -signal.SIGKILL
            assert told(run("rebuild", "orders"))[2].startswith(REFUSED)
            # Instead of waiting for half a minute.
            app.execute("update leases set expires_at = clock_timestamp() where processor = %s", [REBUILDER])
        else:
            assert returned == 1
            assert next(said).startswith("surefill: the rebuild was ended; orders_v1 is whole")
        reader.rollback()
        assert app.execute("table orders_v1 order by order_id").fetchall() == before
        assert [row[0] for row in app.execute(TABLES)] == ["orders_v1", "orders_v1_rebuilt"]
        assert app.execute("select position from positions where processor = %s", [REBUILDER]).fetchall() == [(6,)]

        assert told(run("rebuild", "orders"))[0] == 0
        assert [row[0] for row in app.execute(TABLES)] == ["orders_v1"]
