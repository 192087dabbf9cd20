"""One served API a test, on its own database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.api.serving import Engine, running
from tests.integration.conftest import TestDatabase


@pytest.fixture
async def engine(database: TestDatabase) -> AsyncIterator[Engine]:
    async with running(database.app) as engine:
        yield engine
