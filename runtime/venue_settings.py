"""Settings of venues and prices: who is asked, how often, and what may be signed of it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from runtime.setting_forms import with_scheme
from venues.programs import READERS

_SOURCES = ("pools", "jupiter", "binance", "pyth")
VenueWord = Literal["pools", "jupiter", "raydium", "meteora", "orca"]


class VenueSettings(BaseSettings):
    """Part of ``Settings``."""

    venues: Annotated[tuple[VenueWord, ...], NoDecode] = Field(
        ("pools",),
        description="Who is asked for quotes, comma separated: pools (the local chain's), jupiter, raydium, and "
        "meteora or orca, which are routed through Jupiter.",
    )
    jupiter_url: str = Field("https://api.jup.ag/swap/v2", repr=False, description="Jupiter's swap API, version 2.")
    jupiter_api_key: str = Field("", repr=False, description="The key it is asked with; without one it answers seldom.")
    jupiter_requests_per_minute: Annotated[int, Field(ge=0, le=100_000)] = Field(
        0, description="How often all processes together may ask it; 0 is 60 with a key and 30 without."
    )
    raydium_url: str = Field("https://transaction-v1.raydium.io", repr=False, description="Raydium's Trade API.")
    raydium_requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] = Field(
        120, description="How often all processes together may ask it."
    )
    previews_per_minute: Annotated[int, Field(ge=0, le=100_000)] = Field(
        10,
        description="How often an account may preview an order where remote venues are asked, whose budget orders "
        "need, too; 0 is no limit.",
    )
    venue_timeout: Annotated[float, Field(ge=0.1, le=5)] = Field(
        2.0, description="Seconds a remote venue is waited for, quote or transaction."
    )
    programs_allowed: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Swap programs, comma separated, that a transaction may call; where not set, those of the venues.",
    )
    price_source: Annotated[tuple[str, ...], NoDecode] = Field(
        ("pools",),
        description="Whose prices trigger waiting orders: pools, jupiter, binance, pyth or file:PATH; with several, "
        "comma separated, the first's, where the others agree.",
    )
    price_agreement_bps: Annotated[int, Field(ge=1, le=10_000)] = Field(
        100, description="How far several price sources may be apart, in basis points; beyond that nothing triggers."
    )
    jupiter_price_url: str = Field(
        "https://api.jup.ag/price/v3", repr=False, description="Jupiter's price API, version 3."
    )
    binance_url: str = Field(
        "wss://data-stream.binance.vision", repr=False, description="Binance's public market data stream."
    )
    pyth_url: str = Field(
        "https://pyth.dourolabs.app/hermes", repr=False, description="Pyth's prices, by its Hermes interface."
    )
    pyth_api_key: str = Field("", repr=False, description="The key it is asked with; without one it may not answer.")

    @field_validator("programs_allowed")
    @classmethod
    def each_is_a_program_that_is_read(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unread := sorted(set(value) - READERS.keys()):
            raise ValueError(f"names {unread[0]}, whose instructions this version can't read")
        return value

    @field_validator("price_source")
    @classmethod
    def each_is_a_source(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(word in _SOURCES or re.fullmatch("file:.+", word) for word in value):
            raise ValueError("must name pools, jupiter, binance, pyth or file:PATH")
        return tuple(dict.fromkeys(value))

    @field_validator("binance_url")
    @classmethod
    def names_a_socket(cls, value: str) -> str:
        return with_scheme(value, "wss", "ws")

    @field_validator("venues", mode="after")
    @classmethod
    def each_once(cls, value: tuple[VenueWord, ...]) -> tuple[VenueWord, ...]:
        return tuple(dict.fromkeys(value))
