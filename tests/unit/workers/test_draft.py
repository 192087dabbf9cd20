"""Whether a proposal fits into a transaction, whatever size it has."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from chains.errors import TransactionRefusedError
from chains.lookup_tables import LookupTableCache
from chains.refusals import RefusalReason
from chains.tips import Tip
from chains.transactions import memo_text
from tests.unit.chains.small_world import BLOCKHASH, GUARD, ORDER, PROGRAM, TABLE, WALLET, checked, swap
from tests.unit.chains.test_tips import ACCOUNTS, JITO
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


def draft(tips: Sequence[Tip] = (), attempt: int = 1) -> Draft:
    return Draft(
        LookupTableCache(no_table),
        wallet=WALLET,
        guard=GUARD.instructions(RENT),
        order_id=ORDER,
        attempt=attempt,
        tips=tips,
    )


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


@pytest.mark.parametrize("held", [ACCOUNTS[:1], ACCOUNTS[:2], ACCOUNTS], ids=["one", "two", "all"])
def test_a_tip_is_paid_in_the_message_itself_whichever_of_the_landers_accounts_a_table_holds(
    held: tuple[str, ...],
) -> None:
    """One table holds them, another what the swap names."""
    plain = AddressLookupTableAccount(TABLE, [one.pubkey for one in swap().accounts if not one.is_signer])
    tipped = AddressLookupTableAccount(Pubkey(b"u" * 32), [Pubkey.from_string(one) for one in held])
    paid = set()
    for attempt in range(1, 4):
        message = draft([JITO], attempt).compose(
            Proposal([swap()]), [plain, tipped], blockhash=BLOCKHASH, compute_units=1
        )
        decoded = checked(message, tips=[JITO], tables=[plain, tipped], memo=memo_text(ORDER, attempt))
        assert [lookup.account_key for lookup in message.address_table_lookups] == [TABLE]
        paid.add(str(decoded.steps[-2].accounts[1]))
    free = set(ACCOUNTS) - set(held) or set(ACCOUNTS)
    assert paid == free
