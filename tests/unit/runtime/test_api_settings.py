"""Settings of the API: where it listens, who may ask it, and the command line's key."""

import pytest

from runtime.settings import load
from tests.unit.runtime.test_settings import nothing_set

__all__ = ["nothing_set"]


def test_the_api_is_reached_on_loopback_where_it_listens_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "0.0.0.0")  # noqa: S104
    assert load().api_url == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("written", "host", "url"),
    [
        ("::1", "::1", "http://[::1]:8080"),
        ("[::1]", "::1", "http://[::1]:8080"),
        ("[::]", "::", "http://[::1]:8080"),
        ("Engine.lan", "Engine.lan", "http://Engine.lan:8080"),
    ],
)
def test_a_host_is_a_name_or_an_address_with_or_without_brackets(
    written: str, host: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST", written)
    monkeypatch.setenv("LOCALNET_HOST", written)
    found = load()
    assert (found.host, found.localnet_host, found.api_url) == (host, host, url)
    assert found.is_local == (host == "::1")


def test_who_may_ask_is_read_from_three_settings_and_the_servers_own_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "trade.lan, Api,fe80::1")
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://desk.example")
    monkeypatch.setenv("ALLOW_FORWARDED", "true")
    access = load().access("engine.lan")
    assert access.hosts == {"engine.lan", "trade.lan", "api", "fe80::1"}
    assert [origin.host for origin in access.origins] == ["desk.example"]
    assert access.forwarded
