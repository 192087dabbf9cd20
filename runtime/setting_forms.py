"""Forms that several settings have."""

from __future__ import annotations

from urllib.parse import urlsplit


def with_scheme(url: str, *schemes: str) -> str:
    if url and url.partition("://")[0] not in schemes:
        raise ValueError(f"must begin with {schemes[0]}://")  # the value may hold a password: it isn't repeated
    return url


def host_of(url: str) -> str:
    """Host and port, as an endpoint is named."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()
