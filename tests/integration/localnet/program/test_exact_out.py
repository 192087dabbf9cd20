"""The swap to an exact amount out on the virtual machine, against the formula over the whole range of its integers."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from solders.instruction import Instruction
from solders.token.associated import get_associated_token_address

from domain.numbers import U64_MAX
from localnet.token_accounts import holding
from tests.integration.localnet.program.test_program import MINTS, USER, VAULTS, bank, custom, pool, run, wide
from venues.constant_product import amount_in, exact_out_instruction
from venues.constant_product_errors import ProgramError


def swap(maximum: int, wanted: int, fee_bps: int) -> Instruction:
    return exact_out_instruction(
        pool(fee_bps), owner=str(USER.pubkey()), token_in=str(MINTS[0]), maximum_in=maximum, amount_out=wanted
    )


@settings(max_examples=60, deadline=None)
@given(wanted=wide, x=wide, y=wide, fee_bps=st.integers(0, 9_999))
@example(wanted=1, x=1, y=2, fee_bps=0)
@example(wanted=U64_MAX - 1, x=1, y=U64_MAX, fee_bps=9_999)
@example(wanted=U64_MAX - 1, x=U64_MAX, y=U64_MAX, fee_bps=0)
@example(wanted=10**6, x=10**12, y=10**13, fee_bps=25)
@example(wanted=U64_MAX // 2, x=2**40, y=U64_MAX, fee_bps=30)
def test_the_program_takes_what_the_formula_says(wanted: int, x: int, y: int, fee_bps: int) -> None:
    paid = amount_in(wanted, x, y, fee_bps)
    executed = run(bank(paid or 1, x, y, fee_bps), swap(paid or U64_MAX, wanted, fee_bps))
    if paid is None:
        assert custom(executed) == (ProgramError.INSUFFICIENT_LIQUIDITY if wanted >= y else ProgramError.OVERFLOW)
        return
    assert custom(executed) is None
    held = {key: holding(account) for key, account in zip(executed.keys.all, executed.after, strict=True)}
    assert [one.amount for vault in VAULTS if (one := held[vault])] == [x + paid, y - wanted]
    target = held[get_associated_token_address(USER.pubkey(), MINTS[1])]
    assert target is not None and target.amount == wanted


def test_one_unit_less_than_it_takes_is_slippage_and_nothing_out_is_refused() -> None:
    paid = amount_in(10**9, 10**12, 10**13, 25)
    assert paid
    where = (paid, 10**12, 10**13, 25)
    assert custom(run(bank(*where), swap(paid - 1, 10**9, 25))) == ProgramError.SLIPPAGE_EXCEEDED
    assert custom(run(bank(*where), swap(paid, 0, 25))) == ProgramError.NOTHING_OUT


def test_who_holds_less_than_it_takes_swaps_nothing() -> None:
    paid = amount_in(10**9, 10**12, 10**13, 25)
    assert paid
    executed = run(bank(paid - 1, 10**12, 10**13, 25), swap(paid, 10**9, 25))
    assert executed.error is not None
