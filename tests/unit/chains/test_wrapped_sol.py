"""SOL is swapped wrapped: a swap that buys it may make the wallet's account of it, and none wraps, unwraps or closes.

Venues that are asked to wrap put such instructions around the swap. They serve one order, and take from all others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import (
    CreateAccountWithSeedParams,
    TransferParams,
    create_account_with_seed,
    transfer,
)
from solders.token import ID as TOKEN

from chains.errors import TransactionRefusedError
from chains.refusals import RefusalReason as R
from chains.simulated_changes import check_simulated
from chains.transactions import unit_limit
from domain.tokens import SOL, USDC
from tests.unit.chains.small_world import (
    ALLOWED,
    KEYPAIR,
    RENT,
    SOURCE,
    STRANGER,
    UNITS,
    WORLD,
    World,
    checked,
    composed,
    making_account,
    swap,
)

OWN, WRAPPED, MINT = KEYPAIR.pubkey(), SOURCE, Pubkey.from_string(SOL.mint)
SPENT, BOUGHT = 300 * 10**6, 19 * 10**8
BUYS_SOL = replace(ALLOWED, token_in=USDC.mint, token_out=SOL.mint, amount_in=SPENT, minimum_out=BOUGHT)
BY_SEED = Pubkey.create_with_seed(OWN, "wrapped", TOKEN)
ACCOUNT_BYTES = 165


def buying() -> Instruction:
    return swap(token_in=USDC.mint, amount_in=SPENT, minimum_out=BOUGHT)


def token(kind: int, *accounts: AccountMeta, data: bytes = b"") -> Instruction:
    return Instruction(TOKEN, bytes([kind]) + data, list(accounts))


def written(address: Pubkey) -> AccountMeta:
    return AccountMeta(address, False, True)


def read(address: Pubkey, *, signs: bool = False) -> AccountMeta:
    return AccountMeta(address, signs, False)


def closing(account: Pubkey, to: Pubkey) -> Instruction:
    return token(9, written(account), written(to), read(OWN, signs=True))


def lamports(to: Pubkey) -> Instruction:
    return transfer(TransferParams(from_pubkey=OWN, to_pubkey=to, lamports=10**9))


def syncing(account: Pubkey) -> Instruction:
    return token(17, written(account))


def account_by_seed() -> list[Instruction]:
    """A second account of wrapped SOL, for one swap: allocated, then initialized (``InitializeAccount3``)."""
    allocated = create_account_with_seed(
        CreateAccountWithSeedParams(
            from_pubkey=OWN,
            to_pubkey=BY_SEED,
            base=OWN,
            seed="wrapped",
            lamports=RENT + 10**9,
            space=ACCOUNT_BYTES,
            owner=TOKEN,
        )
    )
    return [allocated, token(18, written(BY_SEED), read(MINT), data=bytes(OWN))]


def test_a_swap_that_buys_sol_may_make_the_wrapped_account_and_its_rent_alone_is_taken_beside_the_guards() -> None:
    message = composed(making_account(SOL.mint), buying())
    decoded = checked(message, swap=BUYS_SOL)
    world = World().without(WRAPPED)
    ran = world.run(message)
    assert ran.error is None
    assert ran.gained[WRAPPED] >= BOUGHT
    check_simulated(ran.inner, decoded, BUYS_SOL, rent=RENT)
    fee = 5_000 + unit_limit(UNITS) * 10_000 // 10**6
    assert -ran.lamports == 2 * RENT + fee
    # The rent and no more: a lamport beyond what may be taken is refused.
    with pytest.raises(TransactionRefusedError) as refused:
        check_simulated(ran.inner, decoded, BUYS_SOL, rent=RENT - 1)
    assert refused.value.reason == R.SIMULATED_LAMPORTS


def test_the_wrapped_account_is_not_made_where_sol_is_sold() -> None:
    """It holds what is sold: a new one would be empty."""
    with pytest.raises(TransactionRefusedError) as refused:
        checked(composed(making_account(SOL.mint), swap()))
    assert refused.value.reason == R.ACCOUNT_MADE


@pytest.mark.parametrize(
    ("reason", "steps"),
    [
        (R.ACCOUNT_CLOSED, lambda: [swap(), closing(WRAPPED, OWN)]),
        (R.ACCOUNT_CLOSED, lambda: [swap(), closing(WRAPPED, STRANGER.pubkey())]),
        (R.TRANSFER, lambda: [lamports(WRAPPED), syncing(WRAPPED), swap()]),
        (R.ACCOUNT_CHANGED, lambda: [syncing(WRAPPED), swap()]),
        (R.ACCOUNT_MADE, lambda: [*account_by_seed(), swap(), closing(BY_SEED, OWN)]),
        (R.ACCOUNT_MADE, lambda: [*account_by_seed(), swap(), closing(BY_SEED, STRANGER.pubkey())]),
    ],
    ids=[
        "what is left is unwrapped",
        "what is left goes to a stranger",
        "lamports are wrapped",
        "lamports that lie there are wrapped",
        "an account for one swap",
        "an account for one swap, whose lamports go to a stranger",
    ],
)
def test_what_would_wrap_or_unwrap_is_refused_to_whomever_it_pays(
    reason: R, steps: Callable[[], list[Instruction]]
) -> None:
    message = composed(*steps())
    with pytest.raises(TransactionRefusedError) as refused:
        checked(message)
    assert refused.value.reason == reason
    # The chain would have executed it.
    assert WORLD.run(message).error is None


def test_sol_that_was_bought_is_not_unwrapped_either() -> None:
    message = composed(buying(), closing(WRAPPED, OWN))
    with pytest.raises(TransactionRefusedError) as refused:
        checked(message, swap=BUYS_SOL)
    assert refused.value.reason == R.ACCOUNT_CLOSED
    assert WORLD.run(message).error is None
