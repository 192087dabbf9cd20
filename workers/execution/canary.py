"""The proof, at each start, that the guard key is the one the chain knows: until then nothing is signed.

With another key an order's next transaction would make another guard, and both could succeed. The canary is a guard
that is made once and stays for ever: making it again must fail as a second transaction of an order does. Of engines
with a log each and different keys for one wallet, the one whose canary was made first may sign.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from chains.guard import Guard, GuardKey
from chains.protocol import Chain
from chains.signer import Signer
from chains.transactions import compose_canary
from commands.guard_keys import GuardKeys
from domain.account import GuardKeyBound
from domain.codes import Code
from domain.errors import DomainError
from workers.errors import TRANSIENT_ERRORS, WaitError
from workers.execution.funds import Funds

log = structlog.get_logger(__name__)

# How long one transaction that makes the canary is waited for, and how often it is looked for and sent, in seconds.
_WAIT_S, _LOOK_S, _AGAIN_S = 20.0, 0.2, 1.0


@dataclass
class Canary:
    """Proves ``guard_key`` for ``account_id``; ``proven`` says whether it has. ``canaries`` are those the wallet has
    made, by their addresses, with their slots.
    """

    chain: Chain
    wallet: Signer
    guard_key: GuardKey
    guard_keys: GuardKeys
    funds: Funds
    account_id: UUID
    canaries: Callable[[], Awaitable[Mapping[str, int]]]
    proven: bool = field(default=False, init=False)
    _sent: bool = field(default=False, init=False)
    _recorded: bool = field(default=False, init=False)

    async def prove(self) -> None:
        """Return once the key is proven, however long the chain and the log take to answer.

        Raises ``DomainError``: ``another_guard_key``, ``canary_gone``.
        """
        guard = self.guard_key.canary(self.wallet.address)
        while not self.proven:
            try:
                await self._prove(guard)
            except (WaitError, *TRANSIENT_ERRORS) as error:
                log.warning("the guard key is not proven yet", error=type(error).__name__, reason=str(error)[:200])
                await asyncio.sleep(_AGAIN_S)

    async def record(self) -> None:
        """Return once the log says that the canary is there: from then on nothing is signed for a chain that doesn't
        show it. Until it is finalized a fork may undo it, or put another one before it: so it is asked for again.

        Raises ``DomainError`` as above; then the key isn't proven any more.
        """
        guard = self.guard_key.canary(self.wallet.address)
        while not self._recorded:
            try:
                await self._record(guard)
            except (WaitError, *TRANSIENT_ERRORS) as error:
                log.warning("the canary is not recorded yet", reason=type(error).__name__)
            except DomainError:
                self.proven = False
                raise
            if not self._recorded:
                await asyncio.sleep(_AGAIN_S)

    async def _record(self, guard: Guard) -> None:
        if await self.chain.is_finalized(guard.address):
            await self._require_first(guard)
            await self.guard_keys.canary_made(self.account_id, guard.address)
            self._recorded = True
        elif not await self._is_there(guard):
            log.warning("the canary is gone: it is made again", canary=guard.address)
            self.proven = False
            await self.prove()

    async def _prove(self, guard: Guard) -> None:
        bound = GuardKeyBound(wallet=guard.wallet, authority=guard.authority, canary=guard.address)
        was_made = await self.guard_keys.bind(self.account_id, bound)
        if await self._is_there(guard):
            if not was_made:
                await self._require_first(guard)
            self._recorded = was_made
            self.proven = True
        elif was_made:
            raise DomainError(
                "canary_gone",
                f"the chain doesn't show the canary guard {guard.address} that the log says was made on it: "
                "it is another chain, or its node can't be trusted",
            )
        else:
            await self._make(guard)

    async def _require_first(self, guard: Guard) -> None:
        listed = await self.canaries()
        if self._sent and guard.address not in listed:
            raise WaitError("the wallet's history doesn't show the canary yet")
        own = listed.get(guard.address, math.inf)
        others = [(slot, address) for address, slot in listed.items() if address != guard.address]
        if earlier := [one for one in others if one[0] <= own]:
            slot, address = min(earlier)
            when = f"in slot {own}" if guard.address in listed else "when the wallet's history doesn't show"
            raise DomainError(
                "another_guard_key",
                f"the wallet has made the canary {address} of another guard key in slot {slot}, and the configured "
                f"one's, {guard.address}, {when}: another engine signs with it, or did. Use that key, or another "
                "wallet; with two keys an order could be executed twice",
            )

    async def _is_there(self, guard: Guard) -> bool:
        """Whether making it again fails because it is there."""
        message = compose_canary(
            guard.instructions(await self.funds.guard_rent()),
            wallet=guard.wallet,
            blockhash=(await self.chain.latest_blockhash()).blockhash,
        )
        error = (await self.chain.simulate(message)).error
        if error and error.code != Code.GUARD_TAKEN:
            log.warning("the canary guard can't be made", code=error.code, detail=error.detail)
        return error is not None and error.code == Code.GUARD_TAKEN

    async def _make(self, guard: Guard) -> None:
        """Send what makes it until it is there; the chain makes it once, whoever else sends the same."""
        blockhash = await self.chain.latest_blockhash()
        rent = await self.funds.guard_rent()
        signed = await self.wallet.signed(
            compose_canary(guard.instructions(rent), wallet=guard.wallet, blockhash=blockhash.blockhash)
        )
        self._sent = True
        loop = asyncio.get_running_loop()
        until, send_at = loop.time() + _WAIT_S, 0.0
        while loop.time() < until:
            if loop.time() >= send_at:
                await self.chain.send(bytes(signed))
                send_at = loop.time() + _AGAIN_S
            await asyncio.sleep(_LOOK_S)
            if await self._is_there(guard):
                return
