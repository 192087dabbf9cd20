"""Somebody who amends orders as a client does, by the order's ETag and through every outage, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx2

from domain import events as e
from domain.evolve import evolve
from domain.order import Order
from tests.chaos.storm.outside import Recorded
from tests.chaos.storm.verdict import Histories

AGAIN_S, PATIENCE_S = 0.3, 5.0
_UNKNOWN = {503}  # nothing is known of what was sent: it is sent again
_REFUSED = {409: "not_amendable", 412: "version_conflict"}


@dataclass
class Amended:
    """What somebody asks of one order. ``version``: of the order that he was told had these terms, None until then."""

    terms: Mapping[str, Any]
    version: int | None = None
    refused: str | None = None
    wrong: list[str] = field(default_factory=list)


class Amender:
    """``asked`` by order id."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.AsyncClient(base_url=url, timeout=PATIENCE_S, trust_env=False)
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked: dict[UUID, Amended] = {}

    def ask(self, order_id: UUID, headers: Mapping[str, str], terms: Mapping[str, Any], after: float) -> None:
        """Amend the order in ``after`` seconds; repeated until an answer says whether it was."""
        self.asked[order_id] = Amended(terms)
        task = asyncio.create_task(self._amend(order_id, headers, self.asked[order_id], after))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, within: float) -> None:
        """Return once everybody was answered."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=within)
        for one in self.asked.values():
            if one.version is None and one.refused is None and not one.wrong:
                one.wrong.append("its amendment was never answered")
        await self._client.aclose()

    async def _amend(self, order_id: UUID, headers: Mapping[str, str], asked: Amended, after: float) -> None:
        await asyncio.sleep(after)
        path = f"/api/orders/{order_id}"
        while asked.version is None and asked.refused is None and not asked.wrong:
            try:
                shown = await self._client.get(path, headers=headers)
                if shown.status_code != httpx2.codes.OK:
                    self._take(asked, shown)
                    await asyncio.sleep(AGAIN_S)
                    continue
                match = {"If-Match": shown.headers["etag"]}
                answer = await self._client.patch(path, json=asked.terms, headers={**headers, **match})
            except httpx2.TransportError:
                await asyncio.sleep(AGAIN_S)
                continue
            self._take(asked, answer)
            await asyncio.sleep(AGAIN_S)

    def _take(self, asked: Amended, answer: httpx2.Response) -> None:
        if answer.status_code == httpx2.codes.OK:
            asked.version = int(answer.headers["etag"].strip('"'))
        elif answer.status_code in _REFUSED and answer.json().get("code") == _REFUSED[answer.status_code]:
            # What has moved on is looked at again; what can't be amended any more stays as it is.
            asked.refused = "not_amendable" if answer.status_code == httpx2.codes.CONFLICT else None
        elif answer.status_code not in _UNKNOWN:
            asked.wrong.append(f"its amendment was answered {answer.status_code}: {answer.text[:200]}")


def wrongly_amended(asked: Mapping[UUID, Amended], histories: Histories) -> list[str]:
    """An order that was said to have its new terms has them in the log at that version; no other was amended, none
    twice, and nothing was built of an order between two sets of terms.
    """
    wrong = [f"{order_id}: {what}" for order_id, one in asked.items() for what in one.wrong]
    for order_id, history in histories.items():
        amendments = [one for one in history if isinstance(one.event, e.OrderAmended)]
        of_it = asked.get(order_id)
        if of_it is None:
            wrong += [f"{order_id}: amended, and nobody has asked for it"] if amendments else []
            continue
        if len(amendments) > 1:
            wrong.append(f"{order_id}: amended {len(amendments)} times, asked for once")
        if of_it.version is not None and not _has(of_it.terms, _at(history, of_it.version)):
            wrong.append(f"{order_id}: told that it was amended at version {of_it.version}, and it wasn't")
        wrong += [
            f"{order_id}: amended while it was {before.status}"
            for before in (_at(history, one.version - 1) for one in amendments)
            if before is None or not before.waits_for_price
        ]
    return wrong


def _at(history: Sequence[Recorded], version: int) -> Order | None:
    order: Order | None = None
    for one in history:
        if one.version <= version:
            order = evolve(order, one.event)
    return order


def _has(terms: Mapping[str, Any], order: Order | None) -> bool:
    if order is None:
        return False
    has = {
        "limitPrice": order.limit_price,
        "stopPrice": order.stop_price,
        "amountIn": Decimal(order.amount_in).scaleb(-order.token_in.decimals),
    }
    return all(has[name] == Decimal(value) for name, value in terms.items())
