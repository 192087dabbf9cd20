"""Raydium's Trade API as a venue: its transactions are taken apart, and their swap goes into one of ours."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

from domain.codes import Code
from domain.quotes import Quote, Refusal
from domain.tokens import Token
from venues.account_reader import AccountReader
from venues.errors import VenueError
from venues.programs import with_maximum, with_minimum
from venues.protocol import Fits, Proposal, QuoteRequest, VenueGroup, VenueQuote
from venues.raydium.client import Computed, compute, compute_exact_out, transactions
from venues.remote.breaker import CircuitBreaker
from venues.remote.decompile import decompile
from venues.remote.needed_accounts import ATA_PROGRAM, NeededAccounts
from venues.remote.recorded_quote import recorded_quote
from venues.remote.service import Service
from venues.remote.unbuildable import Unbuildable
from venues.remote.unit_price import COMPUTE_BUDGET

NAME = "Raydium Trade API"
QUOTE_AGE_S = 25.0
"""Raydium takes a quote back for some 30 s."""

Tables = Callable[[Mapping[str, int]], Awaitable[list[AddressLookupTableAccount]]]
"""Lookup tables by their addresses, each with so many entries at least where the chain has them. Those
that are none are left out."""


Limited = Callable[[Instruction], Instruction]
"""A proposed swap with the order's own limit written into it."""


@dataclass(frozen=True, slots=True)
class _Answered:
    computed: Computed
    at: float


