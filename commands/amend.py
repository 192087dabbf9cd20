"""Amend an order that waits, at the version that its client has seen."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from commands.errors import GuardFailedError
from commands.history_compared import NOT_COMPARED, may_be_changed
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from commands.trading import TradingStates
from domain.commands import AmendOrder
from domain.decide import decide
from domain.errors import DomainError, NotApplicableError
from domain.events import OrderAmended
from domain.evolve import fold
from domain.order import Order


class VersionConflictError(DomainError):
    """The order is at another ``version`` than its client has seen, trails that moved apart."""

    def __init__(self, version: int) -> None:
        super().__init__("version_conflict", f"The order is at version {version}: look at it before you amend it.")
        self.version = version


@dataclass(frozen=True, slots=True)
class Amendment:
    """``order`` has the new terms. ``falls``: its amount alone is another, and less."""

    order: Order
    falls: bool


def amendment(history: LoadedOrder, command: AmendOrder, version: int) -> Amendment | None:
    """What ``command`` would make of the order that its client has seen at ``version``; None where it has these terms
    already. A trail that moved since then is no other order: it moves many times a minute, and nobody decides it.

    Raises ``DomainError``: what ``decide`` refuses, then ``VersionConflictError``.
    """
    events = decide(history.order, command)
    if not history.revision <= version <= history.version:
        raise VersionConflictError(history.revision)
    after = fold(events, history.order)
    if after is None or not events:
        return None
    return Amendment(after, all(isinstance(event, OrderAmended) and event.keeps_place for event in events))


async def record_amendment(
    orders: OrderRepository, trading: TradingStates, history: LoadedOrder, command: AmendOrder, command_id: UUID
) -> LoadedOrder | None:
    """The order with its new terms; None where it, or how its account trades, has moved on meanwhile.

    Raises ``DomainError``: ``log_behind``, ``account_unreadable``, and ``history_not_compared`` while nobody has looked
    yet whether the log was put back; ``LogUnavailableError``, and ``OutcomeUnknownError``, after which it may have been
    recorded.
    """
    state = await trading.of(history.account_id)
    if state.behind:
        raise state.held(": the order may have been executed since.")
    if not await may_be_changed(trading.compared, history):
        # What the lost end executed had the terms of before: by others it would be told as a swap of somebody else.
        raise DomainError("history_not_compared", NOT_COMPARED)
    guards = trading.guards(history.account_id, state)
    try:
        return await orders.execute(history, command, guards=guards, decide_again=False, command_id=command_id)
    except GuardFailedError:
        trading.forget(history.account_id)
    except NotApplicableError:
        pass
    return None
