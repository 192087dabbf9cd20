"""`python -m bench.guard_cost`: what the guard costs a transaction on the local chain, with and without it.


Bytes of the signed transaction, compute units of its simulation, lamports of its fee and of the rent that it pays in.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import uvloop
from solders.instruction import Instruction

from chains.errors import ChainUnavailableError
from chains.guard import GUARD_BYTES
from chains.solana_client import SolanaChain
from chains.transactions import CANCEL_UNITS, MAX_COMPUTE_UNITS, compose
from chains.wallet import Wallet
from domain.tokens import SOL, USDC
from localnet.main import serve
from venues.constant_product import PROGRAM_ID
from venues.pools import PoolBook
from venues.protocol import QuoteRequest, VenueQuote

FEE_LAMPORTS = 5_000


@dataclass(frozen=True)
class Cost:
    size: int
    units: int
    rent_lamports: int


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        wallet = Wallet.create(Path(directory) / "wallet.json")
        async with _node(Path(directory) / "chain", wallet.address) as url, SolanaChain(url) as chain:
            pools = PoolBook(chain, PROGRAM_ID)
            await _until_served(pools)
            (answers,) = await pools.quote_all([QuoteRequest(SOL.mint, USDC.mint, 500_000_000)])
            print(f"{'':24}{'bytes':>8}{'units':>8}{'fee':>8}{'rent':>12}")
            for offer in (one for one in answers if isinstance(one, VenueQuote)):
                swap = (await pools.swap(offer, owner=wallet.address, minimum_out=1)).instructions
                for guarded in (False, True):
                    name = f"{offer.quote.venue} swap{', guarded' if guarded else ''}"
                    _show(name, await _cost(chain, wallet, swap, guarded=guarded))
            _show("cancel", await _cost(chain, wallet, (), guarded=True, cancels=True))


async def _cost(
    chain: SolanaChain, wallet: Wallet, instructions: Sequence[Instruction], *, guarded: bool, cancels: bool = False
) -> Cost:
    order_id, rent = uuid4(), await chain.rent(GUARD_BYTES) if guarded else 0
    blockhash = await chain.latest_blockhash()
    guard = wallet.guard_key().of_order(wallet.address, order_id).instructions(rent) if guarded else []
    message = compose(
        instructions,
        guard=guard,
        wallet=wallet.address,
        order_id=order_id,
        attempt=1,
        blockhash=blockhash.blockhash,
        compute_units=CANCEL_UNITS if cancels else MAX_COMPUTE_UNITS,
        cancels=cancels,
    )
    simulation = await chain.simulate(message)
    if simulation.error:
        raise RuntimeError(simulation.error.detail)
    return Cost(len(bytes(wallet.sign(message))), simulation.units, rent)


def _show(name: str, cost: Cost) -> None:
    print(f"{name:24}{cost.size:>8,}{cost.units:>8,}{FEE_LAMPORTS:>8,}{cost.rent_lamports:>12,}")


@contextlib.asynccontextmanager
async def _node(directory: Path, wallet: str) -> AsyncIterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    node = asyncio.create_task(serve(host="127.0.0.1", port=port, directory=directory, wallet=wallet, slot_ms=20))
    yield f"http://127.0.0.1:{port}"
    node.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await node


async def _until_served(pools: PoolBook) -> None:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(ChainUnavailableError):
                return await pools.load()
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    uvloop.run(main())
