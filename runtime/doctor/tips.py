"""The accounts that landers are tipped at: whether a tip can arrive there. One that can't fails the whole swap."""

from __future__ import annotations

from collections.abc import Sequence

from chains import answers
from chains.endpoint import Endpoint
from chains.errors import ChainUnavailableError
from chains.guard import GuardKey
from chains.signer import Signer
from chains.solana_client import SolanaChain
from chains.tips import Tip
from runtime.doctor.finding import Finding, look, well, wrong
from runtime.own_tips import own_among
from runtime.settings import Settings

_SYSVARS = "Sysvar1111111111111111111111111111111111111"


async def look_at_tips(
    chain: SolanaChain, settings: Settings, wallet: tuple[Signer, GuardKey] | None, patience: float
) -> list[Finding]:
    """Those of each lander that is set, as the endpoint at SOLANA_RPC_URL shows them; ``wallet`` where it is known."""
    endpoint = Endpoint(settings.solana_rpc_url, timeout=patience)
    try:
        return [
            one
            for name, tip in settings.named_tips.items()
            for one in await _look_at(chain, endpoint, name, tip, wallet)
        ]
    except ChainUnavailableError as error:
        return [wrong("tips", f"the tip accounts can't be read: {error}", "see rpc")]
    finally:
        await endpoint.close()


async def _look_at(
    chain: SolanaChain, endpoint: Endpoint, name: str, tip: Tip, wallet: tuple[Signer, GuardKey] | None
) -> list[Finding]:
    if wallet and (own := own_among(tip.accounts, wallet[0].address, wallet[1])):
        said = f"{name}: {', '.join(own)}: the wallet itself, or an account of its own"
        return [wrong("tips", said, f"nothing is signed so: set the lander's accounts in {name}")]
    shown = await endpoint.call(
        "getMultipleAccounts",
        list(tip.accounts),
        {"encoding": "base64", "commitment": "confirmed"},
        shape=answers.TIPPED,
    )
    if len(shown.value) != len(tip.accounts):
        return [wrong("tips", f"{name} can't be read: not every account was answered", "see rpc")]
    alike: dict[str, list[str]] = {}
    missing: list[str] = []
    sizes = {len(found.data) if found else 0 for found in shown.value}
    rents = {size: await chain.rent(size) for size in sizes}
    for account, found in zip(tip.accounts, shown.value, strict=True):
        rent = rents[len(found.data) if found else 0]
        if found and (found.executable or found.owner == _SYSVARS):
            alike.setdefault("a program, or one of the chain's own, and no lander's", []).append(account)
        elif (held := found.lamports if found else 0) + tip.lamports < rent:
            there = f"it holds {held} lamports" if found else "it isn't on this chain"
            alike.setdefault(f"{there}, and a tip of {tip.lamports} leaves it below its rent, {rent}", []).append(
                account
            )
        elif found is None:
            missing.append(account)
    return _findings(name, tip, alike, missing)


def _findings(name: str, tip: Tip, alike: dict[str, list[str]], missing: Sequence[str]) -> list[Finding]:
    advice = (
        f"each swap that tips it fails, or pays nobody: correct {name}; mainnet's landers have theirs on mainnet alone"
    )
    found = [wrong("tips", f"{name}: {', '.join(accounts)}: {why}", advice) for why, accounts in alike.items()]
    if missing:
        said = f"{name}: {', '.join(missing)}: not on this chain, the first tip makes it"
        found.append(look("tips", said, "make sure that it is the lander's"))
    return found or [
        well("tips", f"{name}: a tip of {tip.lamports} lamports can arrive at each of {len(tip.accounts)}")
    ]
