"""A swap pays the tips that are set, to the accounts that are set, and nothing else of the kind is signed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

import orjson
import pytest
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from chains.answers import Meta, reader
from chains.balance_change import balance_change
from chains.errors import TransactionRefusedError
from chains.tips import Tip, tip_transfers
from domain.tokens import SOL, USDC
from tests.unit.chains.small_world import KEYPAIR, ORDER, STRANGER, TABLE, WALLET, WORLD, checked, composed, swap

ACCOUNTS = tuple(str(Pubkey(bytes([number]) * 32)) for number in (91, 92, 93))
OTHERS = tuple(str(Pubkey(bytes([number]) * 32)) for number in (94, 95))
JITO, SENDER = Tip(10_000, ACCOUNTS), Tip(1_000_000, OTHERS)
TIPS = (JITO, SENDER)


def tipping(tips: Sequence[Tip] = TIPS, order_id: UUID = ORDER, attempt: int = 1) -> list[Instruction]:
    return tip_transfers(tips, wallet=WALLET, order_id=order_id, attempt=attempt)


def paying(account: str, lamports: int, payer: Pubkey | None = None) -> Instruction:
    params = TransferParams(
        from_pubkey=payer or KEYPAIR.pubkey(), to_pubkey=Pubkey.from_string(account), lamports=lamports
    )
    return transfer(params)


def test_each_tip_is_paid_once_and_the_transaction_may_be_signed() -> None:
    decoded = checked(composed(tips=tipping()), tips=TIPS)
    assert [int.from_bytes(step.data[4:], "little") for step in decoded.steps[-3:-1]] == [10_000, 1_000_000]


def test_the_chain_executes_it_and_the_wallet_pays_exactly_that() -> None:
    for account in (*ACCOUNTS, *OTHERS):
        WORLD.svm.airdrop(Pubkey.from_string(account), 10**9)
    plain, tipped = WORLD.run(composed()), WORLD.run(composed(tips=tipping()))
    assert (plain.error, tipped.error) == (None, None)
    assert plain.lamports - tipped.lamports == 1_010_000
    assert plain.gained == tipped.gained


def test_orders_and_attempts_take_turns_at_the_accounts() -> None:
    paid = {str(tipping([JITO], uuid4(), attempt)[0].accounts[1].pubkey) for attempt in range(1, 200)}
    assert paid == set(ACCOUNTS)
    assert tipping(attempt=1) == tipping(attempt=1)
    assert tipping(attempt=1) != tipping(attempt=2)


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        pytest.param([], "wrong_tip", id="no tip"),
        pytest.param(tipping([JITO]), "wrong_tip", id="one of two tips"),
        pytest.param([*tipping([JITO]), paying(OTHERS[0], 1_000_001)], "wrong_tip", id="a lamport more"),
        pytest.param([*tipping([JITO]), paying(OTHERS[0], 999_999)], "wrong_tip", id="a lamport less"),
        pytest.param([*tipping([JITO]), paying(str(STRANGER.pubkey()), 1_000_000)], "wrong_tip", id="to a stranger"),
        pytest.param([*tipping([JITO]), paying(ACCOUNTS[0], 1_000_000)], "wrong_tip", id="to another lander"),
        pytest.param([*tipping(), paying(ACCOUNTS[0], 10_000)], "transfer", id="a tip twice"),
        pytest.param([*tipping(), paying(str(STRANGER.pubkey()), 1)], "transfer", id="a lamport to a stranger"),
    ],
)
def test_another_tip_is_refused(steps: list[Instruction], reason: str) -> None:
    with pytest.raises(TransactionRefusedError) as refused:
        checked(composed(tips=steps), tips=TIPS)
    assert refused.value.reason == reason


def test_a_tip_that_nobody_set_is_refused_also_where_a_venue_proposes_it() -> None:
    for message in (composed(tips=tipping()), composed(swap(), *tipping([JITO]))):
        with pytest.raises(TransactionRefusedError) as refused:
            checked(message)
        assert refused.value.reason == "transfer"


def test_a_tip_behind_a_lookup_table_is_refused_for_no_lander_looks_there() -> None:
    table = AddressLookupTableAccount(TABLE, [Pubkey.from_string(one) for one in (*ACCOUNTS, *OTHERS)])
    message = composed(tips=tipping(), tables=[table])
    with pytest.raises(TransactionRefusedError) as refused:
        checked(message, tips=TIPS, tables=[table])
    assert refused.value.reason == "wrong_tip"


@pytest.mark.parametrize("failed", [False, True])
def test_a_tip_is_no_part_of_what_was_swapped(failed: bool) -> None:
    """The wrapped-SOL account is made by the swap that buys SOL: its amount shows in lamports, rent and tip apart."""
    before, bought, tip, fee = 100_000_000, 40_000_000, 10_000, 5_000
    rent = 2_039_280
    paid = 0 if failed else rent + tip
    meta = {
        "err": {"InstructionError": [3, {"Custom": 1}]} if failed else None,
        "fee": fee,
        "preBalances": [before, 0, rent],
        "postBalances": [before - fee - paid, 0 if failed else rent + bought, rent],
        "preTokenBalances": [],
        "postTokenBalances": []
        if failed
        else [{"accountIndex": 1, "owner": WALLET, "mint": SOL.mint, "uiTokenAmount": {"amount": str(bought)}}],
        "logMessages": None,
    }
    keys = [WALLET, "wrapped", "usdc"]
    change = balance_change(reader(Meta).decode(orjson.dumps(meta)), keys, WALLET, tip_lamports=tip)
    assert change.of(SOL.mint) == (0 if failed else bought)
    assert (change.fee_lamports, change.of(USDC.mint)) == (fee, 0)
