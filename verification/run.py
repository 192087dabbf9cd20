"""Every check there is, one after the other."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing

import psycopg

from chains.wallet_history import WalletHistory
from domain.account import ACCOUNT_EVENTS
from domain.directory_events import DIRECTORY_EVENTS
from domain.events import ORDER_EVENTS
from domain.trading_state import TradingStateSet
from event_store.errors import PositionGapError
from event_store.hash_chain.verification import Finding, LogCheckpoint
from event_store.mapper import EventMapper
from event_store.pool import connection_pool
from event_store.read.log import Log
from event_store.read.snapshot import snapshot
from projections.accounts import WALLETS
from projections.orders import NAME
from verification.attempts import Attempts
from verification.chain import ChainCheck
from verification.guards import GuardRows
from verification.log import verify_log
from verification.reclaims import RecordedReclaims
from verification.report import Report, Track


def verify_everything(
    database_url: str,
    solana_rpc_url: str,
    report: Report,
    track: Track,
    checkpoint: LogCheckpoint | None,
    *,
    chain: bool,
) -> None:
    """Compare hashes, streams, read models and chain; what is found goes to ``report``.

    ``chain`` False, or an empty ``solana_rpc_url``, leaves the chain out, which the report then says. What keeps it
    from coming to its end is a finding too, and never an error: it says nothing of the log.
    """
    mapper = EventMapper((*ORDER_EVENTS, *ACCOUNT_EVENTS, *DIRECTORY_EVENTS, TradingStateSet))
    try:
        with closing(Attempts()) as attempts, closing(RecordedReclaims()) as reclaims:
            with snapshot(database_url, reads=(NAME,)) as looked_at, closing(GuardRows(looked_at)) as guards:
                wallets = {row[0] for row in looked_at.rows(WALLETS)}
                verify_log(looked_at, mapper, attempts, reclaims, guards, report, track, checkpoint)
            if not (chain and solana_rpc_url):
                remedy = "Set SOLANA_RPC_URL." if chain else "Leave --no-chain out."
                report.add(Finding("chain", "unchecked", "the chain was not asked", remedy))
                return
            wallets |= attempts.wallets() | reclaims.wallets()
            asyncio.run(_verify_chain(database_url, solana_rpc_url, mapper, attempts, reclaims, report, track, wallets))
    except (psycopg.Error, PositionGapError) as error:  # the chain's check reads on in the log
        what = f"the log cannot be read to the end: {type(error).__name__}"
        remedy = "Verify again; if it stays so, look at PostgreSQL's own log."
        report.add(Finding("log", "unchecked", what, remedy))
    except sqlite3.Error as error:
        what = f"what was read of the log cannot be kept to be compared: {type(error).__name__}"
        remedy = f"Verify again with room in {tempfile.gettempdir()}, or set SQLITE_TMPDIR to where there is."
        report.add(Finding("log", "unchecked", what, remedy))


async def _verify_chain(
    database_url: str,
    solana_rpc_url: str,
    mapper: EventMapper,
    attempts: Attempts,
    reclaims: RecordedReclaims,
    report: Report,
    track: Track,
    wallets: set[str],
) -> None:
    async with WalletHistory(solana_rpc_url) as history, connection_pool(database_url, max_size=2) as pool:
        await ChainCheck(history, Log(pool), mapper, attempts, reclaims, report, track).run(wallets)
