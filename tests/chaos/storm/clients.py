"""Clients that never give up: each posts its order until it is accepted, and follows its stream to the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from commands.ids import order_id
from tests.chaos.storm.parties import EVERYBODY, Party
from tests.chaos.storm.plan import Asked

Amend = Callable[[UUID, Mapping[str, str], Mapping[str, Any], float], None]
PATIENCE_S = 5.0
AGAIN_S = 0.3


def _amended_by_nobody(*_: object) -> None:
    """Where no plan amends orders."""


@dataclass
class Placed:
    """One order as its client saw it: every 202's body, every message of its stream, what it found wrong."""

    asked: Asked
    order_id: UUID
    party: Party = EVERYBODY
    answers: list[bytes] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False
    connections: int = 0
    wrong: list[str] = field(default_factory=list)


class Clients:
    """``placed`` by order id. Every post and every stream is tried again until it is answered; ``cancel`` is asked to
    cancel what was accepted, and ``amend`` to amend it, where its plan says so. The ``parties``
    take turns in posting; the others ask for what is none of theirs.
    """

    def __init__(
        self,
        url: str,
        cancel: Callable[[UUID, float], None],
        amend: Amend = _amended_by_nobody,
        parties: Sequence[Party] = (EVERYBODY,),
    ) -> None:
        self._url = url
        self._parties = parties
        self._cancel, self._amend = cancel, amend
        self._limits = httpx2.Limits(max_connections=64, max_keepalive_connections=16)
        self.placed: dict[UUID, Placed] = {}
        self._streams: set[asyncio.Task[None]] = set()

    async def run(self, orders: Sequence[Asked]) -> None:
        """Post every order at its time; returns when all are accepted. Streams go on until ``leave``."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with (
            httpx2.AsyncClient(base_url=self._url, timeout=PATIENCE_S, trust_env=False, limits=self._limits) as client,
            asyncio.TaskGroup() as tasks,
        ):
            for number, asked in enumerate(orders):
                await asyncio.sleep(max(0.0, began + asked.at - loop.time()))
                party = self._parties[number % len(self._parties)]
                placed = Placed(asked, order_id(party.account_id, asked.client_order_id), party)
                self.placed[placed.order_id] = placed
                tasks.create_task(self._place(client, placed))

    async def leave(self) -> None:
        for task in self._streams:
            task.cancel()
        await asyncio.gather(*self._streams, return_exceptions=True)

    async def _place(self, client: httpx2.AsyncClient, placed: Placed) -> None:
        await asyncio.gather(*(self._post(client, placed) for _ in range(placed.asked.times)))
        if placed.answers and placed.asked.cancelled_after is not None:
            self._cancel(placed.order_id, placed.asked.cancelled_after)
        if placed.answers and placed.asked.amended_after is not None:
            self._amend(placed.order_id, placed.party.headers, placed.asked.amended_to, placed.asked.amended_after)
        for other in self._parties:
            if other != placed.party:
                await self._pry(client, placed, other)
        task = asyncio.create_task(self._follow(placed))
        self._streams.add(task)

    async def _post(self, client: httpx2.AsyncClient, placed: Placed) -> None:
        while True:
            try:
                answer = await client.post("/api/orders/execute", json=placed.asked.terms, headers=placed.party.headers)
            except httpx2.TransportError:
                await asyncio.sleep(AGAIN_S)
                continue
            if answer.status_code == httpx2.codes.ACCEPTED:
                placed.answers.append(answer.content)
                return
            problem = answer.headers.get("content-type", "").startswith("application/problem+json")
            if answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE or not problem:
                placed.wrong.append(f"POST was answered {answer.status_code}: {answer.text[:200]}")
                return
            await asyncio.sleep(AGAIN_S)

    async def _pry(self, client: httpx2.AsyncClient, placed: Placed, other: Party) -> None:
        """Once: an outage is as good an answer as none."""
        with contextlib.suppress(httpx2.TransportError):
            answer = await client.get(f"/api/orders/{placed.order_id}", headers=other.headers)
            if answer.status_code not in (httpx2.codes.NOT_FOUND, httpx2.codes.SERVICE_UNAVAILABLE):
                placed.wrong.append(f"{other.name} asked for it and was answered {answer.status_code}")

    async def _follow(self, placed: Placed) -> None:
        """Each message once and in order, however often the connection is lost."""
        url = f"{self._url.replace('http', 'ws', 1)}/ws/orders/{placed.order_id}"
        while not placed.closed:
            after = placed.messages[-1]["sequence"] if placed.messages else 0
            query = f"?after={after}&events={str(placed.asked.events).lower()}"
            try:
                async with connect(
                    url + query,
                    open_timeout=PATIENCE_S,
                    ping_interval=5,
                    ping_timeout=10,
                    additional_headers=placed.party.headers,
                ) as socket:
                    placed.connections += 1
                    async for text in socket:
                        placed.messages.append(json.loads(text))
                    code = socket.close_code
            except (OSError, TimeoutError, WebSocketException):
                await asyncio.sleep(AGAIN_S)
                continue
            placed.closed = code == 1000
            if code in (4400, 4404):
                placed.wrong.append(f"its stream was closed with {code}: {socket.close_reason}")
                return
            if not placed.closed:
                await asyncio.sleep(AGAIN_S)
