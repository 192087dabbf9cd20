"""Blocks that a fork drops, closed and dropped by the test: what is undone, what runs again, what never goes back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM

from localnet.chain import COMMITMENTS, Chain
from localnet.errors import IrreversibleBlockError, RpcError
from localnet.rpc import METHODS
from localnet.rpc.node import Node
from localnet.rpc.params import Params
from tests.integration.localnet.test_chain import WALLET, gift, lamports, opened, run, signed


def ask(chain: Chain, method: str, *params: object) -> object:
    return METHODS[method](Node(chain, Keypair()), Params(params))


def closed(chain: Chain, blocks: int = 1) -> None:
    for _ in range(blocks):
        chain.close_block()


def at(chain: Chain, key: Pubkey) -> list[int]:
    """The lamports of ``key`` when processed, confirmed and finalized."""
    return [ask(chain, "getBalance", str(key), {"commitment": one})["value"] for one in COMMITMENTS]  # type: ignore[index]


def error_of(chain: Chain, transaction: object) -> object:
    landed = chain.ledger.find(transaction.signatures[0])  # type: ignore[attr-defined]
    assert landed is not None
    return landed.error_value


def test_accounts_are_read_as_they_were_at_each_commitment(tmp_path: Path) -> None:
    chain, someone = opened(tmp_path), Keypair().pubkey()
    closed(chain)
    run(chain, signed(chain, gift(someone, 10**9)))
    assert at(chain, someone) == [0, 0, 0]
    closed(chain)
    assert at(chain, someone) == [10**9, 0, 0]
    run(chain, signed(chain, gift(someone, 10**9)))
    closed(chain)
    assert at(chain, someone) == [2 * 10**9, 10**9, 0]
    closed(chain, 31)
    assert at(chain, someone) == [2 * 10**9, 2 * 10**9, 10**9]
    owned = [{key for key, _ in chain.owned_by(SYSTEM_PROGRAM, one)} for one in COMMITMENTS]
    assert [someone in one for one in owned] == [True, True, True]
    closed(chain)
    assert at(chain, someone) == [2 * 10**9] * 3


def test_a_restart_takes_no_commitments_view_away(tmp_path: Path) -> None:
    chain, someone = opened(tmp_path), Keypair().pubkey()
    closed(chain, 40)
    run(chain, signed(chain, gift(someone, 10**9)))
    closed(chain)
    finalized = chain.slot("finalized")
    chain.ledger.close()
    again = opened(tmp_path)
    # At most a second's worth of ten blocks was promised ahead: the gift is not 32 blocks deep.
    assert again.slot("finalized") >= finalized
    assert at(again, someone) == [10**9, 10**9, 0]


def test_what_a_dropped_block_did_is_undone_and_may_happen_again(tmp_path: Path) -> None:
    chain, someone = opened(tmp_path), Keypair().pubkey()
    closed(chain, 5)
    gone = signed(chain, gift(someone, 10**9))
    held = lamports(chain, WALLET.pubkey())
    run(chain, gone)
    closed(chain)
    slot, height = chain.slot("processed"), chain.height("processed")

    chain.drop_blocks()

    assert (lamports(chain, someone), lamports(chain, WALLET.pubkey())) == (0, held)
    assert ask(chain, "getSignatureStatuses", [str(gone.signatures[0])])["value"] == [None]  # type: ignore[index]
    assert ask(chain, "getSignaturesForAddress", str(someone)) == []
    assert (chain.height("processed"), chain.transaction_count) == (height - 1, 0)
    run(chain, gone)
    closed(chain)
    assert lamports(chain, someone) == 10**9
    assert (chain.height("processed"), chain.slot("processed") > slot) == (height, True)
    closed(chain)
    with pytest.raises(RpcError, match=f"Slot {slot} was skipped"):
        ask(chain, "getBlock", slot, {"commitment": "confirmed"})


@pytest.mark.parametrize("first_fails", [True, False])
def test_the_same_bytes_may_fail_in_one_block_and_succeed_in_the_next(tmp_path: Path, first_fails: bool) -> None:
    chain, poor, someone = opened(tmp_path), Keypair(), Keypair().pubkey()
    run(chain, signed(chain, gift(poor.pubkey(), 2 * 10**9)))
    closed(chain, 2)
    asked = signed(chain, gift(someone, 3 * 10**9, poor), poor)
    more = signed(chain, gift(poor.pubkey(), 5 * 10**9))
    for one in (asked, more) if first_fails else (more, asked):
        run(chain, one)
    closed(chain)
    assert (error_of(chain, asked) is not None) is first_fails
    chain.drop_blocks()
    for one in (more, asked) if first_fails else (asked, more):
        run(chain, one)
    closed(chain)
    assert (error_of(chain, asked) is not None) is not first_fails
    assert lamports(chain, someone) == (3 * 10**9 if first_fails else 0)


def test_what_waits_in_the_open_block_runs_without_the_dropped_one(tmp_path: Path) -> None:
    chain, poor, someone = opened(tmp_path), Keypair(), Keypair().pubkey()
    closed(chain, 2)
    run(chain, signed(chain, gift(poor.pubkey(), 5 * 10**9)))
    closed(chain)
    unfounded = signed(chain, gift(someone, 10**9, poor), poor, age=1)
    own = signed(chain, gift(someone, 2 * 10**9), age=1)
    on_the_dropped = signed(chain, gift(someone, 4 * 10**9))
    for one in (unfounded, own, on_the_dropped):
        run(chain, one)
    chain.drop_blocks()
    closed(chain)
    assert lamports(chain, someone) == 2 * 10**9
    assert [chain.knows(one.signatures[0]) for one in (unfounded, own, on_the_dropped)] == [False, True, False]


def test_blocks_stay_linked_and_their_heights_without_a_gap(tmp_path: Path) -> None:
    chain = opened(tmp_path)
    for blocks in (3, 1, 15, 2, 25, 1):
        closed(chain, blocks)
        chain.drop_blocks()
    closed(chain, 2)
    config = {"commitment": "confirmed"}
    slots = ask(chain, "getBlocks", 0, chain.slot("confirmed"), config)
    assert isinstance(slots, list)
    assert ask(chain, "getBlocksWithLimit", 0, 1000, config) == slots
    blocks = [ask(chain, "getBlock", slot, config) for slot in slots]
    assert [one["blockHeight"] for one in blocks] == list(range(len(slots)))  # type: ignore[index]
    for slot, parent, child in zip(slots, blocks, blocks[1:], strict=False):
        assert (child["previousBlockhash"], child["parentSlot"]) == (parent["blockhash"], slot)  # type: ignore[index]
    latest = ask(chain, "getLatestBlockhash", config)["value"]  # type: ignore[index]
    assert latest == {"blockhash": blocks[-1]["blockhash"], "lastValidBlockHeight": len(slots) - 1 + 150}  # type: ignore[index]


def test_what_is_confirmed_is_dropped_only_on_purpose_and_what_is_finalized_never(tmp_path: Path) -> None:
    chain, someone = opened(tmp_path), Keypair().pubkey()
    closed(chain, 40)
    run(chain, signed(chain, gift(someone, 10**9)))
    closed(chain, 3)
    finalized = chain.slot("finalized")
    with pytest.raises(IrreversibleBlockError):
        chain.drop_blocks(2)
    chain.drop_blocks()
    with pytest.raises(IrreversibleBlockError):
        chain.drop_blocks()
    assert at(chain, someone) == [10**9, 10**9, 0]

    chain.drop_blocks(2, confirmed=True)

    assert at(chain, someone) == [0, 0, 0]
    assert chain.slot("finalized") == finalized
    with pytest.raises(IrreversibleBlockError):
        chain.drop_blocks(32, confirmed=True)
    chain.ledger.close()
    assert opened(tmp_path).slot("finalized") >= finalized


def test_a_hash_of_a_dropped_block_is_good_for_nothing(tmp_path: Path) -> None:
    chain, someone = opened(tmp_path), Keypair().pubkey()
    closed(chain, 3)
    transaction = signed(chain, gift(someone, 10**9))
    chain.drop_blocks()
    run(chain, transaction)
    closed(chain)
    assert lamports(chain, someone) == 0


def test_a_fork_outlives_a_crash_whole_or_never_happened(tmp_path: Path) -> None:
    chain, someone = opened(tmp_path), Keypair().pubkey()
    closed(chain)
    gone = signed(chain, gift(someone, 10**9))
    run(chain, gone)
    closed(chain)
    slot, seen = chain.slot("processed"), chain.slot("confirmed")
    chain.drop_blocks()
    chain.ledger.close()

    again = opened(tmp_path)
    assert lamports(again, someone) == 0
    assert again.block_in(slot) is None
    assert again.slot("confirmed") >= seen
    run(again, gone)
    closed(again)
    assert lamports(again, someone) == 10**9

    # Cut off in the middle of writing the fork down.
    again.ledger._db.execute("CREATE TRIGGER cut BEFORE DELETE ON undo BEGIN SELECT raise(ABORT, 'cut'); END")
    with pytest.raises(sqlite3.IntegrityError):
        again.drop_blocks()
    again.ledger.close()
    assert lamports(opened(tmp_path), someone) == 10**9


def test_a_ledger_from_before_there_were_forks_goes_on(tmp_path: Path) -> None:
    chain, someone = opened(tmp_path), Keypair().pubkey()
    run(chain, signed(chain, gift(someone, 10**9)))
    closed(chain, 2)
    slot, genesis = chain.slot("processed"), chain.genesis_hash
    database = chain.ledger._db
    for table in ("undo", "dropped", "settled", "wallet_topped_up"):
        database.execute(f"DROP TABLE {table}")
    for table in ("block_range", "chain_transaction"):
        database.execute(f"ALTER TABLE {table} RENAME COLUMN number TO height")
    database.execute("DROP INDEX chain_transaction_by_number")
    database.execute("CREATE INDEX chain_transaction_by_height ON chain_transaction (height)")
    database.execute("ALTER TABLE block_range DROP COLUMN slot_us")
    database.execute("PRAGMA user_version = 0")
    chain.ledger.close()

    again = opened(tmp_path)

    assert again.genesis_hash == genesis
    assert again.slot("processed") >= slot
    assert lamports(again, someone) == 10**9
    run(again, signed(again, gift(someone, 10**9)))
    closed(again)
    again.drop_blocks()
    assert lamports(again, someone) == 10**9
