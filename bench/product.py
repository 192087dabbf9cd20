"""What the lanes of `make bench` take from inside the product; everything else they do from outside, as any client.

`bench.market` and `bench.rebuild`, which judge and not only measure, take more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg

from chains.guard import SYSTEM_PROGRAM
from chains.solana_client import SolanaChain
from chains.transactions import CANARY_MEMO, MEMO_PROGRAM
from commands.ids import DEFAULT_ACCOUNT
from domain.quotes import Refusal
from domain.tokens import SOL, USDC
from event_store.append.appender import Appender
from event_store.dsn import parse
from event_store.types import AppendRequest, NewEvent, Stored
from localnet.bootstrap import open_node
from localnet.keys import MARKET_KEY
from localnet.market.price import move
from localnet.rpc import METHODS
from localnet.rpc.node import Node
from localnet.rpc.params import Params
from localnet.server import RpcServer
from localnet.world import pair_named
from runtime.composition import Market, Store, open_market
from runtime.embedded import postgres, valkey
from runtime.roles import SHARED, migrate
from runtime.roles.entry import main
from runtime.settings import Settings
from runtime.signers import load_wallet
from runtime.supervision import child
from venues.constant_product import PROGRAM_ID as SWAP_PROGRAM
from venues.pools import PoolBook as SolanaPools
from venues.protocol import Fits, Proposal, QuoteRequest, VenueGroup, VenueQuote

__all__ = [
    "CANARY_MEMO",
    "DEFAULT_ACCOUNT",
    "MARKET_KEY",
    "MEMO_PROGRAM",
    "METHODS",
    "SHARED",
    "SOL_USDC",
    "SWAP_PROGRAM",
    "SYSTEM_PROGRAM",
    "AppendRequest",
    "Appender",
    "Fits",
    "Market",
    "NewEvent",
    "Node",
    "Params",
    "Proposal",
    "QuoteRequest",
    "Refusal",
    "RpcServer",
    "Settings",
    "SolanaPools",
    "Store",
    "Stored",
    "VenueGroup",
    "VenueQuote",
    "connect",
    "connection_string",
    "load_wallet",
    "main",
    "migrated",
    "move",
    "open_market",
    "open_node",
    "pair_named",
    "postgres_alone",
    "solana_pools",
    "valkey_alone",
]

SOL_USDC = {SOL.mint, USDC.mint}


def connection_string(database_url: str) -> str:
    """For connections that find the log and the read models without their schemas' names."""
    return parse(database_url).conninfo


def connect(database_url: str) -> psycopg.Connection:
    """Such a connection; each statement commits."""
    return psycopg.connect(connection_string(database_url), autocommit=True)


@asynccontextmanager
async def postgres_alone(data_dir: Path) -> AsyncIterator[tuple[postgres.EmbeddedPostgres, int]]:
    """An engine's PostgreSQL without the engine, and its process id; made where there is none."""
    data_dir.mkdir(exist_ok=True)
    server = await postgres.prepare(data_dir)
    process = await child.start(server.program)
    try:
        await server.ready()
        yield server, process.pid
    finally:
        await child.stop(process, server.program.stops)


@asynccontextmanager
async def valkey_alone(data_dir: Path) -> AsyncIterator[tuple[str, int]]:
    """An engine's Valkey without the engine: its address and its process id."""
    data_dir.mkdir(exist_ok=True)
    server = valkey.prepare(data_dir)
    process = await child.start(server.program)
    try:
        await server.ready()
        yield server.url, process.pid
    finally:
        await child.stop(process, server.program.stops)


async def migrated(server: postgres.EmbeddedPostgres) -> str:
    """The address of its database, with the log in it."""
    await migrate.run(Settings(database_url=server.url, database_owner_url=server.owner_url))
    return server.url


@asynccontextmanager
async def solana_pools(rpc_url: str) -> AsyncIterator[SolanaPools]:
    """The pools of the chain at ``rpc_url``."""
    async with SolanaChain(rpc_url) as chain:
        yield SolanaPools(chain, SWAP_PROGRAM)
