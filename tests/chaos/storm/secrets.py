"""I10: nothing secret in what the engine wrote or said."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

import httpx2
from solders.keypair import Keypair

from domain import events as e
from tests.chaos.storm.clients import Placed
from tests.chaos.storm.outside import ClosedGuards, Recorded
from tests.chaos.storm.world import World

# What follows its signature in a signed transaction: header, keys, blockhash. Our wallet's key makes it nobody else's.
_TELLTALE = slice(66, 102)
# A reclaim begins with two signatures, which nobody shows in base64.
_OF_A_RECLAIM = 128
ASKED_FOR = 100


async def leaks(
    world: World,
    histories: Mapping[UUID, Sequence[Recorded]],
    reclaims: Sequence[ClosedGuards],
    placed: Iterable[Placed],
) -> list[str]:
    """Logs, Valkey's files, answers and metrics that hold signed transactions, the wallet's key or a password."""
    placed = list(placed)
    data = world.data
    written = [*world.engine.directory.glob("*.log"), *(data / "logs").iterdir(), *(data / "valkey").rglob("*.aof")]
    told = {str(one.relative_to(data.parent)): one.read_bytes() for one in written}
    told["a stream's message"] = json.dumps([one.messages for one in placed]).encode()
    told["a 202"] = b"".join(answer for one in placed for answer in one.answers)
    async with httpx2.AsyncClient(base_url=world.engine.url, timeout=30, trust_env=False) as client:
        told["metrics"] = (await client.get("/metrics")).content
        events = [
            await client.get(f"/api/orders/{one.order_id}/events?limit=200", headers=one.party.headers)
            for one in placed[:ASKED_FOR]
        ]
        told["an order's events"] = b"".join(answer.content for answer in events)
    passwords = json.loads((data / "postgres-18" / "passwords.json").read_text()).values()
    secrets = {
        "a signed transaction": _bytes(histories) | {one.transaction[:_OF_A_RECLAIM].encode() for one in reclaims},
        "a wallet's key": {key for file in (world.wallet, *(data / "wallets").glob("*.json")) for key in _keys(file)},
        "an API key": {one.party.key.encode() for one in placed if one.party.key},
        "a password": {text.encode() for text in passwords},
    }
    return [
        f"{where}: {what}"
        for where, text in told.items()
        for what, every in secrets.items()
        if any(one in text for one in every)
    ]


def _keys(file: Path) -> list[bytes]:
    """A wallet's key in every form that it might be written in."""
    numbers = file.read_bytes().strip()
    key = Keypair.from_bytes(bytes(json.loads(numbers)))
    return [numbers, str(key).encode(), bytes(key)[:32], bytes(key)[:32].hex().encode()]


def _bytes(histories: Mapping[UUID, Sequence[Recorded]]) -> set[bytes]:
    """What gives every signed transaction away, in base64 and in hex: the same few strings for all of them."""
    built = [
        one.event.transaction
        for history in histories.values()
        for one in history
        if isinstance(one.event, e.TransactionBuilt)
    ]
    in_hex = {b64decode(one)[_TELLTALE].hex().encode() for one in built}
    return {one[slice(_TELLTALE.start // 3 * 4, _TELLTALE.stop // 3 * 4)].encode() for one in built} | in_hex
