"""The passwords of the embedded PostgreSQL's three roles: made at the first start, kept in a file, reset where it is
lost.
"""

import json
import secrets
from asyncio.subprocess import PIPE
from dataclasses import replace
from pathlib import Path

import structlog

from chains.durable_file import write_durably
from runtime.errors import StartupError
from runtime.supervision import child
from runtime.supervision.child import Program

SUPERUSER = "postgres"
OWNER = "surefill_owner"
APPLICATION = "surefill"
ROLES = (SUPERUSER, OWNER, APPLICATION)

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


async def reset(file: Path, server: Program) -> dict[str, str]:
    """New passwords, known to the cluster of `server`, which doesn't run, and written to `file`.

    PostgreSQL's single-user mode asks for none: who may write the cluster's files may do anything with it. Only the
    superuser's is set here; the other roles get theirs at every start. The file comes last, so that an interrupted
    reset is begun anew. Raises StartupError.
    """
    log.warning("PostgreSQL's passwords could not be read and are set anew", file=str(file))
    made = new()
    await _execute(f"ALTER ROLE {SUPERUSER} PASSWORD '{made[SUPERUSER]}'\n", server)
    return write(file, made)


async def _execute(statement: str, server: Program) -> None:
    program, *arguments = server.command
    # A statement that fails ends it with an error; none is ever logged, since the password is in it.
    options = (
        "-c",
        "exit_on_error=on",
        "-c",
        "log_min_error_statement=panic",
        "-c",
        "password_encryption=scram-sha-256",
    )
    alone = replace(server, name="postgres --single", command=(program, "--single", *arguments, *options, "postgres"))
    process = await child.start(alone, stdin=PIPE)
    try:
        await process.communicate(statement.encode())
    finally:
        code = await child.stop(process, alone.stops)
    if code != 0:
        raise StartupError(
            f"the embedded PostgreSQL could not be given new passwords (exit code {code}); see {server.log}, or put a "
            "copy of passwords.json back"
        )
