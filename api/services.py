"""What the controllers work with; made once, by whoever composes the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.chain import KnownChain
from api.comparison_patience import IsCompared
from api.config import ApiConfig
from api.prices import Ticker
from api.rates import Rates
from api.resting import WaitingCounts
from commands.amended_reservations import AmendedReservations
from commands.deadman import DeadmanSwitches
from commands.directory.commands import DirectoryCommands
from commands.halting import Scope
from commands.known_accounts import KnownAccounts
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from commands.reservations import Reservations
from commands.twap.lists import TwapLists
from domain.commands import AmendOrder
from domain.epochs import Epochs
from domain.log_behind import ForeignTransactionFound
from domain.trading_state import AccountTrading, TradingState
from event_store.mapper import EventMapper
from event_store.processors.dead_letters import DeadLetter
from event_store.read.log import Log
from projections.live import LiveFeed
from projections.orders.queries import OrderList
from projections.stream_changes import StreamChanges
from projections.uncertainty import Uncertainty
from venues.protocol import VenueGroup
from venues.report import VenueReports


@dataclass(frozen=True, slots=True)
class Check:
    """One thing readiness depends on.

    ``probe`` returns when it is well and raises, or returns a sentence, when it isn't. Without an ``essential`` one the
    API is not ready; without another it is degraded: it works, with less.
    """

    name: str
    probe: Callable[[], Awaitable[str | None]]
    essential: bool = True


class SetTrading(Protocol):
    """Records what may be traded; of how many orders in flight the cancel was asked for."""

    async def __call__(self, scope: Scope, state: TradingState, *, by: str, because: str, cancel_live: bool) -> int: ...


class RequestCancel(Protocol):
    """Asks for an order's cancel, once however often; the order then, or as it ended before. Raises ``DomainError``."""

    async def __call__(self, order_id: UUID, *, account_id: UUID, by: str, because: str | None) -> LoadedOrder: ...


class RecordAmendment(Protocol):
    """Records other terms of an order; None where it has moved on. Raises as ``commands.amend`` says."""

    async def __call__(self, history: LoadedOrder, command: AmendOrder, command_id: UUID) -> LoadedOrder | None: ...


@dataclass(frozen=True, slots=True)
class Services:
    config: ApiConfig
    orders: OrderRepository
    events: Log
    mapper: EventMapper
    order_list: OrderList
    resting: WaitingCounts
    ticker: Ticker
    live: LiveFeed
    checks: Sequence[Check]
    chain: Callable[[], KnownChain]
    venues: Sequence[VenueGroup]
    venue_reports: VenueReports
    clock: Callable[[], datetime]
    wallet: Callable[[UUID], Awaitable[str | None]]
    accounts: KnownAccounts
    directory: DirectoryCommands
    set_trading: SetTrading
    request_cancel: RequestCancel
    compared: IsCompared
    record_amendment: RecordAmendment
    reservations: Reservations
    amended_reservations: AmendedReservations
    rates: Rates
    guard_rent: Callable[[], Awaitable[int]]
    uncertainty: Callable[[UUID, Sequence[int]], Awaitable[Uncertainty | None]]
    returned_rents: Callable[[Sequence[UUID]], Awaitable[set[UUID]]]
    dead_letter: Callable[[UUID], Awaitable[DeadLetter | None]]
    trading: Callable[[UUID], Awaitable[AccountTrading]]
    epochs: Callable[[], Awaitable[Epochs]]
    deadman: DeadmanSwitches
    twaps: TwapLists
    stream_changes: StreamChanges
    executed_elsewhere: Callable[[UUID, UUID], Awaitable[ForeignTransactionFound | None]]


InjectedServices: TypeAlias = NamedDependency[SkipValidation[Services]]
"""The type of a handler's parameter ``services``, which Litestar fills in."""
