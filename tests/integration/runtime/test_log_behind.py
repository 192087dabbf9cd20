"""A log is held against its witness when a process starts: what has lost its end is found, recorded and halted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from commands.accounts import Behind
from commands.ids import DEFAULT_ACCOUNT
from commands.recovery import Recovery
from commands.submit import submit_order
from domain.account import Trading, TradingHalted
from domain.commands import SubmitOrder
from domain.errors import DomainError, PositionLostError
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC
from runtime.composition import Store, lease_of, open_store
from runtime.log_behind import WITNESS, Standing, behind_by, hold_against_witness
from runtime.roles.witness import Keeper
from runtime.settings import Settings
from tests.integration.conftest import TestDatabase, superuser_url
from tests.integration.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.integration.event_store.putting_back import put_back
from verification import witness
from verification.witness import Witness


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey, tmp_path: Path) -> Settings:
    return Settings(database_url=database.app, redis_url=valkey.url, data_dir=tmp_path, _env_file=None)  # type: ignore[call-arg]


@pytest.fixture
def file(settings: Settings) -> Path:
    assert settings.witness_file is not None
    return settings.witness_file


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    """The store of the process that runs before the log is put back."""
    async with open_store(settings, "test") as store:
        yield store


async def submit(store: Store, client_order_id: str | None = None, **changes: object) -> UUID:
    terms = {"type": "limit", "token_in": SOL, "token_out": USDC, "amount_in": 10, "slippage_bps": 50,
             "slippage_defaulted": False, "limit_price": "900", "client_order_id": client_order_id}  # fmt: skip
    command = SubmitOrder(OrderTerms(**{**terms, **changes}), None, "localnet")  # type: ignore[arg-type]
    return (await submit_order(store.orders, DEFAULT_ACCOUNT, command)).order_id


async def witnessed(store: Store, file: Path, position: int) -> None:
    """Run the keeper until the file shows ``position``, and the database that there is a file."""
    async with lease_of(store, WITNESS).hold() as lease:
        keeping = asyncio.create_task(Keeper(store, file).run(lease))
        async with asyncio.timeout(10):
            while (found := witness.read(file)) is None or found.position < position or not await is_known(store):
                await asyncio.sleep(0.02)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def lose_the_end(store: Store, file: Path, database: TestDatabase, postgres: EmbeddedPostgres) -> None:
    """Five orders whose witness has seen the last, put back to the third."""
    for _ in range(5):
        await submit(store)
    await witnessed(store, file, 5)
    put_back(superuser_url(postgres, database), database, 3)


async def is_known(store: Store) -> bool:
    async with store.pool.connection() as connection:
        cursor = await connection.execute("select 1 from positions where processor = 'witness'")
        return await cursor.fetchone() is not None


async def test_a_log_that_never_had_a_witness_is_not_behind_and_gets_one(store: Store, file: Path) -> None:
    await submit(store)
    await hold_against_witness(store, file)
    assert not (await store.accounts.trading(DEFAULT_ACCOUNT)).behind
    await witnessed(store, file, 1)
    position, hash_ = await store.events.end()
    assert witness.read(file) == Witness(1, position, hash_.hex())
    await hold_against_witness(store, file)
    assert await store.events.head() == 1


async def test_a_log_without_what_its_witness_has_seen_is_halted_and_an_epoch_begins(
    settings: Settings, store: Store, file: Path, database: TestDatabase, postgres: EmbeddedPostgres
) -> None:
    await lose_the_end(store, file, database, postgres)
    async with open_store(settings, "again") as again:
        await hold_against_witness(again, file)
        trading = await again.accounts.trading(DEFAULT_ACCOUNT)
        assert trading.behind
        assert trading.reason == f"the witness {file} has seen position 5 in epoch 1, the log ends at 3"
        epochs = await again.accounts.epochs(DEFAULT_ACCOUNT)
        assert (epochs.shown(3), epochs.shown(4)) == ("1.3", "2.4")
        # Whoever starts next finds it recorded.
        head = await again.events.head()
        await hold_against_witness(again, file)
        assert await again.events.head() == head == 5
        # What it grew by meanwhile isn't what it has lost: it is behind still.
        assert (await behind_by(again.events, again.pool, file)) is not None


async def test_another_event_at_the_witnessed_position_leaves_no_position_sure(
    settings: Settings, store: Store, file: Path, database: TestDatabase, postgres: EmbeddedPostgres
) -> None:
    await lose_the_end(store, file, database, postgres)
    async with open_store(settings, "again") as again:
        for _ in range(4):
            await submit(again)
        await hold_against_witness(again, file)
        found = await again.accounts.unrecovered(DEFAULT_ACCOUNT)
        assert found is not None
        assert (found.ended_at, found.epoch, found.reason) == (
            0, 2, f"the witness {file} has seen position 5 in epoch 1, where the log has another event",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda file: file.unlink(), "is missing, and the log has had one"),
        (lambda file: file.write_text(file.read_text()[:20]), "is damaged or was cut short"),
    ],
    ids=["missing", "half-written"],
)
async def test_a_witness_that_tells_nothing_counts_as_a_log_that_is_behind(
    store: Store, file: Path, damage: object, reason: str
) -> None:
    await submit(store)
    await witnessed(store, file, 1)
    damage(file)  # type: ignore[operator]
    await hold_against_witness(store, file)
    trading = await store.accounts.trading(DEFAULT_ACCOUNT)
    assert trading.behind and trading.reason is not None and reason in trading.reason
    # Nothing that was given out is known to be lost.
    assert (await store.accounts.epochs(DEFAULT_ACCOUNT)).read("1.1") == 1


async def test_a_process_that_does_not_keep_the_witness_does_not_miss_it(store: Store, file: Path) -> None:
    await submit(store)
    await witnessed(store, file, 1)
    file.unlink()
    await hold_against_witness(store, file, keeps=False)
    assert not (await store.accounts.trading(DEFAULT_ACCOUNT)).behind


async def test_a_new_epoch_is_above_every_one_that_was_lost(store: Store, file: Path) -> None:
    await submit(store)
    witness.write(file, Witness(7, 90, "ab" * 32))
    await hold_against_witness(store, file)
    assert (await store.accounts.epochs(DEFAULT_ACCOUNT)).current == 8


async def test_of_two_logs_that_were_put_back_without_a_witness_none_has_an_epoch_of_the_other(store: Store) -> None:
    """Both begin after the same backup, and neither knows of the other's epoch."""
    for number in (1, 2):
        await store.accounts.found_behind(DEFAULT_ACCOUNT, Behind(f"time {number}", 0))
        await store.accounts.recover(DEFAULT_ACCOUNT, kept=[], cancelled=[], by="me", because="so")
    first, second = (await store.accounts.epochs(DEFAULT_ACCOUNT)).begun[1:]
    minutes = time.time() / 60
    assert minutes - 2 < first.number < second.number < minutes + 2


