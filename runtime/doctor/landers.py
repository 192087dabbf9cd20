"""The landers: whether each can be reached, asked for nothing that has an effect. No transaction is sent."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

import httpx2

from chains.endpoint import Endpoint
from chains.errors import ChainUnavailableError, RpcError
from chains.solana_client import SolanaChain
from runtime.doctor.finding import Finding, look, well, wrong
from runtime.settings import Settings

_OTHERS_GO_ON = "the others get every transaction meanwhile"


async def look_at_landers(chain: SolanaChain, settings: Settings, patience: float) -> list[Finding]:
    """Each of LANDER_URLS, JITO_URL and SENDER_URL that is set; ``patience`` in seconds, for each."""
    found = []
    try:
        expected = await chain.genesis_hash() if settings.lander_urls else ""
        found += [await _rpc(url, expected, patience) for url in settings.lander_urls]
    except ChainUnavailableError as error:
        found.append(wrong("landers", f"LANDER_URLS can't be compared with the chain: {error}", "see rpc"))
    if settings.jito_url:
        found += await _jito(settings.jito_url, settings.jito_tip_accounts, patience)
    if settings.sender_url:
        found.append(await _sender(settings.sender_url, patience))
    return found


async def _rpc(url: str, genesis_hash: str, patience: float) -> Finding:
    endpoint = Endpoint(url, timeout=patience)
    try:
        served = await endpoint.genesis_hash()
    except RpcError as refused:  # some take transactions and answer nothing else
        return well(
            "landers", f"LANDER_URLS: {endpoint.name} answers, and doesn't say for which chain: {refused.reason}"
        )
    except ChainUnavailableError as error:
        return look("landers", f"LANDER_URLS: no answer: {error}", f"correct or remove it; {_OTHERS_GO_ON}")
    finally:
        await endpoint.close()
    if served != genesis_hash:
        said = f"LANDER_URLS: {endpoint.name} serves another chain, genesis {served}"
        return wrong("landers", said, "it must serve the chain that SOLANA_RPC_URL serves, or be removed")
    return well("landers", f"LANDER_URLS: {endpoint.name} serves this chain")


async def _jito(url: str, accounts: Sequence[str], patience: float) -> list[Finding]:
    """It names its tip accounts itself. https://docs.jito.wtf/lowlatencytxnsend/#gettipaccounts"""
    endpoint = Endpoint(_beside(url, "getTipAccounts"), timeout=patience, batches=False)
    try:
        named = await endpoint.call("getTipAccounts", shape=list[str])
    except ChainUnavailableError as error:
        return [look("landers", f"JITO_URL: no answer that can be used: {error}", f"correct it; {_OTHERS_GO_ON}")]
    finally:
        await endpoint.close()
    if strange := [account for account in accounts if account not in named]:
        said = f"JITO_TIP_ACCOUNTS: {', '.join(strange)}: {endpoint.name} names no such tip account"
        return [wrong("landers", said, f"what is tipped there is lost; it names {', '.join(named) or 'none'}")]
    return [well("landers", f"JITO_URL: {endpoint.name} answers, and its tip accounts are those that are set")]


async def _sender(url: str, patience: float) -> Finding:
    """Its ping keeps a connection warm. https://www.helius.dev/docs/api-reference/sender/ping"""
    name = urlsplit(url).netloc.rpartition("@")[2]
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=patience) as client:
            status = (await client.get(_beside(url, "ping"))).status_code
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:  # its text may hold the address, and with it a key
        said = f"SENDER_URL: {name} gives no answer: {type(error).__name__}"
        return look("landers", said, f"correct it; {_OTHERS_GO_ON}")
    if status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN) or status >= httpx2.codes.INTERNAL_SERVER_ERROR:
        said = f"SENDER_URL: {name} answers its ping with HTTP {status}"
        return look("landers", said, f"check the address and its key; {_OTHERS_GO_ON}")
    return well("landers", f"SENDER_URL: {name} answers, its ping with HTTP {status}")


def _beside(url: str, name: str) -> str:
    """``url`` with ``name`` in place of the last part of its path; the query, which may hold a key, stays."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/').rpartition('/')[0]}/{name}"))
