"""Real roles that kill their process, by SIGKILL, at one named point: `python -m tests.chaos.crashing ROLES POINT`.

ROLES are one role, several, or core. They are composed as in production; around their ports stand wrappers that know
where they are. The product has no hook for it. A point is a port, what passes it, and before or after:
``append:TransactionBuilt:before``, ``send:after``. Events that are appended together are each a name of that append;
a cancel's has ``TransactionBuilt[cancel]`` as well, a swap's beside or after another ``TransactionBuilt[joined]``.
``visit`` is the tracker's request for one.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from dramatiq.brokers.redis import _RedisConsumer

from chains.solana_client import SolanaChain
from domain.events import TransactionBuilt
from event_store.append.appender import Appender
from event_store.processors import positions
from event_store.processors.processor import Processor
from event_store.types import AppendRequest
from runtime import roles
from runtime.roles import entry
from workers.dispatch.queue import Queue
from workers.tracker.visits import VisitRequests


def arm(point: str) -> None:
    """Wrap every port; the process dies where it reaches ``point``."""

    def reach(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(owner: Any, method: str, names: Callable[..., list[str]], *, awaited: bool = True) -> None:
        original = getattr(owner, method)

        def before(arguments: tuple[Any, ...]) -> list[str]:
            found = names(*arguments)
            for name in found:
                reach(f"{name}:before")
            return found

        async def asynchronous(*arguments: Any, **named: Any) -> Any:
            found = before(arguments)
            answer = await original(*arguments, **named)
            for name in found:
                reach(f"{name}:after")
            return answer

        def synchronous(*arguments: Any, **named: Any) -> Any:
            found = before(arguments)
            answer = original(*arguments, **named)
            for name in found:
                reach(f"{name}:after")
            return answer

        setattr(owner, method, asynchronous if awaited else synchronous)

    def appended(_: Appender, request: AppendRequest) -> list[str]:
        names = [f"append:{event.topic.rpartition('.')[2]}" for event in request.events]
        built = (event.decoded for event in request.events if isinstance(event.decoded, TransactionBuilt))
        kinds = ("cancel" if one.purpose == "cancel" else "joined" for one in built if one.attempt > 1)
        return [*names, *(f"append:TransactionBuilt[{kind}]" for kind in kinds)]

    def asking(requests: VisitRequests, hand_over: Callable[[Sequence[UUID]], None], **named: Any) -> None:
        def handed_over(order_ids: Sequence[UUID]) -> None:
            reach("visit:before")
            hand_over(order_ids)
            reach("visit:after")

        made(requests, handed_over, **named)

    made = VisitRequests.__init__
    VisitRequests.__init__ = asking  # type: ignore[assignment, method-assign]
    around(Appender, "append", appended)
    around(SolanaChain, "send", lambda *_: ["send"])
    around(SolanaChain, "landing", lambda *_: ["landing"])
    around(Queue, "_enqueue", lambda *_: ["enqueue"], awaited=False)
    around(positions, "commit", lambda _, lease, *__: [f"inside:{lease.processor.partition(':')[0]}"])
    around(Processor, "_commit", lambda _, lease, *__: [f"commit:{lease.processor.partition(':')[0]}"])
    around(_RedisConsumer, "ack", lambda *_: ["ack"], awaited=False)


if __name__ == "__main__":
    played, point = sys.argv[1:]
    arm(point)
    entry.main(*roles.named(played))
