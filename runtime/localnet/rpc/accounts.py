"""Reading accounts: balances, data, tokens. All from the last closed block."""

from __future__ import annotations

import base64
from typing import Any

from solders.account import Account

from runtime.localnet import base58
from runtime.localnet.ledger import RENT_EXEMPT_EPOCH
from runtime.localnet.rpc.node import Method, Node, in_context, require_slot
from runtime.localnet.rpc.params import INVALID_PARAMS, Config, Params, RpcError, invalid, pubkey
from runtime.localnet.token_accounts import TOKEN_PROGRAMS, decimals_of, holding, parsed, supply_of, ui_amount

_ENCODINGS = ("base58", "base64", "jsonParsed")
_MOST_BASE58 = 128


def get_balance(node: Node, params: Params) -> Any:
    account = node.chain.bank.account(params.pubkey(0))
    _check_slot(node, params.config(1))
    return in_context(node, account.lamports if account else 0)


def get_account_info(node: Node, params: Params) -> Any:
    config = params.config(1)
    _check_slot(node, config)
    return in_context(node, show_account(node, node.chain.bank.account(params.pubkey(0)), config, "base58"))


def get_multiple_accounts(node: Node, params: Params) -> Any:
    config = params.config(1)
    _check_slot(node, config)
    keys = [pubkey(value) for value in params.some(0, 100)]
    return in_context(node, [show_account(node, node.chain.bank.account(key), config, "base64") for key in keys])


def get_program_accounts(node: Node, params: Params) -> Any:
    program, config = params.pubkey(0), params.config(1)
    _check_slot(node, config)
    filters = [_filter(one) for one in config.items("filters")]
    found = [
        {"pubkey": str(key), "account": show_account(node, account, config, "base58")}
        for key, account in node.chain.bank.owned_by(program)
        if all(_passes(bytes(account.data), one) for one in filters)
    ]
    return in_context(node, found) if config.flag("withContext") else found


def get_token_account_balance(node: Node, params: Params) -> Any:
    held = holding(node.chain.bank.account(params.pubkey(0)))
    decimals = decimals_of(held.mint, node.chain.bank.account) if held else None
    if held is None or decimals is None:
        raise RpcError(INVALID_PARAMS, "Invalid param: not a Token account")
    return in_context(node, ui_amount(held.amount, decimals))


def get_token_accounts_by_owner(node: Node, params: Params) -> Any:
    owner, which, config = params.pubkey(0), params.section(1), params.config(2)
    _check_slot(node, config)
    mint, program = which.text("mint"), which.text("programId")
    if (mint is None) == (program is None):
        raise invalid("either a mint or a programId is named")
    wanted = pubkey(mint if mint is not None else program)
    programs = TOKEN_PROGRAMS if mint is not None else (wanted,)
    found = []
    for key, account in (one for program in programs for one in node.chain.bank.owned_by(program)):
        held = holding(account)
        if held and held.owner == owner and (mint is None or held.mint == wanted):
            found.append({"pubkey": str(key), "account": show_account(node, account, config, "base58")})
    return in_context(node, found)


def get_token_supply(node: Node, params: Params) -> Any:
    mint = params.pubkey(0)
    decimals = decimals_of(mint, node.chain.bank.account)
    if decimals is None:
        raise RpcError(INVALID_PARAMS, "Invalid param: not a Token mint")
    return in_context(node, ui_amount(supply_of(mint, node.chain.bank.account), decimals))


def get_minimum_balance_for_rent_exemption(node: Node, params: Params) -> Any:
    size = params.integer(0)
    if size > 10 * 1024 * 1024:
        raise invalid("an account holds at most 10 MiB")
    return node.chain.bank.rent_exempt_minimum(size)


def _check_slot(node: Node, config: Config) -> None:
    config.commitment()
    require_slot(node, config.min_context_slot, "processed")


def show_account(node: Node, account: Account | None, config: Config, default: str) -> dict[str, Any] | None:
    """An account in the encoding asked for; jsonParsed falls back to base64 for what isn't a token account or mint."""
    encoding = config.choice("encoding", _ENCODINGS, default)
    if account is None:
        return None
    return {
        "lamports": account.lamports,
        "owner": str(account.owner),
        "data": _data(node, account, encoding, config.section("dataSlice")),
        "executable": account.executable,
        "rentEpoch": RENT_EXEMPT_EPOCH,
        "space": len(account.data),
    }


def _data(node: Node, account: Account, encoding: str, part: Config | None) -> Any:
    if encoding == "jsonParsed":
        readable = parsed(account, node.chain.bank.account)
        if readable:
            return readable
    data = bytes(account.data)
    if part:
        offset = part.integer("offset") or 0
        data = data[offset : offset + (part.integer("length") or 0)]
    if encoding == "base58":
        if len(data) > _MOST_BASE58:
            raise RpcError(
                -32600, "Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding."
            )
        return [base58.encode(data), "base58"]
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


def _passes(data: bytes, one: tuple[int, bytes] | int) -> bool:
    if isinstance(one, int):
        return len(data) == one
    offset, wanted = one
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
