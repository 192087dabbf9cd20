"""Whether the endpoints that are asked for evidence serve the chain the engine trades on.

What an endpoint of another chain says proves nothing, and keeps every expiry from being proven: better to know it at
the start than at the first expiry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from chains.endpoint import Endpoint
from chains.errors import ChainUnavailableError
from runtime.errors import StartupError
from runtime.retry_delays import retry_delays

_SETTING = "(SOLANA_EVIDENCE_RPC_URLS)"

log = structlog.get_logger(__name__)


class EvidenceEndpoints:
    """Each of ``endpoints`` is asked for its genesis hash until it has said the expected one once."""

    def __init__(self, endpoints: Sequence[Endpoint], expected: Callable[[], Awaitable[str]]) -> None:
        self._endpoints = endpoints
        self._expected = expected
        self._problems = {
            endpoint: f"{endpoint.name} {_SETTING} has not been compared with the chain yet" for endpoint in endpoints
        }

    async def problem(self) -> str | None:
        """What readiness says: each endpoint at fault by its host, and why."""
        return "; ".join(self._problems[endpoint] for endpoint in self._endpoints if endpoint in self._problems) or None

    async def run(self) -> None:
        """Return once every endpoint serves the chain, or it is known that there is none to compare theirs with."""
        try:
            expected = await self._expected()
        except StartupError:
            return
        await asyncio.gather(*(self._check(endpoint, expected) for endpoint in self._endpoints))

    async def _check(self, endpoint: Endpoint, expected: str) -> None:
        said = False
        for delay in retry_delays():
            try:
                genesis_hash = await endpoint.genesis_hash()
            except ChainUnavailableError:
                self._problems[endpoint] = f"{endpoint.name} {_SETTING} has not answered since the start"
                await asyncio.sleep(delay)
                continue
            if genesis_hash == expected:
                self._problems.pop(endpoint, None)
                return
            self._problems[endpoint] = (
                f"{endpoint.name} {_SETTING} serves another chain, genesis {genesis_hash}: "
                "no expiry can be proven; correct or remove it"
            )
            if not said:
                log.error("an endpoint for evidence serves another chain", endpoint=endpoint.name, genesis=genesis_hash)
                said = True
            await asyncio.sleep(delay)  # it may have been a mistake of a moment
