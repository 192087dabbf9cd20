"""What endpoints show of guards, finalized: which are there, with what in them, and which are not.

As with evidence, enough endpoints must show it: one alone could call a guard gone, or a height passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from chains import answers
from chains.answers import EpochInfo, HeldAccount
from chains.blockhash_life import lives
from chains.endpoint import Endpoint
from chains.errors import RpcError, UnansweredError
from chains.guard import TOKEN_PROGRAM
from domain.evidence import enough

ACCOUNTS_A_CALL = 100
# Where a token account keeps its owner and its amount.
_OWNER, _AMOUNT = slice(32, 64), slice(64, 72)


@dataclass(frozen=True, slots=True)
class GuardAccount:
    """A guard on the chain: who may close it (its bytes), and its balances."""

    authority: bytes
    lamports: int
    tokens: int


@dataclass(frozen=True, slots=True)
class GuardsSeen:
    """``height`` is a finalized block height that enough endpoints have passed, 0 of one by
    which a blockhash that was asked about may still serve. Guards that stand in neither ``there`` nor ``gone`` are
    shown otherwise by one endpoint than by another; ``absent`` are those that enough don't show, whatever another
    shows: one that stands still shows for ever what was there.
    """

    height: int
    there: Mapping[str, GuardAccount]
    gone: frozenset[str]
    absent: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Shown:
    height: int
    accounts: Mapping[str, GuardAccount | None]


async def see(
    endpoints: Sequence[Endpoint], genesis_hash: str, guards: Sequence[str], blockhashes: Collection[str] = ()
) -> GuardsSeen:
    """Raises ``UnansweredError`` where too few endpoints answer."""
    answered = await asyncio.gather(*(_ask(endpoint, genesis_hash, guards, blockhashes) for endpoint in endpoints))
    shown = [one for one in answered if one is not None]
    if not enough(len(shown), len(endpoints)):
        raise UnansweredError(endpoints[0].name, f"{len(shown)} of {len(endpoints)} endpoints show guards")
    # The greatest that so many have passed as it takes to prove something.
    heights = sorted((one.height for one in shown), reverse=True)
    height = next(height for count, height in enumerate(heights, 1) if enough(count, len(endpoints)))
    there: dict[str, GuardAccount] = {}
    gone: set[str] = set()
    absent: set[str] = set()
    for guard in guards:
        found = [account for one in shown if (account := one.accounts[guard]) is not None]
        if enough(len(found), len(endpoints)):
            there[guard] = found[0]
        elif not found:
            gone.add(guard)
        if enough(len(shown) - len(found), len(endpoints)):
            absent.add(guard)
    return GuardsSeen(height, there, frozenset(gone), frozenset(absent))


async def _ask(
    endpoint: Endpoint, genesis_hash: str, guards: Sequence[str], blockhashes: Collection[str]
) -> _Shown | None:
    """What one endpoint shows, at a state not older than its height; None where it doesn't answer."""
    accounts: dict[str, GuardAccount | None] = {}
    try:
        if await endpoint.genesis_hash() != genesis_hash:
            return None
        finalized, asked = await asyncio.gather(
            endpoint.call("getEpochInfo", {"commitment": "finalized"}, shape=EpochInfo), lives(endpoint, blockhashes)
        )
        since = max(finalized.absolute_slot, *(life.slot for life in asked.values()), 0)
        config = {"encoding": "base64", "commitment": "finalized", "minContextSlot": since}
        for at in range(0, len(guards), ACCOUNTS_A_CALL):
            part = list(guards[at : at + ACCOUNTS_A_CALL])
            answer = await endpoint.call("getMultipleAccounts", part, config, shape=answers.HELD)
            if len(answer.value) != len(part) or answer.context.slot < since:
                return None
            accounts |= zip(part, map(_guard_account, answer.value), strict=True)
    except (RpcError, UnansweredError):
        return None
    over = all(life.over for life in asked.values())
    return _Shown(finalized.block_height if over else 0, accounts)


def _guard_account(held: HeldAccount | None) -> GuardAccount | None:
    """Lamports that a stranger paid into the address don't make a guard."""
    if held is None or held.owner != TOKEN_PROGRAM:
        return None
    return GuardAccount(held.data[_OWNER], held.lamports, int.from_bytes(held.data[_AMOUNT], "little"))
