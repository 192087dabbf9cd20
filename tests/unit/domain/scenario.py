"""given(events).when(command).then(events): a decision read as a sentence, without a database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain import commands as c
from domain import events as e
from domain.decide import decide
from domain.errors import DomainError
from domain.evidence import ExpiryEvidence, GuardAbsence, Landing, TransactionError
from domain.evolve import fold
from domain.quotes import Quote
from domain.terms import OrderTerms
from domain.tokens import SOL, USDC

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATE = NOW + timedelta(seconds=121)


@dataclass(frozen=True)
class Scenario:
    events: tuple[e.OrderEvent, ...]
    command: c.OrderCommand | None = None

    def when(self, command: c.OrderCommand) -> Scenario:
        return Scenario(self.events, command)

    def then(self, *expected: e.OrderEvent | type[e.OrderEvent]) -> list[e.OrderEvent]:
        assert self.command is not None
        actual = decide(fold(self.events), self.command)
        assert len(actual) == len(expected), actual
        for got, wanted in zip(actual, expected, strict=True):
            assert type(got) is wanted if isinstance(wanted, type) else got == wanted
        fold((*self.events, *actual))
        return actual

    def then_refused(self, code: str) -> None:
        assert self.command is not None
        with pytest.raises(DomainError) as refusal:
            decide(fold(self.events), self.command)
        assert refusal.value.code == code


def given(*events: e.OrderEvent) -> Scenario:
    return Scenario(events)


def submit(deadline: datetime | None = NOW + timedelta(seconds=120), **changes: object) -> c.SubmitOrder:
    terms: dict[str, object] = {
        "type": "market",
        "token_in": SOL,
        "token_out": USDC,
        "amount_in": 1_500_000_000,
        "slippage_bps": 50,
        "slippage_defaulted": False,
        "client_order_id": None,
    }
    return c.SubmitOrder(OrderTerms(**{**terms, **changes}), deadline, "localnet")  # type: ignore[arg-type]


def submitted(**changes: Any) -> tuple[e.OrderEvent, ...]:
    return tuple(decide(None, submit(**changes)))


def quote(out: int = 224_000_000, venue: str = "Raydium", **changes: object) -> Quote:
    fields: dict[str, object] = {
        "venue": venue,
        "pool": f"pool-{venue}",
        "token_in": SOL.mint,
        "token_out": USDC.mint,
        "amount_in": 1_500_000_000,
        "amount_out": out,
        "fee_token": SOL.mint,
        "fee_amount": 3_750_000,
        "fee_bps": 25,
        "reserve_in": 10**15,
        "reserve_out": 150 * 10**12,
        "slot": 7,
    }
    return Quote(**{**fields, **changes})  # type: ignore[arg-type]


def quoted(*quotes: Quote, now: datetime = NOW) -> c.RecordQuotes:
    return c.RecordQuotes(quotes=quotes, refusals=(), now=now)


def routed(minimum: int = 222_880_000, chosen: Quote | None = None) -> e.OrderRouted:
    chosen = chosen or quote()
    return e.OrderRouted(
        quotes=(chosen,),
        chosen=chosen,
        policy="best-net-out",
        policy_version=1,
        expected_out=chosen.amount_out,
        minimum_out=minimum,
    )


def build(attempt: int = 1, minimum: int = 222_880_000, now: datetime = NOW) -> c.RecordBuilt:
    return c.RecordBuilt(
        attempt=attempt,
        transaction="AAAA",
        signature=f"signature-{attempt}",
        wallet="wallet",
        memo=f"surefill:order:{attempt}",
        genesis_hash="genesis",
        blockhash="blockhash",
        blockhash_slot=100,
        last_valid_block_height=250,
        minimum_out=minimum,
        guard="guard",
        guard_rent_lamports=2_039_280,
        height=100,
        now=now,
    )


def built(attempt: int = 1) -> e.TransactionBuilt:
    command = build(attempt)
    return e.TransactionBuilt(**{name: getattr(command, name) for name in e.TransactionBuilt.model_fields})


def sent(attempt: int = 1) -> e.TransactionSubmitted:
    return e.TransactionSubmitted(attempt=attempt, signature=f"signature-{attempt}", answer="accepted")


def expired(attempt: int = 1) -> e.AttemptExpired:
    return e.AttemptExpired(attempt=attempt, signature=f"signature-{attempt}", evidence=evidence())


def evidence(configured: int = 1, **changes: object) -> ExpiryEvidence:
    """What one endpoint shows, of so many that are configured."""
    fields: dict[str, object] = {
        "endpoint": "127.0.0.1",
        "genesis_hash": "genesis",
        "finalized_slot": 300,
        "finalized_height": 260,
        "guard_slot": 300,
        "status_slot": 300,
        "blockhash_slot": 300,
    }
    seen = GuardAbsence(**{**fields, **changes})  # type: ignore[arg-type]
    return ExpiryEvidence(endpoints=(seen,), configured=configured)


def landing(
    attempt: int = 1, commitment: str = "confirmed", error: str | None = None, configured: int = 1
) -> c.RecordLanding:
    found = Landing(
        signature=f"signature-{attempt}",
        slot=120,
        commitment=commitment,  # type: ignore[arg-type]
        amount_in=0 if error else 1_500_000_000,
        amount_out=0 if error else 224_000_000,
        fee_lamports=5000,
        guard_rent_lamports=0 if error else 2_039_280,
        error=TransactionError(code=error, detail="as the chain said") if error else None,
        shown_by=("node.example",),
    )
    absent = evidence(configured, failed=(found.signature,)) if error else None
    return c.RecordLanding(attempt=attempt, landing=found, now=NOW, evidence=absent)
