"""Who may ask: decided from the headers ``Host`` and ``Origin``, and from those that a proxy adds.

On this machine no key is needed: whoever reaches the server may trade. A page on any site can make its visitor's
browser send requests to this machine, and by DNS rebinding even read the answers, under a host name of its own. So a
host must be one that nobody can point at us: an address, a loopback name, or a name that a setting gives. And where a
browser says which page asks (``Origin``, with each POST and each WebSocket) that page must be ours, or one that a
setting gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from api.serving.authority import Authority, Origin, parse_authority, parse_origin
from api.serving.refusal import Refusal

# What proxies add; and whatever begins with `x-forwarded-`.
FORWARDED = frozenset({b"forwarded", b"via", b"x-real-ip", b"cf-connecting-ip", b"true-client-ip"})
_FORWARDED_PREFIX = b"x-forwarded-"
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class Admitted:
    """``origin`` is the foreign page that ALLOWED_ORIGINS lets in, as it names itself; None for everybody else."""

    origin: bytes | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """``hosts`` are names beside loopback ones and addresses; ``origins`` are pages beside our own.

    ``forwarded`` says that a proxy in front is meant to be there.
    """

    hosts: frozenset[str] = frozenset()
    origins: frozenset[Origin] = frozenset()
    forwarded: bool = False

    @classmethod
    def of(cls, hosts: Iterable[str], origins: Iterable[str], *, forwarded: bool) -> Access:
        """From names and origins as a person writes them; raises ``ValueError`` for an origin that is none."""
        parsed = [parse_origin(origin) for origin in origins]
        if None in parsed:
            raise ValueError("an allowed origin reads https://name or http://name:port")
        return cls(
            frozenset(host.lower().removesuffix(".") for host in hosts),
            frozenset(origin for origin in parsed if origin),
            forwarded,
        )

    @property
    def watched(self) -> frozenset[bytes]:
        """The names, in lower case, of the headers that ``decide`` wants to see."""
        return frozenset({b"host", b"origin"}) | (frozenset() if self.forwarded else FORWARDED)

    @property
    def watched_prefixes(self) -> tuple[bytes, ...]:
        """The same of names that begin so."""
        return () if self.forwarded else (_FORWARDED_PREFIX,)

    def decide(self, scheme: str, headers: Iterable[tuple[bytes, bytes]]) -> Admitted | Refusal:
        """``headers`` are those of the request that are watched, in their order; ``scheme`` is ``http``, ``ws``..."""
        hosts, origins = [], []
        for name, value in headers:
            if name == b"host":
                hosts.append(value)
            elif name == b"origin":
                origins.append(value)
            else:
                return _forwarded(name.decode("latin-1"))
        host = parse_authority(hosts[0].decode("latin-1")) if len(hosts) == 1 else None
        if host is None:
            return Refusal(400, "invalid_host", "A request names one host, as in `Host: localhost:8080`.")
        if not (host.is_address or host.is_loopback or host.host in self.hosts):
            return Refusal(403, "host_not_allowed", f"Nobody is {host.host} here. ALLOWED_HOSTS takes more host names.")
        if not origins:
            return Admitted()
        origin = parse_origin(origins[0].decode("latin-1")) if len(origins) == 1 else None
        if origin is not None and _own(origin, _SCHEMES[scheme], host):
            return Admitted()
        if origin is not None and origin in self.origins:
            return Admitted(origins[0])
        return Refusal(
            403, "origin_not_allowed", "Pages of another origin may not ask here. ALLOWED_ORIGINS takes those that may."
        )


STRICT = Access()


def _own(origin: Origin, scheme: str, host: Authority) -> bool:
    """Whether the page came from the server that it asks.

    The two loopback names may differ. Two addresses may not: anybody's page can have an address.
    """
    own = parse_origin(f"{scheme}://{host.host if ':' not in host.host else f'[{host.host}]'}:{host.port or ''}")
    if own is None or (origin.scheme, origin.port) != (own.scheme, own.port):
        return False
    return origin.host == own.host or (origin.authority.is_loopback and own.authority.is_loopback)


def _forwarded(name: str) -> Refusal:
    return Refusal(
        403,
        "forwarded",
        f"A proxy forwarded this request ({name}): it opens the engine to everybody who reaches the proxy. "
        "ALLOW_FORWARDED=true says that the proxy lets in only those who may.",
    )
