"""`surefill localnet price`: what a pair costs on the local chain, and how to move it there."""

import asyncio
from decimal import Decimal

from chains.errors import ChainUnavailableError, WalletError
from localnet.bootstrap import MARKET_KEY
from localnet.errors import PriceNotReachedError, UnknownPairError
from localnet.market.price import move, price
from runtime import addresses, settings
from runtime.errors import StartupError

DECIMALS = 6
SIGNIFICANT = 6  # digits of a price too small for DECIMALS


def price_of(pair: str, target: Decimal | None) -> str:
    """`SOL/USDC 150.000000`, after moving it to `target` where one is given; raises StartupError."""
    found = addresses.completed(settings.load(), "solana_rpc_url")

    async def run() -> Decimal:
        if target is not None:
            await move(found.solana_rpc_url, found.data_dir / "localnet" / MARKET_KEY, pair, target)
        return await price(found.solana_rpc_url, pair)

    try:
        return f"{pair.upper()} {shown(asyncio.run(run()))}"
    except (UnknownPairError, PriceNotReachedError, ChainUnavailableError, WalletError) as error:
        raise StartupError(str(error)) from None


def shown(value: Decimal) -> str:
    """Six decimals, or for a small price as many as show six significant digits."""
    places = max(DECIMALS, SIGNIFICANT - 1 - value.adjusted()) if value else DECIMALS
    return f"{value:.{places}f}"
