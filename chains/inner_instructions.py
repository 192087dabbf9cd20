"""What a simulated transaction's programs asked of the token, system and other native programs that keep what a wallet
has: the node's ``innerInstructions``.

Nodes show them parsed where they know the program, else as accounts and data; either is read here into one form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from chains import base58
from chains.asked_of_programs import TOKEN_PROGRAMS, meant_by
from chains.decoding import Step
from chains.refusals import RefusalReason

_SYSTEM = str(Pubkey.default())
_TOKENS = frozenset(map(str, TOKEN_PROGRAMS))
# They keep what belongs to whoever signs: stake, votes, lookup tables, programs. A swap has no business with it.
_KEEPERS = frozenset(
    {
        "Stake11111111111111111111111111111111111111",
        "Vote111111111111111111111111111111111111111",
        "AddressLookupTab1e1111111111111111111111111",
        "BPFLoaderUpgradeab1e11111111111111111111111",
        "LoaderV411111111111111111111111111111111111",
        "Config1111111111111111111111111111111111111",
    }
)

# Where a token program's transfers have their accounts (source, destination, authority) and where, in any of its
# instructions, the amount is.
_TOKEN_TRANSFERS = {3: (0, 1, 2), 12: (0, 2, 3)}
_PARSED_TRANSFERS = frozenset({"transfer", "transferChecked", "transferCheckedWithFee"})
_MEANINGS = {
    "approve": RefusalReason.ACCOUNT_DELEGATED,
    "approveChecked": RefusalReason.ACCOUNT_DELEGATED,
    "setAuthority": RefusalReason.ACCOUNT_REASSIGNED,
    "assign": RefusalReason.ACCOUNT_REASSIGNED,
    "assignWithSeed": RefusalReason.ACCOUNT_REASSIGNED,
    "closeAccount": RefusalReason.ACCOUNT_CLOSED,
    "burn": RefusalReason.TRANSFER,
    "burnChecked": RefusalReason.TRANSFER,
}
# What a new token account is made with; it moves nothing that was there before.
_PARSED_MAKING = frozenset(
    {"initializeAccount", "initializeAccount2", "initializeAccount3", "initializeImmutableOwner", "getAccountDataSize"}
    | {"syncNative"}
)
_MAKING = frozenset({1, 16, 17, 18, 21, 22})
# Where a system instruction has its lamports: createAccount, transfer; in createAccountWithSeed behind the seed, whose
# length stands after the kind and the base.
_LAMPORTS_AT = {0: 4, 2: 4}
_WITH_SEED, _SEED_AT = 3, 36


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a token program, the system program or a keeper. Of a transfer ``source``, ``destination`` and
    ``amount`` (base units, lamports) are known; ``authority`` is who allowed it. ``mentions`` is every account that it
    names; ``is_making``: it only prepares an account that is new.
    """

    is_system: bool
    reason: RefusalReason
    source: str | None
    destination: str | None
    authority: str | None
    amount: int
    mentions: frozenset[str]
    is_making: bool = False


class UnreadableCallError(ValueError):
    """An inner instruction is in a form that isn't known, or its amount can't be told."""


def calls_of(instructions: Sequence[Mapping[str, object]], keys: Sequence[Pubkey]) -> Iterator[Call]:
    """Those calls among ``instructions``, in their order; ``keys`` are the transaction's accounts.

    Raises UnreadableCallError.
    """
    for each in instructions:
        try:
            call = _parsed(each) if "parsed" in each else _raw(_step(each, keys))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise UnreadableCallError(f"an inner instruction can't be read: {type(error).__name__}") from None
        if call:
            yield call


