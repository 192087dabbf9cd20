"""Accounts and keys through the library's application, in the log, and as a process knows them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands.directory.application import hash_of
from commands.directory.commands import DirectoryCommands
from commands.directory.key_uses import KeyUses, last_uses
from commands.known_accounts import KnownAccounts
from domain.directory import DEFAULT_ACCOUNT, account_id_of
from domain.directory_events import DIRECTORY_EVENTS, DIRECTORY_TOPICS, LimitsSet
from domain.errors import DomainError
from event_store.mapper import EventMapper
from event_store.pool import connection_pool
from event_store.read.feed import LogFeed
from event_store.read.log import Log
from tests.integration.conftest import TestDatabase

MAPPER = EventMapper(DIRECTORY_EVENTS)
NOW = datetime.now(UTC)
SCOPES = ("read", "trade")

Pool = AsyncConnectionPool[AsyncConnection[Any]]


@pytest.fixture
async def pool(database: TestDatabase) -> AsyncIterator[Pool]:
    async with connection_pool(database.app, max_size=4) as pool:
        yield pool


@pytest.fixture
async def directory(database: TestDatabase, pool: Pool) -> AsyncIterator[DirectoryCommands]:
    commands = DirectoryCommands(database.app, pool, None)
    yield commands
    commands.close()


async def known(pool: Pool) -> KnownAccounts:
    accounts = KnownAccounts(Log(pool), MAPPER)
    await accounts.load()
    return accounts


async def refused(work: Any) -> str:
    with pytest.raises(DomainError) as error:
        await work
    return error.value.code


async def test_an_account_and_its_key_are_known_to_a_process_that_starts_later(
    directory: DirectoryCommands, pool: Pool
) -> None:
    desk = await directory.open("desk", "W1", by="op")
    made = await directory.issue(desk.account_id, SCOPES, NOW + timedelta(days=1), by="op")
    accounts = await known(pool)

    assert accounts.named("desk") == desk
    key = accounts.key(hash_of(made.key), NOW)
    assert key is not None and (key.account_id, key.scopes, key.key_id) == (desk.account_id, SCOPES, made.key_id)
    assert accounts.key(hash_of(made.key), NOW + timedelta(days=1)) is None
    assert accounts.key(hash_of("sf_another"), NOW) is None


async def test_the_key_itself_is_nowhere_in_the_database(
    directory: DirectoryCommands, pool: Pool, database: TestDatabase
) -> None:
    made = await directory.issue(DEFAULT_ACCOUNT, SCOPES, None, by="op")
    with database.connect(as_owner=True) as connection:
        rows = connection.execute("select convert_from(state, 'UTF8') from events").fetchall()
    assert rows and hash_of(made.key) in rows[0][0]
    assert made.key not in str(rows) and made.key not in repr(made)


async def test_a_revoked_key_is_gone_with_the_event_and_revoking_again_changes_nothing(
    directory: DirectoryCommands, pool: Pool
) -> None:
    log = Log(pool)
    feed = LogFeed(log.read, log.head)
    accounts = KnownAccounts(log, MAPPER)
    feed.follow(accounts.follow)
    running = asyncio.create_task(feed.run())
    try:
        await feed.begun()
        await accounts.load()
        changed = asyncio.Event()
        accounts.when_changed(changed.set)
        made = await directory.issue(DEFAULT_ACCOUNT, SCOPES, None, by="op")
        async with asyncio.timeout(10):
            await changed.wait()
            assert accounts.valid(made.key_id, NOW)
            changed.clear()
            await directory.revoke(made.key_id, by="op")
            await changed.wait()
        assert not accounts.valid(made.key_id, NOW) and accounts.key(hash_of(made.key), NOW) is None
        head = await log.head()
        await directory.revoke(made.key_id, by="op")
        assert await log.head() == head
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_name_and_a_wallet_belong_to_one_account(directory: DirectoryCommands, pool: Pool) -> None:
    await directory.open("desk", "W1", by="op")
    assert await refused(directory.open("desk", None, by="op")) == "account_exists"
    assert await refused(directory.open("desk", "W2", by="op")) == "account_exists"
    assert await refused(directory.open("other", "W1", by="op")) == "wallet_taken"
    assert await refused(directory.open("default", None, by="op")) == "account_exists"
    assert await refused(directory.open("No such name", None, by="op")) == "invalid_account_name"
    assert [account.name for account in (await known(pool)).accounts] == ["default", "desk"]


async def test_two_that_claim_one_wallet_at_once_one_gets_it(database: TestDatabase, pool: Pool) -> None:
    desks = [DirectoryCommands(database.app, pool, None) for _ in range(2)]
    names = ["one", "two"]
    answers = await asyncio.gather(
        *(desk.open(name, "W1", by="op") for desk, name in zip(desks, names, strict=True)), return_exceptions=True
    )
    for desk in desks:
        desk.close()
    assert sorted(isinstance(answer, DomainError) for answer in answers) == [False, True]
    assert [account.wallet for account in (await known(pool)).accounts] == [None, "W1"]


async def test_a_wallet_is_bound_once(directory: DirectoryCommands, pool: Pool) -> None:
    await directory.open("desk", None, by="op")
    await directory.bind_wallet(account_id_of("desk"), "W1", by="op")
    await directory.bind_wallet(account_id_of("desk"), "W1", by="op")
    assert await refused(directory.bind_wallet(account_id_of("desk"), "W2", by="op")) == "wallet_bound"
    desk = (await known(pool)).named("desk")
    assert desk is not None and desk.wallet == "W1"


async def test_what_isnt_there_is_refused(directory: DirectoryCommands, pool: Pool) -> None:
    await directory.open("desk", None, by="op")
    assert await refused(directory.issue(uuid4(), SCOPES, None, by="op")) == "account_not_found"
    assert await refused(directory.revoke(uuid4(), by="op")) == "key_not_found"
    assert await refused(directory.revoke(account_id_of("desk"), by="op")) == "key_not_found"


async def test_the_last_use_of_a_key_is_written_once_a_minute(pool: Pool) -> None:
    uses, key_id = KeyUses(pool), uuid4()
    running = asyncio.create_task(uses.run())
    try:
        for seconds in range(30):
            uses.used(key_id, NOW + timedelta(seconds=seconds))
        async with asyncio.timeout(10):
            while key_id not in (found := await last_uses(pool)):
                await asyncio.sleep(0.01)
        assert found[key_id] == NOW
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_key_ends_though_what_comes_before_its_end_cannot_be_read(
    directory: DirectoryCommands, pool: Pool
) -> None:
    made = await directory.issue(DEFAULT_ACCOUNT, SCOPES, None, by="op")
    accounts, log = await known(pool), Log(pool)
    assert accounts.valid(made.key_id, NOW)
    await directory.revoke(made.key_id, by="op")
    revoked = (await log.of_accounts(DIRECTORY_TOPICS))[-1]
    newer = replace(revoked, topic=LimitsSet.TOPIC, state=b'{"v":99,"data":{}}')
    accounts.follow([newer, replace(revoked, position=revoked.position + 1)])
    assert not accounts.valid(made.key_id, NOW)
