"""`surefill localnet market`: a market outside that the local pools follow, until Ctrl-C or SIGTERM."""

from itertools import islice

from chains.errors import WalletError
from chains.solana_client import SolanaChain
from chains.wallet import read_keypair
from localnet.bootstrap import MARKET_KEY
from localnet.errors import UnknownPairError
from localnet.market.follow import follow
from localnet.market.walk import outside_prices
from localnet.world import pair_named
from localnet.world import pairs as all_pairs
from runtime import addresses, settings
from runtime.errors import StartupError
from runtime.roles import run_until_signalled


def run(seed: int, volatility_bps: int, pairs: str | None, interval_ms: int, minutes: int | None) -> None:
    """`pairs` is comma separated, every pair where None; without `minutes` there is no end. Raises StartupError."""
    found = addresses.completed(settings.load(), "solana_rpc_url")
    try:
        named = [pair_named(name.strip()) for name in pairs.split(",")] if pairs else all_pairs()
        market = read_keypair(found.data_dir / "localnet" / MARKET_KEY)
    except (UnknownPairError, WalletError) as error:
        raise StartupError(str(error)) from None
    steps = outside_prices(seed, volatility_bps, list(dict.fromkeys(named)))

    async def main() -> None:
        async with SolanaChain(found.solana_rpc_url) as chain:
            await follow(
                chain,
                market,
                steps if minutes is None else islice(steps, minutes * 60_000 // interval_ms),
                interval=interval_ms / 1000,
                say=lambda line: print(line, flush=True),
            )

    run_until_signalled(main())
