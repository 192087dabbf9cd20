"""I9: no order, event, wallet or transaction of an account is another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import httpx2

from domain import events as e
from tests.chaos.storm.parties import Party
from tests.chaos.storm.verdict import Chain, Histories


def mixed(owners: Mapping[UUID, Party], histories: Histories, chain: Chain) -> list[str]:
    """Events recorded for, and transactions signed or landed by, another account than the order's own."""
    wrong = []
    for order_id, party in owners.items():
        for recorded in histories.get(order_id, ()):
            if recorded.account_id != party.account_id:
                wrong.append(f"{order_id}: {type(recorded.event).__name__} was recorded for another than {party.name}")
            if isinstance(recorded.event, e.TransactionBuilt) and party.wallet not in (None, recorded.event.wallet):
                wrong.append(f"{order_id}: {party.name}'s, and signed by {recorded.event.wallet}")
        if party.wallet is not None:
            others = {landed["wallet"] for landed in chain.get(order_id, ())} - {party.wallet}
            wrong += [f"{order_id}: {party.name}'s, and landed from {wallet}" for wallet in others]
    return wrong


async def listed(url: str, parties: Sequence[Party], owners: Mapping[UUID, Party], histories: Histories) -> list[str]:
    """Each account's list has its own orders, all of them, and no others; and each is refused what isn't its own."""
    wrong = []
    async with httpx2.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        for party in parties:
            found = await _list(client, party)
            own = {str(i) for i, owner in owners.items() if owner == party and i in histories}
            wrong += [f"{one}: in the list of {party.name}, and not its own" for one in sorted(found - own)]
            wrong += [f"{one}: {party.name}'s, and not in its list" for one in sorted(own - found)]
            for order_id in [i for i, owner in owners.items() if owner != party and i in histories][:20]:
                for what in ("", "/events"):
                    answer = await client.get(f"/api/orders/{order_id}{what}", headers=party.headers)
                    if answer.status_code != httpx2.codes.NOT_FOUND:
                        wrong.append(f"{order_id}{what}: {party.name} was answered {answer.status_code}")
    return wrong


async def _list(client: httpx2.AsyncClient, party: Party) -> set[str]:
    found: set[str] = set()
    query: dict[str, Any] = {"limit": 200}
    while True:
        answer = await client.get("/api/orders", params=query, headers=party.headers)
        answer.raise_for_status()
        page = answer.json()
        found |= {one["orderId"] for one in page["items"]}
        if not page.get("next"):
            return found
        query["cursor"] = page["next"]
