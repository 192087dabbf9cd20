"""PostgreSQL and Valkey as our children: as root and as anybody, and on a directory somebody else still uses."""

import os
import pwd
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from runtime.embedded.ports import is_free
from tests.integration.runtime import running
from tests.integration.runtime.running import Engine, at_work_in, eventually, launch, ordinary

Start = Callable[..., Engine]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """For tests that only look."""
    engine = running.start(tmp_path_factory.mktemp("untouched").resolve() / "data")
    yield engine
    engine.process.send_signal(signal.SIGTERM)
    engine.process.communicate(timeout=20)


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has other users to run PostgreSQL as")


@as_root
def test_started_by_root_postgres_runs_under_a_uid_of_its_own_below_a_directory_that_uid_may_not_enter(
    start: Start, data_dir: Path
) -> None:
    engine = start()
    uid = server_uid(engine)
    assert uid not in {0, 65534, *(entry.pw_uid for entry in pwd.getpwall())}
    assert data_dir.parent.parent.stat().st_mode & 0o077 == 0
    assert owners(data_dir / "postgres-18" / "data") == {uid}
    home = (data_dir / "postgres-18").stat()
    assert (home.st_uid, stat.S_IMODE(home.st_mode)) == (0, 0o711)
    assert (data_dir / "postgres-18" / "passwords.json").stat().st_uid == 0


@as_root
def test_two_data_directories_have_two_uids_and_each_keeps_its_own(start: Start, tmp_path: Path) -> None:
    one, other = start(tmp_path / "one"), start(tmp_path / "other")
    uid = server_uid(one)
    assert uid != server_uid(other)
    one.process.send_signal(signal.SIGTERM)
    one.process.wait(timeout=20)
    assert server_uid(start(tmp_path / "one")) == uid


@as_root
def test_a_directory_that_an_earlier_version_ran_as_nobody_goes_on(start: Start, data_dir: Path) -> None:
    first = start()
    first.query("create schema kept", role="owner")
    uid = server_uid(first)
    first.process.send_signal(signal.SIGTERM)
    first.process.wait(timeout=20)
    home = data_dir / "postgres-18"
    for path in (home, home / "run", home / "data", *(home / "data").rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    home.chmod(0o700)

    second = start()

    assert second.query("select 1 from pg_namespace where nspname = 'kept'") == [(1,)]
    assert server_uid(second) == uid
    assert owners(home / "data") == {uid}


def test_postgres_gets_nothing_of_the_environment_that_can_hold_a_key(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLANA_EVIDENCE_RPC_URLS", "https://node.example/?api-key=secret")
    environ = Path(f"/proc/{start().now()['postgres']}/environ").read_text()
    names = {entry.partition("=")[0] for entry in environ.split("\0") if entry}
    assert {"PATH", "LC_ALL"} <= names <= {"PATH", "LD_LIBRARY_PATH", "TZ", "LC_ALL"}


def server_uid(engine: Engine) -> int:
    status = Path(f"/proc/{engine.now()['postgres']}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("Uid:")]
    [uid] = {int(number) for number in line.split()[1:]}
    return uid


def owners(directory: Path) -> set[int]:
    return {path.stat().st_uid for path in (directory, *directory.rglob("*")) if path.exists()}


def test_an_ordinary_user_runs_it_all_as_itself(start: Start) -> None:
    python, user = (sys.executable, os.geteuid()) if os.geteuid() != 0 else ordinary()
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, user, -1)
        # Before 3.11.3 redis asks for this package, which there says the same; the system's 3.11 may be older.
        (Path(home) / "async_timeout.py").write_text("from asyncio import timeout\n")
        engine = start(Path(home) / "data", python=python, user=user)
        assert {Path(f"/proc/{process}").stat().st_uid for process in engine.now().values()} == {user}
        assert engine.query("select current_user, current_database()") == [("surefill", "surefill")]
        engine.process.send_signal(signal.SIGTERM)
        assert engine.process.wait(timeout=10) == 0
        assert at_work_in(Path(home)) == []


def test_neither_role_is_a_superuser_and_tcp_asks_for_a_password(untouched: Engine) -> None:
    roles = untouched.query(
        "select rolname, rolsuper, rolcreatedb from pg_roles where rolname like 'surefill%' order by 1"
    )
    assert roles == [("surefill", False, False), ("surefill_owner", False, False)]
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(untouched.told["postgres"], password="wrong")


def test_durability_is_on(untouched: Engine) -> None:
    assert untouched.query("select current_setting('fsync'), current_setting('synchronous_commit')") == [("on", "on")]
    assert untouched.query("select current_setting('password_encryption')") == [("scram-sha-256",)]


def test_a_server_of_ours_without_a_supervisor_is_ended_before_another_is_started(start: Start, data_dir: Path) -> None:
    first = start()
    first.query("create schema kept", role="owner")
    stray = first.now()["postgres"]
    os.kill(stray, signal.SIGSTOP)  # so it cannot obey its death signal
    first.process.kill()
    first.process.wait()
    second = start()
    assert second.query("select 1 from pg_namespace where nspname = 'kept'") == [(1,)]
    assert second.now()["postgres"] != stray
    assert not Path(f"/proc/{stray}/exe").exists()


def test_a_lock_file_that_names_somebody_elses_process_is_no_obstacle(start: Start, data_dir: Path) -> None:
    first = start()
    lock = data_dir / "postgres-18" / "data" / "postmaster.pid"
    content = lock.read_text()
    first.process.kill()
    first.process.wait()
    eventually(lambda: at_work_in(data_dir) == [])
    lock.write_text(content.replace(content.split("\n")[0], str(os.getpid()), 1))
    assert start().query("select 1") == [(1,)]


def test_a_kept_port_that_was_taken_meanwhile_is_replaced(start: Start) -> None:
    first = start()
    port = int(psycopg.conninfo.conninfo_to_dict(first.told["postgres"])["port"] or 0)
    first.process.send_signal(signal.SIGTERM)
    first.process.wait(timeout=10)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free("127.0.0.1", port)
        assert start().told["postgres"] != first.told["postgres"]


@pytest.mark.parametrize(("file", "text"), [("VERSION", "1.999"), ("VERSION", "2.0"), ("VERSION", "x")])
def test_a_directory_of_another_version_is_refused(file: str, text: str, data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / file).write_text(text)
    refused(data_dir, "was written by another version of surefill")


def test_a_directory_with_another_postgres_is_refused(data_dir: Path) -> None:
    (data_dir / "postgres-17").mkdir(parents=True)
    refused(data_dir, "holds postgres-17, and this version of surefill runs PostgreSQL 18")


def refused(data_dir: Path, sentence: str) -> None:
    process = launch(data_dir)
    complaint = process.communicate(timeout=10)[1]
    assert process.returncode == 1
    assert sentence in complaint and complaint.count("\n") == 1


def test_an_interrupted_first_start_is_begun_anew(start: Start, data_dir: Path) -> None:
    process = launch(data_dir)
    eventually((data_dir / "postgres-18" / "data.unfinished").exists)
    process.kill()
    process.communicate()
    assert start().query("select 1") == [(1,)]


def test_two_installations_share_nothing(start: Start, tmp_path: Path) -> None:
    one, other = start(tmp_path / "one"), start(tmp_path / "other")
    assert one.told["postgres"] != other.told["postgres"]
    assert one.told["valkey"] != other.told["valkey"]
