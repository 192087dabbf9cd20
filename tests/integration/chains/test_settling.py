"""Sending and what became of it, on the real local node."""

import asyncio

import pytest
from solders.keypair import Keypair
from solders.signature import Signature

from chains.blockhashes import BlockhashCache
from chains.protocol import SentTransaction
from chains.solana_client import SolanaChain
from chains.transactions import MAX_COMPUTE_UNITS
from domain.evidence import Landing
from domain.tokens import JUP, SOL, USDC
from tests.integration.chains.conftest import Node, Trader, until

UNKNOWN = str(Signature.new_unique())


async def landed(chain: SolanaChain, sent: SentTransaction) -> Landing:
    return await until(lambda: chain.landing(sent, "confirmed"))


async def test_a_sent_swap_lands_with_exactly_the_amounts_by_which_the_wallets_balances_moved(
    chain: SolanaChain, trader: Trader, node: Node
) -> None:
    before = await chain.token_balances(node.wallet.address, [SOL.mint, USDC.mint])
    attempt = await trader.attempt(1_500_000_000)
    assert await chain.send(bytes(attempt.transaction)) == "accepted"
    landing = await landed(chain, attempt.sent)
    after = await chain.token_balances(node.wallet.address, [SOL.mint, USDC.mint])

    assert landing.error is None
    assert (landing.amount_in, landing.amount_out) == (1_500_000_000, attempt.quote.amount_out)
    assert before[SOL.mint] - after[SOL.mint] == landing.amount_in
    assert after[USDC.mint] - before[USDC.mint] == landing.amount_out
    assert (landing.signature, landing.commitment, landing.fee_lamports) == (attempt.sent.signature, "confirmed", 5000)


async def test_a_landing_is_read_as_finalized_only_once_it_is(chain: SolanaChain, trader: Trader) -> None:
    attempt = await trader.attempt(10_000_000)
    await chain.send(bytes(attempt.transaction))
    confirmed = await landed(chain, attempt.sent)
    assert await chain.landing(attempt.sent, "finalized") is None
    finalized = await until(lambda: chain.landing(attempt.sent, "finalized"))
    assert finalized == confirmed.model_copy(update={"commitment": "finalized"})
    assert (await chain.statuses([attempt.sent.signature])).found[0].commitment == "finalized"  # type: ignore[union-attr]


async def test_a_swap_below_its_minimum_lands_as_a_failure_that_cost_its_fee(
    chain: SolanaChain, trader: Trader
) -> None:
    quote = await trader.quote(10_000_000)
    attempt = await trader.attempt(10_000_000, minimum_out=quote.amount_out * 2)
    await chain.send(bytes(attempt.transaction))
    landing = await landed(chain, attempt.sent)
    assert landing.error is not None
    assert landing.error.code == "slippage_exceeded"
    assert landing.error.logs
    assert (landing.amount_in, landing.amount_out, landing.fee_lamports) == (0, 0, 5000)
    status = (await chain.statuses([UNKNOWN, attempt.sent.signature])).found
    assert status[0] is None
    assert status[1] is not None
    assert status[1].failed


async def test_the_same_bytes_sent_many_times_move_the_money_once(
    chain: SolanaChain, trader: Trader, node: Node
) -> None:
    before = await chain.token_balances(node.wallet.address, [SOL.mint])
    attempt = await trader.attempt(20_000_000)
    await asyncio.gather(*(chain.send(bytes(attempt.transaction)) for _ in range(20)))
    await landed(chain, attempt.sent)
    await chain.send(bytes(attempt.transaction))
    await until(lambda: chain.landing(attempt.sent, "finalized"))
    after = await chain.token_balances(node.wallet.address, [SOL.mint])
    assert before[SOL.mint] - after[SOL.mint] == 20_000_000


async def test_a_simulation_says_without_a_signature_what_the_chain_would_do(
    chain: SolanaChain, trader: Trader
) -> None:
    quote = await trader.quote(10_000_000)
    good = await chain.simulate((await trader.attempt(10_000_000)).transaction.message)
    slipped = await chain.simulate(
        (await trader.attempt(10_000_000, minimum_out=quote.amount_out * 2)).transaction.message
    )
    too_much = await chain.simulate((await trader.attempt(11_000 * 10**9)).transaction.message)
    assert good.error is None
    assert 1_000 < good.units < MAX_COMPUTE_UNITS
    assert slipped.error is not None
    assert slipped.error.code == "slippage_exceeded"
    assert too_much.error is not None
    assert too_much.error.code == "insufficient_funds"


async def test_an_unknown_signature_has_neither_landing_nor_status(chain: SolanaChain, node: Node) -> None:
    assert (
        await chain.landing(SentTransaction(UNKNOWN, node.wallet.address, SOL.mint, USDC.mint, None, 0), "confirmed")
        is None
    )
    answer = await chain.statuses([UNKNOWN] * 256, search_history=True)
    assert answer.found == (None,) * 256
    assert answer.slot > 0
    with pytest.raises(ValueError, match="at most 256"):
        await chain.statuses([UNKNOWN] * 257)


async def test_accounts_that_are_not_there_hold_nothing(chain: SolanaChain) -> None:
    assert await chain.token_balances(str(Keypair().pubkey()), [SOL.mint, JUP.mint]) == {SOL.mint: 0, JUP.mint: 0}
    answer = await chain.accounts([str(Keypair().pubkey()) for _ in range(249)] + [USDC.mint])
    assert answer.data[:-1] == (None,) * 249
    assert answer.data[-1] is not None
    assert (await chain.accounts([])).data == ()


async def test_a_blockhash_comes_with_its_slot_and_the_last_height_it_serves(chain: SolanaChain) -> None:
    height = await chain.block_height("confirmed")
    blockhash = await chain.latest_blockhash()
    assert height + 150 <= blockhash.last_valid_block_height <= await chain.block_height("confirmed") + 150
    assert await chain.block_height("finalized") < height <= blockhash.slot
    held = BlockhashCache(chain, max_age=60)
    assert await held.latest() == await held.latest()


async def test_many_swaps_at_once_each_show_their_own_amounts(chain: SolanaChain, trader: Trader) -> None:
    amounts = [1_000_000 + n for n in range(40)]
    attempts = await asyncio.gather(*(trader.attempt(amount, minimum_out=1) for amount in amounts))
    answers = await asyncio.gather(*(chain.send(bytes(one.transaction)) for one in attempts))
    assert set(answers) == {"accepted"}
    landings = await asyncio.gather(*(landed(chain, one.sent) for one in attempts))
    assert [one.amount_in for one in landings] == amounts
    assert all(one.amount_out > 0 for one in landings)
