"""Whole histories of market orders, as the engine records them, side by side in the log: many at little cost.

What differs from one order to the next is ids, signatures, positions and instants; prices and amounts stand still.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Iterator
from uuid import UUID, uuid4

from commands.ids import DEFAULT_ACCOUNT, uuid7
from domain import events as e
from domain.events import ORDER_EVENTS, OrderEvent
from domain.quotes import Quote
from domain.tokens import SOL, USDC
from event_store.append.appender import Appender
from event_store.mapper import EventMapper
from event_store.types import AppendRequest, NewEvent, Stored

EVENTS_AN_ORDER = 6
SIDE_BY_SIDE = 40
AMOUNT_IN, AMOUNT_OUT, MINIMUM_OUT = 1_500_000_000, 224_000_000, 222_880_000
WALLET = "9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM"
MAPPER = EventMapper(ORDER_EVENTS)


async def append_histories(appender: Appender, events: int, genesis_hash: str) -> int:
    """Record at least ``events`` events of confirmed orders; how many they were."""
    requests = -(-events // (EVENTS_AN_ORDER * SIDE_BY_SIDE))
    left = iter(range(requests))

    async def record() -> None:
        for _ in left:
            outcome = await appender.append(AppendRequest(tuple(_side_by_side(genesis_hash))))
            assert isinstance(outcome, Stored), outcome

    await asyncio.gather(*(record() for _ in range(4)))
    return requests * EVENTS_AN_ORDER * SIDE_BY_SIDE


def _side_by_side(genesis_hash: str) -> Iterator[NewEvent]:
    """Every order's first event, then every order's second one..."""
    orders = [(order_id := uuid7(), _story(order_id, genesis_hash)) for _ in range(SIDE_BY_SIDE)]
    for version in range(1, EVENTS_AN_ORDER + 1):
        for order_id, story in orders:
            command = uuid4()
            topic, state = MAPPER.dump(story[version - 1])
            yield NewEvent(order_id, version, uuid4(), topic, state, DEFAULT_ACCOUNT, command, command, None)


def _story(order_id: UUID, genesis_hash: str) -> tuple[OrderEvent, ...]:
    signature = base64.b64encode(os.urandom(64)).decode()
    return (
        _SUBMITTED,
        _TRIGGERED,
        _ROUTED,
        e.TransactionBuilt(
            attempt=1, transaction=base64.b64encode(os.urandom(600)).decode(), signature=signature, wallet=WALLET,
            memo=f"surefill:{order_id}:1", genesis_hash=genesis_hash, blockhash=genesis_hash, blockhash_slot=100,
            last_valid_block_height=250, minimum_out=MINIMUM_OUT,
        ),
        e.TransactionSubmitted(attempt=1, signature=signature, answer="accepted"),
        e.OrderConfirmed(
            attempt=1, tx_hash=signature, slot=120, commitment="confirmed", venue="Meteora", amount_in=AMOUNT_IN,
            amount_out=AMOUNT_OUT, executed_price="149.333333333333333", network_fee_lamports=5_000,
            venue_fee=1_500_000, venue_fee_token=SOL.mint,
        ),
    )  # fmt: skip


def _quote(venue: str, out: int) -> Quote:
    return Quote(
        venue=venue, pool=WALLET, token_in=SOL.mint, token_out=USDC.mint, amount_in=AMOUNT_IN, amount_out=out,
        fee_token=SOL.mint, fee_amount=1_500_000, fee_bps=10, reserve_in=10**15, reserve_out=150 * 10**12, slot=99,
    )  # fmt: skip


_QUOTES = tuple(_quote(venue, AMOUNT_OUT - worse) for worse, venue in enumerate(("Meteora", "Raydium", "Orca")))
_SUBMITTED = e.OrderSubmitted(
    type="market", token_in=SOL, token_out=USDC, amount_in=AMOUNT_IN, slippage_bps=50, slippage_defaulted=False,
    network="localnet",
)  # fmt: skip
_TRIGGERED = e.OrderTriggered(reason="market")
_ROUTED = e.OrderRouted(
    quotes=_QUOTES, chosen=_QUOTES[0], policy="best-net-out", policy_version=1, expected_out=AMOUNT_OUT,
    minimum_out=MINIMUM_OUT,
)  # fmt: skip
