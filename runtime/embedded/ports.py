"""Ports for the embedded servers: a free port is chosen once and then kept, so that addresses stay valid."""

import errno
import json
import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the ports that Linux (from 32768) and macOS (from 49152) give to outgoing connections: such a connection would
# block a server's restart.
CANDIDATES = range(20_000, 32_000)


def kept(file: Path, name: str) -> int:
    """The port `file` (JSON, name to port) keeps for `name`; a new free one, written there, where none is kept or it
    was taken.
    """
    ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    if (port := ports.get(name)) and is_free(LOOPBACK, port):
        return port
    taken = set(ports.values())
    free = (
        port for port in random.sample(CANDIDATES, len(CANDIDATES)) if port not in taken and is_free(LOOPBACK, port)
    )
    ports[name] = next(free)
    file.write_text(json.dumps(ports, indent=2) + "\n")
    return ports[name]


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
