"""A chain that takes no time: a Solana node whose transactions are confirmed when they are sent.

`python -m bench.instant_node PORT DIRECTORY WALLET`. Accounts, blockhashes and blocks are those of the real local
chain, kept in DIRECTORY, whose clock goes on. What the engine does is real, too: it quotes, builds, signs and asks what
became of each transaction. But only the first order's is executed; for every other one its answers are given again,
with the other's signature and guard in them. So it fits a lane of orders that are all alike. What is no
order's goes to the real chain.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from solders.transaction import VersionedTransaction

from bench.product import CANARY_MEMO, MEMO_PROGRAM, METHODS, SYSTEM_PROGRAM, Node, Params, RpcServer, open_node

SLOT_S = 0.1


class InstantChain:
    """The methods that differ from the real node's. Each has the shape that ``localnet.rpc`` calls."""

    def __init__(self, real: Mapping[str, Callable[[Node, Params], Any]]) -> None:
        self._real = real
        self._guards: dict[str, str] = {}
        self._first: str | None = None
        self._answer: dict[str, Any] | None = None

    def methods(self) -> dict[str, Any]:
        return {
            "sendTransaction": self.send,
            "getSignatureStatuses": self.statuses,
            "getTransaction": self.transaction,
        }

    def send(self, node: Node, params: Params) -> str:
        wire = base64.b64decode(params.text(0))
        transaction = VersionedTransaction.from_bytes(wire)
        transaction.verify_and_hash_message()  # raises where the signature is not the message's
        guard = _guard_of(transaction)
        if guard is None:
            return str(self._real["sendTransaction"](node, params))
        signature = str(transaction.signatures[0])
        self._guards[signature] = guard
        if self._first is None:
            self._first = signature
            self._real["sendTransaction"](node, params)
        return signature

    def statuses(self, node: Node, params: Params) -> dict[str, Any]:
        slot = node.chain.slot("processed")
        known = {"slot": slot, "confirmations": None, "err": None, "status": {"Ok": None},
                 "confirmationStatus": "finalized"}  # fmt: skip
        found = [known if self._is_final(node, one) else None for one in params.some(0, 256)]
        if any(one not in self._guards for one in params.some(0, 256)):
            real = self._real["getSignatureStatuses"](node, params)["value"]
            found = [mine or its for mine, its in zip(found, real, strict=True)]
        return {"context": {"slot": slot}, "value": found}

    def transaction(self, node: Node, params: Params) -> dict[str, Any] | None:
        signature = params.text(0)
        if signature not in self._guards:
            return self._real["getTransaction"](node, params)  # type: ignore[no-any-return]
        if not self._is_final(node, signature) or self._answer is None:
            return None
        message = self._answer["transaction"]["message"]
        first, guard = self._guards[self._first or ""], self._guards[signature]
        keys = [guard if key == first else key for key in message["accountKeys"]]
        return {
            **self._answer,
            "transaction": {"signatures": [signature], "message": {**message, "accountKeys": keys}},
        }

    def _is_final(self, node: Node, signature: str) -> bool:
        """Known, and the first one's answer, which is everybody's, is there: it takes two of the real chain's slots."""
        if self._answer is None and self._first is not None:
            config = {"encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0}
            # Parts of it are JSON already.
            self._answer = orjson.loads(orjson.dumps(self._real["getTransaction"](node, Params([self._first, config]))))
        return self._answer is not None and signature in self._guards


def _guard_of(transaction: VersionedTransaction) -> str | None:
    """The account that an order's transaction makes first, None of any other transaction, as the canary's is."""
    message = transaction.message
    keys = [str(key) for key in message.account_keys]
    memos = [bytes(step.data) for step in message.instructions if keys[step.program_id_index] == MEMO_PROGRAM]
    if not memos or CANARY_MEMO.encode() in memos:
        return None
    funding = next(step for step in message.instructions if keys[step.program_id_index] == SYSTEM_PROGRAM)
    return keys[funding.accounts[1]]


async def _serve(port: int, directory: Path, wallet: str) -> None:
    node = open_node(directory, wallet, slot_ms=int(SLOT_S * 1_000), finality=32)
    # The server looks its methods up in this table; the chain keeps what the real ones were.
    METHODS.update(InstantChain(dict(METHODS)).methods())
    config = uvicorn.Config(
        RpcServer(node), host="127.0.0.1", port=port, http="httptools", ws="none", lifespan="off", log_config=None,
        access_log=False,
    )  # fmt: skip
    ticking = asyncio.create_task(_tick(node))
    try:
        await uvicorn.Server(config).serve()
    finally:
        ticking.cancel()
        node.chain.ledger.close()


async def _tick(node: Node) -> None:
    while True:
        await asyncio.sleep(SLOT_S)
        node.chain.close_block()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
