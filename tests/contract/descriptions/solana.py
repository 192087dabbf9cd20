"""Record what the engine asks a Solana node in a session of all kinds, and what the local node answers to all it knows.

``python -m tests.contract.descriptions.solana FILE``; the engine, its servers and the node are processes of their own.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx2
from solders.keypair import Keypair

from domain.tokens import SOL, USDC
from localnet.rpc import METHODS
from localnet.rpc.skipping import METHODS as OWN
from tests.contract.descriptions.exchange import keep
from tests.contract.descriptions.recorder import BESIDE, Recorder, recording
from tests.e2e.engine import Engine, ended, submit
from tests.integration.localnet.local_node import LocalNode
from tests.ports import free_port
from venues.constant_product import PROGRAM_ID

SLOT_MS = 20


async def main(path: Path) -> None:
    directory = Path(tempfile.mkdtemp(prefix="surefill-contract-"))
    directory.chmod(0o755)
    wallet = Keypair()
    node = LocalNode(directory / "chain", free_port(), SLOT_MS, wallet)
    (directory / "wallet.json").touch(mode=0o600)
    (directory / "wallet.json").write_text(json.dumps(list(bytes(wallet))))
    try:
        node.start()
        async with recording(node.url) as (recorder, url):
            own = {"SOLANA_RPC_URL": url, "WALLET_KEYPAIR": str(directory / "wallet.json")}
            own |= {"GUARD_KEEP": "1s", "PRIORITY_FEE_PERCENTILE": "50"}
            await _session(Engine(directory, own), node)
            await asyncio.to_thread(_ask_all, node, url)
            keep(path, recorder.exchanges)
            _tell(recorder)
    finally:
        node.stop()
        shutil.rmtree(directory, ignore_errors=True)


async def _session(engine: Engine, node: LocalNode) -> None:
    """Orders of each end, and every command that asks the chain."""
    await asyncio.to_thread(engine.start, within=300)
    try:
        async with engine.client() as client:
            orders = [await submit(client, amountIn=amount) for amount in ("0.5", "1", "2")]
            orders.append(await submit(client, amountIn="900000000"))  # more than there is
            orders.append(await submit(client, type="limit", limitPrice="1"))
            waiting = await submit(client, type="limit", limitPrice="1000000")
            cancelled = await client.post(f"/api/orders/{waiting}/cancel")
            assert cancelled.json()["outcome"] == "cancelled", cancelled.text
            found = await ended(client, [*orders, waiting])
        assert {order["status"] for order in found.values()} == {"confirmed", "failed", "cancelled"}
        await asyncio.to_thread(node.pass_blocks, 100)
        for command in (("verify",), ("doctor",), ("guards",), ("recover",)):
            shown = await asyncio.to_thread(engine.run, *command, within=120)
            print(f"{' '.join(command)}: exit {shown.returncode}")
    finally:
        await asyncio.to_thread(engine.stop, within=60)


def _ask_all(node: LocalNode, url: str) -> None:
    """Every method of the local node, asked as its description shows it."""
    pool = node.pool("Raydium", SOL.mint, USDC.mint)
    vault, _ = pool.vaults_for(SOL.mint)
    signature = node.send(node.swap(pool, SOL.mint, 10**9, memo="a memo"))
    slot = node.reach(signature, "finalized")["slot"]
    owner, swap = str(node.wallet.pubkey()), node.swap(pool, SOL.mint, 10**9)
    encoded, message = _base64(bytes(swap)), _base64(bytes(swap.message))
    past, usdc = {"maxSupportedTransactionVersion": 0}, {"mint": USDC.mint}
    asked: dict[str, list[list[Any]]] = {
        "getAccountInfo": [[vault, {"encoding": how}] for how in ("base64", "jsonParsed")],
        "getBalance": [[owner]],
        "getBlock": [
            [slot, {"encoding": "json", **past}],
            [slot, {"transactionDetails": "signatures", "rewards": False, **past}],
        ],
        "getBlockTime": [[slot]],
        "getBlocks": [[slot - 3, slot]],
        "getBlocksWithLimit": [[slot - 3, 3]],
        "getFeeForMessage": [[message, {"commitment": "processed"}]],
        "getMinimumBalanceForRentExemption": [[165]],
        "getMultipleAccounts": [[[vault, str(Keypair().pubkey())], {"encoding": "base64"}]],
        "getProgramAccounts": [[PROGRAM_ID, {"encoding": "base64"}]],
        "getRecentPrioritizationFees": [[[vault]]],
        "getSignatureStatuses": [[[signature, str(swap.signatures[0])], {"searchTransactionHistory": True}]],
        "getSignaturesForAddress": [[owner, {"limit": 5}]],
        "getTokenAccountBalance": [[vault]],
        "getTokenAccountsByOwner": [[owner, usdc, {"encoding": how}] for how in ("jsonParsed", "base64")],
        "getTokenSupply": [[USDC.mint]],
        "getTransaction": [[signature, {"encoding": how, **past}] for how in ("json", "jsonParsed", "base64")],
        "isBlockhashValid": [[node.blockhash(), {"commitment": "processed"}]],
        "requestAirdrop": [[owner, 10**9]],
        "sendTransaction": [[encoded, {"encoding": "base64", "skipPreflight": False}]],
        "simulateTransaction": [[encoded, {"encoding": "base64", "innerInstructions": True}]],
    }
    for method in sorted(METHODS.keys() - OWN.keys()):
        for params in asked.get(method, [[]]):
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            answer = httpx2.post(url, json=body, headers={BESIDE: "yes"}, trust_env=False).json()
            assert "error" not in answer, f"{method}: {answer}"


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _tell(recorder: Recorder) -> None:
    for method, times in sorted(recorder.calls.items()):
        print(f"{method:36} asked by the engine {times} times")
    print(f"{len(recorder.exchanges)} forms of calls and answers")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
