"""The venues over the pools of one swap program: found in its accounts, quoted from one read of all their vaults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence

from domain.codes import Code
from domain.numbers import U64_MAX
from domain.quotes import Quote, Refusal, fee_on
from domain.routing import best
from venues.account_reader import AccountReader
from venues.constant_product import (
    Pool,
    amount_in,
    amount_out,
    decode_pool,
    exact_out_instruction,
    swap_instruction,
)
from venues.errors import UnknownPoolError
from venues.protocol import Fits, Proposal, QuoteRequest, VenueGroup, VenueQuote
from venues.reserves import MAX_AGE_S, ReservesCache, read_reserves

# Pools come at a chain's genesis: the set is read again for what it doesn't know, and now and then.
_REFRESH_SECONDS = 300.0
_RETRY_SECONDS = 2.0


class PoolBook(VenueGroup):
    """Every pool of ``program``, read through ``reader``; a venue is all the pools that bear its name.

    Quotes are made of reserves that were read at most ``max_age`` seconds ago, once for all who ask. What the reader
    raises passes through every method: where the chain can't be read, nothing is known of any pool.
    """

    is_remote = False

    def __init__(self, reader: AccountReader, program: str, *, max_age: float = MAX_AGE_S) -> None:
        self._reader = reader
        self._program = program
        self._max_age = max_age
        self._reserves = ReservesCache(reader, (), max_age)
        self._pools: dict[str, Pool] = {}
        self._by_pair: dict[frozenset[str], list[Pool]] = {}
        self._venues: dict[str, frozenset[frozenset[str]]] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    @property
    def venues(self) -> Mapping[str, frozenset[frozenset[str]]]:
        """In alphabetical order; empty before the first ``load``."""
        return self._venues

    def pools(self, token_in: str, token_out: str) -> Sequence[Pool]:
        """The pools of a pair, whichever way round."""
        return self._by_pair.get(frozenset((token_in, token_out)), ())

    def pool(self, address: str) -> Pool:
        """The pool at ``address``. Raises ``UnknownPoolError``."""
        try:
            return self._pools[address]
        except KeyError:
            raise UnknownPoolError(address) from None

    async def load(self, *, older_than: float = _REFRESH_SECONDS) -> None:
        """Read the set of pools, unless it was read in the last ``older_than`` seconds."""
        if self._is_known(older_than):
            return
        async with self._reading:
            if self._is_known(older_than):
                return
            found = await self._reader.program_accounts(self._program)
            pools = [pool for address, data in found if (pool := decode_pool(address, self._program, data))]
            self._pools = {pool.address: pool for pool in pools}
            self._by_pair = {}
            for pool in pools:
                self._by_pair.setdefault(frozenset(pool.mints), []).append(pool)
            self._venues = _venues_of(pools)
            vaults = _vaults_of(pools)
            if vaults != self._reserves.vaults:
                self._reserves = ReservesCache(self._reader, vaults, self._max_age)
            self._read_at = time.monotonic()

    def _is_known(self, older_than: float) -> bool:
        return self._read_at is not None and time.monotonic() - self._read_at < older_than

    async def quote_all(self, requests: Sequence[QuoteRequest]) -> list[list[VenueQuote | Refusal]]:
        """At most one read of the chain for all of them."""
        await self._load_for(requests)
        slot, reserves = await self.reserves()
        return [[self._offer(venue, request, slot, reserves) for venue in self.venues] for request in requests]

    async def swap(self, quote: VenueQuote, *, owner: str, minimum_out: int, fits: Fits | None = None) -> Proposal:
        """Needs no more than the record, and always fits. Raises ``UnknownPoolError``."""
        offer = quote.quote
        instruction = swap_instruction(
            self.pool(offer.pool),
            owner=owner,
            token_in=offer.token_in,
            amount_in=offer.amount_in,
            minimum_out=minimum_out,
        )
        return Proposal([instruction])

    @property
    def quotes_exact_out(self) -> bool:
        return True

    async def swap_exact_out(
        self, quote: VenueQuote, *, owner: str, maximum_in: int, amount_out: int, fits: Fits | None = None
    ) -> Proposal:
        """Needs no more than the record, and always fits. Raises ``UnknownPoolError``."""
        offer = quote.quote
        instruction = exact_out_instruction(
            self.pool(offer.pool),
            owner=owner,
            token_in=offer.token_in,
            maximum_in=maximum_in,
            amount_out=amount_out,
        )
        return Proposal([instruction])

    async def _load_for(self, requests: Sequence[QuoteRequest]) -> None:
        await self.load()
        if any(not self.pools(request.token_in, request.token_out) for request in requests):
            await self.load(older_than=_RETRY_SECONDS)

    async def reserves(self, *, keep_warm: bool = True) -> tuple[int, dict[str, int]]:
        """The slot of one read of the chain, at most ``max_age`` seconds old, and what each vault of every pool holds.

        ``keep_warm``: read ahead for a next caller, who may come at once.
        """
        held = await self._reserves.latest(keep_warm=keep_warm)
        return held.slot, held.amounts

    async def read_reserves(self, pools: Iterable[Pool]) -> tuple[int, dict[str, int]]:
        """As ``reserves``, of ``pools`` alone and read now: for who has just changed them."""
        read = await read_reserves(self._reader, _vaults_of(pools))
        return read.slot, read.amounts

    def _offer(self, venue: str, request: QuoteRequest, slot: int, reserves: dict[str, int]) -> VenueQuote | Refusal:
        """The best offer among the venue's pools of the pair."""
        pools = [pool for pool in self.pools(request.token_in, request.token_out) if pool.venue == venue]
        if not pools:
            return Refusal(venue=venue, code=Code.NO_VENUE, detail=f"{venue} has no pool of this pair")
        quotes = [quote for pool in pools if (quote := _quote(pool, request, slot, reserves))]
        chosen = best(quotes)
        return VenueQuote(chosen) if chosen else _refusal(venue, pools, request, reserves)


