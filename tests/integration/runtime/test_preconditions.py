"""What every role asks before it touches anything: log, chain and wallet belong together."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from chains.wallet import Wallet
from commands.ids import DEFAULT_ACCOUNT
from domain.events import ORDER_EVENTS, OrderEvent, OrderSubmitted, TransactionBuilt
from domain.evolve import fold
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC
from event_store.append.appender import Appender
from event_store.mapper import EventMapper
from event_store.pool import connection_pool
from event_store.read.log import Log
from event_store.types import AppendRequest, NewEvent, Stored
from projections.orders import PROCESSOR
from runtime.errors import StartupError
from runtime.preconditions import (
    claim_wallet,
    require_chain_of_log,
    require_guarded_attempts,
    require_known_wallet,
    require_wallet,
)
from tests.integration.conftest import TestDatabase
from tests.unit.domain.scenario import built, expired, routed, submitted

MAPPER = EventMapper(ORDER_EVENTS)


async def append_signed_for(genesis_hash: str, app_url: str) -> UUID:
    """One transaction in the log, signed for that chain; its order's id."""
    built = TransactionBuilt(
        attempt=1,
        transaction=base64.b64encode(b"signed").decode(),
        signature="signature",
        wallet="wallet",
        memo="memo",
        genesis_hash=genesis_hash,
        blockhash="blockhash",
        blockhash_slot=1,
        last_valid_block_height=150,
        minimum_out=1,
    )
    return await append_first(built, app_url)


async def append_order_for(network: str, app_url: str) -> UUID:
    """One order in the log, taken for that network; its id."""
    terms = OrderTerms(
        type="market", token_in=SOL, token_out=USDC, amount_in=1, slippage_bps=50, slippage_defaulted=True
    )
    return await append_first(OrderSubmitted(**vars(terms), deadline=None, network=network), app_url)


async def append_first(first: OrderEvent, app_url: str) -> UUID:
    """The event as the first of a stream, whose id is returned."""
    event = NewEvent(uuid4(), 1, uuid4(), *MAPPER.dump(first), DEFAULT_ACCOUNT, uuid4(), uuid4(), None)
    appender = Appender(app_url)
    await appender.start()
    try:
        assert isinstance(await appender.append(AppendRequest((event,))), Stored)
    finally:
        await appender.stop()
    return event.stream_id


async def test_the_first_wallet_is_the_accounts_and_another_is_refused(database: TestDatabase, tmp_path: Path) -> None:
    ours, other = (Wallet.create(tmp_path / name) for name in ("ours.json", "other.json"))
    async with connection_pool(database.app, max_size=1) as pool:
        for _ in range(2):
            wallet = await require_wallet(pool, MAPPER, "genesis", tmp_path / "ours.json")
            assert wallet.address == ours.address
        with pytest.raises(StartupError, match=f"trades with wallet {ours.address}.* that of {other.address}"):
            await require_wallet(pool, MAPPER, "genesis", tmp_path / "other.json")


async def test_a_process_that_starts_beside_the_one_that_binds_the_wallet_reads_the_same(
    database: TestDatabase,
) -> None:
    async with connection_pool(database.app, max_size=2) as pool:
        async with pool.connection() as first, first.transaction():
            await first.execute("update accounts set wallet = 'ours' where id = %s", [DEFAULT_ACCOUNT])
            beside = asyncio.create_task(claim_wallet(pool, DEFAULT_ACCOUNT, "ours"))
            await until_one_waits_for_a_lock(database.app)
        assert await beside == "ours"


async def until_one_waits_for_a_lock(url: str) -> None:
    waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(10), await psycopg.AsyncConnection.connect(url, autocommit=True) as watching:
        while await (await watching.execute(waiting)).fetchone() is None:
            await asyncio.sleep(0.01)


async def test_a_log_of_another_chain_is_refused_before_a_wallet_is_bound(
    database: TestDatabase, tmp_path: Path
) -> None:
    await append_signed_for("theirs", database.app)
    Wallet.create(tmp_path / "wallet.json")
    async with connection_pool(database.app, max_size=1) as pool:
        await require_chain_of_log(pool, MAPPER, "theirs")
        with pytest.raises(StartupError, match="chain with genesis theirs, the configured endpoint serves ours"):
            await require_wallet(pool, MAPPER, "ours", tmp_path / "wallet.json")
        Wallet.create(tmp_path / "later.json")
        await require_wallet(pool, MAPPER, "theirs", tmp_path / "later.json")


