"""Where a description says otherwise than the service it describes, which is right: the reason stands here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_ENCODED = "what is asked for as base64, or parsed, has the form of that encoding; described is one of them alone"
_ACCOUNT = "an account fits two of the alternatives: one is of a parameter of Helius' own, and excludes nothing"
_PLACES = "each place of the list has a form of its own; described are alternatives for all places"
_PLACE = r"params\.\d"

NOT_DESCRIBED = {
    "getBlockTime.yaml": "an integer, or null",
    "getIdentity.yaml": "the engine asks for none",
    "getTokenSupply.yaml": "the engine asks for none",
    "getTransactionCount.yaml": "the engine asks for none",
}


@dataclass(frozen=True, slots=True)
class Deviation:
    """``part`` is the request or the answer; ``path`` and ``keyword`` are a schema error's, the path as a pattern."""

    description: str
    part: str
    path: str
    keyword: str
    reason: str


KNOWN = (
    Deviation("getAccountInfo.yaml", "answer", "id", "type", "a text, as in all the other descriptions"),
    Deviation("getAccountInfo.yaml", "answer", r"result\.value", "oneOf", _ACCOUNT),
    Deviation("getBlock.yaml", "answer", r".*\.stackHeight", "type", "an outer instruction has none"),
    Deviation("getBlocks.yaml", "request", _PLACE, "oneOf", _PLACES),
    Deviation("getBlocksWithLimit.yaml", "request", _PLACE, "type", _PLACES),
    Deviation("getFeeForMessage.yaml", "request", _PLACE, "oneOf", _PLACES),
    Deviation("getMultipleAccounts.yaml", "answer", r"result\.value\.\d+", "oneOf", _ACCOUNT),
    Deviation("getTokenAccountsByOwner.yaml", "answer", r"result\.value\.\d+\.account\.data", "type", _ENCODED),
    Deviation("getTokenAccountsByOwner.yaml", "request", _PLACE, "oneOf", _PLACES),
    Deviation("getTransaction.yaml", "answer", r"result\.transaction", "type", _ENCODED),
    Deviation("getTransaction.yaml", "answer", r".*\.accountKeys\.\d+", "type", _ENCODED),
    Deviation("getTransaction.yaml", "answer", r".*\.instructions\.\d+\.accounts\.\d+", "type", _ENCODED),
)


def known(description: str, part: str, path: str, keyword: str) -> bool:
    of_this = (one for one in KNOWN if (one.description, one.part, one.keyword) == (description, part, keyword))
    return any(re.fullmatch(one.path, path) for one in of_this)


def with_text_id(message: dict[str, Any]) -> dict[str, Any]:
    """JSON-RPC lets an id be a number, as those of all clients of Solana are; the descriptions know texts."""
    return message | {"id": str(message["id"])}
