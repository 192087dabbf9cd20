"""`surefill resume` and `surefill trading`: what is let go on, of which account, and what is said of it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from cli import resume, trading
from cli.operator import account_named
from commands.accounts import Behind
from commands.ids import DEFAULT_ACCOUNT
from domain.account import ContradictionFound
from domain.errors import DomainError
from domain.trading_state import TradingState
from runtime.composition import Store
from runtime.halted_accounts import halted_accounts


async def contradicted(store: Store, name: str = "desk") -> None:
    account_id = await account_named(store, name)
    found = ContradictionFound(kind="guard_gone", order_id=uuid4(), attempt=1, signature="s", detail="gone")
    assert await store.accounts.contradict(account_id, found)


async def halted(store: Store, name: str = "desk") -> bool:
    return (await store.accounts.trading(await account_named(store, name))).halted


async def set_trading(state: TradingState, account: str | None = None) -> str:
    return await trading._set(state, account, None, "the test", False)


async def test_an_account_that_a_contradiction_halted_trades_again_once_it_is_resumed_by_its_name(store: Store) -> None:
    await contradicted(store)
    said = await set_trading("active", "desk")
    assert said.endswith("; surefill resume --account desk --because TEXT lets trading go on")
    assert await halted(store)
    with pytest.raises(DomainError, match="isn't halted; there is nothing to resume"):
        await resume._resume("default", "of another account")
    with pytest.raises(DomainError, match="There is no account desk2"):
        await resume._resume("desk2", "looked at by hand")
    assert await resume._resume("desk", "looked at by hand") == "trading goes on"
    assert not await halted(store)


async def test_no_account_is_resumed_while_the_log_counts_as_put_back(store: Store) -> None:
    await contradicted(store)
    assert await store.accounts.found_behind(DEFAULT_ACCOUNT, Behind("it was put back", 0))
    for name in ("desk", "default"):
        with pytest.raises(DomainError, match="run surefill recover first"):
            await resume._resume(name, "too early")
    said = await set_trading("active", "desk")
    assert said.endswith("; run surefill recover, then surefill resume --because TEXT lets trading go on")


async def test_what_is_resumed_and_still_held_by_the_engines_halt_says_so(store: Store) -> None:
    await contradicted(store)
    await set_trading("halted")
    said = await resume._resume("desk", "looked at by hand")
    assert said.startswith("trading goes on; but halted by ") and said.endswith(": the test")
    with pytest.raises(DomainError, match=r"there is nothing to resume; but halted by .*: the test\.$"):
        await resume._resume("desk", "again")


async def test_readiness_names_each_venue_that_is_halted(store: Store) -> None:
    accounts = store.known_accounts.accounts
    assert await trading._set("halted", None, "Meteora", "its pools are drained", False) == "venue Meteora is halted"
    store.trading.forget(DEFAULT_ACCOUNT)
    said = await halted_accounts(store.trading, accounts)
    assert (
        said is not None and said.startswith("venue Meteora: halted by ") and said.endswith(": its pools are drained")
    )
    await trading._set("active", None, "Meteora", "they are full again", False)
    store.trading.forget(DEFAULT_ACCOUNT)
    assert await halted_accounts(store.trading, accounts) is None


async def test_readiness_names_each_account_that_is_halted(store: Store) -> None:
    accounts = store.known_accounts.accounts
    assert len(accounts) == 2
    assert await halted_accounts(store.trading, accounts) is None
    await contradicted(store)
    store.trading.forget(await account_named(store, "desk"))
    said = await halted_accounts(store.trading, accounts)
    assert said is not None and said.startswith("account desk: guard_gone of order ")
    await set_trading("halted")
    store.trading.forget(DEFAULT_ACCOUNT)
    both = await halted_accounts(store.trading, accounts)
    assert both is not None and both.startswith("halted by ") and both.endswith(f"; {said}")