async def test_a_log_with_orders_alone_is_refused_where_they_are_for_another_network(database: TestDatabase) -> None:
    await append_order_for("mainnet-beta", database.app)
    async with connection_pool(database.app, max_size=1) as pool:
        await require_chain_of_log(pool, MAPPER, "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d")
        with pytest.raises(
            StartupError, match="orders are for mainnet-beta, the configured endpoint serves localnet"
        ) as refused:
            await require_chain_of_log(pool, MAPPER, "genesis")
        assert "`surefill cancel --all --because TEXT` ends those that are open" in str(refused.value)


async def test_a_wallet_is_compared_and_not_bound_while_the_chain_is_not_known(
    database: TestDatabase, tmp_path: Path
) -> None:
    ours, other = (Wallet.create(tmp_path / name) for name in ("ours.json", "other.json"))
    async with connection_pool(database.app, max_size=1) as pool:
        await require_known_wallet(pool, tmp_path / "ours.json")
        await require_wallet(pool, MAPPER, "genesis", tmp_path / "other.json")
        with pytest.raises(StartupError, match=f"trades with wallet {other.address}.* that of {ours.address}"):
            await require_known_wallet(pool, tmp_path / "ours.json")


@pytest.mark.parametrize("where", ["in the read model", "set aside by it"])
async def test_a_log_of_another_chain_is_refused_by_what_lies_behind_the_read_models_position(
    database: TestDatabase, where: str
) -> None:
    order_id = await append_signed_for("theirs", database.app)
    with database.connect() as app:
        app.execute("insert into positions values (%s, 1)", [PROCESSOR])
        if where == "set aside by it":
            app.execute(
                "insert into dead_letters (processor, order_id, version, error) values (%s, %s, 1, 'a test')",
                [PROCESSOR, order_id],
            )
        else:
            app.execute(
                "insert into orders_v1 values (%s, %s, 'building', 1, 1, now(), now(), 1, %s)",
                [order_id, DEFAULT_ACCOUNT, '{"type": "market", "attempts": [{"number": 1}]}'],
            )
    async with connection_pool(database.app, max_size=1) as pool:
        await require_chain_of_log(pool, MAPPER, "theirs")
        with pytest.raises(StartupError, match="chain with genesis theirs"):
            await require_chain_of_log(pool, MAPPER, "ours")


async def test_a_wallet_that_other_users_can_read_is_refused_in_one_sentence(
    database: TestDatabase, tmp_path: Path
) -> None:
    Wallet.create(tmp_path / "wallet.json")
    (tmp_path / "wallet.json").chmod(0o644)
    async with connection_pool(database.app, max_size=1) as pool:
        with pytest.raises(StartupError, match="is open to other users: chmod 600 it"):
            await require_wallet(pool, MAPPER, "genesis", tmp_path / "wallet.json")


@pytest.mark.parametrize("projected", [False, True], ids=["past the read model", "in the read model"])
async def test_an_attempt_without_a_guard_that_may_still_land_is_named_and_nothing_begins(
    database: TestDatabase, projected: bool
) -> None:
    unguarded = built().model_copy(update={"guard": None, "guard_rent_lamports": None, "height": None})
    endings: dict[str, tuple[OrderEvent, ...]] = {"live": (), "expired": (expired(),)}
    async with connection_pool(database.app, max_size=2) as pool:
        appender = Appender(database.app)
        await appender.start()
        ids = {name: uuid4() for name in (*endings, "guarded")}
        histories = {name: (*submitted(), routed(), unguarded, *ending) for name, ending in endings.items()}
        histories["guarded"] = (*submitted(), routed(), built())
        for name, history in histories.items():
            new, command_id = [], uuid4()
            for version, event in enumerate(history, 1):
                stored = MAPPER.dump(event)
                new.append(
                    NewEvent(ids[name], version, uuid4(), *stored, DEFAULT_ACCOUNT, command_id, command_id, None)
                )
            assert isinstance(await appender.append(AppendRequest(tuple(new))), Stored)
        if projected:
            head = await Log(pool).head()
            async with pool.connection() as app:
                await app.execute("insert into positions values (%s, %s)", [PROCESSOR, head])
                for name, history in histories.items():
                    order = fold(history)
                    assert order is not None
                    await app.execute(
                        "insert into orders_v1 values (%s, %s, %s, 1, 1, now(), now(), 1, %s)",
                        [ids[name], DEFAULT_ACCOUNT, order.status, order.model_dump_json()],
                    )
        with pytest.raises(StartupError, match=f"of the orders {ids['live']}: start the version"):
            await require_guarded_attempts(pool, MAPPER)
        await appender.stop()
