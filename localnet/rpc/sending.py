"""Sending and simulating transactions."""

from __future__ import annotations

import base64
from functools import partial
from typing import Any

from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message, MessageV0, from_bytes_versioned
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import SanitizeError, VersionedTransaction
from solders.transaction_metadata import TransactionMetadata

from chains import base58
from localnet.chain import Commitment
from localnet.errors import RpcError, SignatureFailureError, UnsupportedMessageError
from localnet.messages import checked_message, resolve_keys
from localnet.rpc.accounts import accounts_at, show_account
from localnet.rpc.cluster import blockhash_at
from localnet.rpc.node import Method, Node, in_context, require_slot
from localnet.rpc.params import INVALID_PARAMS, Config, Params, invalid, pubkey
from localnet.rpc.parsed_instructions import shown
from localnet.transaction_errors import (
    ALREADY_PROCESSED,
    BLOCKHASH_NOT_FOUND,
    SIGNATURE_FAILURE,
    ErrorJson,
    error_json,
    error_text,
)
from localnet.transaction_meta import inner_instructions, return_data

PREFLIGHT_FAILURE = -32002
SIGNATURE_VERIFICATION_FAILURE = -32003

_MOST_BYTES = 1232
# The longest text 1,232 bytes can have in either encoding.
_MOST_TEXT = {"base58": 1683, "base64": 1644}


def send_transaction(node: Node, params: Params) -> Any:
    """Accept a transaction: an answer with its signature says that it was taken, never that it landed."""
    config = params.config(1)
    transaction, wire = _decode(params.text(0), config.choice("encoding", ("base58", "base64"), "base58"))
    commitment = _preflight_commitment(config)
    require_slot(node, config.min_context_slot, commitment)
    if not config.flag("skipPreflight"):
        _preflight(node, transaction, commitment)
    try:
        node.chain.execute(transaction, wire)
    except SignatureFailureError:
        raise _signature_failure() from None
    return str(transaction.signatures[0])


def simulate_transaction(node: Node, params: Params) -> Any:
    config = params.config(1)
    transaction, _ = _decode(params.text(0), config.choice("encoding", ("base58", "base64"), "base58"))
    commitment = config.commitment()
    require_slot(node, config.min_context_slot, commitment)
    verify, replace = config.flag("sigVerify"), config.flag("replaceRecentBlockhash")
    if verify and replace:
        raise RpcError(INVALID_PARAMS, "sigVerify may not be used with replaceRecentBlockhash")
    known = None if replace else _unknown_blockhash(node, transaction, commitment)
    inner = config.flag("innerInstructions")
    outcome = _outcome(node, transaction, known, verify=verify, accounts=config.section("accounts"), inner=inner)
    if replace:
        outcome["replacementBlockhash"] = blockhash_at(node, commitment)
    return in_context(node, outcome, commitment)


def get_fee_for_message(node: Node, params: Params) -> Any:
    """The fee the virtual machine itself would charge; null where the message's blockhash is no longer good."""
    config = params.config(1)
    commitment = config.commitment()
    require_slot(node, config.min_context_slot, commitment)
    try:
        message = from_bytes_versioned(base64.b64decode(params.text(0), validate=True))
    except ValueError as error:
        raise invalid("not a message in base64") from error
    if not isinstance(message, Message | MessageV0):
        raise invalid("messages are legacy or version 0")
    unsigned = [Signature.default()] * message.header.num_required_signatures
    transaction = _sane(VersionedTransaction.populate(message, unsigned))
    if _unknown_blockhash(node, transaction, commitment):
        return in_context(node, None, commitment)
    return in_context(node, node.chain.bank.simulate(transaction, verify=False).metadata.fee(), commitment)


def request_airdrop(node: Node, params: Params) -> Any:
    """A transfer from the faucet: a transaction as any other, so the same one in a block is given once."""
    give = TransferParams(from_pubkey=node.faucet.pubkey(), to_pubkey=params.pubkey(0), lamports=params.integer(1))
    transaction = _signed_transfer(node.faucet, give, node.chain.blockhash(node.chain.newest("processed")))
    if not node.chain.knows(transaction.signatures[0]):
        _preflight(node, transaction, "processed")
        node.chain.execute(transaction, bytes(transaction))
    return str(transaction.signatures[0])


