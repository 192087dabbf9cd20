"""What a simulation shows of a proposed swap has to agree with the order, whichever form the node shows it in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from solders.pubkey import Pubkey
from solders.token import ID as TOKEN

from chains import base58
from chains.errors import TransactionRefusedError
from chains.own_accounts import token_account
from chains.refusals import RefusalReason as R
from chains.simulated_changes import check_simulated
from domain.tokens import RAY, USDC
from tests.unit.chains.small_world import (
    ALLOWED,
    AMOUNT_IN,
    DESTINATION,
    MARKET,
    MINIMUM_OUT,
    POOLS,
    RENT,
    SOURCE,
    WALLET,
    WORLD,
    World,
    checked,
    composed,
    making_account,
    swap,
    table,
)

SYSTEM = str(Pubkey.default())
THEIRS = str(token_account(str(MARKET), USDC.mint))
OWN_RAY = str(token_account(WALLET, RAY.mint))
STAKE = "Stake11111111111111111111111111111111111111"
NONCE, SEEDED, SYSVAR = (str(Pubkey(letter * 32)) for letter in (b"n", b"s", b"v"))
VAULT = POOLS["Meteora"].vaults_for(USDC.mint)[0]


def judged(inner: Sequence[dict[str, Any]] | None, *, rent: int = RENT, **allowed: Any) -> None:
    check_simulated(inner, checked(composed()), replace(ALLOWED, **allowed), rent=rent)


def decoded(program: str, data: bytes, *accounts: str) -> dict[str, Any]:
    """An instruction as nodes show it whose program they don't know."""
    return {"programId": program, "accounts": list(accounts), "data": base58.encode(data), "stackHeight": 2}


def parsed(kind: str, program: str = str(TOKEN), **info: Any) -> dict[str, Any]:
    return {"program": "spl-token", "programId": program, "parsed": {"type": kind, "info": info}, "stackHeight": 2}


def moved(source: str, destination: str, amount: int, authority: str = WALLET) -> dict[str, Any]:
    return parsed("transfer", source=source, destination=destination, authority=authority, amount=str(amount))


def checked_move(source: str, destination: str, amount: int) -> dict[str, Any]:
    shown = {"amount": str(amount), "decimals": 6, "uiAmount": 1.5, "uiAmountString": "1.5"}
    return parsed(
        "transferChecked", source=source, mint=USDC.mint, destination=destination, authority=WALLET, tokenAmount=shown
    )


GOOD = WORLD.run(composed()).inner
PAID = moved(str(SOURCE), VAULT, AMOUNT_IN)
GAINED = moved(VAULT, str(DESTINATION), MINIMUM_OUT, authority=str(MARKET))


def test_what_the_virtual_machine_shows_of_a_good_swap_agrees() -> None:
    assert GOOD
    judged(GOOD)


def test_the_same_agrees_as_a_node_parses_it() -> None:
    judged([PAID, GAINED])
    judged([checked_move(str(SOURCE), VAULT, AMOUNT_IN), GAINED, decoded(str(MARKET), b"event", WALLET, str(SOURCE))])


def test_behind_a_lookup_table_it_agrees_too() -> None:
    message = composed(tables=[table()])
    inner = [
        {
            **one,
            "programIdIndex": _there(message, one["programIdIndex"]),
            "accounts": [_there(message, index) for index in one["accounts"]],
        }
        for one in GOOD
    ]
    check_simulated(inner, checked(message, tables=[table()]), ALLOWED, rent=RENT)


def _there(message: Any, index: int) -> int:
    """Where the account at ``index`` of the message without tables is in that with them."""
    return checked(message, tables=[table()]).keys.index(checked(composed()).keys[index])


def test_an_account_that_is_made_takes_its_rent_and_no_more() -> None:
    message = composed(making_account(), swap())
    ran = World().without(DESTINATION).run(message)
    assert ran.error is None
    assert len(ran.inner) > len(GOOD)
    check_simulated(ran.inner, checked(message), ALLOWED, rent=RENT)
    with pytest.raises(TransactionRefusedError) as refused:
        check_simulated(ran.inner, checked(message), ALLOWED, rent=RENT - 1)
    assert refused.value.reason == R.SIMULATED_LAMPORTS


@pytest.mark.parametrize(
    "call",
    [
        parsed("transfer", SYSTEM, source=THEIRS, destination=WALLET, lamports=5),
        decoded(SYSTEM, (2).to_bytes(4, "little") + (5).to_bytes(8, "little"), THEIRS, WALLET),
        parsed("transfer", SYSTEM, source=WALLET, destination=str(DESTINATION), lamports=RENT),
        parsed("transfer", SYSTEM, source=THEIRS, destination=str(MARKET), lamports=5),
        parsed("withdrawFromNonce", SYSTEM, nonceAccount=NONCE, destination=THEIRS, nonceAuthority=THEIRS, lamports=1),
        parsed("allocate", SYSTEM, account=str(DESTINATION), space=165),
        parsed("createAccount", SYSTEM, source=THEIRS, newAccount=str(DESTINATION), lamports=RENT, owner=str(TOKEN)),
    ],
)
def test_a_call_that_takes_nothing_of_the_wallets_agrees(call: dict[str, Any]) -> None:
    judged([PAID, GAINED, call])


