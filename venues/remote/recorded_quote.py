"""How the quote of a service is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from domain.printable import printable
from domain.quotes import Quote

_ADDRESS_LENGTH = 44
_MOST_POOLS = 12


def recorded_quote(
    venue: str, pools: Iterable[str], *, token_in: str, token_out: str, amount_in: int, amount_out: int
) -> Quote:
    """The services' quotes are net of their pools' fees, and say nothing of reserves. Amounts are in base units."""
    return Quote(
        venue=venue,
        pool=_route_of(pools),
        token_in=token_in,
        token_out=token_out,
        amount_in=amount_in,
        amount_out=amount_out,
        fee_token=token_in,
        fee_amount=0,
        fee_bps=0,
        reserve_in=0,
        reserve_out=0,
        slot=0,
    )


def _route_of(pools: Iterable[str]) -> str:
    """The pools of a route on one line: as many as fit into a transaction, none longer than an address.

    They are the service's words and no addresses that anybody has checked: nothing is done with them.
    """
    return printable(",".join("".join(pool.split())[:_ADDRESS_LENGTH] for pool in islice(pools, _MOST_POOLS)))