async def test_a_log_that_was_put_back_once_more_while_it_was_recovered_begins_another_epoch(
    settings: Settings, store: Store, file: Path, database: TestDatabase, postgres: EmbeddedPostgres
) -> None:
    """The backup was taken between the two steps of ``surefill recover``: what was decided then is lost, too."""
    await lose_the_end(store, file, database, postgres)
    async with open_store(settings, "again") as again:
        await hold_against_witness(again, file)
        backup = await again.events.head()
        await again.accounts.recover(DEFAULT_ACCOUNT, kept=[], cancelled=[], by="me", because="so")
        position, hash_ = await again.events.end()
        witness.write(file, Witness(2, position, hash_.hex()))
    put_back(superuser_url(postgres, database), database, backup)
    async with open_store(settings, "once more") as once_more:
        await hold_against_witness(once_more, file)
        found = await once_more.accounts.unrecovered(DEFAULT_ACCOUNT)
        assert found and (found.epoch, found.ended_at) == (3, backup)
        with pytest.raises(PositionLostError):
            (await once_more.accounts.epochs(DEFAULT_ACCOUNT)).read(f"2.{position}")
        head = await once_more.events.head()
        await hold_against_witness(once_more, file)
        assert await once_more.events.head() == head


async def test_the_keeper_never_writes_over_the_witness_of_a_log_that_was_put_back(
    settings: Settings, store: Store, file: Path, database: TestDatabase, postgres: EmbeddedPostgres
) -> None:
    for _ in range(5):
        await submit(store)
    await witnessed(store, file, 5)
    before = witness.read(file)
    async with lease_of(store, WITNESS).hold() as lease:
        keeping = asyncio.create_task(Keeper(store, file).run(lease))
        await asyncio.sleep(0.3)
        # Under the running keeper, and grown again past what it has written.
        put_back(superuser_url(postgres, database), database, 3)
        async with open_store(settings, "other") as other:
            for _ in range(4):
                await submit(other)
        await asyncio.sleep(2.5)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert witness.read(file) == before


