"""Hosts and origins as requests and settings name them: read strictly, and spelt one way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

_LONGEST = 300  # a name of DNS has 253 characters at most
_LABELS = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
_AUTHORITY = re.compile(rf"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>{_LABELS})\.?)(?::(?P<port>[0-9]{{0,5}}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Authority:
    """``host`` is in lower case, without brackets and a final dot; ``port`` is None where none is given."""

    host: str
    port: int | None

    @property
    def is_address(self) -> bool:
        return _address(self.host) is not None

    @property
    def is_loopback(self) -> bool:
        """``localhost`` and what is below it (RFC 6761), 127.0.0.0/8 and ::1."""
        address = _address(self.host)
        if address is None:
            return self.host == "localhost" or self.host.endswith(".localhost")
        return address.is_loopback


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a page comes from; ``port`` is the scheme's own where none is given."""

    scheme: str
    authority: Authority

    @property
    def host(self) -> str:
        return self.authority.host

    @property
    def port(self) -> int | None:
        return self.authority.port


def parse_authority(text: str) -> Authority | None:
    """``localhost:8080``, ``[::1]``, ``127.0.0.1``; None for anything else, such as user information or port 0."""
    if len(text) > _LONGEST:
        return None
    found = _AUTHORITY.fullmatch(text.lower())
    if found is None:
        return None
    host = found["name"]
    if host is None:
        try:
            host = str(IPv6Address(found["ipv6"]))
        except ValueError:
            return None
    port = int(found["port"]) if found["port"] else None
    return None if port is not None and not 1 <= port <= 65_535 else Authority(host, port)


def parse_origin(text: str) -> Origin | None:
    """``https://trade.example``, ``http://localhost:3000``; None for anything else, ``null`` too."""
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    authority = parse_authority(rest)
    if not separator or scheme not in _DEFAULT_PORTS or authority is None:
        return None
    return Origin(scheme, Authority(authority.host, authority.port or _DEFAULT_PORTS[scheme]))


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return IPv6Address(host) if ":" in host else IPv4Address(host)
    except ValueError:
        return None
