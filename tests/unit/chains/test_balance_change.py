"""What a transaction did to a wallet, as an order counts it and as the wallet's books count it."""

import orjson

from chains.answers import Meta, reader
from chains.balance_change import BalanceChange, balance_change
from domain.tokens import SOL, USDC

RENT = 2_039_280
FEE = 5_000
KEYS = ["wallet", "wsol", "usdc", "stranger"]
Held = tuple[int, str, str, int]


def changed(
    lamports: tuple[list[int], list[int]], before: list[Held], after: list[Held], keys: list[str] = KEYS
) -> BalanceChange:
    def listed(held: list[Held]) -> list[dict[str, object]]:
        return [
            {"accountIndex": index, "owner": owner, "mint": mint, "uiTokenAmount": {"amount": str(amount)}}
            for index, owner, mint, amount in held
        ]

    meta = {
        "err": None,
        "fee": FEE,
        "preBalances": lamports[0],
        "postBalances": lamports[1],
        "preTokenBalances": listed(before),
        "postTokenBalances": listed(after),
        "logMessages": None,
    }
    return balance_change(reader(Meta).decode(orjson.dumps(meta)), keys, "wallet")


def test_both_views_agree_on_a_swap_of_wrapped_sol_that_stays() -> None:
    change = changed(
        ([100_000, RENT + 500, RENT, 0], [100_000 - FEE, RENT + 200, RENT, 0]),
        [(1, "wallet", SOL.mint, 500), (2, "wallet", USDC.mint, 0)],
        [(1, "wallet", SOL.mint, 200), (2, "wallet", USDC.mint, 45)],
    )
    assert (change.of(SOL.mint), change.of(USDC.mint), change.fee_lamports) == (-300, 45, FEE)
    assert change.of_all() == {SOL.mint: -300, USDC.mint: 45}


def test_rent_paid_for_a_strangers_account_is_no_amount_of_the_order_and_is_in_the_wallets_books() -> None:
    change = changed(
        ([9_000_000, RENT + 500, RENT, 0], [9_000_000 - FEE - RENT, RENT + 200, RENT, RENT]),
        [(1, "wallet", SOL.mint, 500)],
        [(1, "wallet", SOL.mint, 200), (2, "wallet", USDC.mint, 45)],
    )
    assert change.of(SOL.mint) == -300
    assert change.of_all() == {SOL.mint: -300 - RENT, USDC.mint: 45}


def test_rent_of_an_account_of_its_own_is_in_neither() -> None:
    change = changed(
        ([9_000_000, RENT + 500, 0, 0], [9_000_000 - FEE - RENT, RENT + 200, RENT, 0]),
        [(1, "wallet", SOL.mint, 500)],
        [(1, "wallet", SOL.mint, 200), (2, "wallet", USDC.mint, 45)],
    )
    assert change.of(SOL.mint) == -300
    assert change.of_all() == {SOL.mint: -300, USDC.mint: 45}


def test_wrapped_sol_that_was_closed_is_counted_in_lamports_by_both() -> None:
    change = changed(
        ([1_000_000, RENT + 10, RENT, 0], [1_000_000 - FEE + RENT + 110, 0, RENT, 0]),
        [(1, "wallet", SOL.mint, 10), (2, "wallet", USDC.mint, 50)],
        [(2, "wallet", USDC.mint, 20)],
    )
    assert (change.of(SOL.mint), change.of(USDC.mint)) == (100, -30)
    assert change.of_all() == {SOL.mint: 100, USDC.mint: -30}


def test_a_fee_that_another_paid_and_what_another_holds_are_not_the_wallets() -> None:
    change = changed(
        ([50_000, 100, 0, 0], [50_000 - FEE, 100, 0, 0]),
        [(3, "stranger", USDC.mint, 9)],
        [(3, "stranger", USDC.mint, 1)],
        keys=["stranger", "wallet", "usdc", "vault"],
    )
    assert (change.fee_lamports, change.of_all()) == (0, {})
