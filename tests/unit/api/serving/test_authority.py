"""How hosts and origins are read."""

from __future__ import annotations

import pytest

from api.serving.authority import Authority, Origin, parse_authority, parse_origin


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("localhost", "localhost", None),
        ("LocalHost:8080", "localhost", 8080),
        ("localhost.", "localhost", None),
        ("localhost:", "localhost", None),
        ("localhost:65535", "localhost", 65535),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("[::1]", "::1", None),
        ("[0:0:0:0:0:0:0:1]:80", "::1", 80),
        ("my_service.internal", "my_service.internal", None),
    ],
)
def test_a_host_is_read_in_one_spelling(text: str, host: str, port: int | None) -> None:
    assert parse_authority(text) == Authority(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":8080",
        "localhost:0",
        "localhost:65536",
        "localhost:http",
        "localhost:+80",
        "localhost:٨٠",
        "localhost:80:80",
        "localhost..",
        ".localhost",
        "a..b",
        "localhost@evil.example",
        "evil.example@localhost",
        "user:password@localhost",
        "localhost/evil.example",
        "localhost, evil.example",
        "localhost evil.example",
        " localhost",
        "localhost\n",
        "localhost#",
        "loca\u017fhost",
        "::1",
        "[::1",
        "[::1]x",
        "[::1%25eth0]",
        "[127.0.0.1]",
        "[localhost]",
        "a." * 200 + "localhost",
    ],
)
def test_anything_else_is_no_host(text: str) -> None:
    assert parse_authority(text) is None


@pytest.mark.parametrize(
    ("host", "loopback", "address"),
    [
        ("localhost", True, False),
        ("api.localhost", True, False),
        ("127.8.9.10", True, True),
        ("::1", True, True),
        ("192.168.1.5", False, True),
        ("127.0.0.1.evil.example", False, False),
        ("evillocalhost", False, False),
        ("localhost.evil.example", False, False),
        ("2130706433", False, False),
        ("0x7f.0.0.1", False, False),
        ("127.1", False, False),
    ],
)
def test_what_a_host_is_depends_on_all_of_it(host: str, loopback: bool, address: bool) -> None:
    authority = Authority(host, None)
    assert (authority.is_loopback, authority.is_address) == (loopback, address)


def test_an_origins_port_is_its_schemes_own_where_none_is_given() -> None:
    assert parse_origin("https://Trade.Example") == Origin("https", Authority("trade.example", 443))
    assert parse_origin("http://[::1]:3000") == Origin("http", Authority("::1", 3000))


@pytest.mark.parametrize(
    "text",
    ["", "null", "*", "trade.example", "file://", "chrome-extension://abc", "http://a/", "http://u@a", "http://"],
)
def test_anything_else_is_no_origin(text: str) -> None:
    assert parse_origin(text) is None
