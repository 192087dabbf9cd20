"""The passwords of the embedded PostgreSQL's three roles: made at the first start, kept in a file, reset where it is
lost.
"""

import asyncio
import json
import os
import secrets
import sys
from asyncio.subprocess import Process
from dataclasses import replace
from pathlib import Path

import psycopg
import structlog
from psycopg import sql

from chains.durable_file import write_durably
from runtime.errors import StartupError
from runtime.supervision import child
from runtime.supervision.child import Program

SUPERUSER = "postgres"
OWNER = "surefill_owner"
APPLICATION = "surefill"
ROLES = (SUPERUSER, OWNER, APPLICATION)
PATIENCE = 60.0  # seconds; it may have to recover first
PORT = 5432  # a part of the socket's name, and nothing more

log = structlog.get_logger()


def new() -> dict[str, str]:
    return {role: secrets.token_urlsafe(24) for role in ROLES}


def read(file: Path) -> dict[str, str] | None:
    """By role; None where the file is missing or cut short."""
    try:
        kept = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    whole = isinstance(kept, dict) and all(isinstance(kept.get(role), str) and kept[role] for role in ROLES)
    return {role: kept[role] for role in ROLES} if whole else None


def write(file: Path, passwords: dict[str, str]) -> dict[str, str]:
    write_durably(file, json.dumps(passwords, indent=2) + "\n")
    return passwords


def verifiers(connection: psycopg.AsyncConnection[tuple[object, ...]], passwords: dict[str, str]) -> dict[str, str]:
    """What PostgreSQL keeps of each: nothing it could log or a backup could hold gives the password away."""
    return {
        role: connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        for role, password in passwords.items()
    }


async def reset(file: Path, server: Program) -> dict[str, str]:
    """New passwords, known to the cluster of `server`, which doesn't run, and written to `file`.

    For the time it takes the server runs without a network and asks for no password on its socket, which lies in a
    directory that only its own uid and root may enter. Only the superuser's is set here; the other roles get theirs at
    every start. The file comes last, so that an interrupted reset is begun anew. Raises StartupError.
    """
    log.warning("PostgreSQL's passwords could not be read and are set anew", file=str(file))
    made = new()
    seen_from_inside = server.command[-1]
    rules = server.directory / "reset_hba.conf"
    write_durably(rules, f"local all {SUPERUSER} trust\n", mode=0o644)
    settings = (
        "listen_addresses=",
        "unix_socket_directories=../run",
        "unix_socket_permissions=0700",
        f"hba_file={seen_from_inside}/{rules.name}",
        f"port={PORT}",
    )
    options = [option for setting in settings for option in ("-c", setting)]
    process = await child.start(replace(server, command=(*server.command, *options)))
    try:
        async with asyncio.timeout(PATIENCE), await _connection(file.with_name("run"), process) as connection:
            verifier = verifiers(connection, made)[SUPERUSER]
            statement = sql.SQL("alter role {} password {}").format(sql.Identifier(SUPERUSER), sql.Literal(verifier))
            await connection.execute(statement)
    except TimeoutError:
        raise _not_reset(server) from None
    finally:
        await child.stop(process, server.stops)
        rules.unlink()
    return write(file, made)


async def _connection(run: Path, server: Process) -> psycopg.AsyncConnection[tuple[object, ...]]:
    directory = os.open(run, os.O_RDONLY)
    try:
        # A socket's path is short, and the data directory's may not be.
        host = f"/proc/self/fd/{directory}" if sys.platform == "linux" else str(run)
        while server.returncode is None:
            try:
                return await psycopg.AsyncConnection.connect(
                    host=host, port=PORT, user=SUPERUSER, dbname="postgres", autocommit=True
                )
            except psycopg.OperationalError:
                await asyncio.sleep(0.03)
    finally:
        os.close(directory)
    raise TimeoutError  # it ended: no use to wait any longer


def _not_reset(server: Program) -> StartupError:
    return StartupError(
        f"the embedded PostgreSQL could not be given new passwords; see {server.log}, or put a copy of passwords.json "
        "back"
    )
