"""A request's parameters, read one by one; whatever is wrong with one is error -32602 with a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from solders.hash import Hash, ParseHashError
from solders.pubkey import Pubkey
from solders.signature import Signature

from domain.numbers import U64_MAX
from localnet.chain import COMMITMENTS, Commitment
from localnet.errors import RpcError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

T = TypeVar("T")


def invalid(what: str) -> RpcError:
    return RpcError(INVALID_PARAMS, f"Invalid params: {what}.")


class Params:
    """The positional parameters of one request. Reading one that is not there or not in form raises ``RpcError``."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values

    def text(self, index: int) -> str:
        return _text(self._value(index), f"parameter {index + 1}")

    def integer(self, index: int) -> int:
        return _integer(self._value(index), f"parameter {index + 1}")

    def optional_integer(self, index: int) -> int | None:
        """The integer at ``index``, or None where there is none or a configuration stands in its place."""
        value = self._values[index] if index < len(self._values) else None
        return None if value is None or isinstance(value, dict) else _integer(value, f"parameter {index + 1}")

    def pubkey(self, index: int) -> Pubkey:
        return pubkey(self._value(index))

    def signature(self, index: int) -> Signature:
        return signature(self._value(index))

    def blockhash(self, index: int) -> Hash:
        return _read(Hash.from_string, self._value(index), "blockhash")

    def some(self, index: int, most: int) -> list[Any]:
        """A list of at most ``most``."""
        value = self._value(index)
        if not isinstance(value, list):
            raise invalid(f"parameter {index + 1} is a list")
        if len(value) > most:
            raise RpcError(INVALID_PARAMS, f"Too many inputs provided; max {most}")
        return value

    def section(self, index: int) -> Config:
        """An object that must be there, such as a filter."""
        value = self._value(index)
        if not isinstance(value, dict):
            raise invalid(f"parameter {index + 1} is an object")
        return Config(value)

    def config(self, index: int) -> Config:
        """The configuration at ``index``, empty where there is none; a bare text is an encoding, as it once was."""
        value = self._values[index] if index < len(self._values) else None
        if value is None:
            return Config({})
        if isinstance(value, str):
            return Config({"encoding": value})
        if not isinstance(value, dict):
            raise invalid(f"parameter {index + 1} is an object")
        return Config(value)

    def last_config(self, start: int) -> Config:
        """The configuration at ``start`` or the place after: some methods have an optional number before it."""
        moved = start < len(self._values) and not isinstance(self._values[start], dict)
        return self.config(start + 1 if moved else start)

    def _value(self, index: int) -> Any:
        if index >= len(self._values):
            raise invalid(f"parameter {index + 1} is missing")
        return self._values[index]


class Config:
    """A configuration object; names it doesn't know are left alone."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def commitment(self) -> Commitment:
        """``finalized`` where none is named: the default of every Solana node."""
        value = self.choice("commitment", COMMITMENTS, "finalized")
        return next(commitment for commitment in COMMITMENTS if commitment == value)

    def settled_commitment(self) -> Commitment:
        """For what is kept only of blocks that can no longer be lightly dropped."""
        commitment = self.commitment()
        if commitment == "processed":
            raise RpcError(INVALID_PARAMS, "Method does not support commitment below `confirmed`")
        return commitment

    def choice(self, name: str, among: Sequence[str], default: str) -> str:
        value = self._values.get(name)
        if value is None:
            return default
        if value not in among:
            raise invalid(f"{name} is one of {', '.join(among)}")
        return str(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise invalid(f"{name} is true or false")
        return value

    def integer(self, name: str) -> int | None:
        value = self._values.get(name)
        return None if value is None else _integer(value, name)

    def text(self, name: str) -> str | None:
        value = self._values.get(name)
        return None if value is None else _text(value, name)

    def items(self, name: str) -> list[Any]:
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise invalid(f"{name} is a list")
        return value

    def section(self, name: str) -> Config | None:
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise invalid(f"{name} is an object")
        return Config(value)

    def signature(self, name: str) -> Signature | None:
        value = self._values.get(name)
        return None if value is None else signature(value)

    @property
    def min_context_slot(self) -> int | None:
        return self.integer("minContextSlot")


def pubkey(value: object) -> Pubkey:
    return _read(Pubkey.from_string, value, "public key")


def signature(value: object) -> Signature:
    return _read(Signature.from_string, value, "signature")


def _read(parse: Callable[[str], T], value: object, what: str) -> T:
    if not isinstance(value, str):
        raise invalid(f"a {what} is text")
    try:
        return parse(value)
    except (ValueError, ParseHashError) as error:
        raise invalid(f"not a {what}") from error


def _integer(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= U64_MAX:
        raise invalid(f"{what} is an unsigned integer of 64 bits")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"{what} is text")
    return value
