"""A transaction runs once, within its blockhash's life, and is found again by every way a client looks for it."""

from __future__ import annotations

import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized
from solana.rpc.models import TxOpts
from solders.keypair import Keypair

from domain.tokens import SOL, USDC
from tests.integration.localnet.local_node import LocalNode, RpcFault


def test_the_same_bytes_sent_many_times_run_once(node: LocalNode) -> None:
    pool = node.pool("Raydium", SOL.mint, USDC.mint)
    vault, _ = pool.vaults_for(SOL.mint)
    before = node.balance(vault)
    transaction = node.swap(pool, SOL.mint, 10**9)
    for _ in range(5):
        signature = node.send(transaction)
    node.reach(signature)
    for _ in range(60):
        node.send(transaction)
    node.pass_blocks(2)
    assert node.balance(vault) == before + 10**9
    with pytest.raises(RpcFault) as refused:
        node.send(transaction, preflight=True)
    assert refused.value.data["err"] == "AlreadyProcessed"


def test_nothing_lands_once_its_last_valid_block_height_has_passed(node: LocalNode) -> None:
    pool = node.pool("Raydium", SOL.mint, USDC.mint)
    latest = node.call("getLatestBlockhash", {"commitment": "confirmed"})["value"]
    transaction = node.swap(pool, SOL.mint, 10**9, blockhash=latest["blockhash"])
    node.until(
        lambda: node.call("getBlockHeight", {"commitment": "processed"}) >= latest["lastValidBlockHeight"],
        "the blockhash is old",
    )
    assert node.call("isBlockhashValid", latest["blockhash"], {"commitment": "processed"})["value"] is False

    signature = node.send(transaction)
    node.pass_blocks(3)

    assert node.status(signature) is None
    with pytest.raises(RpcFault) as refused:
        node.send(transaction, preflight=True)
    assert refused.value.data["err"] == "BlockhashNotFound"


def test_a_transaction_becomes_processed_then_confirmed_then_finalized(node: LocalNode) -> None:
    signature = node.send(node.swap(node.pool("Orca", SOL.mint, USDC.mint), SOL.mint, 10**9))
    seen = []

    def finalized() -> bool:
        status = node.status(signature)
        if status and status["confirmationStatus"] not in seen:
            seen.append(status["confirmationStatus"])
        return "finalized" in seen

    node.until(finalized, "finalized")
    assert seen in (["processed", "confirmed", "finalized"], ["confirmed", "finalized"])
    assert node.status(signature)["confirmations"] is None
    assert node.transaction(signature, commitment="finalized")["slot"] == node.status(signature)["slot"]


def test_blocks_are_linked_and_skipped_slots_have_none(node: LocalNode) -> None:
    node.pass_blocks(45)
    last = node.call("getSlot", {"commitment": "confirmed"})
    slots = node.call("getBlocks", 0, last, {"commitment": "confirmed"})
    assert 19 not in slots
    with pytest.raises(RpcFault) as skipped:
        node.block(19)
    assert skipped.value.code == -32007
    previous = node.block(slots[0], transactionDetails="none")
    for height, slot in enumerate(slots[1:], start=1):
        block = node.block(slot, transactionDetails="none")
        assert block["blockHeight"] == height
        assert block["previousBlockhash"] == previous["blockhash"]
        assert block["parentSlot"] == slots[height - 1]
        assert block["blockTime"] >= previous["blockTime"]
        previous = block
    assert node.call("getBlocksWithLimit", 18, 3, {"commitment": "confirmed"}) == [18, 20, 21]


def test_a_block_holds_its_transactions_in_every_detail(node: LocalNode) -> None:
    pool = node.pool("Orca", SOL.mint, USDC.mint)
    signature = node.send(node.swap(pool, SOL.mint, 10**9, memo="in a block"))
    slot = node.reach(signature)["slot"]
    assert signature in node.block(slot, transactionDetails="signatures")["signatures"]
    for details, encoding in (("full", "json"), ("full", "jsonParsed"), ("full", "base64"), ("accounts", "json")):
        block = node.block(slot, transactionDetails=details, encoding=encoding)
        assert block["transactions"][0]["meta"]["err"] is None
    with pytest.raises(RpcFault) as future:
        node.block(slot + 10**6)
    assert future.value.code == -32004


def test_a_memo_finds_its_transaction(node: LocalNode) -> None:
    pool = node.pool("Meteora", SOL.mint, USDC.mint)
    signatures = [node.send(node.swap(pool, SOL.mint, 10**9 + n, memo=f"surefill:order-{n}:1")) for n in range(3)]
    for signature in signatures:
        node.reach(signature)

    config = {"commitment": "confirmed", "limit": 3}
    found = node.call("getSignaturesForAddress", str(node.wallet.pubkey()), config)

    assert [one["signature"] for one in found] == signatures[::-1]
    assert [one["memo"] for one in found] == [f"[18] surefill:order-{n}:1" for n in (2, 1, 0)]
    older = node.call("getSignaturesForAddress", pool.address, {**config, "before": signatures[2]})
    assert [one["signature"] for one in older][:2] == signatures[1::-1]
    newer = node.call("getSignaturesForAddress", pool.address, {**config, "until": signatures[1]})
    assert [one["signature"] for one in newer] == [signatures[2]]


async def test_an_ordinary_solana_client_drives_the_chain(node: LocalNode) -> None:
    pool = node.pool("Raydium", SOL.mint, USDC.mint)
    async with AsyncClient(node.url) as client:
        latest = (await client.get_latest_blockhash(Confirmed)).value
        transaction = node.swap(pool, SOL.mint, 10**9, memo="client", blockhash=str(latest.blockhash))
        options = TxOpts(preflight_commitment=Confirmed)
        signature = (await client.send_raw_transaction(bytes(transaction), opts=options)).value
        confirmed = await client.confirm_transaction(
            signature, Finalized, sleep_seconds=0.01, last_valid_block_height=latest.last_valid_block_height
        )
        assert confirmed.value[0] is not None
        assert confirmed.value[0].err is None
        landed = (
            await client.get_transaction(signature, commitment=Finalized, max_supported_transaction_version=0)
        ).value
        assert landed is not None
        assert landed.slot == confirmed.value[0].slot
        parsed = await client.get_transaction(signature, "jsonParsed", Finalized, 0)
        assert parsed.value is not None
        block = (await client.get_block(landed.slot, max_supported_transaction_version=0)).value
        assert block is not None
        assert [str(one.transaction.signatures[0]) for one in block.transactions] == [str(signature)]
        assert (await client.get_epoch_info(Finalized)).value.block_height > 0
        assert (await client.get_signatures_for_address(node.wallet.pubkey())).value[0].memo == "[6] client"
        assert (await client.get_fee_for_message(transaction.message, Confirmed)).value in (5000, None)
        owner = await client.get_account_info_json_parsed(transaction.message.account_keys[1], Confirmed)
        assert owner.value is not None


def test_an_airdrop_is_a_transaction_as_any_other(node: LocalNode) -> None:
    someone = str(Keypair().pubkey())
    signature = node.call("requestAirdrop", someone, 10**9)
    node.reach(signature)
    assert node.call("getBalance", someone, {"commitment": "confirmed"})["value"] == 10**9
