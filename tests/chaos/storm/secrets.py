"""I10: nothing secret in what the engine wrote or said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from solders.keypair import Keypair

from domain import events as e
from tests.chaos.storm.clients import Placed
from tests.chaos.storm.outside import Recorded

_LONG = re.compile(rb"[A-Za-z0-9+/=_-]{88,}")


def leaks(
    data: Path,
    wallet: Path,
    logs: Iterable[Path],
    histories: Mapping[UUID, Sequence[Recorded]],
    placed: Iterable[Placed],
) -> list[str]:
    """Logs, Valkey's files and every message that hold a signed transaction's bytes, or the wallet's key."""
    signed = {
        one.event.transaction[:88].encode()
        for history in histories.values()
        for one in history
        if isinstance(one.event, e.TransactionBuilt)
    }
    numbers = wallet.read_bytes().strip()
    key = Keypair.from_bytes(bytes(json.loads(numbers)))
    secrets = {numbers, str(key).encode(), bytes(key)[:32], bytes(key)[:32].hex().encode()}
    passwords = [text.encode() for text in json.loads((data / "postgres-18" / "passwords.json").read_text()).values()]
    written = [*logs, *(data / "logs").iterdir(), *(one for one in (data / "valkey").rglob("*.aof"))]
    told = {"a stream's message": json.dumps([one.messages for one in placed]).encode()}
    told |= {str(one.relative_to(data.parent)): one.read_bytes() for one in written}
    wrong = []
    for where, text in told.items():
        if any(found[:88] in signed for found in _LONG.findall(text)):
            wrong.append(f"{where}: a signed transaction")
        if any(secret in text for secret in secrets):
            wrong.append(f"{where}: the wallet's key")
        if any(password in text for password in passwords):
            wrong.append(f"{where}: a password")
    return wrong
