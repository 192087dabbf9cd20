"""A chain that was killed goes on where it was: nothing shown is lost, nothing that ran runs again."""

from __future__ import annotations

import resource
import subprocess
import sys

from solders.keypair import Keypair

from domain.tokens import SOL, USDC
from tests.integration.localnet import local_node
from tests.integration.localnet.local_node import LocalNode


def picture(node: LocalNode, signatures: list[str]) -> dict[str, object]:
    """What anyone could have seen and must see again."""
    pool = node.pool("Raydium", SOL.mint, USDC.mint)
    slots = [node.status(signature)["slot"] for signature in signatures]
    return {
        "genesis": node.call("getGenesisHash"),
        "balances": [node.balance(vault) for vault in pool.vaults],
        "lamports": node.call("getBalance", str(node.wallet.pubkey()), {"commitment": "confirmed"})["value"],
        "transactions": [node.transaction(signature) for signature in signatures],
        "blocks": [node.block(slot) for slot in slots],
        "empty": [node.block(slot) for slot in range(15)],
        "history": [
            one["signature"] for one in node.call("getSignaturesForAddress", pool.address, {"commitment": "confirmed"})
        ],
    }


def test_a_killed_chain_keeps_everything_it_showed_and_runs_nothing_again(own_node: LocalNode) -> None:
    own_node.start()
    pool = own_node.pool("Raydium", SOL.mint, USDC.mint)
    sent = [own_node.swap(pool, SOL.mint, 10**9 + n) for n in range(5)]
    sent.append(own_node.swap(pool, SOL.mint, 10**9, minimum_out=10**15))
    signatures = [own_node.send(transaction) for transaction in sent]
    for signature in signatures:
        own_node.reach(signature)
    own_node.pass_blocks(16)
    before = picture(own_node, signatures)
    slot = own_node.call("getSlot", {"commitment": "processed"})

    own_node.kill()
    own_node.start()

    assert own_node.call("getSlot", {"commitment": "processed"}) >= slot
    assert picture(own_node, signatures) == before
    for transaction in sent:
        own_node.send(transaction)
    own_node.pass_blocks(3)
    assert picture(own_node, signatures) == before
    later = own_node.send(own_node.swap(pool, SOL.mint, 10**9))
    assert own_node.reach(later)["err"] is None


def test_a_block_cut_off_while_it_was_written_was_never_there(own_node: LocalNode) -> None:
    own_node.start()
    pool = own_node.pool("Raydium", SOL.mint, USDC.mint)
    vault, _ = pool.vaults_for(SOL.mint)
    kept = own_node.send(own_node.swap(pool, SOL.mint, 10**9))
    own_node.reach(kept)
    held = own_node.balance(vault)
    own_node.kill()
    # A crash in the middle of a write leaves part of a record at the end of the write-ahead log.
    journal = own_node.directory / "ledger.sqlite3-wal"
    with journal.open("ab") as file:
        file.write(journal.read_bytes()[-4096:][:1500])

    own_node.start()

    assert own_node.status(kept)["err"] is None
    assert own_node.balance(vault) == held


def test_a_second_node_on_the_same_directory_refuses(own_node: LocalNode) -> None:
    own_node.start()
    arguments = ["0", str(own_node.directory), str(own_node.wallet.pubkey()), "20"]
    second = subprocess.run(
        [sys.executable, "-c", local_node.RUN, *arguments], capture_output=True, text=True, timeout=20, check=False
    )
    assert second.returncode != 0
    assert "LedgerInUseError: another node is running on" in second.stderr


def test_a_chain_with_ten_thousand_swaps_starts_within_two_seconds(own_node: LocalNode) -> None:
    own_node.start()
    pool = own_node.pool("Raydium", SOL.mint, USDC.mint)
    swaps = 0
    batch = 500
    while swaps < 10_000:
        blockhash = own_node.blockhash()
        transactions = [own_node.swap(pool, SOL.mint, 10**6 + swaps + n, blockhash=blockhash) for n in range(batch)]
        signatures = own_node.send_batch(transactions)
        own_node.reach(signatures[-1], "processed")
        swaps += batch

    own_node.kill()

    own_node.start()
    assert own_node.call("getTransactionCount", {"commitment": "processed"}) == 10_000
    before = processor_seconds_of_children()
    own_node.kill()
    assert processor_seconds_of_children() - before < 2


def processor_seconds_of_children() -> float:
    """Of those that have ended. It does nothing else while it starts, and other tests use the machine meanwhile."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_directory_of_another_wallet_is_refused(own_node: LocalNode) -> None:
    own_node.start()
    own_node.kill()
    arguments = ["0", str(own_node.directory), str(Keypair().pubkey()), "20"]
    other = subprocess.run(
        [sys.executable, "-c", local_node.RUN, *arguments], capture_output=True, text=True, timeout=20, check=False
    )
    assert other.returncode != 0
    assert f"was made for wallet {own_node.wallet.pubkey()}, not " in other.stderr
