"""Tokens and pairs. The mints are mainnet's; a local chain holds tokens at the same addresses."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

Side = Literal["buy", "sell"]


class Token(BaseModel):
    """A token: its display symbol, its mint (base58) and how many decimals a token unit has."""

    model_config = ConfigDict(frozen=True)

    symbol: str
    mint: str
    decimals: int


SOL = Token(symbol="SOL", mint="So11111111111111111111111111111111111111112", decimals=9)
USDC = Token(symbol="USDC", mint="EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", decimals=6)
USDT = Token(symbol="USDT", mint="Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB", decimals=6)
JUP = Token(symbol="JUP", mint="JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN", decimals=6)
RAY = Token(symbol="RAY", mint="4k3Dyjzvzp8eMZWUXbBCjEvwSkkk59S5iCNLY3QrkX6R", decimals=6)
BONK = Token(symbol="BONK", mint="DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263", decimals=5)

# Which token of a pair prices the other: earlier in this tuple wins, and among the rest the lesser mint.
_QUOTE_RANK = {token.mint: rank for rank, token in enumerate((USDC, USDT, SOL))}


class TokenList:
    """The tokens an engine trades, found by symbol (any case) or by mint (exact)."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self.tokens = tuple(tokens)
        self._by_name = {name: token for token in self.tokens for name in (token.symbol.upper(), token.mint)}

    def find(self, name: str) -> Token | None:
        """The token called ``name``, or None."""
        # Beyond ASCII other letters become these: "\u017fOL".upper() is "SOL".
        return self._by_name.get(name) or (self._by_name.get(name.upper()) if name.isascii() else None)

    def pair(self, text: str) -> Pair | None:
        """The pair of two of them, as ``SOL/USDC`` or ``SOL-USDC``, whichever way round; None where there is none."""
        tokens = [self.find(name) for name in text.replace("-", "/").split("/")]
        if len(tokens) != 2 or tokens[0] is None or tokens[1] is None or tokens[0] == tokens[1]:
            return None
        return pair_of(tokens[0], tokens[1])


KNOWN_TOKENS = TokenList((SOL, USDC, USDT, JUP, RAY, BONK))


class Pair(BaseModel):
    """Two tokens in the order a price reads: ``SOL/USDC`` at 150 is 150 USDC for a SOL."""

    model_config = ConfigDict(frozen=True)

    base: Token
    quote: Token

    @property
    def symbol(self) -> str:
        return f"{self.base.symbol}/{self.quote.symbol}"

    def side(self, token_in: Token) -> Side:
        """``sell`` when ``token_in`` is the base, else ``buy``."""
        return "sell" if token_in.mint == self.base.mint else "buy"


@lru_cache(maxsize=1_024)  # however many orders a pair has, they share one object
def pair_of(first: Token, second: Token) -> Pair:
    """The pair of two different tokens, whichever way round they are given."""
    ranked = sorted((first, second), key=lambda token: (_QUOTE_RANK.get(token.mint, len(_QUOTE_RANK)), token.mint))
    return Pair(quote=ranked[0], base=ranked[1])