class Raydium(VenueGroup):
    """``reader`` reads accounts of the chain, ``tables`` its lookup tables; ``tokens`` are what is traded here."""

    is_remote = True

    def __init__(self, service: Service, reader: AccountReader, tables: Tables, *, tokens: Sequence[Token]) -> None:
        self.service = service
        self.breaker = CircuitBreaker(NAME)
        self._accounts = NeededAccounts(reader)
        self._tables = tables
        # A route to an exact amount out is another one than from an exact amount in.
        self._unbuildable = {exact_out: Unbuildable() for exact_out in (False, True)}
        self._pairs = frozenset(
            frozenset((first.mint, second.mint)) for first, second in itertools.combinations(tokens, 2)
        )

    @property
    def service_name(self) -> str:
        return self.service.name

    @property
    def venues(self) -> Mapping[str, frozenset[frozenset[str]]]:
        """Whether there is a route for a pair shows when it is asked for."""
        return {NAME: self._pairs}

    @property
    def quotes_exact_out(self) -> bool:
        return True

    async def quote_all(self, requests: Sequence[QuoteRequest]) -> list[list[VenueQuote | Refusal]]:
        """One call a request, side by side."""
        return [[answer] for answer in await asyncio.gather(*map(self._quote, requests))]

    async def _quote(self, request: QuoteRequest) -> VenueQuote | Refusal:
        try:
            self.breaker.require()
            exact_out = request.amount_out is not None
            self._unbuildable[exact_out].require(NAME, request.token_in, request.token_out)
            computed = await self._compute(request)
        except VenueError as failed:
            return Refusal(venue=NAME, code=failed.code, detail=failed.detail)
        if not computed.data.output_amount:
            return Refusal(venue=NAME, code=Code.AMOUNT_TOO_SMALL, detail=f"{NAME} gives nothing for this amount")
        if not computed.data.input_amount:
            return Refusal(venue=NAME, code=Code.VENUE_ANSWER_INVALID, detail=f"{NAME} takes nothing for this amount")
        return VenueQuote(_quote_of(computed, self.service.struck), _Answered(computed, monotonic()))

    async def swap(self, quote: VenueQuote, *, owner: str, minimum_out: int, fits: Fits) -> Proposal:
        """Asked for a quote again where the one taken is too old, or was read back from the log."""
        offer = quote.quote
        computed = await self._fresh(quote, QuoteRequest(offer.token_in, offer.token_out, offer.amount_in))
        if computed.data.output_amount < minimum_out:
            raise VenueError(Code.SLIPPAGE_EXCEEDED, f"{NAME} offers {computed.data.output_amount} now")
        limited = partial(with_minimum, minimum_out=minimum_out)
        return await self._taken(offer, computed, owner, limited, fits, self._unbuildable[False])

    async def swap_exact_out(
        self, quote: VenueQuote, *, owner: str, maximum_in: int, amount_out: int, fits: Fits
    ) -> Proposal:
        """As ``swap``."""
        offer = quote.quote
        request = QuoteRequest(offer.token_in, offer.token_out, 0, amount_out=amount_out)
        computed = await self._fresh(quote, request)
        if computed.data.input_amount > maximum_in:
            raise VenueError(Code.SLIPPAGE_EXCEEDED, f"{NAME} takes {computed.data.input_amount} now")
        limited = partial(with_maximum, maximum_in=maximum_in)
        return await self._taken(offer, computed, owner, limited, fits, self._unbuildable[True])

    async def _fresh(self, quote: VenueQuote, request: QuoteRequest) -> Computed:
        """What the quote was made of; asked for again where that is too old or not here."""
        held = quote.swap_data
        if isinstance(held, _Answered) and monotonic() - held.at < QUOTE_AGE_S:
            return held.computed
        return await self._compute(request)

    async def _taken(
        self, offer: Quote, computed: Computed, owner: str, limited: Limited, fits: Fits, unbuildable: Unbuildable
    ) -> Proposal:
        wallet = Pubkey.from_string(owner)
        source, destination = (
            str(get_associated_token_address(wallet, Pubkey.from_string(mint)))
            for mint in (offer.token_in, offer.token_out)
        )
        is_there = destination in await self._accounts.there([destination])
        messages = await transactions(
            self.service, computed, wallet=owner, source=source, destination=destination if is_there else None
        )
        proposal = await self._proposal(messages, owner, limited)
        if proposal is None or not await fits(proposal):
            raise unbuildable.note(NAME, offer.token_in, offer.token_out)
        self.breaker.succeeded()
        return proposal

    def distrust(self, venue: str, reason: str) -> None:
        self.breaker.distrust(reason)

    async def _compute(self, request: QuoteRequest) -> Computed:
        tokens = {"token_in": request.token_in, "token_out": request.token_out}
        if request.amount_out is None:
            computed = await compute(self.service, **tokens, amount_in=request.amount_in)
        else:
            computed = await compute_exact_out(self.service, **tokens, amount_out=request.amount_out)
        if len(computed.data.route_plan) != 1:
            # Through several goes Raydium's router, whose instructions nobody here can read: it would never be signed.
            raise VenueError(Code.NO_LIQUIDITY, f"{NAME}'s route goes through several pools")
        return computed

    async def _proposal(self, messages: Sequence[Message | MessageV0], owner: str, limited: Limited) -> Proposal | None:
        """The last transaction's instructions, behind the accounts that those before it make: nothing else of theirs
        could go with it and be done or not be done as one. None where there is.
        """
        used = _entries_used(messages)
        tables = await self._tables(used)
        try:
            apart = [decompile(message, tables) for message in messages]
        except ValueError as error:
            # Its quotes are answers that can be used, and count for the service: so it is the venue that fails.
            self.breaker.failed(f"its transaction can't be read: {error}")
            raise self.service.unusable(f"its transaction can't be read: {error}") from None
        needed = [await self._accounts.needed(_without_budget(each), owner) for each in apart]
        before = [one for each in needed[:-1] for one in each]
        if any(str(one.program_id) != ATA_PROGRAM for one in before):
            return None
        swap = [limited(one) for one in needed[-1]]
        return Proposal([*before, *swap], tuple(used))


def _entries_used(messages: Sequence[Message | MessageV0]) -> dict[str, int]:
    """The lookup tables that they name, and how many entries each has to have."""
    used: dict[str, int] = {}
    for message in messages:
        for one in message.address_table_lookups if isinstance(message, MessageV0) else ():
            name, last = str(one.account_key), max([*one.writable_indexes, *one.readonly_indexes], default=0)
            used[name] = max(used.get(name, 0), last + 1)
    return used


def _without_budget(instructions: Iterable[Instruction]) -> list[Instruction]:
    """The compute limit is ours, from simulation, and so is the price."""
    return [one for one in instructions if str(one.program_id) != COMPUTE_BUDGET]


def _quote_of(computed: Computed, struck: Callable[[str], str]) -> Quote:
    data = computed.data
    return recorded_quote(
        NAME,
        (struck(step.pool_id) for step in data.route_plan),
        token_in=data.input_mint,
        token_out=data.output_mint,
        amount_in=data.input_amount,
        amount_out=data.output_amount,
    )