async def test_a_witness_that_cannot_be_written_ends_nothing(store: Store, tmp_path: Path) -> None:
    await submit(store)
    (tmp_path / "taken").write_text("")
    file = tmp_path / "taken" / "witness"
    keeper = Keeper(store, file)
    assert await keeper._write(Witness(1, 1, "ab" * 32)) is False


async def test_roles_are_held_back_while_the_log_is_behind_and_begin_when_it_is_resumed(
    store: Store, file: Path
) -> None:
    standing = Standing(lambda: store.accounts.trading(DEFAULT_ACCOUNT))
    begun: list[str] = []

    async def work() -> None:
        begun.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            begun.append("ended")

    await submit(store, "a")
    await standing.look()
    tasks = [asyncio.create_task(standing.run()), asyncio.create_task(standing.run_while_sound(work))]
    await until(lambda: begun == ["begun"])
    witness.write(file, Witness(1, 90, "ab" * 32))
    await hold_against_witness(store, file)
    await until(lambda: begun == ["begun", "ended"])

    recovery = Recovery(store.events, store.orders, store.accounts)
    with pytest.raises(DomainError, match="run surefill recover first"):
        await store.accounts.resume(DEFAULT_ACCOUNT, "too early")
    [order] = await recovery.open_orders()
    await recovery.decide(DEFAULT_ACCOUNT, [order.order_id], [], by="me", because="it stands")
    await asyncio.sleep(1.2)
    assert begun == ["begun", "ended"]
    await store.accounts.resume(DEFAULT_ACCOUNT, "looked at")
    await until(lambda: begun == ["begun", "ended", "begun"])
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_role_that_swallows_a_cancellation_is_cancelled_again() -> None:
    async def sound() -> Trading:
        return Trading()

    async def swallows_one() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    standing = Standing(sound)
    await standing.look()
    held = asyncio.create_task(standing.run_while_sound(swallows_one))
    await asyncio.sleep(0.05)
    held.cancel()
    _, waiting = await asyncio.wait({held}, timeout=5)
    assert not waiting and held.cancelled()


async def test_every_open_order_is_named_or_nothing_is_recorded(store: Store, file: Path) -> None:
    kept, cancelled, unnamed = [await submit(store, name) for name in "abc"]
    recovery = Recovery(store.events, store.orders, store.accounts)
    with pytest.raises(DomainError) as refused:
        await recovery.decide(DEFAULT_ACCOUNT, [kept], [], by="me", because="it is")
    assert refused.value.code == "not_behind"
    witness.write(file, Witness(1, 90, "ab" * 32))
    await hold_against_witness(store, file)
    head = await store.events.head()
    for keep, cancel, code in (([kept], [cancelled], "unnamed"), ([kept, unnamed, uuid4()], [cancelled], "not_open")):
        with pytest.raises(DomainError) as refused:
            await recovery.decide(DEFAULT_ACCOUNT, keep, cancel, by="me", because="it is")
        assert refused.value.code == code
    assert await store.events.head() == head

    recorded = await recovery.decide(DEFAULT_ACCOUNT, [kept, unnamed], [cancelled], by="me@here", because="it is")
    assert (set(recorded.kept), recorded.cancelled) == ({kept, unnamed}, (cancelled,))
    assert (recorded.by, recorded.because, recorded.epoch) == ("me@here", "it is", 2)
    ended = (await store.orders.load([cancelled])).orders[cancelled].order
    assert ended is not None and ended.failure is not None
    assert (ended.status, ended.failure.code) == ("failed", "cancelled_at_recovery")
    # Until it is resumed it is halted, and whoever halts it again for another reason leaves it behind.
    trading = await store.accounts.trading(DEFAULT_ACCOUNT)
    assert trading.behind and TradingHalted(reason="x").code is None


async def until(holds: object, within: float = 10) -> None:
    async with asyncio.timeout(within):
        while not holds():  # type: ignore[operator]
            await asyncio.sleep(0.02)
