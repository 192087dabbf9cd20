"""Who may ask, as a table."""

from __future__ import annotations

import json
import time
import timeit

import pytest

from api.serving.access import FORWARDED, STRICT, Access, Admitted
from api.serving.checked import checked
from api.serving.refusal import Message, Refusal

NAMED = Access.of(["trade.lan", "Api."], ["https://desk.example"], forwarded=False)


def decision(access: Access, host: str | None, origin: str | None = None, scheme: str = "http") -> str:
    headers = [(b"host", host.encode())] if host is not None else []
    headers += [(b"origin", origin.encode())] if origin is not None else []
    decided = access.decide(scheme, headers)
    return decided.code if isinstance(decided, Refusal) else "admitted"


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("localhost:8080", "admitted"),
        ("LOCALHOST.:8080", "admitted"),
        ("127.0.0.1", "admitted"),
        ("[::1]:9", "admitted"),
        ("192.168.1.5:8080", "admitted"),
        ("trade.lan", "admitted"),
        ("api:8080", "admitted"),
        ("evil.example", "host_not_allowed"),
        ("evil.example:8080", "host_not_allowed"),
        ("localhost.evil.example", "host_not_allowed"),
        ("trade.lan.evil.example", "host_not_allowed"),
        ("x.trade.lan", "host_not_allowed"),
        ("localhost:0", "invalid_host"),
        ("localhost@evil.example", "invalid_host"),
        ("", "invalid_host"),
        (None, "invalid_host"),
    ],
)
def test_a_host_is_one_that_nobody_else_can_point_at_us(host: str | None, code: str) -> None:
    assert decision(NAMED, host) == code


@pytest.mark.parametrize(
    ("host", "origin", "code"),
    [
        ("localhost:8080", "http://localhost:8080", "admitted"),
        ("127.0.0.1:8080", "http://localhost:8080", "admitted"),
        ("[::1]:8080", "http://127.0.0.1:8080", "admitted"),
        ("localhost", "http://localhost", "admitted"),
        ("localhost:80", "http://localhost", "admitted"),
        ("192.168.1.5:8080", "http://192.168.1.5:8080", "admitted"),
        ("trade.lan:8080", "http://TRADE.lan:8080", "admitted"),
        ("localhost:8080", "https://desk.example", "admitted"),
        ("localhost:8080", "null", "origin_not_allowed"),
        ("localhost:8080", "", "origin_not_allowed"),
        ("localhost:8080", "http://evil.example", "origin_not_allowed"),
        ("localhost:8080", "http://evil.example:8080", "origin_not_allowed"),
        ("localhost:8080", "http://localhost:3000", "origin_not_allowed"),
        ("localhost:8080", "https://localhost:8080", "origin_not_allowed"),
        ("localhost:8080", "http://203.0.113.5:8080", "origin_not_allowed"),
        ("192.168.1.5:8080", "http://203.0.113.5:8080", "origin_not_allowed"),
        ("192.168.1.5:8080", "http://localhost:8080", "origin_not_allowed"),
        ("localhost:8080", "http://desk.example", "origin_not_allowed"),
        ("localhost:8080", "https://desk.example:444", "origin_not_allowed"),
        ("localhost:8080", "https://desk.example.evil.example", "origin_not_allowed"),
        ("evil.example", "http://evil.example", "host_not_allowed"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_a_page_is_ours_or_one_that_is_named(host: str, origin: str, code: str, scheme: str) -> None:
    assert decision(NAMED, host, origin, scheme) == code


@pytest.mark.parametrize("name", [b"host", b"origin"])
def test_a_header_that_is_there_twice_is_refused_even_when_both_are_ours(name: bytes) -> None:
    headers = [(b"host", b"localhost:8080"), (b"origin", b"http://localhost:8080")]
    twice = [*headers, next(header for header in headers if header[0] == name)]
    assert STRICT.decide("http", headers) == Admitted()
    assert isinstance(STRICT.decide("http", twice), Refusal)


@pytest.mark.parametrize("name", sorted(FORWARDED))
def test_a_forwarded_request_passes_only_where_a_proxy_is_meant_to_be(name: bytes) -> None:
    headers = [(b"host", b"localhost:8080"), (name, b"203.0.113.5")]
    refusal = STRICT.decide("http", headers)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "forwarded"
    assert "ALLOW_FORWARDED=true" in refusal.detail
    assert name not in Access(forwarded=True).watched


@pytest.mark.parametrize("name", [b"x-forwarded-for", b"x-forwarded-prefix", b"x-forwarded-client-cert"])
async def test_any_header_of_a_proxys_family_is_seen(name: bytes) -> None:
    answered: list[Message] = []

    async def answers(*_: object) -> None:
        answered.append({"status": 200})

    async def send(message: Message) -> None:
        answered.append(message)

    scope: Message = {
        "type": "http", "scheme": "http", "method": "GET",
        "headers": [(b"host", b"localhost:8080"), (name, b"/engine")],
    }  # fmt: skip
    await checked(answers, STRICT)(scope, None, send)
    assert answered[0]["status"] == 403
    assert json.loads(answered[1]["body"])["code"] == "forwarded"
    answered.clear()
    await checked(answers, Access(forwarded=True))(scope, None, send)
    assert answered == [{"status": 200}]


def test_an_allowed_origin_that_is_none_is_said() -> None:
    with pytest.raises(ValueError, match="https://name"):
        Access.of([], ["trade.example"], forwarded=False)


def test_it_costs_a_request_under_five_microseconds() -> None:
    async def nothing(*_: object) -> None:
        pass

    names = (b"host", b"user-agent", b"accept", b"accept-encoding", b"connection", b"content-type", b"content-length")
    application = checked(nothing, STRICT)

    headers = [(name, b"localhost:8080") for name in names]

    def ask() -> None:
        scope: Message = {"type": "http", "scheme": "http", "method": "GET", "headers": headers}
        try:
            application(scope, None, None).__await__().__next__()  # type: ignore[arg-type]
        except StopIteration:
            return

    # The fastest of many short rounds: the others share their core and its caches.
    assert min(timeit.repeat(ask, number=500, repeat=200, timer=time.process_time)) / 500 < 5e-6
