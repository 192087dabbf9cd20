"""The ports that `surefill up` listens on by the settings: each is another one, and each is to be had."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from runtime.embedded import ports
from runtime.errors import SettingsError, StartupError
from runtime.roles import LEASED
from runtime.settings import Settings

HIGHEST = 65_535


@dataclass(frozen=True, slots=True, order=True)
class OwnPort:
    """``setting`` is the one it comes from, which says ``value``; ``host`` is where it is listened on."""

    number: int
    setting: str
    value: int
    host: str

    def __str__(self) -> str:
        written = f"{self.setting} {self.value}"
        return written if self.number == self.value else f"port {self.number}, counted on from {written},"


def metrics_ports(settings: Settings) -> Sequence[int]:
    """METRICS_PORT and those after it: one for each process without the API, in the order in which they start."""
    if settings.metrics_port is None:
        return ()
    together = 0 if settings.is_local else 1
    # Else the worker, and each leased role with its standby.
    count = together if settings.processes == "core" else 1 + 2 * len(LEASED)
    return range(settings.metrics_port, settings.metrics_port + count)


def own_ports(settings: Settings) -> Sequence[OwnPort]:
    """All of them, by number; those that are chosen and kept in DATA_DIR aside. Raises ``SettingsError`` where two are
    one, or where there aren't that many ports.
    """
    found = sorted(_own_ports(settings))
    if found[-1].number > HIGHEST:
        raise SettingsError(
            f"METRICS_PORT must be {HIGHEST - len(metrics_ports(settings)) + 1} or less with PROCESSES=roles, got "
            f"{settings.metrics_port}: each process has a port of its own, counted on from it"
        )
    for one, other in pairwise(found):
        if one.number == other.number:
            raise SettingsError(f"{one} is the same as {other.setting}: set one of them to another")
    return found


def require_free(port: OwnPort) -> None:
    """Raise ``StartupError`` where somebody listens there, or where nobody can."""
    try:
        free = ports.is_free(port.host, port.number)
    except OSError as error:
        raise StartupError(f"HOST {port.host} {port} cannot be listened on: {error.strerror}") from None
    if not free:
        raise StartupError(f"{port} is taken on {port.host}; set {port.setting} to another, or stop what listens there")


def _own_ports(settings: Settings) -> Iterator[OwnPort]:
    yield OwnPort(settings.port, "PORT", settings.port, settings.host)
    for number in metrics_ports(settings):
        yield OwnPort(number, "METRICS_PORT", settings.metrics_port or number, settings.host)
    if (replica := settings.localnet_replica_port) is not None and not settings.solana_rpc_url:
        yield OwnPort(replica, "LOCALNET_REPLICA_PORT", replica, ports.LOOPBACK)
