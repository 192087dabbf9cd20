"""The command line is tried beside the small engines of the runtime's tests, or beside a store alone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from runtime.composition import Store, open_store
from runtime.settings import Settings
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedValkey
from tests.integration.runtime.conftest import data_dir, start
from tests.integration.warm import Warm

__all__ = ["data_dir", "start"]

SUREFILL = Path(sys.executable).with_name("surefill")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(data_dir: Path) -> dict[str, str]:
    return {**os.environ, "DATA_DIR": str(data_dir), "COLUMNS": "200"}


@pytest.fixture
def run(warm: Warm, environment: dict[str, str], data_dir: Path) -> Run:
    def surefill(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return warm.run(*arguments, env={**environment, **settings}, cwd=data_dir.parent)

    return surefill


@pytest.fixture
async def store(
    database: TestDatabase, valkey: EmbeddedValkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Store]:
    """A store beside the command, whose settings name the same servers, with the accounts default and desk."""
    for name, value in (("DATABASE_URL", database.app), ("REDIS_URL", valkey.url), ("DATA_DIR", str(tmp_path))):
        monkeypatch.setenv(name, value)
    settings = Settings(database_url=database.app, redis_url=valkey.url, data_dir=tmp_path, _env_file=None)  # type: ignore[call-arg]
    async with open_store(settings, "test") as store:
        following = asyncio.create_task(store.feed.run())
        await store.feed.begun()
        await store.known_accounts.load()
        await store.directory.open("desk", None, by="test")
        yield store
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
