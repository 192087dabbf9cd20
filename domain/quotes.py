"""What venues answered when asked for a price at size. Recorded whole, losers and refusals too."""

from __future__ import annotations

from pydantic import AliasGenerator, ConfigDict
from pydantic.alias_generators import to_camel

from domain.frozen import Frozen
from domain.numbers import BPS, BaseUnits

_AMOUNTS = frozenset(
    [
        *("amount_in", "amount_out", "fee_amount", "reserve_in", "reserve_out"),
        *("minimum_out", "maximum_in", "expected_out", "venue_fee"),
    ]
)


def _alias(name: str) -> str:
    """camelCase; an amount says its unit, because outside of events amounts are in token units."""
    return to_camel(f"{name}_base_units" if name in _AMOUNTS else name)


class Recorded(Frozen):
    """Anything that is written into an event: immutable, camelCase in JSON, unknown fields ignored."""

    model_config = ConfigDict(alias_generator=AliasGenerator(alias=_alias), populate_by_name=True, extra="ignore")


def fee_on(amount_in: int, fee_bps: int) -> int:
    """A venue's fee on the input, in its base units, rounded up."""
    return -(-amount_in * fee_bps // BPS)


class Quote(Recorded):
    """A venue's offer for an exact amount in, or out, net of the venue's fee; amounts in base units.

    ``reserve_in`` and ``reserve_out`` are the pool's at ``slot``, so that anyone can compute the offer again.
    """

    venue: str
    pool: str
    token_in: str
    token_out: str
    amount_in: BaseUnits
    amount_out: BaseUnits
    fee_token: str
    fee_amount: BaseUnits
    fee_bps: int
    reserve_in: BaseUnits
    reserve_out: BaseUnits
    slot: int

    def fee_of(self, amount_in: int) -> int | None:
        """What the venue takes of ``amount_in``, in base units; None where its rate isn't known exactly."""
        if amount_in == self.amount_in:
            return self.fee_amount
        return fee_on(amount_in, self.fee_bps) if self.fee_amount == fee_on(self.amount_in, self.fee_bps) else None


class Refusal(Recorded):
    """A venue that gave no offer, and why; ``code`` is one of ``domain.codes``."""

    venue: str
    code: str
    detail: str
