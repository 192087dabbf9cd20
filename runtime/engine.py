"""`surefill up`: the whole engine, from its embedded servers to its roles, which share a process or have one each."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from enum import IntEnum
from functools import partial
from http import HTTPStatus
from itertools import repeat
from pathlib import Path

import aiohttp
import psycopg
import structlog
from psycopg import AsyncConnection

from commands.known_accounts import KnownAccounts
from domain.directory_events import DIRECTORY_EVENTS
from domain.events import ORDER_EVENTS
from event_store.dsn import parse
from event_store.mapper import EventMapper
from event_store.pool import connection_pool
from event_store.processors.leases import give_back, lease_owner
from event_store.read.log import Log
from localnet.errors import ForeignDirectoryError, LedgerDamagedError
from localnet.journal import LEDGER, check
from localnet.keys import check_keys
from runtime import addresses, preflight
from runtime.addresses import Addresses
from runtime.data_directory import occupied, written_in
from runtime.embedded import ports, postgres, valkey
from runtime.errors import ServerUnreachableError, StartupError
from runtime.local_wallet import local_wallet
from runtime.own_ports import metrics_ports, own_ports, require_free
from runtime.own_tips import tips_itself
from runtime.preconditions import (
    require_guarded_attempts,
    require_key,
    require_known_wallet,
    require_wallet,
)
from runtime.recorded_prices import require_recorded_prices
from runtime.roles import LEASED, migrate
from runtime.settings import Settings
from runtime.signers import guard_key_of, signer_at
from runtime.supervision.child import Program
from runtime.supervision.supervisor import Supervisor

SUREFILL = Path(sys.executable).with_name("surefill")
# Passwords and providers' keys are in them, and the local chain uses none. Empty, they hide those of `.env` too.
ADDRESSES_OF_OTHERS = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "REDIS_URL",
    "REDIS_HOST",
    "REDIS_PORT",
    "SOLANA_RPC_URL",
    "SOLANA_EVIDENCE_RPC_URLS",
    "LANDER_URLS",
    "JITO_URL",
    "SENDER_URL",
    "JUPITER_API_KEY",
    "PYTH_API_KEY",
)
# What signs, or leads to who does: the process that faces clients has no use for it.
SECRETS_OF_THE_WALLET = ("WALLET_KEY", "WALLET_PASSWORD", "SIGNER_URL", "GUARD_KEY")
POLL = 0.05
# Longer than the API gives the requests in flight (api.server.GRACE).
API_STOPS = ((signal.SIGTERM, 2.8),)
REMIND_EVERY = 10.0
GIVE_BACK_WITHIN = 1.0

log = structlog.get_logger()


class Level(IntEnum):
    """Who ends when: the highest first."""

    POSTGRES, LOCALNET, VALKEY, LOOPS, WORKERS, API = range(6)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Addresses]:
    """Start everything, give the addresses once the API is ready, end everything in its order. Raises StartupError."""
    own = own_ports(settings)
    require_recorded_prices(settings.price_source)
    async with occupied(settings.data_dir) as held:
        for port in own:
            require_free(port)
        await _require_given_servers(settings)
        supervisor = Supervisor(keep_open=[held])
        try:
            with written_in(settings.data_dir):
                servers = await _start_servers(supervisor, settings, frozenset(port.number for port in own))
                addresses.publish(settings.data_dir, servers)
            await migrate.run(settings.model_copy(update=servers.databases()))
            await _require_one_world(settings, servers)
            await _start_roles(supervisor, settings, servers)
            yield servers
        finally:
            addresses.withdraw(settings.data_dir)
            await supervisor.stop()


async def _require_given_servers(settings: Settings) -> None:
    """What is set is used, so it is asked before anything of ours is started.

    Without PostgreSQL there is no engine. Without Valkey or the chain's node it serves what it can and waits for them.
    """
    try:
        await preflight.given_servers(settings)
    except ServerUnreachableError as unreachable:
        log.warning("the engine starts without Valkey, and executes orders once it answers", reason=str(unreachable))
    if settings.solana_rpc_url:
        signer_at(settings.wallet_source)


def _require_whole_chain(directory: Path) -> None:
    """Asked before the chain's own process does: that one would be started again and again to say the same."""
    try:
        check(directory / LEDGER)
        check_keys(directory)
    except (LedgerDamagedError, ForeignDirectoryError) as damaged:
        raise StartupError(str(damaged)) from None


