"""Ports for the embedded servers: a free port is chosen once and then kept, so that addresses stay valid."""

import errno
import json
import random
import socket
from pathlib import Path

import structlog

from chains.durable_file import write_durably

log = structlog.get_logger()

LOOPBACK = "127.0.0.1"
# Below the ports that Linux (from 32768) and macOS (from 49152) give to outgoing connections: such a connection would
# block a server's restart.
CANDIDATES = range(20_000, 32_000)


def kept(file: Path, name: str, besides: frozenset[int] = frozenset()) -> int:
    """The port `file` (JSON, name to port) keeps for `name`; a new free one, written there, where none is kept or it
    was taken. It is none of those `besides`, which somebody will listen on.
    """
    ports = _read(file)
    if (port := ports.get(name)) and port not in besides and is_free(LOOPBACK, port):
        return port
    taken = besides.union(ports.values())
    free = (
        port for port in random.sample(CANDIDATES, len(CANDIDATES)) if port not in taken and is_free(LOOPBACK, port)
    )
    ports[name] = next(free)
    write_durably(file, json.dumps(ports, indent=2) + "\n", mode=0o644)
    return ports[name]


def _read(file: Path) -> dict[str, int]:
    """What `file` keeps; empty where it isn't there, or was cut short: other ports are as good."""
    try:
        kept = json.loads(file.read_text())
        if isinstance(kept, dict) and all(type(port) is int and port in CANDIDATES for port in kept.values()):
            return kept
    except FileNotFoundError:
        return {}
    except ValueError:  # no JSON, or no text at all
        pass
    log.warning("the ports could not be read and are chosen anew", file=str(file))
    return {}


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now; raises OSError where `host` is no address of this machine."""
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        with socket.socket(family, kind, protocol) as probe:
            # As servers do: connections that linger after a restart are no obstacle, a listener is.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                return False
    return True
