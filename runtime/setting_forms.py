"""Forms that several settings have."""

from __future__ import annotations

from urllib.parse import urlsplit

from api.serving.authority import parse_authority

LOOPBACK = "127.0.0.1"

# PostgreSQL's and Valkey's clients take a URL without a host for a server of this machine; HTTP knows no such thing.
_WITH_A_HOST = frozenset({"http", "https", "ws", "wss"})


def with_scheme(url: str, *schemes: str) -> str:
    """``url``, which may be empty. Raises ``ValueError``, which repeats nothing of it: it may hold a password."""
    scheme = url.partition("://")[0]
    if url and scheme not in schemes:
        raise ValueError(f"must begin with {schemes[0]}://")
    if scheme in _WITH_A_HOST and not _names_a_host(url):
        raise ValueError(f"must name a host, as {schemes[0]}://host:port does")
    return url


def valkey_url(url: str) -> str:
    """``url``, which may be empty. Raises ``ValueError``, which repeats nothing of it."""
    with_scheme(url, "redis", "rediss", "unix")
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("must look like redis://:password@host:6379/0") from None
    return url


def host_of(url: str) -> str:
    """Host and port, as an endpoint is named."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def listening_host(text: str) -> str:
    """A name or an address, of IPv6 without the brackets that it may be written in; loopback where there is none, for
    to listen everywhere is to be said. Raises ``ValueError``.
    """
    if not text.strip():
        return LOOPBACK
    authority = parse_authority(f"[{text}]" if ":" in text and "[" not in text else text)
    if authority is None or authority.port is not None:
        raise ValueError("must be a name as trade.example or an address, without scheme, port and zone")
    return text.strip("[]")


def _names_a_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return bool(host) and not any(character.isspace() for character in parts.netloc)
