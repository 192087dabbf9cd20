"""METRICS_PORT over real connections: who gets what a process counts, and for how long an unfinished request stays."""

from __future__ import annotations

import json
import socket

import httpx2
import pytest
from prometheus_client import Counter

from api.serving.access import Access
from api.serving.limits import Limits
from runtime.errors import StartupError
from runtime.metrics_server import serve_metrics
from tests.ports import free_port

COUNTED = Counter("surefill_counted_by_a_test_total", "Something to read.")


@pytest.fixture(scope="module")
def port() -> int:
    found = free_port()
    access = Access.of(["worker"], [], forwarded=False)
    serve_metrics("127.0.0.1", found, access, Limits(body_bytes=0, header_seconds=0.5))
    return found


def ask(port: int, **headers: str) -> httpx2.Response:
    return httpx2.get(f"http://127.0.0.1:{port}/metrics", headers=headers, trust_env=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9100", "worker:9100"])
def test_prometheus_reads_what_the_process_counts(host: str, port: int) -> None:
    COUNTED.inc()
    answer = ask(port, host=host)
    assert answer.status_code == 200
    assert "surefill_counted_by_a_test_total" in answer.text


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"host": "evil.example"}, "host_not_allowed"),
        ({"origin": "http://evil.example"}, "origin_not_allowed"),
        ({"origin": "null"}, "origin_not_allowed"),
        ({"x-forwarded-for": "203.0.113.5"}, "forwarded"),
    ],
)
def test_a_page_elsewhere_reads_nothing(headers: dict[str, str], code: str, port: int) -> None:
    answer = ask(port, **headers)
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert "surefill_counted_by_a_test_total" not in answer.text


def test_a_request_that_does_not_end_is_given_up(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n")
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 408")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "request_timeout"


def test_a_taken_port_is_one_sentence(port: int) -> None:
    with pytest.raises(StartupError, match=f"METRICS_PORT {port} cannot be listened on: Address already in use"):
        serve_metrics("127.0.0.1", port, Access())
