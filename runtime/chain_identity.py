"""Which chain the engine trades on: the node tells, and until it has answered, the log does.

Only trading needs the node. So nobody waits for it at start but those who trade, and everybody else asks what is known.
Until the log names its chain, the node's answer binds it for good: so it is asked for more than once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

import psycopg
import structlog

from chains.endpoint import Endpoint
from chains.errors import ChainUnavailableError, UnansweredError
from chains.networks import network_of
from chains.protocol import Chain
from event_store.mapper import EventMapper
from runtime.agreed_chain import DisputedChainError, agreed
from runtime.errors import StartupError
from runtime.preconditions import ChainOfLog, chain_of_log, require_chain_of_log
from runtime.retry_delays import retry_delays
from venues.pools import PoolBook
from workers.dispatch.work import Pool

AGAIN_S = 2.0
STILL_S = 5.0
"""How often it is asked for while the log names no chain."""

log = structlog.get_logger(__name__)


class ChainIdentity:
    """Asks the node at ``rpc_url`` in the background, with back-off, until it has answered once.

    Its answer counts once it is known to be the log's chain and ``pools``, where they are traded, were read. A node
    that serves another chain is asked again: it may have been put there by mistake, or lie for a moment. Where the log
    names no chain yet, ``evidence`` is asked, too (``runtime.agreed_chain``).
    """

    def __init__(
        self,
        chain: Chain,
        evidence: Sequence[Endpoint],
        pools: PoolBook | None,
        rpc_url: str,
        database: Pool,
        mapper: EventMapper,
    ) -> None:
        self._chain = chain
        self._evidence = evidence
        self._pools = pools
        self._host = urlsplit(rpc_url).hostname  # no more of it: a provider's key is in the path or the query
        self._database = database
        self._mapper = mapper
        self._of_log = ChainOfLog()
        self._asking: asyncio.Task[str] | None = None
        self._asking_again: asyncio.Task[None] | None = None
        self._refused: str | None = None
        self._why = "not asked yet"

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
        return network_of(answered) if (answered := self._answered) else self._of_log.network

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
        return f"waiting for the Solana node at {self._host} (SOLANA_RPC_URL), nothing is traded before: {self._why}"

    async def watch(self) -> None:
        """Return once the log names the chain that the node named to this process. Until then ask again: raises
        ``StartupError`` where the log names another, or the node does now, as all that this process has begun since is
        for the first.
        """
        while True:
            try:
                named = await self._named_by_log()
                first = self._answered
                if first and named == first:
                    return
                now = named or await agreed(self._chain, self._evidence)
            except (ChainUnavailableError, psycopg.Error):
                first = now = None  # nothing is known of it by this look
            if first and first != now:
                says = "the log's transactions are for" if named else "says now"
                raise StartupError(
                    f"the node at {self._host} (SOLANA_RPC_URL) said at the start that its chain has the genesis "
                    f"{first}, and {says} {now}: the process begins anew"
                )
            await asyncio.sleep(STILL_S)

    async def _named_by_log(self) -> str | None:
        return (await chain_of_log(self._database, self._mapper)).genesis_hash

    @property
    def _answered(self) -> str | None:
        """The genesis hash, where the node's answer counts by now."""
        if self._asking is None or not self._asking.done() or self._asking.exception():
            return None
        return self._asking.result()

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
                genesis_hash = await self._genesis_hash()
                await require_chain_of_log(self._database, self._mapper, genesis_hash)
                if self._pools:
                    await self._pools.load()
            except (ChainUnavailableError, psycopg.Error) as error:
                self._why = _shown(error)
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

    async def _genesis_hash(self) -> str:
        if await self._named_by_log() is None:
            return await agreed(self._chain, self._evidence)
        return await self._chain.genesis_hash()  # it is compared with the log's


def _shown(error: Exception) -> str:
    """What clients are told: of an error in the node's own words its kind alone, which carries nothing else."""
    if isinstance(error, UnansweredError):
        return error.reason
    return str(error) if isinstance(error, DisputedChainError) else type(error).__name__


def _reason(error: Exception) -> str:
    """A database error's own text may hold an address with its password."""
    return str(error) if isinstance(error, ChainUnavailableError) else type(error).__name__
