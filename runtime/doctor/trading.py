"""What is halted, by an operator or by the engine itself, as the log says it."""

from __future__ import annotations

import psycopg

from commands.accounts import Accounts
from commands.known_accounts import KnownAccounts
from commands.trading import TradingStates
from domain.account import ACCOUNT_EVENTS
from domain.directory_events import DIRECTORY_EVENTS
from domain.trading_state import TradingStateSet
from event_store.append.appender import Appender
from event_store.errors import UnreadableEventError
from event_store.mapper import EventMapper
from event_store.pool import connection_pool
from event_store.read.log import Log
from runtime import preflight
from runtime.doctor.finding import Finding, look, well, wrong
from runtime.errors import SettingsError, StartupError
from runtime.halted_accounts import halted_accounts
from runtime.log_behind import RECOVER

_LIFTED = (
    "surefill trading resume lets go on what an operator has set (with --account or --venue, where it is of one), "
    "surefill resume what the engine has halted by itself"
)


async def look_at_trading(database_url: str) -> Finding:
    """What doesn't trade, of the log at ``database_url``; it is read, and nothing else. Raises ``SettingsError`` where
    that is no database's URL.
    """
    try:
        await preflight.postgres(database_url)
        return await _halts(database_url)
    except SettingsError:
        raise
    except StartupError as away:
        return wrong("trading", str(away), "start PostgreSQL, or correct the setting")
    except psycopg.errors.UndefinedTable:
        return look("trading", "the database has no log yet", "surefill migrate makes it, and so does surefill up")
    except psycopg.Error as error:
        return wrong("trading", f"the log can't be read: {type(error).__name__}", "look at PostgreSQL's own log")
    except UnreadableEventError as error:
        return wrong("trading", f"the log can't be read: {error}", "surefill verify names the event")


async def _halts(database_url: str) -> Finding:
    mapper = EventMapper((*ACCOUNT_EVENTS, *DIRECTORY_EVENTS, TradingStateSet))
    async with connection_pool(database_url, max_size=1, application_name="surefill doctor") as pool:
        log = Log(pool)
        known = KnownAccounts(log, mapper)
        await known.load()
        # Nothing is appended: what isn't started has no connection.
        trading = TradingStates(Accounts(log, Appender(database_url), mapper))
        said = await halted_accounts(trading, known.accounts)
        states = [await trading.of(account.account_id) for account in known.accounts]
    if said is None:
        return well("trading", "nothing is halted")
    advice = RECOVER if any(state.behind for state in states) else _LIFTED
    of_all = all(state.halted for state in states)
    return wrong("trading", said, advice) if of_all else look("trading", said, advice)
