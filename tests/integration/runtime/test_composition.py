"""The store as every role gets it: what a process makes executable reaches the queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from commands.ids import DEFAULT_ACCOUNT
from commands.submit import submit_order
from domain.commands import SubmitOrder
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC
from runtime.composition import Store, open_store
from runtime.settings import Settings
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.integration.event_store.requests import until
from tests.integration.wire import Wire
from workers.dispatch.broker import QUEUE


async def submit(store: Store) -> None:
    terms = OrderTerms(
        type="market", token_in=SOL, token_out=USDC, amount_in=10**9, slippage_bps=50, slippage_defaulted=False
    )
    deadline = datetime.now(UTC) + timedelta(seconds=60)
    await submit_order(store.orders, DEFAULT_ACCOUNT, SubmitOrder(terms, deadline, "localnet"))


def messages(store: Store) -> int:
    return int(str(store.broker.client.llen(f"{store.broker.namespace}:{QUEUE}")))


async def test_an_order_is_handed_over_though_the_answer_to_its_append_was_lost(
    database: TestDatabase, postgres: EmbeddedPostgres, valkey: EmbeddedValkey
) -> None:
    async with Wire(postgres.port).open() as wire:
        settings = Settings(database_url=wire.to(database.app), redis_url=valkey.url)
        async with open_store(settings, "test") as store:
            store.broker.flush(QUEUE)
            await submit(store)
            await until(lambda: messages(store) == 1)
            wire.lose_answers = 1
            await submit(store)
            await until(lambda: messages(store) == 2)
            # Nothing but the hand-over sends it: no sweeper runs.
            assert await store.events.head() == 4
            store.broker.flush(QUEUE)
