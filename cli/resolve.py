"""`surefill resolve` and `surefill resume`: what an operator decides, with the reason kept in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from chains.errors import ChainUnavailableError
from commands.ids import DEFAULT_ACCOUNT
from domain.errors import DomainError
from domain.numbers import to_base_units
from event_store.errors import EventStoreError
from runtime import addresses, settings
from runtime.composition import open_market, open_store, utc_now
from runtime.errors import StartupError
from workers.tracker.resolve import Landed, Resolver

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Received:
    """What landed, as the operator read it elsewhere; the amount in token units."""

    slot: int
    amount_out: Decimal
    fee_lamports: int


def resolve(order_id: UUID, attempt: int, received: Received | None, because: str) -> str:
    """End the attempt as expired, or as landed where ``received`` is given; a sentence that says what was recorded."""
    return run_command(_resolve(order_id, attempt, received, because))


def resume(because: str) -> str:
    """Let the account trade again."""
    return run_command(_resume(because))


def run_command(work: Coroutine[Any, Any, T]) -> T:
    """What comes of ``work``; a refusal or an outage is one sentence, a ``StartupError``."""
    try:
        return asyncio.run(work)
    except DomainError as refused:
        raise StartupError(f"{refused.code}: {refused.detail}") from None
    except (ChainUnavailableError, EventStoreError) as error:
        raise StartupError(f"nothing was recorded: {error}") from None
    except psycopg.OperationalError as error:
        raise StartupError(
            f"PostgreSQL is unreachable ({type(error).__name__}); repeat the command when it is back"
        ) from None


async def _resolve(order_id: UUID, number: int, received: Received | None, because: str) -> str:
    found = addresses.completed(settings.load(), "database_url", "redis_url", "solana_rpc_url")
    async with open_store(found, "resolve") as store, open_market(found) as market:
        resolver = Resolver(store.orders, market.chain)
        if received is None:
            after = await resolver.expired(order_id, number, because, utc_now())
        else:
            loaded = (await store.orders.load([order_id])).histories.get(order_id)
            if loaded is None or loaded.order is None:
                raise DomainError("order_not_found", f"There is no readable order {order_id}.")
            amount = to_base_units(received.amount_out, loaded.order.token_out.decimals)
            if amount is None:
                raise DomainError("too_many_decimals", f"{loaded.order.token_out.symbol} has fewer decimals than that.")
            landed = Landed(received.slot, amount, received.fee_lamports)
            after = await resolver.landed(order_id, number, landed, because, utc_now())
    return f"order {order_id} is {after.order.status if after.order else 'gone'}, version {after.version}"


async def _resume(because: str) -> str:
    found = addresses.completed(settings.load(), "database_url", "redis_url")
    async with open_store(found, "resume") as store:
        await store.accounts.resume(DEFAULT_ACCOUNT, because)
    return "trading goes on"
