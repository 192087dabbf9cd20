"""Reading accounts at a commitment: balances, data, tokens."""

from __future__ import annotations

import base64
from functools import partial
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey

from chains import base58
from localnet.chain import Commitment
from localnet.errors import RpcError
from localnet.ledger_rows import RENT_EXEMPT_EPOCH
from localnet.rpc.node import Method, Node, in_context, require_slot
from localnet.rpc.params import INVALID_PARAMS, Config, Params, invalid, pubkey
from localnet.token_accounts import TOKEN_PROGRAMS, Lookup, decimals_of, holding, parsed, supply_of, ui_amount

# The first is the default of most methods, from before there were others: base58, as a text alone.
_ENCODINGS = ("binary", "base58", "base64", "jsonParsed")
_MOST_BASE58 = 128


def get_balance(node: Node, params: Params) -> Any:
    commitment = _commitment(node, params.config(1))
    account = node.chain.account(params.pubkey(0), commitment)
    return in_context(node, account.lamports if account else 0, commitment)


def get_account_info(node: Node, params: Params) -> Any:
    config = params.config(1)
    commitment = _commitment(node, config)
    lookup = accounts_at(node, commitment)
    return in_context(node, show_account(lookup(params.pubkey(0)), config, "binary", lookup), commitment)


def get_multiple_accounts(node: Node, params: Params) -> Any:
    config = params.config(1)
    commitment = _commitment(node, config)
    lookup = accounts_at(node, commitment)
    keys = [pubkey(value) for value in params.some(0, 100)]
    return in_context(node, [show_account(lookup(key), config, "base64", lookup) for key in keys], commitment)


def get_program_accounts(node: Node, params: Params) -> Any:
    program, config = params.pubkey(0), params.config(1)
    commitment = _commitment(node, config)
    lookup = accounts_at(node, commitment)
    filters = [_filter(value) for value in config.items("filters")]
    found = [
        {"pubkey": str(key), "account": show_account(account, config, "binary", lookup)}
        for key, account in node.chain.owned_by(program, commitment)
        if all(_passes(bytes(account.data), condition) for condition in filters)
    ]
    return in_context(node, found, commitment) if config.flag("withContext") else found


def get_token_account_balance(node: Node, params: Params) -> Any:
    commitment = _commitment(node, params.config(1))
    lookup = accounts_at(node, commitment)
    account = _there(params.pubkey(0), lookup, "account")
    held = holding(account)
    decimals = decimals_of(held.mint, lookup) if held else None
    if held is None or decimals is None:
        raise RpcError(INVALID_PARAMS, "Invalid param: not a Token account")
    return in_context(node, ui_amount(held.amount, decimals), commitment)


def get_token_accounts_by_owner(node: Node, params: Params) -> Any:
    owner, which, config = params.pubkey(0), params.section(1), params.config(2)
    commitment = _commitment(node, config)
    lookup = accounts_at(node, commitment)
    mint, program = which.text("mint"), which.text("programId")
    if (mint is None) == (program is None):
        raise invalid("either a mint or a programId is named")
    wanted = pubkey(mint if mint is not None else program)
    if mint is not None:
        programs = (_there(wanted, lookup, "mint").owner,)
        if programs[0] not in TOKEN_PROGRAMS:
            raise RpcError(INVALID_PARAMS, "Invalid param: not a Token mint")
    elif wanted not in TOKEN_PROGRAMS:
        raise RpcError(INVALID_PARAMS, "Invalid param: unrecognized Token program id")
    else:
        programs = (wanted,)
    found = []
    owned = [entry for program in programs for entry in node.chain.owned_by(program, commitment)]
    for key, account in owned:
        held = holding(account)
        if held and held.owner == owner and (mint is None or held.mint == wanted):
            found.append({"pubkey": str(key), "account": show_account(account, config, "binary", lookup)})
    return in_context(node, found, commitment)


