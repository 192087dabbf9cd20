from dataclasses import replace
from typing import Any

import orjson
import pytest

from chains.answers import LandedTransaction, reader
from chains.errors import UnbelievableError
from chains.protocol import SentTransaction
from chains.settlement import alike, settle
from domain.codes import Code
from domain.evidence import Landing
from domain.tokens import SOL, USDC

WALLET = "9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM"
POOL = "5Q544fKrFoe6tsEbD7S8EmxGTJYAKtTVhAW5Q5pge4j1"
PROGRAM = "swapFpHZwjELNnjvThjajtiVmkz3yPQEHjLtka2fwHW"
SENT = SentTransaction("sig", WALLET, SOL.mint, USDC.mint, None, 0)
BACK = SentTransaction("sig", WALLET, USDC.mint, SOL.mint, None, 0)
RENT = 2_039_280
FEE = 5_000

# Accounts: the wallet, its wrapped SOL, its USDC, the pool's two vaults, the program.
KEYS = [WALLET, "wsol", "usdc", "vault-sol", "vault-usdc", PROGRAM]

CODES = {PROGRAM: {6006: Code.SLIPPAGE_EXCEEDED}}


def held(index: int, owner: str, mint: str, amount: int) -> dict[str, Any]:
    return {
        "accountIndex": index,
        "owner": owner,
        "mint": mint,
        "uiTokenAmount": {"amount": str(amount), "decimals": 6},
    }


def settled(
    pre: list[dict[str, Any]],
    post: list[dict[str, Any]],
    *,
    lamports: tuple[list[int], list[int]] = ([0] * 6, [0] * 6),
    err: object = None,
    sent: SentTransaction = SENT,
) -> Landing:
    answer = {
        "slot": 7,
        "meta": {
            "err": err,
            "fee": FEE,
            "preBalances": lamports[0],
            "postBalances": lamports[1],
            "preTokenBalances": pre,
            "postTokenBalances": post,
            "logMessages": ["Program log: x"],
        },
        "transaction": {
            "signatures": ["sig"],
            "message": {"accountKeys": KEYS, "instructions": [{"programIdIndex": 5}]},
        },
    }
    found = reader(LandedTransaction).decode(orjson.dumps(answer))
    return settle(found, sent, commitment="confirmed", custom_codes=CODES, shown_by="node", configured=1)


def test_amounts_are_the_differences_of_the_wallets_own_balances() -> None:
    landing = settled(
        [held(1, WALLET, SOL.mint, 10), held(2, WALLET, USDC.mint, 100), held(4, POOL, USDC.mint, 9_000)],
        [held(1, WALLET, SOL.mint, 7), held(2, WALLET, USDC.mint, 550), held(4, POOL, USDC.mint, 8_550)],
    )
    assert (landing.amount_in, landing.amount_out, landing.fee_lamports, landing.slot) == (3, 450, FEE, 7)
    assert landing.error is None


def test_several_accounts_of_one_token_count_together() -> None:
    landing = settled(
        [held(1, WALLET, SOL.mint, 10), held(3, WALLET, SOL.mint, 10)],
        [held(1, WALLET, SOL.mint, 0), held(3, WALLET, SOL.mint, 15), held(2, WALLET, USDC.mint, 1)],
    )
    assert landing.amount_in == 5


def test_an_account_without_a_balance_on_one_side_held_nothing_there() -> None:
    landing = settled([held(1, WALLET, SOL.mint, 10)], [held(1, WALLET, SOL.mint, 7), held(2, WALLET, USDC.mint, 450)])
    assert landing.amount_out == 450


def test_wrapped_sol_that_was_unwrapped_in_the_transaction_is_counted_in_lamports() -> None:
    """100 lamports bought into a wrapped account that is then closed: its rent and its holdings go to the wallet."""
    landing = settled(
        [held(1, WALLET, SOL.mint, 10), held(2, WALLET, USDC.mint, 50)],
        [held(2, WALLET, USDC.mint, 20)],
        lamports=(
            [1_000_000, RENT + 10, RENT, 0, 0, 0],
            [1_000_000 - FEE + RENT + 110, 0, RENT, 0, 0, 0],
        ),
        sent=BACK,
    )
    assert (landing.amount_in, landing.amount_out) == (30, 100)


def test_sol_wrapped_and_closed_within_the_transaction_leaves_only_lamports() -> None:
    """The wallet pays 300 lamports through a passing account, and the rent of the USDC account it opens is no price."""
    landing = settled(
        [],
        [held(2, WALLET, USDC.mint, 45)],
        lamports=([9_000_000, 0, 0, 0, 0, 0], [9_000_000 - FEE - 300 - RENT, 0, RENT, 300, 0, 0]),
    )
    assert (landing.amount_in, landing.amount_out) == (300, 45)


def test_a_failed_transaction_moved_nothing_and_cost_its_fee() -> None:
    balances = [held(1, WALLET, SOL.mint, 10), held(2, WALLET, USDC.mint, 100)]
    landing = settled(balances, balances, err={"InstructionError": [0, {"Custom": 6006}]})
    assert (landing.amount_in, landing.amount_out, landing.fee_lamports) == (0, 0, FEE)
    assert landing.error is not None
    assert landing.error.code == "slippage_exceeded"
    assert landing.error.logs == ("Program log: x",)


