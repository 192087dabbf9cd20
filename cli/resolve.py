"""`surefill resolve`: an operator ends an attempt, with the reason kept in the log."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import typer

from cli.arguments import Because, positive_decimal
from cli.operator import print_outcome
from domain.errors import DomainError
from domain.numbers import to_base_units
from domain.tokens import Token
from runtime import addresses, preflight, settings
from runtime.composition import open_market, open_store, utc_now
from workers.tracker.resolve import Landed, Resolver


@dataclass(frozen=True, slots=True)
class Received:
    """What landed, as the operator read it elsewhere; amounts in token units."""

    slot: int
    amount_out: Decimal
    fee_lamports: int
    amount_in: Decimal | None = None


# What became of an attempt: it can never land, or it landed; of a confirmed one, that it stands or that it was lost.
Word = Received | Literal["expired", "stands", "lost"]


def resolve(
    order: Annotated[UUID, typer.Argument(help="The order's id.")],
    attempt: Annotated[int, typer.Argument(help="The attempt's number, 1 for the first.")],
    because: Because,
    expired: Annotated[bool, typer.Option("--expired", help="It can never land.")] = False,
    landed: Annotated[bool, typer.Option("--landed", help="It landed, and swapped.")] = False,
    stands: Annotated[bool, typer.Option("--stands", help="It is confirmed, and stays on chain.")] = False,
    lost: Annotated[bool, typer.Option("--lost", help="It is confirmed, and is not on chain: trading halts.")] = False,
    amount_out: Annotated[str, typer.Option(help="With --landed: the token units received.")] = "",
    amount_in: Annotated[str, typer.Option(help="The token units paid, of an order that names its amountOut.")] = "",
    slot: Annotated[int, typer.Option(min=0, help="With --landed: the slot it landed in.")] = 0,
    fee_lamports: Annotated[int, typer.Option(min=0, help="With --landed: the network fee paid.")] = 5_000,
) -> None:
    """End an attempt whose outcome can never be known from the chain again; refused while it still can.

    Exactly one of --expired, --landed, --stands and --lost is needed: it says what became of the attempt.
    """
    if [expired, landed, stands, lost].count(True) != 1:
        raise typer.BadParameter("say exactly one of --expired, --landed, --stands and --lost")
    word: Word = "expired" if expired else "stands" if stands else "lost"
    if landed:
        if not slot:
            raise typer.BadParameter("--landed needs --slot and --amount-out")
        amount = positive_decimal(amount_out, what="what was received", param_hint="--amount-out")
        paid = positive_decimal(amount_in, what="what was paid", param_hint="--amount-in") if amount_in else None
        word = Received(slot, amount, fee_lamports, paid)
    print_outcome("resolve", _resolve(order, attempt, word, because))


async def _resolve(order_id: UUID, number: int, word: Word, because: str) -> str:
    """Record the operator's word on the attempt; a sentence that says what the order is now."""
    found = addresses.completed(settings.load(), "database_url", "redis_url", "solana_rpc_url")
    await preflight.solana(found.solana_rpc_url)
    async with open_store(found, "resolve") as store, open_market(found, store) as market:
        resolver = Resolver(store.orders, store.accounts, market.chain)
        if word == "expired":
            after = await resolver.expired(order_id, number, because, utc_now())
        elif word == "stands":
            after = await resolver.stands(order_id, number, because)
        elif word == "lost":
            after = await resolver.lost(order_id, number, because)
        else:
            loaded = (await store.orders.load([order_id])).orders.get(order_id)
            if loaded is None or loaded.order is None:
                raise DomainError("order_not_found", f"There is no readable order {order_id}.")
            received = _base_units(word.amount_out, loaded.order.token_out)
            paid = None if word.amount_in is None else _base_units(word.amount_in, loaded.order.token_in)
            landed = Landed(word.slot, received, word.fee_lamports, paid)
            after = await resolver.landed(order_id, number, landed, because, utc_now())
    return f"order {order_id} is {after.order.status if after.order else 'gone'}, version {after.version}"


def _base_units(amount: Decimal, token: Token) -> int:
    units = to_base_units(amount, token.decimals)
    if units is None:
        raise DomainError("too_many_decimals", f"{token.symbol} has fewer decimals than that.")
    return units
