"""`surefill watch` before a real API: an order by the client's own name, and the API's own reason where it refuses."""

from __future__ import annotations

import pytest

from cli.client import Client
from cli.errors import RefusedError
from tests.integration.api.serving import BODY, running
from tests.integration.conftest import TestDatabase


async def test_an_order_is_followed_by_the_clients_own_name(database: TestDatabase) -> None:
    async with running(database.app) as engine, Client(engine.url) as client:
        accepted = await client.submit({**BODY, "clientOrderId": "a-1"})
        changes = client.watch(None, "a-1")
        first = await anext(changes)
        assert (first["orderId"], first["sequence"]) == (accepted["orderId"], 1)


async def test_an_order_that_is_not_there_is_told_in_the_apis_words(database: TestDatabase) -> None:
    async with running(database.app) as engine, Client(engine.url) as client:
        with pytest.raises(RefusedError, match="there is no such order"):
            await anext(client.watch("0190f3a4-0000-7000-8000-000000000001"))
        with pytest.raises(RefusedError) as refused:
            await anext(client.watch(None, "a-2"))
    assert refused.value.code == "order_not_found"