@pytest.mark.parametrize("err", [None, {"InstructionError": [0, {"Custom": 6006}]}], ids=["success", "failure"])
def test_a_fee_that_was_not_signed_for_is_no_answer(err: object) -> None:
    balances = [held(1, WALLET, SOL.mint, 10)]
    assert settled(balances, [], err=err, sent=replace(SENT, most_fee_lamports=FEE)).fee_lamports == FEE
    with pytest.raises(UnbelievableError, match="a fee of 5000 lamports for one that costs 4999 at most"):
        settled(balances, [], err=err, sent=replace(SENT, most_fee_lamports=FEE - 1))


def test_a_balance_beyond_a_u64_is_not_read() -> None:
    most = 2**64 - 1
    assert settled([held(2, WALLET, SOL.mint, most)], [held(2, WALLET, SOL.mint, 0)]).amount_in == most
    with pytest.raises(ValueError, match="more than a u64"):
        settled([held(2, WALLET, SOL.mint, most + 1)], [held(2, WALLET, SOL.mint, 0)])


def test_an_amount_beyond_a_u64_is_no_answer() -> None:
    most = 2**64 - 1
    with pytest.raises(UnbelievableError, match=f"more than a u64 holds: out {2 * most}"):
        settled([], [held(2, WALLET, USDC.mint, most), held(3, WALLET, USDC.mint, most)])


def test_an_answer_whose_balances_do_not_cover_its_accounts_is_not_read() -> None:
    with pytest.raises(ValueError):
        settled([held(6, WALLET, SOL.mint, 10)], [])
    with pytest.raises(ValueError):
        settled([], [], lamports=([1], [1]))


def test_rent_that_goes_into_the_guard_is_no_amount_of_the_swap() -> None:
    # Wrapped SOL is opened and closed within: what is left shows in lamports, as the guard's rent does.
    guarded = replace(BACK, guard="vault-sol")
    landing = settled(
        [held(2, WALLET, USDC.mint, 300)],
        [held(2, WALLET, USDC.mint, 0), held(3, "authority", USDC.mint, 0)],
        lamports=([10**9, 0, RENT, 77, 0, 0], [10**9 - FEE - RENT + 40, 0, RENT, 77 + RENT, 0, 0]),
        sent=guarded,
    )
    assert (landing.amount_in, landing.amount_out) == (300, 40)
    assert (landing.guard_rent_lamports, landing.fee_lamports) == (RENT, FEE)


def shown(by: str, **changes: Any) -> Landing:
    fields = {"signature": "sig", "slot": 7, "commitment": "finalized", "amount_in": 1, "amount_out": 2}
    return Landing.model_validate({**fields, "fee_lamports": FEE, "shown_by": (by,), "configured": 3, **changes})


def test_what_endpoints_show_alike_names_all_of_them_and_one_that_shows_otherwise_is_not_among_them() -> None:
    said = alike([shown("a", amount_out=3), shown("b"), None, shown("c")])
    assert said
    assert (said.amount_out, said.shown_by) == (2, ("b", "c"))
    assert alike([shown("a"), shown("b", slot=8)]) == shown("a")
    assert alike([None, None]) is None


def test_a_success_counts_before_failures() -> None:
    error = {"code": "program_error", "detail": ""}
    failures = [shown(name, error=error, amount_in=0, amount_out=0) for name in ("a", "b")]
    assert alike([*failures, shown("c")]) == shown("c")
    said = alike(failures)
    assert said
    assert said.shown_by == ("a", "b")


def test_the_rent_of_an_account_that_the_swap_made_is_its_own_figure_and_no_amount() -> None:
    before, after = [10**9, 10**9, 0, 0, 0, 0], [10**9 - FEE - RENT, 10**9 - 500, RENT, 0, 0, 0]
    landing = settled(
        [held(1, WALLET, SOL.mint, 1_000)],
        [held(1, WALLET, SOL.mint, 500), held(2, WALLET, USDC.mint, 45)],
        lamports=(before, after),
    )
    assert (landing.amount_in, landing.amount_out, landing.account_rent_lamports) == (500, 45, RENT)


def test_of_a_wrapped_sol_account_the_rent_alone_is_rent() -> None:
    before, after = [10**9, 0, RENT, 0, 0, 0], [10**9 - FEE - RENT, RENT + 300, RENT, 0, 0, 0]
    landing = settled(
        [held(2, WALLET, USDC.mint, 100)],
        [held(1, WALLET, SOL.mint, 300), held(2, WALLET, USDC.mint, 55)],
        lamports=(before, after),
        sent=BACK,
    )
    assert (landing.amount_in, landing.amount_out, landing.account_rent_lamports) == (45, 300, RENT)


def test_where_no_account_was_made_there_is_no_rent_of_one() -> None:
    accounts = [held(1, WALLET, SOL.mint, 1_000), held(2, WALLET, USDC.mint, 0)]
    after = [held(1, WALLET, SOL.mint, 500), held(2, WALLET, USDC.mint, 45)]
    assert settled(accounts, after).account_rent_lamports == 0
    assert settled(accounts, accounts, err={"InstructionError": [0, "Custom"]}).account_rent_lamports == 0
