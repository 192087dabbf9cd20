"""Which chain the engine trades on: the node tells, and until it has answered, the log does.

Only trading needs the node. So nobody waits for it at start but those who trade, and everybody else asks what is known.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import psycopg
import structlog

from chains.errors import ChainUnavailableError
from chains.networks import network_of
from chains.protocol import Chain
from event_store.mapper import EventMapper
from runtime.errors import StartupError
from runtime.preconditions import ChainOfLog, chain_of_log, require_chain_of_log
from runtime.retry_delays import retry_delays
from venues.pools import PoolBook
from workers.dispatch.work import Pool

AGAIN_S = 2.0

log = structlog.get_logger(__name__)


class ChainIdentity:
    """Asks the node at ``rpc_url`` in the background, with back-off, until it has answered once.

    Its answer counts once it is known to be the log's chain and ``pools``, where they are traded, were read. A node
    that serves another chain is asked again: it may have been put there by mistake, or lie for a moment.
    """

    def __init__(self, chain: Chain, pools: PoolBook | None, rpc_url: str, database: Pool, mapper: EventMapper) -> None:
        self._chain = chain
        self._pools = pools
        self._host = urlsplit(rpc_url).hostname  # no more of it: a provider's key is in the path or the query
        self._database = database
        self._mapper = mapper
        self._of_log = ChainOfLog()
        self._asking: asyncio.Task[str] | None = None
        self._asking_again: asyncio.Task[None] | None = None
        self._refused: str | None = None
        self._kind = "not asked yet"

    async def start(self) -> None:
        """Read what the log says, and begin to ask the node. Raises ``psycopg.Error`` where the log can't be read."""
        self._of_log = await chain_of_log(self._database, self._mapper)
        self._asking = asyncio.create_task(self._ask(), name="chain-identity")
        self._asking_again = asyncio.create_task(self._ask_again(), name="chain-identity-again")

    async def stop(self) -> None:
        running = [task for task in (self._asking_again, self._asking) if task]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def confirmed(self) -> str:
        """The genesis hash, once the node has answered, however long that takes.

        Raises ``StartupError`` where the node serves another chain than the log's; later it may not.
        """
        if self._asking is None:
            raise RuntimeError("the node is asked from `start` on")
        return await asyncio.shield(self._asking)

    async def expected(self) -> str:
        """The genesis hash of the chain that the log's transactions were signed for, else ``confirmed``."""
        return self._of_log.genesis_hash or await self.confirmed()

    @property
    def network(self) -> str | None:
        """The network that new orders are for; None while neither the node nor the log has told."""
        answered = self._asking is not None and self._asking.done() and not self._asking.exception()
        return network_of(self._asking.result()) if self._asking and answered else self._of_log.network

    @property
    def refusal(self) -> str | None:
        """Why nothing may be traded while the node answers so: a sentence. None where nothing is wrong."""
        if self._refused or self._asking is None or not self._asking.done():
            return self._refused
        error = self._asking.exception()
        return None if error is None else type(error).__name__

    @property
    def problem(self) -> str | None:
        """What readiness says of the node: that it serves another chain, or that it hasn't answered yet."""
        if self._refused or (self._asking is not None and self._asking.done()):
            return self.refusal
        # The kind of error alone: its text may carry what no client should see.
        return f"waiting for the Solana node at {self._host} (SOLANA_RPC_URL), nothing is traded before: {self._kind}"

    async def _ask_again(self) -> None:
        while self._asking:
            await asyncio.wait({self._asking})
            if not isinstance(self._asking.exception(), StartupError):
                return
            await asyncio.sleep(AGAIN_S)
            self._asking = asyncio.create_task(self._ask(), name="chain-identity")

    async def _ask(self) -> str:
        said = False
        for delay in retry_delays():
            try:
                genesis_hash = await self._chain.genesis_hash()
                await require_chain_of_log(self._database, self._mapper, genesis_hash)
                if self._pools:
                    await self._pools.load()
            except (ChainUnavailableError, psycopg.Error) as error:
                self._kind = type(error).__name__
                if not said:
                    log.warning("waiting for the chain's node", host=self._host, reason=_reason(error))
                    said = True
                await asyncio.sleep(delay)
                continue
            except StartupError as refused:
                if self._refused is None:
                    log.error("nothing is traded", reason=str(refused))
                self._refused = str(refused)
                raise
            except Exception as error:
                log.error("the chain's node can't be asked", exc_info=error)
                raise
            if said or self._refused:
                log.info("the chain's node answers", host=self._host)
            self._refused = None
            if self._pools and not self._pools.venues:
                log.warning("this chain has no pools the engine knows; every order will fail with no_venue")
            return genesis_hash
        raise AssertionError("the delays have no end")


def _reason(error: Exception) -> str:
    """A database error's own text may hold an address with its password."""
    return str(error) if isinstance(error, ChainUnavailableError) else type(error).__name__
