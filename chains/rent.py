"""What an account's rent may be: an endpoint that claims more would have a wallet's lamports locked in a guard."""

from __future__ import annotations

# An account is charged for its bytes and so many beside, by this much a byte and year, for two years.
_BYTES_BESIDE = 128
_LAMPORTS_A_BYTE_YEAR = 3_480
_YEARS = 2
_MOST_TIMES = 3


def most_rent(size: int) -> int:
    """The most lamports that are believed to be the rent of ``size`` bytes: three times what it has been."""
    return _MOST_TIMES * (_BYTES_BESIDE + size) * _LAMPORTS_A_BYTE_YEAR * _YEARS
