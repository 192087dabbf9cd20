"""Composes a verification from the settings, and ends it with an exit code that says what it found."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from rich.console import Console

from chains.wallet_history import WalletHistory
from domain.account import ACCOUNT_EVENTS
from domain.events import ORDER_EVENTS
from event_store.hash_chain.verification import Finding, LogCheckpoint
from event_store.mapper import EventMapper
from event_store.pool import connection_pool
from event_store.read.log import Log
from event_store.read.snapshot import Snapshot, snapshot
from projections.accounts import WALLETS
from projections.orders import NAME
from runtime import addresses, settings
from runtime.errors import SettingsError, StartupError
from runtime.settings import Settings
from verification import checkpoint as checkpoints
from verification import show
from verification.attempts import Attempts
from verification.chain import ChainCheck
from verification.log import verify_log
from verification.report import UNCHECKED, USAGE, Report, Track


def verify(checkpoint: Path | None, *, as_json: bool, chain: bool) -> int:
    """The exit code; findings go to stdout as they come, the verdict last."""
    console = Console()
    report = Report((lambda finding: print(show.json_line(finding))) if as_json else show.for_people(console))
    try:
        mark = checkpoints.read(checkpoint).mark if checkpoint else None
        found = _settings(chain)
    except SettingsError as error:
        print(f"surefill: {error}", file=sys.stderr)
        return USAGE
    except StartupError as error:
        # Nothing could be looked at, which isn't the same as a difference.
        print(f"surefill: {error}", file=sys.stderr)
        return UNCHECKED
    with show.progress() as track:
        verify_everything(found, report, track, mark, chain=chain)
    if as_json:
        print(show.json_verdict(report))
    else:
        console.print(show.summary(report), soft_wrap=True)
    return report.exit_code


def verify_everything(
    found: Settings, report: Report, track: Track, checkpoint: LogCheckpoint | None, *, chain: bool
) -> None:
    """Every check there is; ``chain`` False leaves that one out, which the report then says."""
    mapper = EventMapper((*ORDER_EVENTS, *ACCOUNT_EVENTS))
    with closing(Attempts()) as attempts:
        try:
            with snapshot(found.database_url, reads=(NAME,)) as looked_at:
                wallets = {row[0] for row in looked_at.rows(WALLETS)}
                verify_log(looked_at, mapper, attempts, report, track, checkpoint)
        except psycopg.Error as error:
            what = f"the log cannot be read to the end: {type(error).__name__}"
            remedy = "Verify again; if it stays so, look at PostgreSQL's own log."
            report.add(Finding("log", "unchecked", what, remedy))
            return
        if not (chain and found.solana_rpc_url):
            remedy = "Set SOLANA_RPC_URL." if chain else "Leave --no-chain out."
            report.add(Finding("chain", "unchecked", "the chain was not asked", remedy))
            return
        asyncio.run(_verify_chain(found, mapper, attempts, report, track, wallets | attempts.wallets()))


async def _verify_chain(
    found: Settings, mapper: EventMapper, attempts: Attempts, report: Report, track: Track, wallets: set[str]
) -> None:
    async with WalletHistory(found.solana_rpc_url) as history, connection_pool(found.database_url, max_size=2) as pool:
        await ChainCheck(history, Log(pool), mapper, attempts, report, track).run(wallets)


def take_checkpoint(file: Path | None) -> None:
    """Write the log's checkpoint to ``file``, or to stdout; raises StartupError."""
    before = checkpoints.earlier(file) if file else None
    found = _settings(chain=False)
    with show.progress() as track, _reading(found.database_url) as looked_at:
        taken = checkpoints.take(looked_at, datetime.now(UTC), before, track)
    if file is None:
        sys.stdout.write(taken.text())
        return
    checkpoints.write(taken, file)
    print(f"position {taken.position} of {taken.streams} streams: {file}")


@contextmanager
def _reading(url: str) -> Iterator[Snapshot]:
    try:
        with snapshot(url) as looked_at:
            yield looked_at
    except psycopg.Error as error:
        raise StartupError(f"the log cannot be read: {type(error).__name__}") from None


def _settings(chain: bool) -> Settings:
    found = settings.load()
    needed = ("database_url", "solana_rpc_url") if chain else ("database_url",)
    try:
        return addresses.completed(found, *needed)
    except StartupError:
        if not chain:
            raise
        return addresses.completed(found, "database_url")
