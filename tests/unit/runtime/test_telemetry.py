"""Log lines: whole, of one form, and without anything secret."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from runtime.settings import Settings
from runtime.telemetry import configure


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def written() -> io.StringIO:
    stream = io.StringIO()
    configure(Settings(log_format="json"), "worker", stream=stream)
    return stream


def test_a_line_says_when_who_how_bad_and_what(written: io.StringIO) -> None:
    structlog.get_logger().warning("quote refused", venue="Orca")
    line = json.loads(written.getvalue())
    assert (line["role"], line["level"], line["event"], line["venue"]) == ("worker", "warning", "quote refused", "Orca")
    assert line["timestamp"].endswith("Z")


def test_the_standard_librarys_lines_look_the_same(written: io.StringIO) -> None:
    logging.getLogger("dramatiq").warning("broker %s", "lost")
    line = json.loads(written.getvalue())
    assert (line["role"], line["event"]) == ("worker", "broker lost")


def test_no_password_key_or_signed_bytes_leave_in_a_line(written: io.StringIO) -> None:
    log = structlog.get_logger()
    log.error(
        "lost", database="postgresql://surefill:hunter2@host/db", password="hunter2", context={"api_key": "hunter2"}
    )
    log.error("built", signed_transaction="hunter2", anything=b"hunter2")
    try:
        raise OSError("cannot reach redis://:hunter2@host:6379/0")
    except OSError:
        log.exception("ended")
    assert "hunter2" not in written.getvalue()
    assert "postgresql://host/db" in written.getvalue()


def test_lines_less_severe_than_the_level_are_not_written() -> None:
    stream = io.StringIO()
    configure(Settings(log_level="warning"), "api", stream=stream)
    structlog.get_logger().info("served")
    logging.getLogger("httpx").info("GET")
    assert stream.getvalue() == ""
