"""Make one transaction of a chosen route: composed, known to work, checked, signed. Nothing of it leaves from here."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog
from solders.message import MessageV0
from solders.pubkey import Pubkey

from chains.blockhashes import BlockhashCache
from chains.errors import SignerError, SignerRefusedError, TransactionRefusedError
from chains.guard import Guard, GuardKey
from chains.lookup_tables import LookupTableCache
from chains.networks import network_of
from chains.priority_fees import PriorityFees
from chains.protocol import Blockhash, Chain
from chains.refusals import RefusalReason
from chains.signer import Signer
from chains.simulated_changes import check_simulated
from chains.tips import Tip
from chains.transaction_checks import AllowedSwap, accounts_made, check
from chains.transactions import CANCEL_UNITS, FEE_LAMPORTS, MAX_COMPUTE_UNITS, compose, memo_text, unit_limit
from domain.codes import Code, meaning
from domain.commands import RecordBuilt, RejectBuild
from domain.legs import guard_name
from domain.order import Order, Route
from domain.priority import Priority, outbids, priority_of
from domain.swap_terms import SwapReader
from venues.errors import VenueError
from venues.protocol import Proposal, VenueGroup, VenueQuote
from venues.remote.turns import Turns
from workers.execution.compute_limits import ComputeLimits
from workers.execution.draft import Draft
from workers.execution.funds import Funds
from workers.metrics import REFUSED

log = structlog.get_logger(__name__)

SIMULATIONS_AT_ONCE = 32
REMOTE_SIMULATIONS_AT_ONCE = 64
"""Swaps of remote venues are simulated each time; those of pools don't wait behind them."""
FEE_CAP = "priority_fee_cap"
"""Why no swap joins those of an order; never recorded."""


@dataclass(frozen=True, slots=True)
class BuildContext:
    """What a transaction is made with. ``readers`` are the swap programs that a transaction of ours may call, and who
    reads their instructions; ``off_limits`` are accounts of the wallet's, of which an order's transaction may name its
    own two; ``most_priority_lamports`` is what the attempts of an order may offer for priority, all together; ``tips``
    are what landers ask of each swap. A cancel has none: it is the guard and the memo alone, and takes of the reserve
    only what it needs itself.
    """

    chain: Chain
    blockhashes: BlockhashCache
    wallet: Signer
    guard_key: GuardKey
    funds: Funds
    venues: Sequence[VenueGroup]
    readers: Mapping[Pubkey, SwapReader]
    off_limits: frozenset[Pubkey]
    tables: LookupTableCache
    fees: PriorityFees
    genesis_hash: str
    limits: ComputeLimits
    most_priority_lamports: int
    tips: tuple[Tip, ...] = ()

    @property
    def tip_lamports(self) -> int:
        return sum(tip.lamports for tip in self.tips)

    def allowed(self, order: Order, route: Route) -> AllowedSwap:
        """The swap that a transaction of ``order`` may do once it is routed so."""
        return AllowedSwap(
            wallet=self.wallet.address,
            token_in=order.token_in.mint,
            token_out=order.token_out.mint,
            amount_in=order.amount_in if route.maximum_in is None else route.maximum_in,
            minimum_out=route.minimum_out,
            readers=self.readers,
            off_limits=self.off_limits,
            exact_out=route.maximum_in is not None,
        )


