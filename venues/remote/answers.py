"""What the answers of services have in common: amounts as digits in text, instructions, and errors to be said short."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
from solders.instruction import AccountMeta
from solders.instruction import Instruction as SolanaInstruction
from solders.pubkey import Pubkey

from domain.numbers import U64_MAX
from domain.printable import printable

_DETAIL_LENGTH = 200
# No instruction of a transaction, which is a packet, has more.
_MOST_DATA, _MOST_ACCOUNTS = 1232, 255


class Units(int):
    """Base units; in JSON digits as text, never a number, which others may have read through a float."""

    __slots__ = ()


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """Fields that aren't named are skipped."""


class Account(Answer, frozen=True):
    pubkey: str
    is_signer: bool
    is_writable: bool


class Instruction(Answer, frozen=True):
    program_id: str
    accounts: list[Account]
    data: str

    def read(self) -> SolanaInstruction:
        """Raises ``ValueError`` where an address or the data is none, or where no transaction could hold it."""
        if len(self.accounts) > _MOST_ACCOUNTS:
            raise ValueError(f"an instruction has {len(self.accounts)} accounts")
        data = b64decode(self.data, validate=True)
        if len(data) > _MOST_DATA:
            raise ValueError(f"an instruction has {len(data)} bytes of data")
        named = [(Pubkey.from_string(one.pubkey), one.is_signer, one.is_writable) for one in self.accounts]
        accounts = [AccountMeta(*one) for one in named]
        return SolanaInstruction(Pubkey.from_string(self.program_id), data, accounts)


@lru_cache
def reader(shape: Any) -> msgspec.json.Decoder[Any]:
    """Reads JSON as ``shape``; its ``decode`` raises ``ValueError``, or ``RecursionError`` for nesting without end."""
    return msgspec.json.Decoder(shape, dec_hook=_read)


def short(text: object) -> str:
    """A service's own words, cut, on one line, and such as can be recorded."""
    return printable(" ".join(str(text).split())[:_DETAIL_LENGTH])


def _read(kind: type, value: object) -> object:
    return _READERS[kind](value)


def _units(value: object) -> Units:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 20 and int(value) <= U64_MAX:
        return Units(int(value))
    raise ValueError("base units are digits as text")


_READERS: dict[type, Callable[[object], object]] = {Units: _units}