def get_token_supply(node: Node, params: Params) -> Any:
    mint, commitment = params.pubkey(0), _commitment(node, params.config(1))
    lookup = accounts_at(node, commitment)
    _there(mint, lookup, "account")
    decimals = decimals_of(mint, lookup)
    if decimals is None:
        raise RpcError(INVALID_PARAMS, "Invalid param: not a Token mint")
    return in_context(node, ui_amount(supply_of(mint, lookup), decimals), commitment)


def get_minimum_balance_for_rent_exemption(node: Node, params: Params) -> Any:
    size = params.integer(0)
    if size > 10 * 1024 * 1024:
        raise invalid("an account holds at most 10 MiB")
    return node.chain.bank.rent_exempt_minimum(size)


def _there(key: Pubkey, lookup: Lookup, what: str) -> Account:
    account = lookup(key)
    if account is None:
        raise RpcError(INVALID_PARAMS, f"Invalid param: could not find {what}")
    return account


def _commitment(node: Node, config: Config) -> Commitment:
    commitment = config.commitment()
    require_slot(node, config.min_context_slot, commitment)
    return commitment


def accounts_at(node: Node, commitment: Commitment) -> Lookup:
    """Finds accounts as of ``commitment``."""
    return partial(node.chain.account, commitment=commitment)


def show_account(account: Account | None, config: Config, default: str, lookup: Lookup) -> dict[str, Any] | None:
    """An account in the encoding asked for; jsonParsed falls back to base64 for what isn't a token account or mint.

    ``lookup`` finds the mint of a token account.
    """
    encoding = config.choice("encoding", _ENCODINGS, default)
    if account is None:
        return None
    return {
        "lamports": account.lamports,
        "owner": str(account.owner),
        "data": _data(account, encoding, config.section("dataSlice"), lookup),
        "executable": account.executable,
        "rentEpoch": RENT_EXEMPT_EPOCH,
        "space": len(account.data),
    }


def _data(account: Account, encoding: str, part: Config | None, lookup: Lookup) -> Any:
    if encoding == "jsonParsed":
        readable = parsed(account, lookup)
        if readable:
            return readable
    data = bytes(account.data)
    if part:
        offset = part.integer("offset") or 0
        data = data[offset : offset + (part.integer("length") or 0)]
    if encoding in ("base58", "binary"):
        if len(data) > _MOST_BASE58:
            raise RpcError(
                -32600, "Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding."
            )
        text = base58.encode(data)
        return text if encoding == "binary" else [text, "base58"]
    return [base64.b64encode(data).decode(), "base64"]


def _filter(value: object) -> tuple[int, bytes] | int:
    """A filter as (offset, bytes) or as a size."""
    if not isinstance(value, dict):
        raise invalid("a filter is an object")
    config = Config(value)
    size, memcmp = config.integer("dataSize"), config.section("memcmp")
    if size is not None:
        return size
    if memcmp is None:
        raise invalid("a filter is a dataSize or a memcmp")
    text = memcmp.text("bytes") or ""
    if len(text) > 175:  # 128 bytes in base58
        raise invalid("memcmp compares at most 128 bytes")
    try:
        plain = memcmp.choice("encoding", ("base58", "base64"), "base58") == "base58"
        wanted = base58.decode(text) if plain else base64.b64decode(text, validate=True)
    except ValueError as error:
        raise invalid("memcmp bytes are not in their encoding") from error
    return memcmp.integer("offset") or 0, wanted


def _passes(data: bytes, condition: tuple[int, bytes] | int) -> bool:
    if isinstance(condition, int):
        return len(data) == condition
    offset, wanted = condition
    return data[offset : offset + len(wanted)] == wanted


METHODS: dict[str, Method] = {
    "getBalance": get_balance,
    "getAccountInfo": get_account_info,
    "getMultipleAccounts": get_multiple_accounts,
    "getProgramAccounts": get_program_accounts,
    "getTokenAccountBalance": get_token_account_balance,
    "getTokenAccountsByOwner": get_token_accounts_by_owner,
    "getTokenSupply": get_token_supply,
    "getMinimumBalanceForRentExemption": get_minimum_balance_for_rent_exemption,
}
