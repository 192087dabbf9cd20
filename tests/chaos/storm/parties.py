"""Who trades in a storm: everybody without a key, or three accounts that mustn't notice each other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commands.ids import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from tests.chaos.storm.world import World

OTHERS = ("desk", "vault")
FUNDED_WITHIN_S = 180


@dataclass(frozen=True)
class Party:
    """An account; ``key`` and ``wallet`` are None where nobody needs to name them."""

    name: str = "default"
    account_id: UUID = DEFAULT_ACCOUNT
    wallet: str | None = None
    key: str | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


EVERYBODY = Party()


async def three(world: World) -> list[Party]:
    """The first account and two more, made as an operator makes them, once their wallets are funded."""
    made = {name: await _answered(world, "accounts", "create", name) for name in OTHERS}
    parties = [Party(wallet=world.node.wallet, key=await _key(world, "default"))]
    for name, account in made.items():
        parties.append(Party(name, UUID(account["accountId"]), account["wallet"], await _key(world, name)))
    async with asyncio.timeout(FUNDED_WITHIN_S):
        for party in parties:
            while not (await world.node.truth("getBalance", party.wallet))["value"]:
                await asyncio.sleep(0.5)
    return parties


async def _key(world: World, account: str) -> str:
    made = await _answered(world, "keys", "create", "--account", account, "--scope", "trade", "--scope", "read")
    return str(made["key"])


async def _answered(world: World, *command: str) -> dict[str, Any]:
    done = await asyncio.to_thread(world.engine.run, *command, "--json", within=300)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return dict(json.loads(done.stdout))
