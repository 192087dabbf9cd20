"""What a node that can't see, lags, forgot, serves another chain or lies makes of a true answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from localnet.chain import Chain
from localnet.errors import RpcError
from localnet.slots import number_by

Request = dict[str, Any]
View = Callable[[Chain, Request, Any, dict[str, Any]], Any]

OTHER_GENESIS = "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY"

# As Agave words them (rpc-client-api/src/custom_error.rs); ``slot`` and ``first`` are filled in.
BLOCK_ERRORS = {
    -32001: "Block {slot} cleaned up, does not exist on node. First available block: {first}",
    -32004: "Block not available for slot {slot}",
    -32007: "Slot {slot} was skipped, or missing due to ledger jump to recent snapshot",
    -32009: "Slot {slot} was skipped, or missing in long-term storage",
}


def blind(chain: Chain, request: Request, result: Any, params: dict[str, Any]) -> Any:
    """Nothing ever landed."""
    return None if request["method"] == "getTransaction" else result | {"value": [None] * len(result["value"])}


def behind(chain: Chain, request: Request, result: Any, params: dict[str, Any]) -> Any:
    """Statuses as a node knew them that is ``slots`` behind the one that says the heights."""
    lag = int(params["slots"])
    seen = max(0, result["context"]["slot"] - lag)

    def then(status: Any) -> Any:
        if status is None or status["slot"] > seen:
            return None
        stage = chain.commitment_of(min(chain.newest("processed"), number_by(status["slot"] + lag)))
        return status | {"confirmationStatus": stage, "confirmations": None if stage == "finalized" else 0}

    return {"context": result["context"] | {"slot": seen}, "value": [then(one) for one in result["value"]]}


def stale(chain: Chain, request: Request, result: Any, params: dict[str, Any]) -> Any:
    """Heights and slots of ``slots`` ago."""
    lag = int(params["slots"])
    if isinstance(result, int):
        return max(0, result - lag)
    old = {name: max(0, result[name] - lag) for name in ("absoluteSlot", "blockHeight", "slotIndex")}
    return result | old


def purged(chain: Chain, request: Request, result: Any, params: dict[str, Any]) -> Any:
    """Only the newest ``keeps`` finalized slots are left; an older block is error ``code``."""
    method, first = request["method"], max(0, chain.slot("finalized") - int(params["keeps"]))
    if method in ("getFirstAvailableBlock", "minimumLedgerSlot"):
        return first
    if method == "getBlock":
        slot = request["params"][0]
        if slot < first:
            code = int(params.get("code", -32001))
            raise RpcError(code, BLOCK_ERRORS[code].format(slot=slot, first=first))
        return result
    if method == "getTransaction":
        return result if result is None or result["slot"] >= first else None
    if method == "getSignatureStatuses":
        return result | {"value": [one if one and one["slot"] >= first else None for one in result["value"]]}
    return [slot for slot in result if slot >= first]


def genesis(chain: Chain, request: Request, result: Any, params: dict[str, Any]) -> Any:
    """A load balancer that sends this call to another cluster."""
    return OTHER_GENESIS


def denies(chain: Chain, request: Request, result: Any, params: dict[str, Any]) -> Any:
    """A ``share`` of transactions never landed, always the same ones."""
    if request["method"] == "getTransaction":
        return None if _is_chosen(request["params"][0], params) else result
    asked = zip(request["params"][0], result["value"], strict=True)
    return result | {"value": [None if _is_chosen(one, params) else status for one, status in asked]}


def fails(chain: Chain, request: Request, result: Any, params: dict[str, Any]) -> Any:
    """A ``share`` of transactions, always the same ones, failed for good, by an error that would end an order."""
    error = "InsufficientFundsForFee"
    if request["method"] == "getTransaction":
        if result is None or not _is_chosen(request["params"][0], params):
            return result
        return result | {"meta": result["meta"] | {"err": error, "status": {"Err": error}}}

    def failed(status: Any) -> Any:
        slot = status["slot"] if status else chain.slot("finalized")
        said = {"err": error, "status": {"Err": error}, "confirmationStatus": "finalized", "confirmations": None}
        return {"slot": slot, **said}

    asked = zip(request["params"][0], result["value"], strict=True)
    return result | {"value": [failed(status) if _is_chosen(one, params) else status for one, status in asked]}


def guardless(chain: Chain, request: Request, result: Any, params: dict[str, Any]) -> Any:
    """A ``share`` of guards was never made: who asks for guards alone wants none of their data."""
    if (request["params"][1] or {}).get("dataSlice", {}).get("length") != 0:
        return result
    asked = zip(request["params"][0], result["value"], strict=True)
    return result | {"value": [None if _is_chosen(one, params) else account for one, account in asked]}


def ahead(chain: Chain, request: Request, result: Any, params: dict[str, Any]) -> Any:
    """Finalized heights of ``blocks`` from now, at which everything would have expired."""
    config = next((one for one in request.get("params") or () if isinstance(one, dict)), {})
    if config.get("commitment") != "finalized":
        return result
    blocks = int(params["blocks"])
    return result + blocks if isinstance(result, int) else result | {"blockHeight": result["blockHeight"] + blocks}


def short(chain: Chain, request: Request, result: Any, params: dict[str, Any]) -> Any:
    """A blockhash that expires ``blocks`` before it does."""
    value = result["value"]
    return result | {"value": value | {"lastValidBlockHeight": value["lastValidBlockHeight"] - int(params["blocks"])}}


def over(chain: Chain, request: Request, result: Any, params: dict[str, Any]) -> Any:
    """A blockhash that serves no transaction any more, whichever it is."""
    return result | {"value": False}


def _is_chosen(key: str, params: dict[str, Any]) -> bool:
    """Whether the lie is about ``key``: one of ``share`` parts of all keys, which follow from the lie's ``salt``."""
    digest = hashlib.sha256(f"{params['salt']} {key}".encode()).digest()
    return int.from_bytes(digest[:4]) < params["share"] * 2**32


VIEWS: dict[str, View] = {
    view.__name__: view
    for view in (blind, behind, stale, purged, genesis, denies, fails, guardless, ahead, short, over)
}
