"""Small files that a power cut or a full disk left empty or half-written: the servers start all the same."""

from __future__ import annotations

import json
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from runtime.embedded.ports import LOOPBACK, is_free
from tests.integration.runtime.running import Engine, launch

Start = Callable[..., Engine]

CUT: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "half": lambda content: content[: max(1, len(content) // 2 - 3)],
    "zeros": lambda content: bytes(len(content)),
}
MADE_ANEW = (
    "VERSION",
    "ports.json",
    "postgres-18/passwords.json",
    "valkey/password",
    "valkey/valkey.conf",
    "valkey/appendonlydir/appendonly.aof.manifest",
)


def stopped(engine: Engine) -> str:
    """What it logged, once it has ended."""
    engine.process.send_signal(signal.SIGTERM)
    out, err = engine.process.communicate(timeout=60)
    assert engine.process.returncode == 0
    assert "Traceback" not in out + err
    return out + err


def password_of(engine: Engine) -> str | None:
    return urlsplit(engine.told["owner"]).password


@pytest.mark.parametrize("how", CUT)
def test_what_was_cut_short_is_made_anew_and_the_log_is_kept(how: str, start: Start, data_dir: Path) -> None:
    first = start()
    first.query("create schema kept", role="owner")
    stopped(first)
    for name in MADE_ANEW:
        (data_dir / name).write_bytes(CUT[how]((data_dir / name).read_bytes()))

    second = start()

    assert second.query("select 1 from pg_namespace where nspname = 'kept'") == [(1,)]
    with redis.Redis.from_url(second.told["valkey"]) as client:
        assert client.ping()
    said = stopped(second)
    for sentence in (
        "VERSION was cut short and is written anew",
        "the ports could not be read and are chosen anew",
        "PostgreSQL's passwords could not be read and are set anew",
        "Valkey's password could not be read and is made anew",
        "Valkey's files could not be read and are set aside",
    ):
        assert said.count(sentence) == 1, sentence
    assert (data_dir / "VERSION").read_text() == "1.0\n"
    ports = json.loads((data_dir / "ports.json").read_text())
    assert set(ports) == {"postgres", "valkey"}
    passwords = data_dir / "postgres-18" / "passwords.json"
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    for password in json.loads(passwords.read_text()).values():
        assert password not in said + (data_dir / "logs" / "postgres.log").read_text()
    third = start()
    assert password_of(third) == password_of(second), "what was made anew is kept"
    for name, port in json.loads((data_dir / "ports.json").read_text()).items():
        # A test beside this one may have taken the port meanwhile.
        assert port == ports[name] or not is_free(LOOPBACK, ports[name]), "what was made anew is kept"


def test_passwords_that_are_not_the_clusters_are_said_at_once(start: Start, data_dir: Path) -> None:
    stopped(start())
    passwords = data_dir / "postgres-18" / "passwords.json"
    kept = json.loads(passwords.read_text())
    passwords.write_text(json.dumps({role: "x" + password[1:] for role, password in kept.items()}))

    process = launch(data_dir)
    out, err = process.communicate(timeout=120)

    assert process.returncode == 1
    assert err.splitlines()[-1].startswith("surefill: the embedded PostgreSQL has other passwords than those in")
    assert "Traceback" not in out + err
    passwords.unlink()
    with psycopg.connect(start().told["owner"]) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
