"""Settings of the API: where it listens, who may ask it, and the command line's key."""

import pytest

from runtime.errors import SettingsError
from runtime.settings import load
from tests.unit.runtime.test_settings import nothing_set

__all__ = ["nothing_set"]

API_KEY = "sf_" + "aZ0_-" * 8 + "xyz"


def test_the_api_is_reached_on_loopback_where_it_listens_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "0.0.0.0")  # noqa: S104
    assert load().api_url == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("written", "host", "url"),
    [
        ("::1", "::1", "http://[::1]:8080"),
        ("[::1]", "::1", "http://[::1]:8080"),
        ("[::]", "::", "http://[::1]:8080"),
        ("::0", "::0", "http://[::1]:8080"),
        ("fd00::2", "fd00::2", "http://[fd00::2]:8080"),
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


@pytest.mark.parametrize("written", [f"{API_KEY}\n", f" {API_KEY} ", API_KEY])
def test_a_key_is_taken_without_the_space_around_it(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", written)
    assert load().key == API_KEY


@pytest.mark.parametrize(
    "wrong", ["é", "sf_é", API_KEY + "x", API_KEY[:-1], "hunter2", f"{API_KEY[:20]}\n{API_KEY[20:]}"]
)
def test_a_key_that_is_none_is_refused_and_not_repeated(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", wrong)
    found = load()  # It may be another program's, which an engine that needs none doesn't ask.
    with pytest.raises(SettingsError, match=r"^API_KEY must be a key as") as raised:
        _ = found.key
    assert wrong not in str(raised.value)


def test_who_may_ask_is_read_from_three_settings_and_the_servers_own_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "trade.lan, Api,fe80::1")
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://desk.example")
    monkeypatch.setenv("ALLOW_FORWARDED", "true")
    access = load().access("engine.lan")
    assert access.hosts == {"engine.lan", "trade.lan", "api", "fe80::1"}
    assert [origin.host for origin in access.origins] == ["desk.example"]
    assert access.forwarded
