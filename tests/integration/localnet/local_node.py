"""A local chain as a process of its own, which a test may kill and start again, and a wallet that swaps on it."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from tests.plain_http import NO_AUTHORITIES
from venues.constant_product import PROGRAM_ID, Pool, decode_pool, swap_instruction

_DEADLINE = 15.0
_MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
RUN = """
import contextlib, signal, sys, uvloop
from pathlib import Path
from localnet.main import serve
# A shell lets what it starts in the background ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
_, port, directory, wallet, slot_ms = sys.argv
with contextlib.suppress(KeyboardInterrupt):
    uvloop.run(serve(host="127.0.0.1", port=int(port), directory=Path(directory), wallet=wallet, slot_ms=int(slot_ms)))
"""


class RpcFault(Exception):
    """The error object of a JSON-RPC answer."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']} {error['message']}")
        self.code = error["code"]
        self.data = error.get("data")


@dataclass
class LocalNode:
    """A node on ``port`` whose chain is kept in ``directory``; ``wallet`` is the one it funds."""

    directory: Path
    port: int
    slot_ms: int
    wallet: Keypair = field(default_factory=Keypair)
    process: subprocess.Popen[bytes] | None = None
    http: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=_DEADLINE, verify=NO_AUTHORITIES))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        arguments = [str(self.port), str(self.directory), str(self.wallet.pubkey()), str(self.slot_ms)]
        self.process = subprocess.Popen([sys.executable, "-c", RUN, *arguments])
        self.until(self._answers, "the node answers")

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(_DEADLINE)
            self.process = None

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "the node ended"
        try:
            return self.call("getHealth") == "ok"
        except httpx2.TransportError:
            return False

    def until(self, condition: Any, what: str) -> Any:
        """What ``condition()`` gives once it is true."""
        end = time.monotonic() + _DEADLINE
        while time.monotonic() < end:
            result = condition()
            if result:
                return result
            time.sleep(0.005)
        raise AssertionError(f"not in time: {what}")

    def post(self, body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to any body."""
        answer = self.http.post(self.url, content=body, headers={"content-type": "application/json"})
        return answer.status_code, answer.content

    def call(self, method: str, *params: Any) -> Any:
        _, body = self.post(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())
        answer = json.loads(body)
        if "error" in answer:
            raise RpcFault(answer["error"])
        return answer["result"]

    def pool(self, venue: str, mint: str, other: str) -> Pool:
        found = self.call("getProgramAccounts", PROGRAM_ID, {"encoding": "base64"})
        pools = [decode_pool(one["pubkey"], PROGRAM_ID, base64.b64decode(one["account"]["data"][0])) for one in found]
        return next(pool for pool in pools if pool and pool.venue == venue and set(pool.mints) == {mint, other})

    def balance(self, token_account: str) -> int:
        return int(self.call("getTokenAccountBalance", token_account, {"commitment": "confirmed"})["value"]["amount"])

    def swap(
        self, pool: Pool, token_in: str, amount_in: int, minimum_out: int = 1, memo: str = "", blockhash: str = ""
    ) -> VersionedTransaction:
        """A signed swap of the wallet's."""
        instruction = swap_instruction(
            pool,
            owner=str(self.wallet.pubkey()),
            token_in=token_in,
            amount_in=amount_in,
            minimum_out=minimum_out,
        )
        memos = [Instruction(_MEMO, memo.encode(), [AccountMeta(self.wallet.pubkey(), True, False)])] if memo else []
        blockhash = blockhash or self.blockhash()
        message = MessageV0.try_compile(self.wallet.pubkey(), [instruction, *memos], [], Hash.from_string(blockhash))
        return VersionedTransaction(message, [self.wallet])

    def blockhash(self) -> str:
        return str(self.call("getLatestBlockhash", {"commitment": "confirmed"})["value"]["blockhash"])

    def send(self, transaction: VersionedTransaction, *, preflight: bool = False) -> str:
        config = {"encoding": "base64", "skipPreflight": not preflight, "preflightCommitment": "confirmed"}
        return str(self.call("sendTransaction", base64.b64encode(bytes(transaction)).decode(), config))

    def send_batch(self, transactions: list[VersionedTransaction]) -> list[str]:
        """Send many in one JSON-RPC batch, without preflight."""
        config = {"encoding": "base64", "skipPreflight": True}
        texts = [base64.b64encode(bytes(one)).decode() for one in transactions]
        requests = [
            {"jsonrpc": "2.0", "id": n, "method": "sendTransaction", "params": [text, config]}
            for n, text in enumerate(texts)
        ]
        return [answer["result"] for answer in json.loads(self.post(json.dumps(requests).encode())[1])]

    def status(self, signature: str) -> Any:
        return self.call("getSignatureStatuses", [signature], {"searchTransactionHistory": True})["value"][0]

    def reach(self, signature: str, commitment: str = "confirmed") -> Any:
        """The status of ``signature`` once it is at ``commitment`` or beyond."""
        stages = ("processed", "confirmed", "finalized")
        enough = stages[stages.index(commitment) :]

        def there() -> Any:
            status = self.status(signature)
            return status if status and status["confirmationStatus"] in enough else None

        return self.until(there, f"{signature} is {commitment}")

    def transaction(self, signature: str, **config: Any) -> Any:
        options = {"commitment": "confirmed", "maxSupportedTransactionVersion": 0, "encoding": "json", **config}
        return self.call("getTransaction", signature, options)

    def block(self, slot: int, **config: Any) -> Any:
        options = {"commitment": "confirmed", "maxSupportedTransactionVersion": 0, "rewards": False, **config}
        return self.call("getBlock", slot, options)

    def pass_blocks(self, count: int) -> None:
        """Wait until ``count`` more blocks are confirmed."""
        goal = self.call("getBlockHeight", {"commitment": "confirmed"}) + count
        self.until(lambda: self.call("getBlockHeight", {"commitment": "confirmed"}) >= goal, f"{count} blocks passed")
