"""What `surefill recover` reads of the chain: what was executed outside of the log, and which open orders were."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from uuid import UUID

from chains.errors import ChainUnavailableError, WalletError
from chains.wallet_files import WalletFiles
from chains.wallet_history import WalletHistory
from commands.ids import DEFAULT_ACCOUNT
from commands.loaded_order import LoadedOrder
from commands.recovery import OpenOrder, Recovery
from domain.commands import RecordClosedElsewhere
from domain.directory import Account
from domain.errors import NotApplicableError
from domain.evidence import enough
from domain.legs import guard_name
from runtime.account_wallets import signer_of
from runtime.composition import Store
from runtime.errors import StartupError
from runtime.preconditions import require_wallet
from runtime.roles.wallet_history import reading
from runtime.settings import Settings
from runtime.signers import guard_key_of
from workers.history.reader import HistoryReader
from workers.history.recovery import Outside, OutsideReader
from workers.history.until_nothing_lands import finalized, until_nothing_lands
from workers.signers import AccountSigner

SHOWN_EVERY_S = 5.0
DISPUTED = (
    "Nothing can be decided before the endpoints agree: put another one in the place of the one that is wrong, or has "
    "thrown away what is old (SOLANA_RPC_URL, SOLANA_EVIDENCE_RPC_URLS), and run surefill recover again"
)
# Nothing is recorded under it: what a wallet without an account has signed is only counted.
NO_ACCOUNT = UUID(int=0)


class OutsideOrders:
    """Each wallet's history over every endpoint, and the guards of open orders."""

    def __init__(
        self,
        store: Store,
        readers: Mapping[UUID, HistoryReader],
        signers: Mapping[UUID, AccountSigner],
        unowned: Mapping[str, HistoryReader],
    ) -> None:
        self._store = store
        self._readers = readers
        self._signers = signers
        self._unowned = unowned
        self._shown = time.monotonic()

    async def record(self) -> Outside:
        """Record what the log doesn't know, once nothing can land any more; how long that takes is said on stderr.

        Raises ``StartupError`` where the endpoints tell different stories, once all that they agree on is recorded.
        """
        outside = Outside(await until_nothing_lands(self._readers[DEFAULT_ACCOUNT], self._show))
        for account_id, account in self._accounts():
            await account.record(self._signers[account_id].wallet.address, outside)
        if outside.disputed:
            raise StartupError(f"{'; '.join(outside.disputed)}. {DISPUTED}")
        await self._end_closed(outside)
        return outside

    async def record_failures(self) -> Outside:
        """Record what failed outside of a log that isn't behind. Raises ``ChainUnavailableError``."""
        outside = Outside(await finalized(self._readers[DEFAULT_ACCOUNT]))
        for _, account in self._accounts():
            await account.record_failures(outside)
        return outside

    def _accounts(self) -> Iterator[tuple[UUID, OutsideReader]]:
        store = self._store
        for account_id, reader in self._readers.items():
            yield (
                account_id,
                OutsideReader(
                    reader, store.accounts, store.foreign, store.foreign_reclaims, account_id, DEFAULT_ACCOUNT
                ),
            )

    async def _end_closed(self, outside: Outside) -> None:
        """End the open orders whose guard a reclaim of elsewhere has closed, but for those of which something may have
        landed that the tracker knows to look for.
        """
        closed = await self._closed()
        found = await Recovery(self._store.events, self._store.orders, self._store.accounts).open_orders()
        guarded = [(one, self._guard(one)) for one in found]
        # Orders of a list share one: what may have landed of the other made it as well.
        unknown = {guard for one, guard in guarded if one.loaded is None or _may_have_landed(one.loaded)}
        for one, guard in guarded:
            if one.loaded is not None and guard in closed - unknown:
                # Those that share it end with the first of them.
                outside.closed.append(one.order_id)
                with suppress(NotApplicableError):
                    await self._store.orders.execute(one.loaded, RecordClosedElsewhere())

    async def _closed(self) -> set[str]:
        """The guards that reclaims of elsewhere have closed."""
        closed = [await self._store.foreign_reclaims.closed(account_id) for account_id in self._readers]
        return set().union(*closed)

    async def of_no_account(self, outside: Outside) -> dict[str, int]:
        """How many transactions of the engine each wallet has signed that the log knows no account of, where any.

        Its account, or which wallet that had, is in the lost end of the log. Raises ``ChainUnavailableError`` where too
        few endpoints answer.
        """
        found = {}
        for wallet, reader in self._unowned.items():
            reading = await reader.read("finalized", outside.tips, failures=True)
            if not enough(len(reading.read), reader.configured):
                raise ChainUnavailableError("; ".join(reading.problems))
            if signed := len(reading.found.keys() | reading.reclaims.keys()):
                found[wallet] = signed
        return found

    async def guarded(self, orders: Sequence[OpenOrder], outside: Outside) -> set[UUID]:
        """Those of the open ``orders`` whose guard the chain shows, or a reclaim of elsewhere has closed: a transaction
        under it succeeded, and nobody shows which.
        """
        guards = {one.order_id: guard for one in orders if (guard := self._guard(one))}
        there = await self._readers[DEFAULT_ACCOUNT].guards_there(sorted({*guards.values()}), outside.tips)
        made = there.keys() | await self._closed()
        return {order_id for order_id, guard in guards.items() if guard in made}

    def _guard(self, one: OpenOrder) -> str | None:
        """None where the order's account has no wallet: nothing was ever signed for it."""
        order = one.loaded.order if one.loaded else None
        if order and order.guard:
            return order.guard
        signer = self._signers.get(one.loaded.account_id if one.loaded else DEFAULT_ACCOUNT)
        name = guard_name(one.order_id, order.leg if order else None)
        return signer.guard_key.of_order(signer.wallet.address, name).address if signer else None

    def _show(self, blocks: int, said_by: str) -> None:
        if time.monotonic() >= self._shown:
            said = f"what was signed may still land: waiting for {blocks} blocks, by what {said_by} says"
            print(said, file=sys.stderr)
            self._shown = time.monotonic() + SHOWN_EVERY_S


