"""Swaps on the local chain move exactly what the formula says, or nothing."""

from __future__ import annotations

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from domain.tokens import BONK, SOL, USDC, USDT
from tests.integration.localnet.local_node import LocalNode, RpcFault
from venues.constant_product import amount_out, swap_instruction
from venues.constant_product_errors import ProgramError

# The token program's own number for an account that its signer does not own.
OWNER_MISMATCH = 4


def wallet_amounts(node: LocalNode, signature: str) -> dict[str, int]:
    """What the transaction changed of the wallet's tokens, by mint, as its balances show."""
    meta = node.transaction(signature)["meta"]
    owner = str(node.wallet.pubkey())
    changes: dict[str, int] = {}
    for name, sign in (("preTokenBalances", -1), ("postTokenBalances", 1)):
        for entry in meta[name]:
            if entry["owner"] == owner:
                changes[entry["mint"]] = changes.get(entry["mint"], 0) + sign * int(entry["uiTokenAmount"]["amount"])
    return changes


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([("Raydium", SOL, USDC), ("Orca", USDC, SOL), ("Meteora", SOL, BONK), ("Raydium", USDT, USDC)]),
    st.integers(1_000_000, 10**10),
)
def test_a_swap_moves_what_the_formula_says_to_the_base_unit(node: LocalNode, way: tuple, amount: int) -> None:
    venue, token_in, token_out = way
    pool = node.pool(venue, token_in.mint, token_out.mint)
    vault_in, vault_out = pool.vaults_for(token_in.mint)
    expected = amount_out(amount, node.balance(vault_in), node.balance(vault_out), pool.fee_bps)
    assert expected

    signature = node.send(node.swap(pool, token_in.mint, amount, minimum_out=expected))

    assert node.reach(signature)["err"] is None
    assert wallet_amounts(node, signature) == {token_in.mint: -amount, token_out.mint: expected}


def test_a_swap_that_would_give_less_than_its_minimum_fails_on_chain_and_moves_nothing(node: LocalNode) -> None:
    pool = node.pool("Raydium", SOL.mint, USDC.mint)
    signature = node.send(node.swap(pool, SOL.mint, 10**9, minimum_out=10**12))

    status = node.reach(signature)

    assert status["err"] == {"InstructionError": [0, {"Custom": ProgramError.SLIPPAGE_EXCEEDED}]}
    assert set(wallet_amounts(node, signature).values()) == {0}
    meta = node.transaction(signature)["meta"]
    assert meta["fee"] == meta["preBalances"][0] - meta["postBalances"][0] == 5000


def test_preflight_refuses_what_would_fail_and_shows_the_simulation(node: LocalNode) -> None:
    pool = node.pool("Raydium", SOL.mint, USDC.mint)
    transaction = node.swap(pool, SOL.mint, 10**9, minimum_out=10**12)

    with pytest.raises(RpcFault) as refused:
        node.send(transaction, preflight=True)

    assert refused.value.code == -32002
    assert refused.value.data["err"] == {"InstructionError": [0, {"Custom": 6006}]}
    assert refused.value.data["unitsConsumed"] > 0
    assert any("custom program error: 0x1776" in line for line in refused.value.data["logs"])
    assert node.status(str(transaction.signatures[0])) is None


def test_more_than_the_wallet_holds_fails_with_the_token_programs_code(node: LocalNode) -> None:
    pool = node.pool("Raydium", SOL.mint, USDC.mint)
    signature = node.send(node.swap(pool, SOL.mint, 10**15))
    assert node.reach(signature)["err"] == {"InstructionError": [0, {"Custom": 1}]}


def test_an_amount_that_buys_nothing_fails(node: LocalNode) -> None:
    pool = node.pool("Raydium", SOL.mint, USDC.mint)
    signature = node.send(node.swap(pool, SOL.mint, 1))
    assert node.reach(signature)["err"] == {"InstructionError": [0, {"Custom": ProgramError.NOTHING_OUT}]}


def _altered(node: LocalNode, index: int, key: Pubkey, **flags: bool) -> VersionedTransaction:
    """A swap in which one account of the instruction is another."""
    pool = node.pool("Raydium", SOL.mint, USDC.mint)
    swap = swap_instruction(pool, owner=str(node.wallet.pubkey()), token_in=SOL.mint, amount_in=10**9, minimum_out=1)
    metas = list(swap.accounts)
    metas[index] = AccountMeta(
        key, flags.get("signer", metas[index].is_signer), flags.get("writable", metas[index].is_writable)
    )
    instruction = Instruction(swap.program_id, bytes(swap.data), metas)
    message = MessageV0.try_compile(node.wallet.pubkey(), [instruction], [], Hash.from_string(node.blockhash()))
    return VersionedTransaction(message, [node.wallet])


@pytest.mark.parametrize(
    ("index", "error"),
    [
        (0, ProgramError.WRONG_OWNER),
        (1, ProgramError.WRONG_AUTHORITY),
        (4, ProgramError.WRONG_VAULT),
        (5, ProgramError.WRONG_VAULT),
        (7, ProgramError.WRONG_TOKEN_PROGRAM),
    ],
)
def test_the_program_refuses_accounts_that_are_not_the_pools(node: LocalNode, index: int, error: ProgramError) -> None:
    signature = node.send(_altered(node, index, Keypair().pubkey()))
    assert node.reach(signature)["err"] == {"InstructionError": [0, {"Custom": error}]}


def test_the_program_refuses_the_vaults_of_another_pool(node: LocalNode) -> None:
    other = node.pool("Orca", SOL.mint, USDC.mint)
    signature = node.send(_altered(node, 5, Pubkey.from_string(other.vaults_for(SOL.mint)[1])))
    assert node.reach(signature)["err"] == {"InstructionError": [0, {"Custom": ProgramError.WRONG_VAULT}]}


def test_nobody_swaps_from_an_account_that_is_not_theirs(node: LocalNode) -> None:
    theirs, _ = node.pool("Orca", SOL.mint, USDC.mint).vaults_for(SOL.mint)
    held = node.balance(theirs)
    signature = node.send(_altered(node, 3, Pubkey.from_string(theirs)))
    assert node.reach(signature)["err"] == {"InstructionError": [0, {"Custom": OWNER_MISMATCH}]}
    assert node.balance(theirs) == held


def test_a_signature_that_is_not_its_signers_is_refused(node: LocalNode) -> None:
    good = node.swap(node.pool("Raydium", SOL.mint, USDC.mint), SOL.mint, 10**9)
    forged = VersionedTransaction.populate(good.message, [Keypair().sign_message(b"something else")])
    for preflight in (True, False):
        with pytest.raises(RpcFault) as refused:
            node.send(forged, preflight=preflight)
        assert refused.value.code == -32003


def test_a_simulation_needs_no_signature_and_changes_nothing(node: LocalNode) -> None:
    pool = node.pool("Raydium", SOL.mint, USDC.mint)
    vault_in, _ = pool.vaults_for(SOL.mint)
    before = node.balance(vault_in)
    transaction = node.swap(pool, SOL.mint, 10**9)
    unsigned = VersionedTransaction.populate(transaction.message, [type(transaction.signatures[0]).default()])

    config = {"encoding": "base64", "sigVerify": False, "replaceRecentBlockhash": True, "commitment": "confirmed"}
    answer = node.call("simulateTransaction", base64.b64encode(bytes(unsigned)).decode(), config)["value"]

    assert answer["err"] is None
    assert 0 < answer["unitsConsumed"] < 20_000
    assert answer["replacementBlockhash"]["lastValidBlockHeight"] > 150
    assert node.balance(vault_in) == before
