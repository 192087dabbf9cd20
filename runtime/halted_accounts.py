"""Which accounts don't trade, which venues aren't traded at, and why, as readiness says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from commands.trading import TradingStates
from domain.directory import DEFAULT_ACCOUNT, Account
from domain.trading_state import EngineTrading
from runtime.venue_names import venue_named


async def halted_accounts(trading: TradingStates, accounts: Sequence[Account]) -> str | None:
    """A sentence; None where all trade. What halts all, as an operator's word or a log that was put back, is said once,
    of the default account; of the others each that is halted by itself is named, and
    each venue that an operator has halted, or lets sells alone through at.
    """
    log = await trading.of(DEFAULT_ACCOUNT)
    found = [] if log.why is None else [log.why]
    for account in accounts:
        own = replace(await trading.of(account.account_id), engine=EngineTrading())
        is_said = account.account_id == DEFAULT_ACCOUNT or (log.behind and own.why == log.reason)
        if own.why is not None and not is_said:
            found.append(f"account {account.name}: {own.why}")
    found += [f"venue {venue_named(venue) or venue}: {one}" for venue, one in log.engine.venues.items()]
    return "; ".join(found) or None