@pytest.mark.parametrize("inner", [GOOD, [PAID, GAINED]], ids=["compiled", "parsed"])
@pytest.mark.parametrize(
    ("allowed", "reason"),
    [({"amount_in": AMOUNT_IN - 1}, R.SIMULATED_TOO_MUCH_IN), ({"minimum_out": 10**9}, R.SIMULATED_TOO_LITTLE_OUT)],
)
def test_amounts_beyond_the_orders_are_refused(inner: Any, allowed: dict[str, int], reason: R) -> None:
    with pytest.raises(TransactionRefusedError) as refused:
        judged(inner, **allowed)
    assert refused.value.reason == reason


def _seeded(lamports: int) -> bytes:
    """The data of ``createAccountWithSeed`` with a seed of four letters."""
    base, seed, owner = bytes(Pubkey.from_string(WALLET)), (4).to_bytes(8, "little") + b"seed", bytes(32)
    return (3).to_bytes(4, "little") + base + seed + lamports.to_bytes(8, "little") + bytes(8) + owner


def _from_seed(lamports: int) -> bytes:
    """The data of ``transferWithSeed``."""
    return (11).to_bytes(4, "little") + lamports.to_bytes(8, "little") + (1).to_bytes(8, "little") + b"s" + bytes(32)


HOSTILE = [
    ("the node shows nothing", R.SIMULATED_UNSEEN, None),
    ("an instruction in an unknown form", R.SIMULATED_UNSEEN, [PAID, GAINED, {"what": "ever"}]),
    ("an amount that is a float", R.SIMULATED_UNSEEN, [{**PAID, "parsed": {"type": "transfer", "info": {
        "source": str(SOURCE), "destination": VAULT, "authority": WALLET, "amount": 1.5}}}]),
    ("twice the amount in, in two bites", R.SIMULATED_TOO_MUCH_IN, [PAID, PAID, GAINED]),
    ("the payment again, by a delegate", R.SIMULATED_TOO_MUCH_IN,
     [PAID, moved(str(SOURCE), VAULT, 1, authority=str(MARKET)), GAINED]),
    ("nothing out", R.SIMULATED_TOO_LITTLE_OUT, [PAID]),
    ("out to a stranger's account", R.SIMULATED_TOO_LITTLE_OUT,
     [PAID, moved(VAULT, THEIRS, MINIMUM_OUT, authority=str(MARKET))]),
    ("the token bought is taken back", R.SIMULATED_CHANGE, [PAID, GAINED, moved(str(DESTINATION), THEIRS, 1)]),
    ("another token of ours is taken", R.SIMULATED_CHANGE, [PAID, GAINED, moved(OWN_RAY, THEIRS, 1)]),
    ("a token account of ours that nobody knows is emptied", R.SIMULATED_CHANGE,
     [PAID, GAINED, moved(str(Pubkey(b"u" * 32)), THEIRS, 1)]),
    ("the same, as accounts and data", R.SIMULATED_CHANGE,
     [PAID, GAINED, decoded(str(TOKEN), b"\x03" + (1).to_bytes(8, "little"), str(Pubkey(b"u" * 32)), THEIRS, WALLET)]),
    ("an account of ours is delegated", R.SIMULATED_CHANGE,
     [PAID, GAINED, parsed("approve", source=str(DESTINATION), delegate=THEIRS, owner=WALLET, amount="1")]),
    ("the same, as accounts and data", R.SIMULATED_CHANGE,
     [PAID, GAINED, decoded(str(TOKEN), b"\x04" + bytes(8), str(DESTINATION), THEIRS, WALLET)]),
    ("an account of ours is given away", R.SIMULATED_CHANGE, [PAID, GAINED, parsed(
        "setAuthority", account=str(SOURCE), authority=WALLET, authorityType="accountOwner", newAuthority=THEIRS)]),
    ("an account of ours is closed", R.SIMULATED_CHANGE,
     [PAID, GAINED, parsed("closeAccount", account=str(SOURCE), destination=THEIRS, owner=WALLET)]),
    ("an account of ours is burned empty", R.SIMULATED_CHANGE,
     [PAID, GAINED, parsed("burn", account=str(DESTINATION), mint=USDC.mint, authority=WALLET, amount="1")]),
    ("a call of the token program that nobody knows", R.SIMULATED_CHANGE,
     [PAID, GAINED, parsed("somethingNew", account=str(DESTINATION))]),
    ("lamports of the wallet's", R.SIMULATED_LAMPORTS, [PAID, GAINED, parsed(
        "transfer", SYSTEM, source=WALLET, destination=THEIRS, lamports=RENT + 1)]),
    ("the same, as accounts and data", R.SIMULATED_LAMPORTS, [PAID, GAINED, decoded(
        SYSTEM, (2).to_bytes(4, "little") + (RENT + 1).to_bytes(8, "little"), WALLET, THEIRS)]),
    ("an account's rent, for a stranger", R.SIMULATED_LAMPORTS, [PAID, GAINED, parsed(
        "transfer", SYSTEM, source=WALLET, destination=THEIRS, lamports=RENT)]),
    ("lamports into an account made by a seed", R.SIMULATED_LAMPORTS, [PAID, GAINED, decoded(SYSTEM, _seeded(10**11),
        WALLET, THEIRS, WALLET)]),
    ("lamports of a nonce account that is the wallet's", R.SIMULATED_CHANGE, [PAID, GAINED, parsed(
        "withdrawFromNonce", SYSTEM, nonceAccount=NONCE, destination=THEIRS, nonceAuthority=WALLET, lamports=1)]),
    ("the same, as accounts and data", R.SIMULATED_CHANGE, [PAID, GAINED, decoded(
        SYSTEM, (5).to_bytes(4, "little") + (1).to_bytes(8, "little"), NONCE, THEIRS, SYSVAR, SYSVAR, WALLET)]),
    ("lamports of an account that follows from the wallet and a seed", R.SIMULATED_CHANGE, [PAID, GAINED, parsed(
        "transferWithSeed", SYSTEM, source=SEEDED, sourceBase=WALLET, destination=THEIRS, lamports=1, sourceSeed="s",
        sourceOwner=SYSTEM)]),
    ("the same, as accounts and data", R.SIMULATED_CHANGE, [PAID, GAINED, decoded(
        SYSTEM, _from_seed(1), SEEDED, WALLET, THEIRS)]),
    ("the same, into the wallet", R.SIMULATED_CHANGE, [PAID, GAINED, decoded(
        SYSTEM, _from_seed(1), SEEDED, WALLET, WALLET)]),
    ("an account that is made by a stranger from the wallet and a seed", R.SIMULATED_CHANGE, [PAID, GAINED, decoded(
        SYSTEM, _seeded(10**6), THEIRS, SEEDED, WALLET)]),
    ("the wallet is given to a program", R.SIMULATED_CHANGE,
     [PAID, GAINED, parsed("assign", SYSTEM, account=WALLET, owner=str(MARKET))]),
    ("the same, as accounts and data", R.SIMULATED_CHANGE,
     [PAID, GAINED, decoded(SYSTEM, (1).to_bytes(4, "little") + bytes(32), WALLET)]),
    ("stake of the wallet's is withdrawn", R.SIMULATED_CHANGE, [PAID, GAINED, parsed(
        "withdraw", STAKE, stakeAccount=NONCE, destination=THEIRS, withdrawAuthority=WALLET, lamports=5 * 10**9)]),
    ("the same, as accounts and data", R.SIMULATED_CHANGE, [PAID, GAINED, decoded(
        STAKE, (4).to_bytes(4, "little") + (1).to_bytes(8, "little"), NONCE, THEIRS, SYSVAR, SYSVAR, WALLET)]),
    ("stake of the wallet's is given away", R.SIMULATED_CHANGE, [PAID, GAINED, parsed(
        "authorize", STAKE, stakeAccount=NONCE, authority=WALLET, newAuthority=THEIRS, authorityType="Withdrawer")]),
    ("a program of the wallet's is given away", R.SIMULATED_CHANGE, [PAID, GAINED, decoded(
        "BPFLoaderUpgradeab1e11111111111111111111111", (4).to_bytes(4, "little"), NONCE, WALLET, THEIRS)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "reason", "inner"), HOSTILE, ids=[name for name, _, _ in HOSTILE])
def test_a_simulation_that_does_more_or_less_is_refused(name: str, reason: R, inner: Any) -> None:
    with pytest.raises(TransactionRefusedError) as refused:
        judged(inner)
    assert refused.value.reason == reason, (name, refused.value)


@pytest.mark.parametrize("call", [
    parsed("withdraw", STAKE, stakeAccount=NONCE, destination=THEIRS, withdrawAuthority=str(MARKET), lamports=1),
    decoded(STAKE, (4).to_bytes(4, "little") + bytes(8), NONCE, THEIRS, SYSVAR, SYSVAR, str(MARKET)),
])  # fmt: skip
def test_stake_that_is_not_ours_is_its_owners_affair(call: dict[str, Any]) -> None:
    """Pools of staked tokens move theirs in a swap."""
    judged([PAID, GAINED, call])


DOCS = Path(__file__).parents[3] / "docs" / "proposals.md"


def test_the_documented_table_is_this_one() -> None:
    documented = re.findall(r"^\| ([^|]+) \| `(simulated_\w+)` \|", DOCS.read_text(), re.MULTILINE)
    assert documented == [(name, str(reason)) for name, reason, _ in HOSTILE if not name.startswith("the same")]
    assert {reason for _, reason, _ in HOSTILE} == {reason for reason in R if reason.startswith("simulated_")}
