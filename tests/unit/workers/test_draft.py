"""Whether a proposal fits into a transaction, whatever size it has."""

from __future__ import annotations

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from chains.errors import TransactionRefusedError
from chains.lookup_tables import LookupTableCache
from chains.refusals import RefusalReason
from tests.unit.chains.small_world import BLOCKHASH, GUARD, ORDER, PROGRAM, WALLET, checked, swap
from venues.protocol import Proposal
from workers.execution.draft import Draft

RENT = 2_039_280
OWN = AccountMeta(Pubkey.from_string(WALLET), True, True)
HUGE = {
    "data": [Instruction(PROGRAM, bytes(70_000), [])],
    "accounts": [Instruction(PROGRAM, b"", [OWN] * 70_000)],
    "instructions": [Instruction(PROGRAM, b"", [])] * 70_000,
}


async def no_table(address: str) -> tuple[str, ...] | None:
    return None


def draft() -> Draft:
    return Draft(LookupTableCache(no_table), wallet=WALLET, guard=GUARD.instructions(RENT), order_id=ORDER, attempt=1)


async def test_a_swap_fits() -> None:
    assert await draft().fits(Proposal([swap()]))


@pytest.mark.parametrize("of", HUGE)
async def test_what_is_larger_than_anything_that_can_be_written_does_not_fit(of: str) -> None:
    assert not await draft().fits(Proposal(HUGE[of]))


@pytest.mark.parametrize("of", HUGE)
def test_it_is_refused_where_it_is_checked_all_the_same(of: str) -> None:
    message = draft().compose(Proposal(HUGE[of]), [], blockhash=BLOCKHASH, compute_units=1)
    with pytest.raises(TransactionRefusedError) as refused:
        checked(message)
    assert refused.value.reason == RefusalReason.TOO_LARGE
