"""Supervision with real servers: what is killed comes back, what is ended leaves nothing."""

import os
import signal
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
import redis

from tests.integration.runtime.running import Engine, at_work_in, eventually, launch

Start = Callable[..., Engine]


def test_ended_by_a_signal_it_leaves_nothing_behind_and_what_it_kept_is_there_again(
    start: Start, data_dir: Path
) -> None:
    first = start()
    first.query("create schema kept", role="owner")
    with redis.Redis.from_url(first.told["valkey"]) as client:
        client.set("kept", "yes")
    begun = time.monotonic()
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(timeout=10) == 0
    assert time.monotonic() - begun < 10
    assert at_work_in(data_dir) == []

    second = start()
    assert second.told["postgres"] == first.told["postgres"], "port and password are kept"
    assert second.query("select 1 from pg_namespace where nspname = 'kept'") == [(1,)]
    with redis.Redis.from_url(second.told["valkey"]) as client:
        assert client.get("kept") == b"yes"


def test_a_supervisor_killed_outright_takes_every_child_with_it_and_can_be_started_again_at_once(
    start: Start, data_dir: Path
) -> None:
    first = start()
    first.query("create schema kept", role="owner")
    first.process.kill()
    second = start()
    assert second.query("select 1 from pg_namespace where nspname = 'kept'") == [(1,)]
    second.process.kill()
    second.process.wait()
    eventually(lambda: at_work_in(data_dir) == [])


def test_a_second_one_on_the_same_directory_is_refused_in_one_sentence(start: Start, data_dir: Path) -> None:
    start()
    second = launch(data_dir)
    out, complaint = second.communicate(timeout=10)
    assert (second.returncode, out) == (1, "")
    assert complaint == f"surefill: another surefill already runs on {data_dir}; stop it, or set DATA_DIR\n"


@pytest.mark.parametrize("name", ["postgres", "valkey", "steady"])
def test_a_killed_child_comes_back_by_itself(name: str, start: Start) -> None:
    engine = start()
    eventually(lambda: name in engine.now())
    before = engine.now()[name]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: engine.now().get(name, before) != before)
    eventually(lambda: answers(engine))


def test_a_child_that_keeps_dying_is_started_again_ever_more_slowly_and_never_given_up(
    start: Start, data_dir: Path
) -> None:
    start()
    starts = data_dir / "dying" / "starts"
    eventually(lambda: starts.exists() and len(starts.read_text().split()) >= 6, within=15)
    times = [float(line) for line in starts.read_text().split()]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    for gap, least in zip(gaps, (0.1, 0.2, 0.4, 0.8, 1.6, 2.0), strict=False):
        assert least <= gap < least + 1.5


def test_a_stopped_child_cannot_hold_up_the_end(start: Start, data_dir: Path) -> None:
    engine = start()
    for process in engine.now().values():
        os.kill(process, signal.SIGSTOP)
    engine.process.send_signal(signal.SIGTERM)
    assert engine.process.wait(timeout=10) == 0
    eventually(lambda: at_work_in(data_dir) == [])


def test_no_password_is_on_any_command_line(start: Start, data_dir: Path) -> None:
    engine = start()
    secrets = [psycopg.conninfo.conninfo_to_dict(engine.told["postgres"])["password"], redis_password(engine)]
    shown = " ".join(at_work_in(data_dir))
    assert "postgres" in shown and "valkey" in shown
    assert not [secret for secret in secrets if str(secret) in shown]


def redis_password(engine: Engine) -> str:
    with redis.Redis.from_url(engine.told["valkey"]) as client:
        return str(client.get_connection_kwargs()["password"])


def answers(engine: Engine) -> bool:
    try:
        with redis.Redis.from_url(engine.told["valkey"]) as client:
            return engine.query("select 1") == [(1,)] and bool(client.ping())
    except (psycopg.OperationalError, redis.RedisError):
        return False
