"""Makes a block each slot, without a clock that ticks: an idle chain costs nothing.

Nobody can see that a block is made before somebody asks. So blocks in which nothing ran are made when the next request
comes, as many as there would be by then; only a block with a transaction in it is closed by a timer.
"""

from __future__ import annotations

import asyncio

from localnet.behaviour import Behaviour
from localnet.chain import Chain

# So many are made one by one; more of them at once.
_FEW = 5


class BlockClock:
    """The blocks of ``chain`` as ``behaviour`` has them, for a server that calls it before and after each request.

    A block whose transactions had to wait for a busy process is closed late, and those missed after it are not made up
    for: blockhashes live longer then. ``failed`` gets the error of a disk that can't be written, which ends the chain.
    """

    def __init__(self, chain: Chain, behaviour: Behaviour) -> None:
        self._chain = chain
        self._behaviour = behaviour
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._due = self._began + behaviour.slot_s()
        self._timer: asyncio.TimerHandle | None = None
        self.failed: asyncio.Future[None] = self._loop.create_future()

    def before_request(self) -> None:
        """Make the blocks that are due, so that the request sees them."""
        now = self._loop.time()
        if now < self._due:
            return
        self._chain.settles = not self._behaviour.pauses(now - self._began)
        try:
            if self._chain.has_open_transactions:
                self._chain.close_block()
                self._due = max(self._due + self._behaviour.slot_s(), now)
                return
            count = int((now - self._due) / self._behaviour.mean_s) + 1
            if count > _FEW:
                self._chain.make_empty_blocks(count)
            else:
                for _ in range(count):
                    self._chain.close_block()
            self._due += (count - 1) * self._behaviour.mean_s + self._behaviour.slot_s()
        except Exception as error:
            if not self.failed.done():
                self.failed.set_exception(error)
            raise

    def after_request(self) -> None:
        """See to it that a block with transactions in it is closed, whether anybody asks or not."""
        if self._timer is None and self._chain.has_open_transactions:
            self._timer = self._loop.call_at(self._due, self._close)

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _close(self) -> None:
        self._timer = None
        self.before_request()
        self.after_request()
