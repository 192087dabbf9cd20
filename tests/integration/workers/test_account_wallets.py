"""Each account's orders are signed with that account's wallet, and with no other."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from chains.errors import WalletError
from chains.wallet_files import WalletFiles
from commands.accounts import Behind
from commands.ids import DEFAULT_ACCOUNT
from commands.known_accounts import KnownAccounts
from commands.submit import submit_order
from domain.commands import SubmitOrder
from domain.directory import Account
from domain.events import TransactionBuilt
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC
from localnet.funding import fund
from localnet.keys import FAUCET_KEY, read_key
from runtime.account_wallets import AccountWallets, signer_of
from runtime.roles import worker as worker_role
from runtime.roles.parts import Parts
from tests.integration.workers.harness import EngineHarness, now
from workers.execution.account_visits import AccountVisits
from workers.execution.executor import Executor
from workers.signers import AccountSigner


async def desk(engine: EngineHarness) -> Account:
    """An account with a wallet, which the local chain has funded."""
    wallet = WalletFiles(engine.settings.wallets_directory).create()
    account = await engine.store.directory.open("desk", wallet, by="test")
    faucet = read_key(engine.market_key.with_name(FAUCET_KEY))
    await fund(engine.chain, read_key(engine.market_key), faucet, wallet)
    return account


async def submit(engine: EngineHarness, account_id: UUID, *, seconds: float = 60) -> UUID:
    terms = OrderTerms(
        type="market", token_in=SOL, token_out=USDC, amount_in=500_000_000, slippage_bps=100, slippage_defaulted=False
    )
    command = SubmitOrder(terms, now() + timedelta(seconds=seconds), "localnet")
    return (await submit_order(engine.orders, account_id, command)).order_id


def visits_of(engine: EngineHarness, account: Account, signer: AccountSigner | None) -> AccountVisits:
    parts = Parts(engine.settings, engine.store, engine.market)
    first = worker_role.build_context(
        parts, AccountSigner(engine.wallet, engine.wallet.guard_key()), engine.genesis_hash
    )
    visits = AccountVisits(DEFAULT_ACCOUNT, worker_role.visit_of(parts, first, may_sign=lambda: True))
    if signer:
        own = worker_role.build_context(parts, signer, engine.genesis_hash)
        visits.add(account.account_id, worker_role.visit_of(parts, own, may_sign=lambda: True))
    return visits


async def built(engine: EngineHarness, order_id: UUID) -> list[TransactionBuilt]:
    events = (await engine.history(order_id)).events
    return [event for event in events if isinstance(event, TransactionBuilt)]


async def test_an_order_is_signed_and_guarded_by_its_own_accounts_wallet(engine: EngineHarness) -> None:
    account = await desk(engine)
    signer = signer_of(engine.settings, account)
    executor = Executor(visits_of(engine, account, signer), engine.store.work)
    theirs, ours = await submit(engine, account.account_id), await submit(engine, DEFAULT_ACCOUNT)
    await executor.take([theirs, ours])
    await executor.settled()

    [of_desk], [of_default] = await built(engine, theirs), await built(engine, ours)
    assert of_desk.wallet == account.wallet
    assert of_desk.guard == signer.guard_key.of_order(signer.wallet.address, theirs).address
    assert of_default.wallet == engine.wallet.address != account.wallet
    assert of_default.guard == engine.wallet.guard_key().of_order(engine.wallet.address, ours).address
    engine.start_tracker()
    async with asyncio.timeout(30):
        while not all([(await engine.order(one)).status == "confirmed" for one in (theirs, ours)]):
            await asyncio.sleep(0.05)


async def test_of_an_account_whose_wallet_isnt_here_nothing_is_signed_and_nothing_ends(
    engine: EngineHarness,
) -> None:
    account = Account(UUID(int=7), "nobody", None)
    executor = Executor(visits_of(engine, account, None), engine.store.work)
    order_id = await submit(engine, account.account_id, seconds=1)
    for _ in range(2):
        await executor.take([order_id])
        await executor.settled()
        await asyncio.sleep(1.1)
    order = await engine.order(order_id)
    assert await built(engine, order_id) == []
    # Another log may have signed for it: that it failed isn't known.
    assert (order.status, order.cancellation) == ("routing", None)


async def test_a_wallet_that_was_claimed_by_a_process_that_ended_is_the_accounts(engine: EngineHarness) -> None:
    files = WalletFiles(engine.settings.wallets_directory)
    claimed = files.create()
    account = await engine.store.directory.open("desk", None, by="test")
    # Where it ended: the wallet is claimed, and the log doesn't say so.
    assert await engine.store.directory._claim(account.account_id, claimed) == claimed
    files.create()
    assert await wallet_given(engine, account.account_id) == claimed
    assert len(files.addresses()) == 2


async def test_a_wallet_that_belongs_to_nobody_is_taken_before_another_is_made(engine: EngineHarness) -> None:
    files = WalletFiles(engine.settings.wallets_directory)
    lost = files.create()
    account = await engine.store.directory.open("desk", None, by="test")
    assert await wallet_given(engine, account.account_id) == lost
    assert files.addresses() == [lost]


async def test_no_wallet_is_made_or_given_while_the_log_is_behind(engine: EngineHarness) -> None:
    files = WalletFiles(engine.settings.wallets_directory)
    account = await engine.store.directory.open("desk", None, by="test")
    await engine.accounts.found_behind(DEFAULT_ACCOUNT, Behind("put back", 1))
    with pytest.raises(WalletError, match="behind"):
        await wallet_given(engine, account.account_id)
    assert files.addresses() == []
    files.create()
    with pytest.raises(WalletError, match="behind"):
        await wallet_given(engine, account.account_id)
    known = KnownAccounts(engine.events, engine.store.mapper)
    await known.load()
    found = known.account(account.account_id)
    assert found and found.wallet is None


async def wallet_given(engine: EngineHarness, account_id: UUID) -> str | None:
    """The wallet that the account has once the worker has looked after it."""
    known = KnownAccounts(engine.events, engine.store.mapper)
    await known.load()
    trading = partial(engine.accounts.trading, DEFAULT_ACCOUNT)
    wallets = AccountWallets(engine.settings, known, engine.store.directory, engine.chain, "localnet", trading)
    account = known.account(account_id)
    assert account
    await wallets._make(account)
    again = KnownAccounts(engine.events, engine.store.mapper)
    await again.load()
    found = again.account(account_id)
    return found.wallet if found else None


async def test_a_wallet_file_that_holds_another_wallet_is_refused(engine: EngineHarness) -> None:
    files = WalletFiles(engine.settings.wallets_directory)
    one, other = files.create(), files.create()
    path = engine.settings.wallets_directory / f"{one}.json"
    path.write_text((engine.settings.wallets_directory / f"{other}.json").read_text())
    account = Account(UUID(int=7), "desk", one)
    with pytest.raises(Exception, match="holds the wallet"):
        signer_of(engine.settings, account)
