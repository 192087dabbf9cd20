"""An operator's word on an attempt, taken only where the chain can never tell any more what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chains.protocol import Chain, Inconclusive
from commands.accounts import Accounts
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.account import ConfirmationUpheld, ContradictionFound
from domain.commands import RecordExpiry, RecordLanding
from domain.errors import DomainError
from domain.evidence import ExpiryEvidence, Landing, OperatorEvidence
from domain.order import Attempt, Order
from workers.outcome_question import outcome_question, sent_transaction


@dataclass(frozen=True, slots=True)
class Landed:
    """What the operator knows of a transaction that landed: its slot, the base units received, the fee in lamports, and
    the base units paid where the order doesn't say them.
    """

    slot: int
    amount_out: int
    fee_lamports: int
    amount_in: int | None = None


class Resolver:
    """Ends an attempt on an operator's word, or says of a confirmed one whether it stands.

    Raises ``DomainError``: ``order_not_found``, ``unknown_attempt``, ``attempt_ended``, ``not_confirmed``,
    ``still_knowable``, or ``decide``'s own.
    """

    def __init__(self, orders: OrderRepository, accounts: Accounts, chain: Chain) -> None:
        self._orders = orders
        self._accounts = accounts
        self._chain = chain

    async def expired(self, order_id: UUID, number: int, because: str, now: datetime) -> LoadedOrder:
        """Record that the attempt can never land, on the operator's word."""
        history, order, attempt = await self._find_live(order_id, number)
        answer = await self._unknowable(order, attempt)
        if not isinstance(answer, ExpiryEvidence):
            raise DomainError("still_knowable", f"It is not known to have expired: {answer.reason}.")
        return await self._orders.execute(history, RecordExpiry(number, OperatorEvidence(because=because), now))

    async def landed(self, order_id: UUID, number: int, landed: Landed, because: str, now: datetime) -> LoadedOrder:
        """Record that the attempt's swap succeeded, with the amounts the operator gives."""
        history, order, attempt = await self._find_live(order_id, number)
        answer = await self._unknowable(order, attempt)
        if isinstance(answer, ExpiryEvidence):
            raise DomainError("still_knowable", f"{answer.endpoints[0].endpoint} shows that it never landed.")
        if order.amount_out is not None and landed.amount_in is None:
            raise DomainError("amount_in_missing", "The order names its amountOut alone: say what was paid.")
        landing = Landing(
            signature=attempt.signature,
            slot=landed.slot,
            commitment="finalized",
            amount_in=landed.amount_in or order.amount_of(attempt),
            amount_out=landed.amount_out,
            fee_lamports=landed.fee_lamports,
        )
        return await self._orders.execute(history, RecordLanding(number, landing, now, because))

    async def stands(self, order_id: UUID, number: int, because: str) -> LoadedOrder:
        """Record that the confirmed attempt's swap is on chain for good; the order stays as it is."""
        history, attempt = await self._find_confirmed(order_id, number)
        upheld = ConfirmationUpheld(order_id=order_id, attempt=number, signature=attempt.signature, because=because)
        if not await self._accounts.uphold(history.account_id, upheld):
            raise DomainError("attempt_ended", f"Whether attempt {number} stands is recorded already.")
        return history

    async def lost(self, order_id: UUID, number: int, because: str) -> LoadedOrder:
        """Record that the confirmed attempt's swap is not on chain: a contradiction, which halts the account."""
        history, attempt = await self._find_confirmed(order_id, number)
        found = ContradictionFound(
            kind="confirmed_lost",
            order_id=order_id,
            attempt=number,
            signature=attempt.signature,
            detail=f"It was confirmed, and an operator says that it was lost: {because}",
        )
        if not await self._accounts.contradict(history.account_id, found):
            raise DomainError("attempt_ended", f"That attempt {number} was lost is recorded already.")
        return history

    async def _find(self, order_id: UUID, number: int) -> tuple[LoadedOrder, Order, Attempt]:
        loaded = await self._orders.load([order_id])
        history = loaded.orders.get(order_id)
        if history is None or history.order is None:
            raise DomainError("order_not_found", f"There is no readable order {order_id}.")
        attempt = history.order.attempt(number)
        if attempt is None:
            made = len(history.order.attempts)
            raise DomainError("unknown_attempt", f"The order has {made} attempts, none is number {number}.")
        return history, history.order, attempt

    async def _find_live(self, order_id: UUID, number: int) -> tuple[LoadedOrder, Order, Attempt]:
        history, order, attempt = await self._find(order_id, number)
        if attempt not in (*order.live_attempts, order.unproven_attempt):
            raise DomainError("attempt_ended", f"What became of attempt {number} is recorded already: {attempt.end}.")
        return history, order, attempt

    async def _find_confirmed(self, order_id: UUID, number: int) -> tuple[LoadedOrder, Attempt]:
        """The attempt if it is confirmed, and whether it is final can't be known any more."""
        history, order, attempt = await self._find(order_id, number)
        if attempt.end != "confirmed":
            raise DomainError("not_confirmed", f"Attempt {number} is not confirmed: say whether it expired or landed.")
        if order.is_finalized:
            raise DomainError("attempt_ended", f"What became of attempt {number} is recorded already: finalized.")
        await self._unknowable(order, attempt)
        return history, attempt

    async def _unknowable(self, order: Order, attempt: Attempt) -> ExpiryEvidence | Inconclusive:
        """What one endpoint alone shows, or why none can tell any more. Refuses while the tracker can find out."""
        if (landing := await self._chain.landing(sent_transaction(order, attempt), "confirmed")) and not landing.error:
            raise DomainError("still_knowable", "The transaction can be read; the tracker will record it.")
        sharing = (await self._orders.load(order.leg.sharing)).orders.values() if order.leg else ()
        question = outcome_question(order, attempt, [one.order for one in sharing if one.order])
        if question is None:
            return Inconclusive("its transaction made no guard, and no node shows it", permanent=True)
        (answer,) = await self._chain.outcomes([question])
        if isinstance(answer, Landing):
            raise DomainError("still_knowable", "A transaction of the order succeeded; the tracker will record it.")
        if isinstance(answer, ExpiryEvidence):
            if answer.is_complete:
                raise DomainError("still_knowable", "The chain proves the expiry; the tracker will record it.")
            return answer
        if not answer.permanent:
            raise DomainError("still_knowable", f"The chain may still tell: {answer.reason}.")
        return answer
