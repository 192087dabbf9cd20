"""What ends a command unforeseen is told without what it held in its hands."""

from __future__ import annotations

import subprocess
import sys

import pytest

from event_store.errors import LeaseLostError
from runtime.telemetry import CREDENTIALS

SCRIPT = """
from psycopg_pool import PoolTimeout
from event_store.errors import LeaseLostError
from runtime.program import guarded
def body():
    url = "http://node/?api-key=" + "hun" + "ter2"
    raise {error}
raise SystemExit(guarded("a command", body))
"""


def ended_by(error: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(error=error)], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_defect_shows_its_lines_and_no_values() -> None:
    ended = ended_by("ZeroDivisionError('0/0')")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "ZeroDivisionError" in ended.stderr
    assert "hunter2" not in ended.stderr


def test_what_an_error_says_of_an_address_keeps_no_key() -> None:
    assert "hunter2" not in ended_by("ValueError(url)").stderr


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("PoolTimeout('no connection')", "ended: PostgreSQL is unreachable"),
        (f"ExceptionGroup('', [{LeaseLostError.__name__}('lost')])", "ended: another may hold the lease by now"),
    ],
)
def test_an_outage_or_a_lost_lease_is_one_line(error: str, sentence: str) -> None:
    ended = ended_by(error)
    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


UNREAD = """
import os
from runtime.program import guarded
def body():
    {body}
raise SystemExit(guarded("a command", body))
"""


def unread(body: str) -> tuple[int, str]:
    """Exit code and stderr of a command whose output nobody reads."""
    with subprocess.Popen(
        [sys.executable, "-c", UNREAD.format(body=body)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        said = process.stderr.read()
    return process.returncode, said


@pytest.mark.parametrize("body", ["print('more than a pipe holds' * 100_000)", "print('a line')"])
def test_output_that_nobody_reads_ends_a_command_without_a_word(body: str) -> None:
    assert unread(body) == (1, "")


def test_another_pipe_that_breaks_is_an_error_as_any() -> None:
    ended = ended_by("BrokenPipeError('a connection')")
    assert ended.returncode == 1
    assert "BrokenPipeError: a connection" in ended.stderr


@pytest.mark.parametrize(
    "address",
    ["postgres://u:hunter2@h/d", "https://n/?api-key=hunter2", "https://n/?a=1&API_KEY=hunter2&b=2", "n?token=hunter2"],
)
def test_addresses_lose_their_keys(address: str) -> None:
    assert "hunter2" not in CREDENTIALS.sub("", address)
