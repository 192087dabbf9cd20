"""`surefill doctor`: is what the engine needs there, and what to do where it isn't."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.console import Console

from chains.solana_client import SolanaChain
from cli.operator import run_command
from runtime import addresses, program, settings, telemetry
from runtime.doctor.chain import by_verdict, look_at_chain
from runtime.doctor.finding import Finding, wrong
from runtime.doctor.landers import look_at_landers
from runtime.doctor.simulation import look_at_simulation
from runtime.doctor.tips import look_at_tips
from runtime.doctor.trading import look_at_trading
from runtime.doctor.venues import look_at_prices, look_at_venues
from runtime.doctor.wallet import look_at_balances, look_at_guard_key, read_wallet
from runtime.errors import StartupError
from runtime.price_sources import open_prices
from runtime.remote_venues import open_venues
from runtime.settings import Settings
from runtime.signers import guard_key_of
from venues.constant_product import PROGRAM_ID
from venues.pools import PoolBook

_MARKS = {"well": "ok   ", "look": "look ", "wrong": "WRONG"}
PATIENCE_S = 5.0


def doctor() -> None:
    """Look at RPC, clock, halts, wallet, balance, guard key, landers, venues and prices: what is wrong, and what to do.

    It sends nothing and signs nothing; of each remote venue it asks for one quote of 0.01 SOL. What is halted it reads
    where an engine runs on DATA_DIR, or DATABASE_URL is set.
    """

    found: list[Finding] = []

    def show() -> None:
        given = _settings()
        # What was found is all that is printed: why a service gave nothing stands there, in its words.
        telemetry.configure(given.model_copy(update={"log_level": "error"}), "doctor")
        found.extend(run_command(examine(given)))
        _print(found)

    raise typer.Exit(program.guarded("doctor", show) or by_verdict(found))


def _settings() -> Settings:
    """With the addresses of the running engine where they aren't set; where none runs requests aren't counted."""
    given = settings.load()
    found = addresses.completed(given, "solana_rpc_url")
    running = addresses.of_running_engine(given.data_dir)
    return found.model_copy(
        update={
            "redis_url": given.redis_url or (running.redis_url if running else ""),
            "database_url": given.database_url or given.database_owner_url or (running.database_url if running else ""),
        }
    )


async def examine(found: Settings) -> list[Finding]:
    """Everything that was found, in the order in which it would be put right."""
    async with SolanaChain(
        found.solana_rpc_url, extra_urls=found.solana_evidence_rpc_urls, timeout=PATIENCE_S
    ) as chain:
        findings = await look_at_chain(chain)
        if found.database_url:
            findings.append(await look_at_trading(found.database_url))
        wallet, finding = await read_wallet(found.wallet_source)
        findings.append(finding)
        if findings[0].verdict == "wrong":
            return findings
        key = None
        if wallet:
            key = guard_key_of(found, wallet)
            findings += await look_at_balances(chain, wallet, found)
            findings.append(await look_at_guard_key(chain, wallet, key))
            findings.append(await look_at_simulation(chain, wallet))
        findings += await look_at_tips(chain, found, (wallet, key) if wallet and key else None, PATIENCE_S)
        findings += await look_at_landers(chain, found, PATIENCE_S)
        pools = PoolBook(chain, PROGRAM_ID)
        async with open_venues(found, chain, pools) as opened:
            findings += await look_at_venues(opened.groups, wallet.address if wallet else None)
        return [*findings, *await _prices(found, pools, chain)]


async def _prices(found: Settings, pools: PoolBook, chain: SolanaChain) -> list[Finding]:
    """A file of ticks that can't be read is a finding like others: what was found before it is shown all the same."""
    try:
        async with open_prices(found, pools, chain.slot_age) as prices:
            return await look_at_prices(prices)
    except StartupError as refused:
        return [wrong("prices", str(refused), "correct the file, or name another source in PRICE_SOURCE")]


def _print(found: Sequence[Finding]) -> None:
    console = Console(highlight=False)
    for one in found:
        console.print(f"{_MARKS[one.verdict]} {one.what}: {one.sentence}", soft_wrap=True, markup=False)
        if one.advice:
            console.print(f"      -> {one.advice}", soft_wrap=True, markup=False)
