"""What endpoints show of a reclaim, finalized: one alone could show a success, or a failure, that never was."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from chains import answers
from chains.endpoint import Endpoint
from chains.errors import RpcError, UnansweredError
from chains.reclaim import ReclaimLanding, settle_reclaim
from domain.evidence import enough
from domain.numbers import U64_MAX

_CONFIG = {"encoding": "json", "commitment": "finalized", "maxSupportedTransactionVersion": 0}


@dataclass(frozen=True, slots=True)
class ReclaimShown:
    """``agreed`` is what enough endpoints show alike, ``support`` of them; ``shown`` what each one shows that does, by
    its host. That one doesn't show it proves nothing: its history may be short.
    """

    agreed: ReclaimLanding | None = None
    support: int = 0
    shown: tuple[tuple[str, ReclaimLanding], ...] = ()


async def see_reclaim(endpoints: Sequence[Endpoint], signature: str, wallet: str) -> ReclaimShown:
    """Raises ``UnansweredError`` where too few endpoints answer."""
    asked = await asyncio.gather(*(_ask(endpoint, signature, wallet) for endpoint in endpoints))
    answered = [(endpoint.name, *answer) for endpoint, answer in zip(endpoints, asked, strict=True) if answer]
    if not enough(len(answered), len(endpoints)):
        raise UnansweredError(endpoints[0].name, f"{len(answered)} of {len(endpoints)} endpoints show reclaims")
    shown = tuple((name, landing) for name, landing in answered if landing)
    alike: dict[object, list[ReclaimLanding]] = {}
    for _, landing in shown:
        alike.setdefault(_said(landing), []).append(landing)
    most = max(alike.values(), key=len, default=[])
    agreed = most[0] if most and enough(len(most), len(endpoints)) else None
    return ReclaimShown(agreed, len(most) if agreed else 0, shown)


async def _ask(endpoint: Endpoint, signature: str, wallet: str) -> tuple[ReclaimLanding | None] | None:
    """What one endpoint shows; None where it doesn't answer. One that refuses keeps no history, and shows nothing."""
    try:
        found = await endpoint.call("getTransaction", signature, _CONFIG, shape=answers.LandedTransaction | None)
    except RpcError:
        return (None,)
    except UnansweredError:
        return None
    if found is None:
        return (None,)
    if found.transaction.signatures[:1] != [signature]:
        return None
    landing = settle_reclaim(found, wallet)
    # What closed guards gave their rent back.
    is_possible = landing.error is not None or (0 < landing.lamports <= U64_MAX and 0 <= landing.tokens <= U64_MAX)
    return (landing,) if is_possible else None


def _said(landing: ReclaimLanding) -> object:
    """What two endpoints must show alike; whatever a failure is for, it closed nothing."""
    failed = landing.error is not None
    return (failed, landing.slot, landing.lamports, landing.tokens, landing.fee_lamports)
