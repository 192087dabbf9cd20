"""What became of transactions."""

from __future__ import annotations

from typing import Any

import orjson
from solders.signature import Signature

from localnet.ledger_rows import Mention
from localnet.rpc.blocks import show_transaction
from localnet.rpc.node import Method, Node, in_context, require_slot
from localnet.rpc.params import Params, invalid, signature
from localnet.slots import slot_of

# A node keeps the statuses of about this many blocks at hand; older ones it looks up only when told to.
_RECENT = 300
_MOST_SIGNATURES = 256
_MOST_HISTORY = 1000


def get_signature_statuses(node: Node, params: Params) -> Any:
    signatures = [signature(value) for value in params.some(0, _MOST_SIGNATURES)]
    search = params.config(1).flag("searchTransactionHistory")
    return in_context(node, [_status(node, value, search) for value in signatures])


def get_transaction(node: Node, params: Params) -> Any:
    config = params.config(1)
    commitment = config.settled_commitment()
    landed = node.chain.ledger.find(params.signature(0))
    if landed is None or landed.number > node.chain.newest(commitment):
        return None
    place = {"slot": slot_of(landed.number), "blockTime": node.chain.unix_time(landed.number)}
    return {**place, **show_transaction(landed, config)}


def get_signatures_for_address(node: Node, params: Params) -> Any:
    address, config = params.pubkey(0), params.config(1)
    commitment = config.settled_commitment()
    require_slot(node, config.min_context_slot, commitment)
    limit = config.integer("limit")
    if limit is None:
        limit = _MOST_HISTORY
    if not 1 <= limit <= _MOST_HISTORY:
        raise invalid(f"limit is 1 to {_MOST_HISTORY}")
    newer, older = config.signature("before"), config.signature("until")
    before = node.chain.ledger.find(newer) if newer else None
    if newer and before is None:
        return []
    after = node.chain.ledger.find(older) if older else None
    landed = node.chain.ledger.mentioning(
        address,
        highest=node.chain.newest(commitment),
        before=before.sequence if before else None,
        after=after.sequence if after else None,
        limit=limit,
    )
    return [_entry(node, transaction) for transaction in landed]


def _entry(node: Node, landed: Mention) -> dict[str, Any]:
    return {
        "signature": str(landed.signature),
        "slot": slot_of(landed.number),
        "err": _error(landed.error),
        "memo": landed.memo,
        "blockTime": node.chain.unix_time(landed.number),
        "confirmationStatus": node.chain.commitment_of(landed.number),
    }


def _status(node: Node, asked: Signature, search: bool) -> dict[str, Any] | None:
    place = node.chain.ledger.place(asked)
    if place is None or place[0] > node.chain.newest("processed"):
        return None
    number, error_text = place
    depth = node.chain.height("processed") - node.chain.height_of(number)
    if depth > _RECENT and not search:
        return None
    error = _error(error_text)
    commitment = node.chain.commitment_of(number)
    return {
        "slot": slot_of(number),
        "confirmations": None if commitment == "finalized" else depth,
        "err": error,
        "status": {"Ok": None} if error is None else {"Err": error},
        "confirmationStatus": commitment,
    }


def _error(text: str | None) -> object:
    return None if text is None else orjson.loads(text)


METHODS: dict[str, Method] = {
    "getSignatureStatuses": get_signature_statuses,
    "getTransaction": get_transaction,
    "getSignaturesForAddress": get_signatures_for_address,
}