async def _require_one_world(settings: Settings, servers: Addresses) -> None:
    """What each role asks, asked once before an order is taken: a role that is refused would be started for ever."""
    wallet = signer_at(settings.wallet_source)
    if said := tips_itself(settings.named_tips, wallet.address, guard_key_of(settings, wallet)):
        raise StartupError(said)
    genesis_hash: str | None = None
    try:
        genesis_hash = await preflight.solana(servers.solana_rpc_url)
    except ServerUnreachableError as unreachable:
        log.warning("the engine starts without its chain, and trades once a node answers", reason=str(unreachable))
    async with connection_pool(servers.database_url, max_size=1) as pool:
        accounts = KnownAccounts(Log(pool), EventMapper(DIRECTORY_EVENTS))
        await accounts.load()
        require_key(accounts, settings)
        if genesis_hash is None:
            await require_known_wallet(pool, settings.wallet_source)
        else:
            await require_wallet(pool, EventMapper(ORDER_EVENTS), genesis_hash, settings.wallet_source)
        await require_guarded_attempts(pool, EventMapper(ORDER_EVENTS))


async def _start_servers(supervisor: Supervisor, settings: Settings, taken: frozenset[int]) -> Addresses:
    """PostgreSQL, the local chain and Valkey, each unless its address is given; returns when all of them answer.
    ``taken`` are ports that the settings name: these servers get others.
    """
    data_dir = settings.data_dir
    ready: list[Callable[[], Awaitable[None]]] = []
    if settings.database_url or settings.database_owner_url:
        given = addresses.completed(settings, "database_url", "database_owner_url")
        database_url, owner_url = given.database_url, given.database_owner_url
    else:
        database = await postgres.prepare(data_dir, taken)
        database_url, owner_url = database.url, database.owner_url
        supervisor.keep(database.program, level=Level.POSTGRES)
        ready.append(database.ready)
    rpc_url = settings.solana_rpc_url
    if not rpc_url:
        port = ports.kept(data_dir / "ports.json", "localnet", taken)
        rpc_url = f"http://{ports.LOOPBACK}:{port}"
        _require_whole_chain(data_dir / "localnet")
        local_wallet(settings)
        own = {
            **dict.fromkeys(ADDRESSES_OF_OTHERS, ""),
            "LOCALNET_HOST": ports.LOOPBACK,
            "LOCALNET_PORT": str(port),
            "DATA_DIR": str(data_dir),
            "METRICS_PORT": "",
            "SUREFILL_SUPERVISED": "1",
        }
        supervisor.keep(_role("localnet", environment=own), level=Level.LOCALNET)
        health = {"jsonrpc": "2.0", "id": 1, "method": "getHealth"}
        ready.append(partial(_ready, rpc_url, "the local chain", body=health))
    redis_url = settings.redis_url
    if not redis_url:
        hints = valkey.prepare(data_dir, taken)
        redis_url = hints.url
        supervisor.keep(hints.program, level=Level.VALKEY)
        ready.append(hints.ready)
    await asyncio.gather(*(answers() for answers in ready))
    return Addresses(settings.api_url, database_url, owner_url, redis_url, rpc_url)


