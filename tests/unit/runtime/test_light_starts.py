"""What a command doesn't use it doesn't load: settings are read by all, and most of them speak to nobody."""

from __future__ import annotations

import subprocess
import sys

import pytest

CLIENTS = {"aiohttp", "httpx2", "psycopg", "redis", "valkey", "websockets"}


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("runtime.settings", CLIENTS | {"domain.events", "structlog"}),
        ("cli.env", CLIENTS | {"domain.events"}),
        ("cli.role", CLIENTS | {"domain.events"}),
        ("runtime.roles.localnet", CLIENTS - {"websockets"} | {"domain.events"}),  # its server brings that
        ("cli.up", {"valkey", "websockets", "eventsourcing"}),
    ],
)
def test_it_is_loaded_without(module: str, without: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert module in loaded
    assert without.isdisjoint(loaded), without.intersection(loaded)