@asynccontextmanager
async def outside_orders(settings: Settings, store: Store) -> AsyncIterator[OutsideOrders]:
    """Over the endpoints of the settings, once log, chain and wallet are known to belong together.

    Raises ``StartupError`` where they don't, ``ChainUnavailableError`` where the main endpoint doesn't answer.
    """
    async with WalletHistory(settings.solana_rpc_url) as main:
        genesis_hash = await main.genesis_hash()
    wallet = await require_wallet(store.pool, store.mapper, genesis_hash, settings.wallet_source)
    await store.known_accounts.load()
    signers = {DEFAULT_ACCOUNT: AccountSigner(wallet, guard_key_of(settings, wallet))}
    for account in store.known_accounts.accounts:
        if account.wallet is not None and account.account_id != DEFAULT_ACCOUNT:
            signers[account.account_id] = _signer(settings, account)
    async with AsyncExitStack() as stack:
        readers = {
            account_id: await stack.enter_async_context(
                reading(settings, store, signer.wallet.address, genesis_hash, account_id)
            )
            for account_id, signer in signers.items()
        }
        known = {signer.wallet.address for signer in signers.values()}
        unowned = {
            address: await stack.enter_async_context(reading(settings, store, address, genesis_hash, NO_ACCOUNT))
            for address in WalletFiles(settings.wallets_directory).addresses()
            if address not in known
        }
        yield OutsideOrders(store, readers, signers, unowned)


def _may_have_landed(loaded: LoadedOrder) -> bool:
    return loaded.order is None or bool(loaded.order.undecided_attempts)


def _signer(settings: Settings, account: Account) -> AccountSigner:
    try:
        return signer_of(settings, account)
    except WalletError as missing:
        raise StartupError(f"the wallet of account {account.name} is needed: {missing}") from None
