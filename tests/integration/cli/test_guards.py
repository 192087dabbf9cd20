"""`surefill guards` as an operator runs it: what is locked, since when, and when it comes back; the database alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from commands.ids import DEFAULT_ACCOUNT
from tests.integration.cli.conftest import Run
from tests.integration.cli.test_rebuild import environment, told
from tests.integration.conftest import TestDatabase

__all__ = ["environment"]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROW = "insert into guards (order_id, account_id, since, lamports, largest, not_before, obstacle, reclaim, returned)"


def guard(
    database: TestDatabase,
    *,
    lamports: int | None = 2_039_280,
    since: datetime = NOW,
    not_before: datetime | None = None,
    obstacle: str | None = None,
    reclaim: UUID | None = None,
    returned: bool = False,
) -> str:
    order_id = uuid4()
    values = [order_id, DEFAULT_ACCOUNT, since, lamports, 21, not_before, obstacle, reclaim, returned]
    with database.connect() as app:
        app.execute(f"{ROW} values (%s, %s, %s, %s, %s, %s, %s, %s, %s)", values)
    return str(order_id)


async def test_without_guards_nothing_is_locked(database: TestDatabase, run: Run) -> None:
    assert told(run("guards")) == (0, "0 guards lock 0 SOL; the rent of 0 has come back\n", "")
    code, out, _ = told(run("guards", "--json"))
    assert (code, json.loads(out)) == (0, {"total": {"guards": 0, "lamports": "0", "returned": 0}})


async def test_each_guard_is_told_with_when_its_rent_comes_back(database: TestDatabase, run: Run) -> None:
    waits = guard(database)
    held = guard(database, since=NOW + timedelta(hours=1), not_before=NOW + timedelta(days=9), obstacle="held up")
    going = guard(database, since=NOW + timedelta(hours=2), lamports=2_039_281, reclaim=uuid4())
    guard(database, reclaim=uuid4(), returned=True)
    guard(database, lamports=None)
    code, out, _ = told(run("guards", "--json", GUARD_KEEP="2d"))
    *guards, total = map(json.loads, out.splitlines())
    assert code == 0
    assert total == {"total": {"guards": 3, "lamports": "6117841", "returned": 1}}
    listed = [one["guard"] for one in guards]
    assert [one["orderId"] for one in listed] == [waits, held, going]
    assert listed[0] == {
        "orderId": waits,
        "lamports": "2039280",
        "since": "2026-01-01T00:00:00.000Z",
        "comesBackAt": "2026-01-03T00:00:00.000Z",
        "onItsWay": False,
    }
    assert (listed[1]["comesBackAt"], listed[1]["obstacle"]) == ("2026-01-10T00:00:00.000Z", "held up")
    assert listed[2]["onItsWay"] is True

    code, out, _ = told(run("guards", "--limit", "2", GUARD_KEEP="2d"))
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 5)
    assert lines[1].split()[0] == waits
    assert lines[2].endswith("2026-01-10T00:00:00.000Z: held up")
    assert lines[3:] == [
        "... and 1 more; --limit and --json show them",
        "3 guards lock 0.006117841 SOL; the rent of 1 has come back",
    ]


async def test_nothing_is_cut_for_whoever_is_no_terminal(database: TestDatabase, run: Run) -> None:
    held_up = "held up for a reason that takes more room than the lines of a terminal have"
    order_id = guard(database, not_before=NOW, obstacle=held_up)
    _, out, _ = told(run("guards", COLUMNS=""))
    assert order_id in out.splitlines()[1] and out.splitlines()[1].endswith(f": {held_up}")
    _, out, _ = told(run("guards", COLUMNS="40"))
    assert order_id not in out and held_up not in out


async def test_a_wrong_keep_is_a_wrong_setting(database: TestDatabase, run: Run) -> None:
    code, out, err = told(run("guards", GUARD_KEEP="soon"))
    assert (code, out) == (2, "")
    assert err.startswith("surefill: GUARD_KEEP must be a number and a unit")