async def _give_leases_back(database_url: str, process: int) -> None:
    """What the dead process held is free at once. Where that can't be said its leases end by themselves."""
    database = parse(database_url, application_name="surefill up")
    try:
        async with (
            asyncio.timeout(GIVE_BACK_WITHIN),
            await AsyncConnection.connect(database.conninfo, autocommit=True) as connection,
        ):
            await give_back(connection, lease_owner(process))
    except (psycopg.Error, TimeoutError) as error:
        log.warning("leases not given back", process=process, error=type(error).__name__)


async def _start_roles(supervisor: Supervisor, settings: Settings, servers: Addresses) -> None:
    environment = _environment(settings, servers)
    metrics = _metrics_ports(settings)
    if settings.processes == "core" and settings.is_local:
        core = replace(_role("run", "core", arguments=("core",), environment=environment), stops=API_STOPS)
        supervisor.keep(core, level=Level.API)
        await _ready(f"{servers.api_url}/health/ready", "the API")
        return
    without_keys = environment | dict.fromkeys(SECRETS_OF_THE_WALLET, "")
    supervisor.keep(replace(_role("api", environment=without_keys), stops=API_STOPS), level=Level.API)
    if settings.processes == "core":
        # Clients of other machines never meet the process that holds the key.
        others = ",".join(("worker", *LEASED))
        core = _role("run", "core", arguments=(others,), environment=environment | next(metrics))
        supervisor.keep(core, level=Level.WORKERS)
        await _ready(f"{servers.api_url}/health/ready", "the API")
        return
    supervisor.keep(_role("worker", environment=environment | next(metrics)), level=Level.WORKERS)
    for name in LEASED:
        supervisor.keep(_role(name, environment=environment | next(metrics)), level=Level.LOOPS)
    await _ready(f"{servers.api_url}/health/ready", "the API")
    for name in LEASED:  # not before: they would only take the others' time to start
        standby = _role(name, f"{name} standby", environment=environment | next(metrics))
        supervisor.keep(standby, level=Level.LOOPS)


def _metrics_ports(settings: Settings) -> Iterator[dict[str, str]]:
    """A port for each role that shows its metrics, since two can't listen on one; without one none is told any."""
    yield from ({"METRICS_PORT": str(port)} for port in metrics_ports(settings))
    yield from repeat({"METRICS_PORT": ""})


def _role(name: str, shown: str = "", *, environment: dict[str, str], arguments: tuple[str, ...] = ()) -> Program:
    # `ps` shows "surefill <role>"; the working directory stays ours, where `.env` is. A role is ourselves once more: it
    # reads the same settings from the same environment.
    command = (sys.executable, str(SUREFILL), name, *arguments)
    database_url = environment.get("DATABASE_URL")
    ended = partial(_give_leases_back, database_url) if database_url else None
    return Program(shown or name, command, Path.cwd(), {**os.environ, **environment}, ended=ended)


def _environment(settings: Settings, servers: Addresses) -> dict[str, str]:
    """What a role is told. The empty one hides an owner's address that the environment or `.env` may hold."""
    return {
        "SUREFILL_SUPERVISED": "1",
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": servers.database_url,
        "DATABASE_OWNER_URL": "",
        "REDIS_URL": servers.redis_url,
        "SOLANA_RPC_URL": servers.solana_rpc_url,
    }


async def _ready(url: str, what: str, *, body: dict[str, object] | None = None) -> None:
    """Ask until the answer is 200, however long it takes, and say now and then that it does."""
    reminded = time.monotonic()
    method = "GET" if body is None else "POST"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2.0)) as client:
        while True:
            try:
                async with client.request(method, url, json=body, allow_redirects=False) as answer:
                    if answer.status == HTTPStatus.OK:
                        return
                    reason = (await answer.text(errors="replace"))[:200]
            except (aiohttp.ClientError, TimeoutError) as error:
                reason = type(error).__name__
            if time.monotonic() - reminded > REMIND_EVERY:
                log.warning("still waiting", what=what, reason=reason)
                reminded = time.monotonic()
            await asyncio.sleep(POLL)
