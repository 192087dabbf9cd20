"""What makes an account that is there is left out; everything else a venue proposes stays for the check to see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from domain.tokens import SOL, USDC
from tests.stubs.jupiter import making_account
from tests.unit.venues.test_pools import Answer
from venues.remote.needed_accounts import NeededAccounts

OWNER, OTHER = str(Pubkey(b"o" * 32)), str(Pubkey(b"p" * 32))
SOLS, DOLLARS = making_account(OWNER, SOL.mint), making_account(OWNER, USDC.mint)


class Accounts:
    """Those at ``there``, and how often they were asked for."""

    def __init__(self, *there: Instruction) -> None:
        self.there = {str(one.accounts[1].pubkey) for one in there}
        self.asked: list[list[str]] = []

    async def accounts(self, addresses: Sequence[str]) -> Answer:
        self.asked.append(list(addresses))
        await asyncio.sleep(0)
        return Answer(1, tuple(b"data" if one in self.there else None for one in addresses))

    async def program_accounts(self, program: str) -> list[tuple[str, bytes]]:
        raise NotImplementedError


async def test_only_accounts_that_are_not_there_are_made() -> None:
    reader = Accounts(SOLS)
    needed = NeededAccounts(reader)
    assert await needed.needed([SOLS, DOLLARS], OWNER) == [DOLLARS]
    assert await needed.needed([SOLS, DOLLARS], OWNER) == [DOLLARS]
    # One that is there is known for a while; one that isn't may come at any time.
    assert [len(asked) for asked in reader.asked] == [2, 1]


async def test_a_proposal_of_thousands_of_accounts_asks_the_chain_nothing() -> None:
    reader = Accounts()
    many = [DOLLARS] * 10_000
    assert await NeededAccounts(reader).needed(many, OWNER) == many
    assert reader.asked == []


async def test_what_makes_no_account_of_the_owners_stays() -> None:
    strange = Instruction(Pubkey(b"x" * 32), b"", [AccountMeta(Pubkey(b"o" * 32), True, True)])
    others = making_account(OTHER, USDC.mint)
    reader = Accounts(others)
    assert await NeededAccounts(reader).needed([strange, others], OWNER) == [strange, others]
    assert reader.asked == []


async def test_who_asks_at_the_same_time_shares_one_call() -> None:
    reader = Accounts(SOLS)
    needed = NeededAccounts(reader)
    found = await asyncio.gather(*(needed.needed([SOLS, DOLLARS], OWNER) for _ in range(200)))
    assert found == [[DOLLARS]] * 200
    assert len(reader.asked) == 1
