"""Blocks that nobody watched are there as if they had been made one by one."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path

import orjson
import pytest
from solders.keypair import Keypair

from localnet.behaviour import Behaviour
from localnet.block_clock import BlockClock
from localnet.bootstrap import open_node
from localnet.chain import COMMITMENTS, Chain
from localnet.rpc.params import INVALID_PARAMS
from localnet.rpc.skipping import MOST_BLOCKS
from localnet.server import RpcServer
from tests.integration.localnet.test_chain import WALLET, gift, lamports, opened, run, signed

SLOT_S = 0.02


def call(server: RpcServer, method: str, *params: object) -> object:
    return orjson.loads(
        server.answer(orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}))
    )["result"]


def standing(chain: Chain) -> list[tuple[int, int]]:
    return [(chain.newest(commitment), chain.height(commitment)) for commitment in COMMITMENTS]


def test_blocks_made_at_once_stand_as_blocks_made_one_by_one(tmp_path: Path) -> None:
    slowly, at_once = opened(tmp_path / "a"), opened(tmp_path / "b")
    for chain in (slowly, at_once):
        run(chain, signed(chain, gift(Keypair().pubkey(), 10**9)))
        for _ in range(7):
            chain.close_block()
    for _ in range(200):
        slowly.close_block()
    at_once.make_empty_blocks(200)
    assert standing(at_once) == standing(slowly)
    newest = at_once.newest("processed")
    assert at_once.recent_block(at_once.blockhash(newest)) == newest
    assert at_once.recent_block(at_once.blockhash(newest - 149)) == newest - 149
    assert at_once.recent_block(at_once.blockhash(newest - 150)) is None
    run(at_once, signed(at_once, gift(Keypair().pubkey(), 10**9)))
    at_once.close_block()
    assert at_once.transaction_count == 2


def test_what_was_shown_of_blocks_made_at_once_is_there_after_a_restart(tmp_path: Path) -> None:
    chain = opened(tmp_path)
    chain.close_block()
    chain.make_empty_blocks(5_000)
    shown = chain.newest("processed")
    times = [chain.unix_time(number) for number in range(0, shown + 1, 10)]
    assert times == sorted(times)
    assert abs(times[-1] - time.time()) <= 2
    chain.ledger.close()
    chain = opened(tmp_path)
    assert chain.newest("processed") == shown
    assert [chain.unix_time(number) for number in range(0, shown + 1, 10)] == times
    chain.close_block()
    assert chain.unix_time(shown + 1) >= times[-1]


def test_blocks_of_a_night_are_spread_over_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = opened(tmp_path)
    begun = int(time.time())
    monkeypatch.setattr(time, "time", lambda: begun + 3_600.0)
    chain.make_empty_blocks(36_000)
    assert abs(chain.unix_time(chain.newest("processed") - 18_000) - (begun + 1_800)) <= 2


def test_a_block_in_which_something_ran_is_not_passed_over(tmp_path: Path) -> None:
    chain = opened(tmp_path)
    run(chain, signed(chain, gift(Keypair().pubkey(), 10**9)))
    with pytest.raises(ValueError, match="empty"):
        chain.make_empty_blocks(10)


async def test_skipped_blocks_settle_what_ran_and_let_its_blockhash_run_out(tmp_path: Path) -> None:
    node = open_node(tmp_path, str(WALLET.pubkey()), slot_ms=60_000, finality=32)
    server = RpcServer(node, BlockClock(node.chain, Behaviour(slot_ms=60_000)))
    someone = Keypair().pubkey()
    used = call(server, "getLatestBlockhash", {"commitment": "processed"})
    assert isinstance(used, dict)
    run(node.chain, signed(node.chain, gift(someone, 10**9)))
    height = node.chain.height("processed")
    assert call(server, "localnet_skipBlocks", 32) == height + 33
    final = node.chain.account(someone, "finalized")
    assert final is not None and final.lamports == 10**9
    still = [call(server, "isBlockhashValid", used["value"]["blockhash"], {"commitment": "processed"})]
    call(server, "localnet_skipBlocks", 150)
    still.append(call(server, "isBlockhashValid", used["value"]["blockhash"], {"commitment": "processed"}))
    assert [one["value"] for one in still if isinstance(one, dict)] == [True, False]


@pytest.mark.parametrize("count", [0, MOST_BLOCKS + 1, -1, "1", None, True, 1.5])
async def test_no_other_number_of_blocks_is_skipped(tmp_path: Path, count: object) -> None:
    node = open_node(tmp_path, str(WALLET.pubkey()), slot_ms=60_000, finality=32)
    before = standing(node.chain)
    answer = orjson.loads(
        RpcServer(node).answer(
            orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "localnet_skipBlocks", "params": [count]})
        )
    )
    assert answer["error"]["code"] == INVALID_PARAMS
    assert standing(node.chain) == before


async def test_who_asks_after_a_pause_finds_every_block_of_it(tmp_path: Path) -> None:
    node = open_node(tmp_path, str(WALLET.pubkey()), slot_ms=int(SLOT_S * 1000), finality=32)
    server = RpcServer(node, BlockClock(node.chain, Behaviour(slot_ms=20)))
    before = call(server, "getBlockHeight", {"commitment": "processed"})
    assert isinstance(before, int)
    begun = time.monotonic()
    await asyncio.sleep(0.5)
    assert node.chain.height("processed") == before
    after = call(server, "getBlockHeight", {"commitment": "processed"})
    assert isinstance(after, int)
    assert 0.5 / SLOT_S - 1 <= after - before <= (time.monotonic() - begun) / SLOT_S + 1


async def test_a_transaction_is_in_a_block_in_time_though_nobody_asks(tmp_path: Path) -> None:
    node = open_node(tmp_path, str(WALLET.pubkey()), slot_ms=int(SLOT_S * 1000), finality=32)
    clock = BlockClock(node.chain, Behaviour(slot_ms=20))
    someone = Keypair().pubkey()
    clock.before_request()
    run(node.chain, signed(node.chain, gift(someone, 10**9)))
    clock.after_request()
    assert lamports(node.chain, someone) == 0
    await asyncio.sleep(5 * SLOT_S)
    assert lamports(node.chain, someone) == 10**9
    assert not node.chain.has_open_transactions


async def test_a_block_that_is_closed_late_is_one_block(tmp_path: Path) -> None:
    node = open_node(tmp_path, str(WALLET.pubkey()), slot_ms=int(SLOT_S * 1000), finality=32)
    clock = BlockClock(node.chain, Behaviour(slot_ms=20))
    height = node.chain.height("processed")
    run(node.chain, signed(node.chain, gift(Keypair().pubkey(), 10**9)))
    time.sleep(10 * SLOT_S)  # noqa: ASYNC251 - the process is busy, and can't close it
    clock.before_request()
    assert node.chain.height("processed") == height + 1


async def test_a_disk_that_cannot_be_written_ends_the_chain(tmp_path: Path) -> None:
    node = open_node(tmp_path, str(WALLET.pubkey()), slot_ms=int(SLOT_S * 1000), finality=32)
    clock = BlockClock(node.chain, Behaviour(slot_ms=20))
    server = RpcServer(node, clock)
    node.chain.ledger.close()
    await asyncio.sleep(60 * SLOT_S)
    with pytest.raises(sqlite3.ProgrammingError):
        server.answer(b"{}")
    assert isinstance(clock.failed.exception(), sqlite3.ProgrammingError)
