"""What operators do stands in the engine's log, too, whether by the API or by a command beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog

from commands.known_accounts import KnownAccounts
from domain.account import TradingResumed
from domain.directory_events import AccountOpened, KeyIssued, KeyRevoked, LimitsSet
from domain.log_behind import LogRecovered
from domain.trading_state import ENGINE, TradingStateSet
from event_store.mapper import UNREADABLE, EventMapper
from event_store.types import PositionedEvent

TOPICS = frozenset(
    event.TOPIC
    for event in (TradingStateSet, TradingResumed, LogRecovered, AccountOpened, KeyIssued, KeyRevoked, LimitsSet)
)

log = structlog.get_logger(__name__)


class OperatorLog:
    """A line for each change of what may be traded, of keys, and of limits: what changed, and by whom.

    ``follow`` is to be told of every event of the log from some position on, after ``accounts`` was.
    """

    def __init__(self, mapper: EventMapper, accounts: KnownAccounts) -> None:
        self._mapper = mapper
        self._accounts = accounts

    def follow(self, events: Sequence[PositionedEvent]) -> None:
        for event in events:
            if event.topic in TOPICS:
                self._say(event)

    def _say(self, recorded: PositionedEvent) -> None:
        try:
            event = self._mapper.load(recorded.topic, recorded.state)
        except UNREADABLE as fault:
            log.warning("what an operator did can't be read", position=recorded.position, error=type(fault).__name__)
            return
        where: dict[str, Any] = {"account": self._name(recorded.account_id), "position": recorded.position}
        # Each field is named: a key's event has its hash, and what is added to one later may be as secret.
        if isinstance(event, TradingStateSet):
            named = {"venue": event.venue} if event.venue is not None else {}
            said = {"state": event.state, "by": event.by, "because": event.because, "cancel_live": event.cancel_live}
            log.info("an operator has set what may be traded", **said, **named, **where)
        elif isinstance(event, TradingResumed):
            log.info("an operator has resumed trading", because=event.because, **where)
        elif isinstance(event, LogRecovered):
            log.info("an operator has recovered the log", by=event.by, because=event.because, **where)
        elif isinstance(event, AccountOpened):
            log.info("an account is made", by=event.by, **where)
        elif isinstance(event, KeyIssued):
            where["account"] = self._name(event.account_id)
            log.info("a key is issued", key_id=str(recorded.stream_id), scopes=event.scopes, by=event.by, **where)
        elif isinstance(event, KeyRevoked):
            log.info("a key is revoked", key_id=str(recorded.stream_id), by=event.by, **where)
        elif isinstance(event, LimitsSet):
            limits = event.limits.model_dump(mode="json", by_alias=True, exclude_none=True)
            log.info("limits are set", limits=limits, by=event.by, **where)

    def _name(self, account_id: UUID) -> str:
        if account_id == ENGINE:
            return "all"
        known = self._accounts.account(account_id)
        return known.name if known else str(account_id)