class Builder:
    """``clock`` gives the time, UTC."""

    def __init__(self, context: BuildContext, clock: Callable[[], datetime]) -> None:
        self._context = context
        self._clock = clock
        self._simulations = asyncio.Semaphore(SIMULATIONS_AT_ONCE)
        self._turns = Turns()
        self._remote_simulations = asyncio.Semaphore(REMOTE_SIMULATIONS_AT_ONCE)

    def group_of(self, venue: str) -> VenueGroup | None:
        """The group that trades as ``venue``, where it is configured here."""
        return next((group for group in self._context.venues if venue in group.venues), None)

    def guard_of(self, order_id: UUID, order: Order) -> Guard:
        """What each transaction of the order makes first."""
        return self._context.guard_key.of_order(self._context.wallet.address, guard_name(order_id, order.leg))

    async def build(self, order_id: UUID, order: Order, offer: VenueQuote) -> RecordBuilt | RejectBuild:
        """The next swap of ``order``, which is routed to ``offer``; raises what the chain raises."""
        route, group = order.route, self.group_of(offer.quote.venue)
        if route is None or group is None:
            return self._rejected(Code.VENUE_UNAVAILABLE, "The venue of the route isn't configured here.")
        # Each process asks the node by itself which chain it serves, and one may have been told wrong.
        if (network := network_of(self._context.genesis_hash)) != order.network:
            return self._rejected(
                Code.CHAIN_UNAVAILABLE, f"It is for {order.network}, and {network} is traded on here."
            )
        try:
            return await self._build(order_id, order, offer, route, group)
        except VenueError as failed:
            return self._rejected(failed.code, failed.detail)
        except SignerError as failed:
            refused = isinstance(failed, SignerRefusedError)
            return self._rejected(Code.SIGNER_REFUSED if refused else Code.SIGNER_UNAVAILABLE, str(failed))
        except TransactionRefusedError as refused:
            REFUSED.labels(offer.quote.venue, refused.reason).inc()
            detail = f"{refused.reason}: {refused}"
            if refused.reason == RefusalReason.SIMULATED_UNSEEN:
                return self._rejected(Code.CHAIN_UNAVAILABLE, detail)  # That is the node's fault.
            group.distrust(offer.quote.venue, str(refused))
            return self._rejected(Code.PROPOSAL_REFUSED if group.is_remote else Code.TRANSACTION_INVALID, detail)

    async def _build(
        self, order_id: UUID, order: Order, offer: VenueQuote, route: Route, group: VenueGroup
    ) -> RecordBuilt | RejectBuild:
        context, attempt = self._context, len(order.attempts) + 1
        wallet = context.wallet.address
        guard = self.guard_of(order_id, order)
        rent = await context.funds.guard_rent()
        making = guard.instructions(rent)
        draft = Draft(
            context.tables, wallet=wallet, guard=making, order_id=order_id, attempt=attempt, tips=context.tips
        )
        proposal = await _proposal(group, offer, route, wallet, draft)
        tables, blockhash = await context.tables.get(proposal.lookup_tables), await context.blockhashes.latest()
        composed = partial(draft.compose, proposal, tables, blockhash=blockhash.blockhash)
        checked = partial(
            check,
            wallet=wallet,
            memo=memo_text(order_id, attempt),
            blockhash=blockhash.blockhash,
            guard=guard,
            rent=rent,
            swap=context.allowed(order, route),
            tips=context.tips,
            tables={table.key: table.addresses for table in tables},
        )
        units = None if group.is_remote else context.limits.known(order, offer.quote)
        if units is None:
            # What is not to be signed is not worth a simulation, whose error would be taken for the order's own.
            trial = composed(compute_units=MAX_COMPUTE_UNITS)
            decoded = checked(trial, most_priority_lamports=0)
            async with self._remote_simulations if group.is_remote else self._simulations:
                simulation = await context.chain.simulate(trial)
            if group.is_remote:
                await self._turns.next()
            if simulation.error:
                context.limits.forget(order, offer.quote)
                code = simulation.error.code
                if group.is_remote and code == Code.INSUFFICIENT_FUNDS and not await self._is_short(order, route, rent):
                    code = Code.PROGRAM_ERROR  # An account of the venue's was short: that isn't final.
                rejected = self._rejected(code, simulation.error.detail, simulation.error.logs)
                return replace(rejected, simulated=True, slot=simulation.slot)
            check_simulated(simulation.inner, decoded, context.allowed(order, route), rent=rent)
            units = context.limits.learn(order, offer.quote, simulation.units)
        hint = max(proposal.unit_price, await context.fees.of(proposal.instructions))
        priority = priority_of(order, unit_limit(units), context.most_priority_lamports, hint=hint)
        if not outbids(order, priority):
            return self._rejected(FEE_CAP, "The order's attempts have offered as much for priority as they may.")
        final = composed(compute_units=units, compute_unit_price=priority.price)
        rents = rent * (1 + accounts_made(checked(final, most_priority_lamports=priority.lamports)))
        if not await context.funds.take(rents + FEE_LAMPORTS + priority.lamports + context.tip_lamports):
            return self._rejected(Code.LAMPORT_RESERVE, meaning(Code.LAMPORT_RESERVE).sentence)
        return await self._signed(
            *(order_id, order, final, blockhash, guard, rent, priority),
            minimum_out=route.minimum_out,
            maximum_in=route.maximum_in,
        )

    async def build_cancel(self, order_id: UUID, order: Order) -> RecordBuilt | None:
        """A cancel of ``order``: its guard and the memo alone; None where the wallet can't pay for it, or nobody signs.

        Raises what the chain raises.
        """
        context, attempt = self._context, len(order.attempts) + 1
        wallet = context.wallet.address
        guard = self.guard_of(order_id, order)
        rent = await context.funds.guard_rent()
        blockhash = await context.blockhashes.latest()
        priority = priority_of(order, unit_limit(CANCEL_UNITS), context.most_priority_lamports)
        message = compose(
            (),
            guard=guard.instructions(rent),
            wallet=wallet,
            order_id=order_id,
            attempt=attempt,
            blockhash=blockhash.blockhash,
            compute_units=CANCEL_UNITS,
            compute_unit_price=priority.price,
            cancels=True,
        )
        memo = memo_text(order_id, attempt, cancels=True)
        check(
            message,
            wallet=wallet,
            memo=memo,
            blockhash=blockhash.blockhash,
            guard=guard,
            rent=rent,
            most_priority_lamports=priority.lamports,
            swap=None,
        )
        if not await context.funds.take(rent + FEE_LAMPORTS + priority.lamports, from_reserve=True):
            return None
        try:
            return await self._signed(
                order_id, order, message, blockhash, guard, rent, priority, minimum_out=0, cancels=True
            )
        except SignerError as failed:
            log.warning("nobody signs a cancel", order_id=str(order_id), reason=str(failed))
            return None

    async def _signed(
        self,
        order_id: UUID,
        order: Order,
        message: MessageV0,
        blockhash: Blockhash,
        guard: Guard,
        rent: int,
        priority: Priority,
        *,
        minimum_out: int,
        maximum_in: int | None = None,
        cancels: bool = False,
    ) -> RecordBuilt:
        context, attempt = self._context, len(order.attempts) + 1
        signed = await context.wallet.signed(message)
        return RecordBuilt(
            attempt=attempt,
            transaction=base64.b64encode(bytes(signed)).decode(),
            signature=str(signed.signatures[0]),
            wallet=context.wallet.address,
            memo=memo_text(order_id, attempt, cancels=cancels),
            genesis_hash=context.genesis_hash,
            blockhash=blockhash.blockhash,
            blockhash_slot=blockhash.slot,
            last_valid_block_height=blockhash.last_valid_block_height,
            minimum_out=minimum_out,
            maximum_in=maximum_in,
            guard=guard.address,
            guard_rent_lamports=rent,
            height=blockhash.height,
            now=self._clock(),
            purpose="cancel" if cancels else "swap",
            compute_unit_price=priority.price,
            priority_fee_lamports=priority.lamports,
            tip_lamports=0 if cancels else context.tip_lamports,
        )

    async def _is_short(self, order: Order, route: Route, rent: int) -> bool:
        """Whether the wallet has less of the token, or fewer lamports, than the order's transaction takes."""
        context, mint = self._context, order.token_in.mint
        wallet = context.wallet.address
        held = await context.chain.token_balances(wallet, [mint])
        if held[mint] < (order.amount_in if route.maximum_in is None else route.maximum_in):
            return True
        # The guard's rent, and that of the account which the swap may have to make.
        return await context.chain.lamports(wallet) < 2 * rent + FEE_LAMPORTS + context.tip_lamports

    def _rejected(self, code: str, detail: str, logs: tuple[str, ...] = ()) -> RejectBuild:
        return RejectBuild(code=code, detail=detail, logs=logs, now=self._clock())


async def _proposal(group: VenueGroup, offer: VenueQuote, route: Route, wallet: str, draft: Draft) -> Proposal:
    """What the venue would have signed, within the route's limits."""
    if route.maximum_in is None:
        return await group.swap(offer, owner=wallet, minimum_out=route.minimum_out, fits=draft.fits)
    return await group.swap_exact_out(
        offer, owner=wallet, maximum_in=route.maximum_in, amount_out=route.minimum_out, fits=draft.fits
    )
