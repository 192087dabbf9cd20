"""Somebody who sends lists of orders through every outage, and what became of them: of an OCO one order is filled at
most, and the slices of a TWAP come each once, in their order, and all of them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx2

from commands.ids import list_id
from domain.legs import leg_id
from domain.twap_schedule import slice_id
from tests.chaos.storm.parties import Party
from tests.chaos.storm.plan import PRICE, QUIET_AT_LAST_S
from tests.chaos.storm.verdict import Chain, Histories, order_of

AGAIN_S, PATIENCE_S = 0.3, 5.0
ORDERS_A_LIST = 20
SLICES, EVERY_MS = 5, 1_000
_SOL_FOR_USDC = {"tokenIn": "SOL", "tokenOut": "USDC", "slippageBps": 300}


@dataclass(frozen=True)
class AskedList:
    """One list, posted ``at`` so many seconds after the beginning."""

    at: float
    body: dict[str, Any]


@dataclass
class PlacedList:
    """A list as its client saw it."""

    list_id: UUID
    body: dict[str, Any]
    party: Party
    answers: set[bytes] = field(default_factory=set)
    refused: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def is_twap(self) -> bool:
        return bool(self.body["kind"] == "twap")

    @property
    def order_ids(self) -> list[UUID]:
        if self.is_twap:
            return [slice_id(self.list_id, number) for number in range(1, SLICES + 1)]
        return [leg_id(self.list_id, number) for number in (1, 2)]


def lists(seed: int, orders: int, minutes: float) -> list[AskedList]:
    """One for so many orders: by turns an OCO around the market's price, and a TWAP."""
    dice, latest = random.Random(f"lists {seed}"), minutes * 60 - QUIET_AT_LAST_S
    return [
        AskedList(dice.uniform(0.5, latest), (_twap if number % 2 else _oco)(dice, f"list-{seed}-{number}"))
        for number in range(orders // ORDERS_A_LIST)
    ]


def _oco(dice: random.Random, name: str) -> dict[str, Any]:
    above, below = (PRICE * dice.randint(-20, 60) / 10_000 for _ in range(2))
    legs = [
        {**_SOL_FOR_USDC, "amountIn": "0.05", "type": "limit", "limitPrice": str(PRICE + above)},
        {**_SOL_FOR_USDC, "amountIn": "0.04", "type": "stop", "stopPrice": str(PRICE - below)},
    ]
    return {"kind": "oco", "clientListId": name, "legs": legs}


def _twap(dice: random.Random, name: str) -> dict[str, Any]:
    order = {**_SOL_FOR_USDC, "amountIn": str(Decimal(dice.randint(10, 30)) / 100), "type": "market"}
    return {"kind": "twap", "clientListId": name, "order": order, "slices": SLICES, "everyMs": EVERY_MS}


class Lister:
    """``placed`` by list id; each list is posted until it is accepted."""

    def __init__(self, url: str, parties: Sequence[Party]) -> None:
        self._client = httpx2.AsyncClient(base_url=url, timeout=PATIENCE_S, trust_env=False)
        self._parties = parties
        self.placed: dict[UUID, PlacedList] = {}

    @property
    def owners(self) -> dict[UUID, Party]:
        """Whose each order is that lists may have."""
        return {order_id: one.party for one in self.placed.values() for order_id in one.order_ids}

    async def run(self, asked: Sequence[AskedList]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number, one in enumerate(asked):
                party = self._parties[number % len(self._parties)]
                placed = PlacedList(list_id(party.account_id, one.body["clientListId"]), one.body, party)
                self.placed[placed.list_id] = placed
                tasks.create_task(self._post(placed, one.at))

    async def finish(self, within: float) -> None:
        """Return once every TWAP has come to its end."""
        deadline = asyncio.get_running_loop().time() + within
        for one in self.placed.values():
            while one.is_twap and one.answers and not await self._is_finished(one):
                if asyncio.get_running_loop().time() > deadline:
                    one.wrong.append("its TWAP has not finished")
                    break
                await asyncio.sleep(1)
        await self._client.aclose()

    async def _is_finished(self, one: PlacedList) -> bool:
        try:
            answer = await self._client.get(f"/api/order-lists/{one.list_id}", headers=one.party.headers)
        except httpx2.TransportError:
            return False
        if answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
            return False
        shown = answer.json()
        one.refused = len(shown.get("refused", []))
        return bool(shown["status"] == "finished")

    async def _post(self, placed: PlacedList, at: float) -> None:
        """Twice, each until it is answered: the second answer is the first one's."""
        await asyncio.sleep(at)
        for _ in range(2):
            while not await self._answered(placed):
                await asyncio.sleep(AGAIN_S)

    async def _answered(self, placed: PlacedList) -> bool:
        try:
            answer = await self._client.post("/api/order-lists", json=placed.body, headers=placed.party.headers)
        except httpx2.TransportError:
            return False
        if answer.status_code == httpx2.codes.ACCEPTED:
            placed.answers.add(answer.content)
        elif answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
            placed.wrong.append(f"its POST was answered {answer.status_code}: {answer.text[:200]}")
        return answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE


def broken_lists(placed: Sequence[PlacedList], histories: Histories, chain: Chain) -> list[str]:
    wrong = []
    for one in placed:
        found = [*one.wrong, *(["it was never accepted"] if not (one.answers or one.wrong) else [])]
        found += ["it was repeated, and answered otherwise"] if len(one.answers) > 1 else []
        if one.answers:
            found += _wrong_slices(one, histories) if one.is_twap else _wrong_legs(one, histories, chain)
        wrong += [f"list {one.list_id}: {what}" for what in found]
    return wrong


def _wrong_legs(one: PlacedList, histories: Histories, chain: Chain) -> list[str]:
    if missing := [order_id for order_id in one.order_ids if order_id not in histories]:
        return [f"{missing[0]} is not in the log"]
    orders = [order_of(histories[order_id]) for order_id in one.order_ids]
    swaps = [landed for order_id in one.order_ids for landed in chain.get(order_id, ()) if landed["err"] is None]
    wrong = []
    if sum(order.status == "confirmed" for order in orders) > 1 or len(swaps) > 1:
        wrong.append(f"{[order.status for order in orders]}, and {len(swaps)} transactions of both succeeded")
    if len({order.ended for order in orders}) > 1:
        wrong.append(f"one has ended, the other not: {[order.status for order in orders]}")
    return wrong


def _wrong_slices(one: PlacedList, histories: Histories) -> list[str]:
    there = [order_id for order_id in one.order_ids if order_id in histories]
    wrong = []
    if len(there) + one.refused != SLICES:
        wrong.append(f"{len(there)} of {SLICES} slices were submitted, and {one.refused} refused")
    began = [histories[order_id][0].recorded_at for order_id in there]
    if began != sorted(began):
        wrong.append("its slices did not come in their order")
    swapped = sum(order_of(histories[order_id]).amount_in for order_id in there)
    whole = int(Decimal(one.body["order"]["amountIn"]) * 10**9)
    if not one.refused and swapped != whole:
        wrong.append(f"its slices are {swapped} base units, the whole was {whole}")
    return wrong
