"""Lookup tables are what the chain shows of them, read once; what a venue says of them counts for nothing."""

from __future__ import annotations

import asyncio
import struct

import pytest
from solders.account import Account
from solders.pubkey import Pubkey

from chains import lookup_tables
from chains.lookup_tables import LOOKUP_TABLE_PROGRAM, MOST_TABLES, LookupTableCache, addresses_of
from tests.unit.chains.small_world import DESTINATION, MINIMUM_OUT, TABLE, World, checked, composed, table

NEVER = 2**64 - 1


def account_of(addresses: list[Pubkey], *, deactivated_at: int = NEVER, extended_at: int = 1) -> bytes:
    """A table's account: its state, when it was given up, when it last grew, by whom; then the addresses."""
    head = struct.pack("<IQQBB32sH", 1, deactivated_at, extended_at, 0, 1, bytes(32), 0)
    return head + b"".join(map(bytes, addresses))


class Chain:
    def __init__(self, **tables: list[Pubkey]) -> None:
        self.tables = tables
        self.asked: list[str] = []

    async def read(self, address: str) -> tuple[str, ...] | None:
        self.asked.append(address)
        found = self.tables.get(address)
        return None if found is None else tuple(map(str, found))


def test_a_table_is_read_from_its_account_and_none_that_is_given_up() -> None:
    held = table().addresses
    assert addresses_of(account_of(held)) == tuple(map(str, held))
    assert addresses_of(account_of(held, deactivated_at=5)) is None
    assert addresses_of(b"no table") is None


def test_a_swap_behind_a_table_is_checked_and_the_machine_executes_it() -> None:
    """What is signed with the table, as the chain shows it, does what was checked."""
    world = World()
    data = account_of(table().addresses)
    world.svm.set_account(TABLE, Account(10**9, data, Pubkey.from_string(LOOKUP_TABLE_PROGRAM)))
    world.svm.warp_to_slot(10)
    message = composed(tables=[table()])
    assert message.address_table_lookups
    checked(message, tables=[table()])
    ran = world.run(message)
    assert ran.error is None
    assert ran.gained[DESTINATION] >= MINIMUM_OUT


async def test_each_is_read_once_and_one_that_is_not_there_again() -> None:
    known, unknown = str(Pubkey(b"k" * 32)), str(Pubkey(b"u" * 32))
    chain = Chain(**{known: [DESTINATION]})
    cache = LookupTableCache(chain.read)
    for _ in range(2):
        found = await cache.get([known, unknown, known])
        assert [(str(one.key), one.addresses) for one in found] == [(known, [DESTINATION])]
    assert chain.asked == [known, unknown, unknown]


async def test_one_that_has_grown_is_read_again_where_its_new_entries_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    name, added = str(Pubkey(b"k" * 32)), Pubkey(b"a" * 32)
    chain = Chain(**{name: [DESTINATION]})
    cache = LookupTableCache(chain.read)

    async def entries(used: int) -> list[Pubkey]:
        [found] = await cache.with_entries({name: used})
        return list(found.addresses)

    assert await entries(1) == [DESTINATION]
    chain.tables[name].append(added)
    # It was read just now: whoever names an entry that is nowhere doesn't have the node asked each time.
    assert await entries(2) == [DESTINATION]
    monkeypatch.setattr(lookup_tables, "LEAST_AGE_S", 0.0)
    assert await entries(1) == [DESTINATION]
    assert await entries(2) == [DESTINATION, added]
    assert chain.asked == [name, name]
    monkeypatch.setattr(lookup_tables, "MOST_AGE_S", 0.0)
    assert await entries(0) == [DESTINATION, added]
    assert chain.asked == [name] * 3


async def test_a_proposal_of_thousands_of_tables_asks_for_few_and_for_no_nonsense() -> None:
    chain = Chain()
    names = [str(Pubkey.new_unique()) for _ in range(5_000)]
    assert await LookupTableCache(chain.read).get(["nonsense", "", *names]) == []
    assert len(chain.asked) == MOST_TABLES - 2


async def test_orders_that_ask_at_the_same_time_share_one_read_and_tables_are_read_side_by_side() -> None:
    names, began = [str(Pubkey(bytes([number]) * 32)) for number in (1, 2, 3)], asyncio.Barrier(3)
    asked: list[str] = []

    async def read(address: str) -> tuple[str, ...]:
        asked.append(address)
        async with asyncio.timeout(5):
            await began.wait()
        return (str(DESTINATION),)

    cache = LookupTableCache(read)
    found = await asyncio.gather(*(cache.get(names) for _ in range(50)))
    assert sorted(asked) == sorted(names)
    assert {len(each) for each in found} == {3}
