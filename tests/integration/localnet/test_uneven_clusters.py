"""What a cluster does on a bad day, on the local chain: a node that lags, commitments that stand, hashes too new."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from solders.keypair import Keypair
from solders.transaction import VersionedTransaction

from localnet.bootstrap import open_node
from localnet.chain import COMMITMENTS, Commitment
from localnet.replica import Replica
from localnet.rpc.node import Node
from localnet.server import RpcServer
from tests.integration.localnet.test_chain import WALLET, gift, run, signed

BEHIND = 40
GIFT = 10**9


@pytest.fixture
def node(tmp_path: Path) -> Node:
    opened = open_node(tmp_path, str(WALLET.pubkey()), slot_ms=100, finality=32, readable_back=BEHIND)
    close(opened, 100)
    return opened


@pytest.fixture
def replica(node: Node) -> Node:
    return replace(node, chain=Replica(node.chain, BEHIND))


def close(node: Node, blocks: int = 1) -> None:
    for _ in range(blocks):
        node.chain.close_block()


def answer(node: Node, method: str, *params: object) -> dict[str, Any]:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    said: dict[str, Any] = orjson.loads(RpcServer(node).answer(orjson.dumps(request)))
    return said


def ask(node: Node, method: str, *params: object) -> Any:
    return answer(node, method, *params)["result"]


def at(commitment: Commitment) -> dict[str, str]:
    return {"commitment": commitment}


def sent(node: Node, transaction: VersionedTransaction, preflight: Commitment) -> dict[str, Any]:
    config = {"encoding": "base64", "preflightCommitment": preflight}
    return answer(node, "sendTransaction", base64.b64encode(bytes(transaction)).decode(), config)


@pytest.mark.parametrize("commitment", COMMITMENTS)
def test_a_replica_shows_the_same_chain_some_blocks_earlier(node: Node, replica: Node, commitment: Commitment) -> None:
    height = ask(node, "getBlockHeight", at(commitment))
    assert ask(replica, "getBlockHeight", at(commitment)) == height - BEHIND
    assert ask(replica, "getSlot", at(commitment)) < ask(node, "getSlot", at(commitment))
    latest = ask(replica, "getLatestBlockhash", at(commitment))
    assert latest["value"]["lastValidBlockHeight"] == height - BEHIND + 150
    assert latest["context"]["slot"] == ask(replica, "getSlot", at(commitment))
    assert ask(replica, "getGenesisHash") == ask(node, "getGenesisHash")


@pytest.mark.parametrize("commitment", COMMITMENTS)
def test_a_replica_knows_of_a_transaction_and_what_it_did_when_it_comes_to_its_block(
    node: Node, replica: Node, commitment: Commitment
) -> None:
    someone = Keypair().pubkey()
    transaction = signed(node.chain, gift(someone, GIFT))
    run(node.chain, transaction)
    signature = str(transaction.signatures[0])
    seen = {"main": [], "replica": []}  # type: ignore[var-annotated]
    for block in range(BEHIND + 40):
        close(node)
        for name, one in (("main", node), ("replica", replica)):
            held = ask(one, "getBalance", str(someone), at(commitment))["value"]
            assert held in (0, GIFT)
            status = ask(one, "getSignatureStatuses", [signature])["value"][0]
            assert (status is not None) == (block >= (BEHIND if name == "replica" else 0))
            if held:
                seen[name].append(block)
    assert seen["replica"][0] == seen["main"][0] + BEHIND
    assert ask(node, "getTransaction", signature, {"encoding": "json", "maxSupportedTransactionVersion": 0})


def test_what_is_sent_to_a_replica_lands_on_the_chain(node: Node, replica: Node) -> None:
    someone = Keypair().pubkey()
    transaction = signed(replica.chain, gift(someone, GIFT))
    assert sent(replica, transaction, "processed")["result"] == str(transaction.signatures[0])
    close(node)
    assert ask(node, "getBalance", str(someone), at("processed"))["value"] == GIFT
    assert ask(replica, "getBalance", str(someone), at("processed"))["value"] == 0


@pytest.mark.parametrize("settles", [True, False])
def test_blocks_that_a_replica_is_asked_to_skip_pass_on_the_whole_chain(
    node: Node, replica: Node, settles: bool
) -> None:
    before = {commitment: ask(node, "getBlockHeight", at(commitment)) for commitment in COMMITMENTS}
    node.chain.settles = settles
    assert ask(replica, "localnet_skipBlocks", 5) == before["processed"] + 5 - BEHIND
    after = {commitment: ask(node, "getBlockHeight", at(commitment)) for commitment in COMMITMENTS}
    assert after["processed"] == before["processed"] + 5
    for commitment in ("confirmed", "finalized"):
        assert after[commitment] == before[commitment] + (5 if settles else 0)


@pytest.mark.parametrize(("commitment", "too_new"), [("confirmed", 1), ("finalized", 32)])
def test_a_blockhash_too_new_for_the_preflights_commitment_is_refused_as_a_node_does(
    node: Node, commitment: Commitment, too_new: int
) -> None:
    transaction = signed(node.chain, gift(Keypair().pubkey(), GIFT))
    for _ in range(too_new):
        error = sent(node, transaction, commitment)["error"]
        assert error["code"] == -32002
        assert error["message"] == "Transaction simulation failed: Blockhash not found"
        assert (error["data"]["err"], error["data"]["logs"]) == ("BlockhashNotFound", [])
        assert (
            ask(node, "isBlockhashValid", str(transaction.message.recent_blockhash), at(commitment))["value"] is False
        )
        close(node)
    assert sent(node, transaction, commitment)["result"] == str(transaction.signatures[0])


def test_a_blockhash_is_over_at_each_commitment_when_that_is_past_its_life(node: Node) -> None:
    latest = ask(node, "getLatestBlockhash", at("processed"))["value"]
    over_at: dict[Commitment, int] = {}
    while len(over_at) < len(COMMITMENTS):
        close(node)
        for one in COMMITMENTS:
            said = ask(node, "isBlockhashValid", latest["blockhash"], at(one))
            assert said["context"]["slot"] == ask(node, "getSlot", at(one))
            height = ask(node, "getBlockHeight", at(one))
            if height >= latest["lastValidBlockHeight"] - 150 and not said["value"]:
                over_at.setdefault(one, height)
    assert over_at == dict.fromkeys(COMMITMENTS, latest["lastValidBlockHeight"])


def test_a_replica_refuses_a_blockhash_that_it_has_not_come_to(node: Node, replica: Node) -> None:
    transaction = signed(node.chain, gift(Keypair().pubkey(), GIFT))
    assert sent(replica, transaction, "processed")["error"]["data"]["err"] == "BlockhashNotFound"
    close(node, BEHIND)
    assert "result" in sent(replica, transaction, "processed")


def test_in_a_pause_blocks_are_processed_and_nothing_is_settled(node: Node) -> None:
    before = {commitment: ask(node, "getBlockHeight", at(commitment)) for commitment in COMMITMENTS}
    node.chain.settles = False
    transaction = signed(node.chain, gift(Keypair().pubkey(), GIFT))
    run(node.chain, transaction)
    close(node, 60)
    heights = {commitment: ask(node, "getBlockHeight", at(commitment)) for commitment in COMMITMENTS}
    assert heights == {**before, "processed": before["processed"] + 60}
    [status] = ask(node, "getSignatureStatuses", [str(transaction.signatures[0])])["value"]
    assert status["confirmationStatus"] == "processed"
    node.chain.settles = True
    close(node)
    [status] = ask(node, "getSignatureStatuses", [str(transaction.signatures[0])])["value"]
    assert status["confirmationStatus"] == "finalized"
    assert ask(node, "getBlockHeight", at("confirmed")) == before["processed"] + 60
