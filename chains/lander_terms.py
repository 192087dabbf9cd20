"""What each kind of lander is told beside the signed bytes, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chains.tips import Tip

_ENCODED = {"encoding": "base64"}
_UNCHECKED = {**_ENCODED, "skipPreflight": True, "maxRetries": 0}


@dataclass(frozen=True, slots=True)
class LanderTerms:
    """Where a lander is, what it is told beside the bytes, the tip it asks for, and whether it takes batches."""

    url: str
    config: Mapping[str, object]
    tip: Tip | None = None
    batches: bool = False


def rpc(url: str) -> LanderTerms:
    """An RPC endpoint as any other."""
    return LanderTerms(url, _UNCHECKED, batches=True)


def jito(url: str, tip: Tip) -> LanderTerms:
    """A block engine of Jito's, ``/api/v1/transactions``: it never runs a preflight, and its encoding has to be named.
    https://docs.jito.wtf/lowlatencytxnsend/
    """
    return LanderTerms(url, _ENCODED, tip)


def sender(url: str, tip: Tip) -> LanderTerms:
    """A sender like Helius's, ``/fast``, which takes nothing without these two.
    https://www.helius.dev/docs/sending-transactions/sender
    """
    return LanderTerms(url, _UNCHECKED, tip)
