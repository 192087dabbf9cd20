"""More endpoints that take the same signed bytes: the sooner one of them reaches a leader, the better.

Sent anywhere, however often, the bytes are one transaction. What a lander answers proves nothing, and nobody waits
for it. Some ask for a tip in the transaction (``chains.tips``): they are handed what tips them, and nothing else.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable, Sequence
from time import monotonic

from prometheus_client import Counter, Histogram
from solders.pubkey import Pubkey
from solders.signature import Signature

from chains.endpoint import Endpoint
from chains.errors import RpcError, UnansweredError
from chains.landed_shares import LandedShares
from chains.lander_terms import LanderTerms

HANDED_OVER = Counter(
    "surefill_lander_sends_total",
    "Times signed bytes were handed to a lander, by what it answered.",
    ["lander", "answer"],
)
ANSWER_SECONDS = Histogram("surefill_lander_seconds", "How long a lander took to answer.", ["lander"])

# One that swallows everything must not hold the bytes of all orders.
MOST_WAITING = 256
# So long a lander that was asked too often is left alone.
REST_S = 1.0
_RATE_LIMITED = "HTTP 429"
# Every transaction of ours has one signature, behind the byte that says so.
_SIGNATURE = slice(1, 65)


class _Lander:
    def __init__(self, terms: LanderTerms, *, timeout: float) -> None:
        self.endpoint = Endpoint(terms.url, timeout=timeout, batches=terms.batches)
        self.name = self.endpoint.name
        self.waiting: set[asyncio.Task[None]] = set()
        self.rests_until = 0.0
        self._config = terms.config
        self._tipped = None if terms.tip is None else [bytes(Pubkey.from_string(one)) for one in terms.tip.accounts]

    def asks_for_more(self, transaction: bytes) -> bool:
        """Whether it asks for a tip, and this one has none for it: a cancel, or what brings rents back."""
        return self._tipped is not None and not any(account in transaction for account in self._tipped)

    async def send(self, transaction: bytes) -> str:
        """What it answered, in a word."""
        began = monotonic()
        try:
            await self.endpoint.call("sendTransaction", b64encode(transaction).decode(), dict(self._config), shape=str)
        except RpcError:
            answer = "error"
        except UnansweredError as failure:
            if failure.reason != _RATE_LIMITED:
                return "unanswered"
            self.rests_until = monotonic() + REST_S
            answer = "rate_limited"
        else:
            answer = "accepted"
        ANSWER_SECONDS.labels(self.name).observe(monotonic() - began)
        return answer


class Landers:
    """Those of ``terms``; ``timeout`` in seconds. One that has ``MOST_WAITING`` sends unanswered, or says that it was
    asked too often, is passed over.
    """

    def __init__(self, terms: Sequence[LanderTerms], *, timeout: float) -> None:
        self._landers = [_Lander(one, timeout=timeout) for one in terms]
        self.shares = LandedShares()

    def hand_over(self, transaction: bytes, beside: str) -> Callable[[], None]:
        """Send the bytes to each, and return at once. ``beside`` is the endpoint that is sent them, too; call what is
        returned once that has taken them.
        """
        if not self._landers:
            return _nobody_counts
        signature = str(Signature.from_bytes(transaction[_SIGNATURE]))
        self.shares.handed_over(signature, beside)
        for lander in self._landers:
            if lander.asks_for_more(transaction):
                continue
            self.shares.handed_over(signature, lander.name)
            if len(lander.waiting) >= MOST_WAITING or monotonic() < lander.rests_until:
                HANDED_OVER.labels(lander.name, "passed_over").inc()
                continue
            task = asyncio.create_task(self._send(lander, signature, transaction))
            lander.waiting.add(task)
            task.add_done_callback(lander.waiting.discard)
        return lambda: self.shares.taken(signature, beside)

    async def close(self) -> None:
        tasks = [task for lander in self._landers for task in lander.waiting]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(lander.endpoint.close() for lander in self._landers))

    async def _send(self, lander: _Lander, signature: str, transaction: bytes) -> None:
        answer = await lander.send(transaction)
        HANDED_OVER.labels(lander.name, answer).inc()
        if answer == "accepted":
            self.shares.taken(signature, lander.name)


def _nobody_counts() -> None:
    """Where there are no landers."""