def _signed_transfer(faucet: Keypair, give: TransferParams, blockhash: Hash) -> VersionedTransaction:
    message = MessageV0.try_compile(faucet.pubkey(), [transfer(give)], [], blockhash)
    return VersionedTransaction(message, [faucet])


def _decode(text: str, encoding: str) -> tuple[VersionedTransaction, bytes]:
    if len(text) > _MOST_TEXT[encoding]:
        raise RpcError(INVALID_PARAMS, f"{encoding} encoded transaction too large: {len(text)} bytes")
    try:
        wire = base58.decode(text) if encoding == "base58" else base64.b64decode(text, validate=True)
    except ValueError as error:
        raise RpcError(INVALID_PARAMS, f"invalid {encoding} encoding") from error
    if len(wire) > _MOST_BYTES:
        raise RpcError(INVALID_PARAMS, f"decoded transaction too large: {len(wire)} bytes (max: {_MOST_BYTES} bytes)")
    try:
        return _sane(VersionedTransaction.from_bytes(wire)), wire
    except ValueError as error:
        raise RpcError(INVALID_PARAMS, "failed to deserialize transaction") from error


def _sane(transaction: VersionedTransaction) -> VersionedTransaction:
    try:
        checked_message(transaction)
        transaction.sanitize()
    except (SanitizeError, UnsupportedMessageError) as error:
        raise RpcError(INVALID_PARAMS, f"invalid transaction: {error}") from error
    return transaction


def _preflight_commitment(config: Config) -> Commitment:
    named = config.text("preflightCommitment")
    return Config({"commitment": named}).commitment()


def _preflight(node: Node, transaction: VersionedTransaction, commitment: Commitment) -> None:
    known = _unknown_blockhash(node, transaction, commitment)
    if known is None and node.chain.knows(transaction.signatures[0]):
        known = ALREADY_PROCESSED
    outcome = _outcome(node, transaction, known, verify=True)
    error = outcome["err"]
    if error == SIGNATURE_FAILURE:
        raise _signature_failure()
    if error is not None:
        raise RpcError(PREFLIGHT_FAILURE, f"Transaction simulation failed: {error_text(error)}", outcome)


def _signature_failure() -> RpcError:
    return RpcError(SIGNATURE_VERIFICATION_FAILURE, "Transaction signature verification failure")


def _unknown_blockhash(node: Node, transaction: VersionedTransaction, commitment: Commitment) -> str | None:
    """The error where the transaction's blockhash is expired, or too new for a node at ``commitment``."""
    number = node.chain.recent_block(transaction.message.recent_blockhash)
    known = number is not None and number <= node.chain.newest(commitment)
    return None if known else BLOCKHASH_NOT_FOUND


def _outcome(
    node: Node,
    transaction: VersionedTransaction,
    refused: ErrorJson | None,
    *,
    verify: bool,
    accounts: Config | None = None,
    inner: bool = False,
) -> dict[str, Any]:
    """A simulation as simulateTransaction and a failed preflight show it; one ``refused`` before isn't run.

    ``inner``: with what programs called, parsed where that is known.
    """
    wanted = [pubkey(address) for address in accounts.items("addresses")] if accounts else None
    if refused is not None:
        return _shown(refused, None, None)
    simulated = node.chain.bank.simulate(transaction, verify=verify)
    error = None if simulated.error is None else error_json(simulated.error)
    after = None
    if wanted is not None and accounts is not None:
        processed = accounts_at(node, "processed")
        after = [
            show_account(simulated.accounts.get(key) or processed(key), accounts, "base64", processed) for key in wanted
        ]
    shown_inner = None
    if inner:
        keys = resolve_keys(transaction.message, accounts_at(node, "processed")).all
        shown_inner = inner_instructions(simulated.metadata, partial(shown, keys))
    return _shown(error, simulated.metadata, after, shown_inner)


def _shown(
    error: ErrorJson | None,
    metadata: TransactionMetadata | None,
    accounts: list[Any] | None,
    inner: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    return {
        "err": error,
        "logs": metadata.logs() if metadata else [],
        "accounts": accounts,
        "unitsConsumed": metadata.compute_units_consumed() if metadata else 0,
        "returnData": return_data(metadata) if metadata else None,
        "innerInstructions": inner,
    }


METHODS: dict[str, Method] = {
    "sendTransaction": send_transaction,
    "simulateTransaction": simulate_transaction,
    "getFeeForMessage": get_fee_for_message,
    "requestAirdrop": request_airdrop,
}