def _parsed(each: Mapping[str, object]) -> Call | None:
    program, parsed = str(each["programId"]), each["parsed"]
    if program != _SYSTEM and program not in _TOKENS and program not in _KEEPERS:
        return None
    if not isinstance(parsed, dict) or not isinstance(parsed["info"], dict):
        raise UnreadableCallError("it is parsed in an unknown form")
    kind, info = str(parsed["type"]), parsed["info"]
    mentions = frozenset(_texts(info))
    if program in _KEEPERS:
        return _kept(mentions)
    if program == _SYSTEM:
        amount = _whole(info["lamports"]) if "lamports" in info else 0
        to = info.get("destination") or info.get("newAccount")
        return Call(
            True,
            _MEANINGS.get(kind, RefusalReason.TRANSFER if "lamports" in info else RefusalReason.ACCOUNT_CHANGED),
            info.get("source"),
            to,
            info.get("source"),
            amount,
            mentions,
        )
    authority = info.get("authority") or info.get("owner") or info.get("multisigAuthority")
    if kind in _PARSED_TRANSFERS:
        amount = _whole(info["amount"] if "amount" in info else info["tokenAmount"]["amount"])
        source, destination = str(info["source"]), str(info["destination"])
        return Call(False, RefusalReason.TRANSFER, source, destination, authority, amount, mentions)
    reason = _MEANINGS.get(kind, RefusalReason.ACCOUNT_CHANGED)
    return Call(False, reason, None, None, authority, 0, mentions, is_making=kind in _PARSED_MAKING)


def _step(each: Mapping[str, object], keys: Sequence[Pubkey]) -> Step:
    """One that was not parsed: compiled, its accounts by index, or with their addresses."""
    data, named = base58.decode(str(each["data"])), each["accounts"]
    if not isinstance(named, list):
        raise UnreadableCallError("its accounts are no list")
    if "programIdIndex" in each:
        return Step(keys[_whole(each["programIdIndex"])], tuple([keys[_whole(index)] for index in named]), data)
    return Step(
        Pubkey.from_string(str(each["programId"])), tuple([Pubkey.from_string(str(one)) for one in named]), data
    )


def _raw(step: Step) -> Call | None:
    is_system = str(step.program) == _SYSTEM
    if str(step.program) in _KEEPERS:
        return _kept(frozenset(map(str, step.accounts)))
    if not is_system and step.program not in TOKEN_PROGRAMS:
        return None
    accounts, data = tuple(map(str, step.accounts)), step.data
    reason, mentions = meant_by(step), frozenset(accounts)
    if is_system:
        return _raw_system(data, accounts, reason, mentions)
    if data[0] in _TOKEN_TRANSFERS:
        source, destination, authority = (accounts[at] for at in _TOKEN_TRANSFERS[data[0]])
        amount = int.from_bytes(data[1:9], "little")
        return Call(False, RefusalReason.TRANSFER, source, destination, authority, amount, mentions)
    return Call(False, reason, None, None, accounts[-1], 0, mentions, is_making=data[0] in _MAKING)


def _kept(mentions: frozenset[str]) -> Call:
    return Call(False, RefusalReason.ACCOUNT_CHANGED, None, None, None, 0, mentions)


def _raw_system(data: bytes, accounts: tuple[str, ...], reason: RefusalReason, mentions: frozenset[str]) -> Call:
    kind = int.from_bytes(data[:4], "little")
    at = _SEED_AT + 8 + int.from_bytes(data[_SEED_AT : _SEED_AT + 8], "little") if kind == _WITH_SEED else None
    at = _LAMPORTS_AT.get(kind, at)
    if at is None:
        return Call(True, reason, None, None, accounts[0], 0, mentions)
    if len(data) < at + 8:
        raise UnreadableCallError("it has no amount")
    lamports = int.from_bytes(data[at : at + 8], "little")
    return Call(True, reason, accounts[0], accounts[1], accounts[0], lamports, mentions)


def _texts(value: object) -> Iterator[str]:
    """Every text in a parsed instruction, however deep: its accounts are among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _whole(value: object) -> int:
    """A number of base units, lamports or an index, as digits or as an integer, never a float."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isdecimal():
        raise UnreadableCallError("an amount or index is no whole number")
    return int(value)
