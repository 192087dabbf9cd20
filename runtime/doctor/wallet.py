"""The wallet and the guard key: can they be read, and what the wallet holds."""

from __future__ import annotations

from chains.errors import ChainUnavailableError, SignerError
from chains.guard import GUARD_BYTES, GuardKey
from chains.http_signer import HttpSigner
from chains.signer import Signer
from chains.solana_client import SolanaChain
from chains.transactions import compose_canary
from domain.codes import Code
from domain.numbers import to_units
from domain.tokens import KNOWN_TOKENS, SOL
from runtime.doctor.finding import Finding, look, well, wrong
from runtime.errors import StartupError
from runtime.settings import Settings
from runtime.signers import signer_at
from runtime.wallet_source import WalletSource

ORDERS_AHEAD = 10
"""For so many orders at once the wallet should have the rent of guards."""


async def read_wallet(source: WalletSource) -> tuple[Signer | None, Finding]:
    """The wallet where it is known, and whether its key can be read, or its signer connected to."""
    try:
        wallet = signer_at(source)
    except StartupError as refused:
        return None, wrong(
            "wallet", str(refused), "name a keypair file in WALLET_KEYPAIR, or another place (docs/settings.md)"
        )
    return wallet, await _signer(wallet) if isinstance(wallet, HttpSigner) else well("wallet", wallet.address)


async def _signer(wallet: HttpSigner) -> Finding:
    try:
        await wallet.connect()
    except SignerError as error:
        return wrong(
            "wallet", f"{wallet.address}: at SIGNER_URL {error}", "start the signer there, or correct SIGNER_URL"
        )
    return well("wallet", f"{wallet.address}: somebody is at SIGNER_URL, and is not asked for a signature here")


async def look_at_balances(chain: SolanaChain, wallet: Signer, settings: Settings) -> list[Finding]:
    mints = [token.mint for token in KNOWN_TOKENS.tokens]
    try:
        lamports, rent = await chain.lamports(wallet.address), await chain.rent(GUARD_BYTES)
        held = await chain.token_balances(wallet.address, mints)
    except ChainUnavailableError as error:
        return [wrong("balance", f"it can't be read: {error}", "see rpc")]
    needed = settings.lamport_reserve + ORDERS_AHEAD * rent
    shown = f"{to_units(lamports, SOL.decimals)} SOL"
    if lamports < settings.lamport_reserve + rent:
        enough = wrong(
            "balance",
            f"{shown}: swaps leave LAMPORT_RESERVE alone, and each locks {to_units(rent, SOL.decimals)} SOL of rent",
            f"send it {to_units(needed - lamports, SOL.decimals)} SOL, or lower LAMPORT_RESERVE",
        )
    elif lamports < needed:
        enough = look("balance", f"{shown}: enough for few orders at once", "rents come back after GUARD_KEEP")
    else:
        enough = well("balance", shown)
    tokens = [
        f"{to_units(held[token.mint], token.decimals)} {'wrapped ' if token == SOL else ''}{token.symbol}"
        for token in KNOWN_TOKENS.tokens
        if held[token.mint]
    ]
    if not tokens:
        nothing = look(
            "tokens", "the wallet's token accounts hold nothing to sell", "SOL is sold wrapped: docs/mainnet.md"
        )
        return [enough, nothing]
    return [enough, well("tokens", ", ".join(tokens))]


async def look_at_guard_key(chain: SolanaChain, wallet: Signer, key: GuardKey) -> Finding:
    """Whether this is the key that the canary on the chain was made with."""
    guard = key.canary(wallet.address)
    try:
        rent, blockhash = await chain.rent(GUARD_BYTES), await chain.latest_blockhash()
        simulation = await chain.simulate(
            compose_canary(guard.instructions(rent), wallet=wallet.address, blockhash=blockhash.blockhash)
        )
    except ChainUnavailableError as error:
        return wrong("guard key", f"it can't be compared with the chain: {error}", "see rpc")
    if simulation.error and simulation.error.code == Code.GUARD_TAKEN:
        return well("guard key", "the canary of this key is on the chain")
    if simulation.error:
        return wrong("guard key", f"its canary can't be made: {simulation.error.detail}", "see balance")
    return look(
        "guard key", "this key's canary isn't on the chain yet", "it is made at the first start; then keep the key"
    )
