"""Base58 for byte strings of any length: instruction data, memcmp filters, transactions sent without an encoding."""

from __future__ import annotations

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {symbol: value for value, symbol in enumerate(_ALPHABET)}
# Large numbers are slow to divide: ten symbols are cut off at a time, and these are written in pairs.
_TEN = 58**10
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def encode(data: bytes) -> str:
    """``data`` in base58; each leading zero byte is a ``1``."""
    number, pairs = int.from_bytes(data, "big"), []
    while number:
        number, ten = divmod(number, _TEN)
        for _ in range(5):
            ten, pair = divmod(ten, 58 * 58)
            pairs.append(_PAIRS[pair])
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + "".join(reversed(pairs)).lstrip("1")


def decode(text: str) -> bytes:
    """The bytes of ``text``. Raises ``ValueError`` where a symbol is not base58's."""
    number = 0
    for symbol in text:
        if symbol not in _VALUES:
            raise ValueError("not base58")
        number = number * 58 + _VALUES[symbol]
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes(-(-number.bit_length() // 8), "big")