def _venues_of(pools: Iterable[Pool]) -> dict[str, frozenset[frozenset[str]]]:
    pairs: dict[str, set[frozenset[str]]] = {}
    for pool in pools:
        pairs.setdefault(pool.venue, set()).add(frozenset(pool.mints))
    return {venue: frozenset(pairs[venue]) for venue in sorted(pairs)}


def _vaults_of(pools: Iterable[Pool]) -> tuple[str, ...]:
    return tuple(sorted({vault for pool in pools for vault in pool.vaults}))


def _refusal(venue: str, pools: Sequence[Pool], request: QuoteRequest, reserves: dict[str, int]) -> Refusal:
    # A token's supply is a u64: what doesn't fit one beside a pool's reserve is more than anybody else holds.
    if any(reserves[pool.vaults_for(request.token_in)[0]] + request.amount_in > U64_MAX for pool in pools):
        return Refusal(venue=venue, code=Code.INSUFFICIENT_FUNDS, detail="more than there is outside of the pools")
    if request.amount_out is not None:
        return Refusal(venue=venue, code=Code.NO_LIQUIDITY, detail=f"{venue} can't give that much of it just now")
    if not any(all(reserves[vault] for vault in pool.vaults) for pool in pools):
        return Refusal(venue=venue, code=Code.NO_LIQUIDITY, detail=f"{venue} holds nothing of it just now")
    return Refusal(venue=venue, code=Code.AMOUNT_TOO_SMALL, detail=f"{venue} gives nothing for this amount")


def _quote(pool: Pool, request: QuoteRequest, slot: int, reserves: dict[str, int]) -> Quote | None:
    vault_in, vault_out = pool.vaults_for(request.token_in)
    reserve_in, reserve_out = reserves[vault_in], reserves[vault_out]
    paid, out = _amounts(request, reserve_in, reserve_out, pool.fee_bps)
    if not (paid and out):
        return None
    return Quote(
        venue=pool.venue,
        pool=pool.address,
        token_in=request.token_in,
        token_out=request.token_out,
        amount_in=paid,
        amount_out=out,
        fee_token=request.token_in,
        fee_amount=fee_on(paid, pool.fee_bps),
        fee_bps=pool.fee_bps,
        reserve_in=reserve_in,
        reserve_out=reserve_out,
        slot=slot,
    )


def _amounts(request: QuoteRequest, reserve_in: int, reserve_out: int, fee_bps: int) -> tuple[int | None, int | None]:
    """What is paid and what is got, in base units; one of them is 0 or None where the pool gives nothing for it."""
    if request.amount_out is not None:
        return amount_in(request.amount_out, reserve_in, reserve_out, fee_bps), request.amount_out
    if not (0 < request.amount_in <= U64_MAX and reserve_in and reserve_out):
        return None, None
    return request.amount_in, amount_out(request.amount_in, reserve_in, reserve_out, fee_bps)
