"""The dead-man's switch as its client meets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.deadman import deadman_stream
from domain.deadman_events import DeadmanFired, DeadmanSet
from domain.directory import DEFAULT_ACCOUNT
from event_store.types import AppendRequest, NewEvent, Stored
from projections.order_view import instant
from tests.integration.api.serving import Engine

PATH = "/api/deadman"


def ahead(seconds: float) -> str:
    return instant(datetime.now(UTC) + timedelta(seconds=seconds))


async def put(engine: Engine, cancel_at: Any) -> tuple[int, dict[str, Any]]:
    answer = await engine.http.put(PATH, json={"cancelAt": cancel_at})
    return answer.status_code, answer.json()


async def test_it_is_set_renewed_and_cleared_each_once(engine: Engine) -> None:
    assert (await engine.http.get(PATH)).json() == {"cancelAt": None, "state": "off"}
    for cancel_at in (ahead(60), ahead(120)):
        for _ in range(2):
            assert await put(engine, cancel_at) == (200, {"cancelAt": cancel_at, "state": "armed"})
    assert (await engine.http.get(PATH)).json()["cancelAt"] == cancel_at
    assert await engine.events.head() == 2
    for _ in range(2):
        assert await put(engine, None) == (200, {"cancelAt": None, "state": "off"})
    assert await engine.events.head() == 3


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_field"), ({"cancelAt": "soon"}, "invalid_field"), ({"cancelAt": 1_900_000_000}, "invalid_field"),
        ({"cancelAt": "2030-01-01T00:00:00"}, "invalid_field"), ({"cancelAt": None, "by": 1}, "unknown_field"),
        ({"cancelAt": "2026-01-01T00:00:00Z"}, "cancel_at_too_soon"), ({"cancelAt": ahead(0)}, "cancel_at_too_soon"),
    ],
)  # fmt: skip
async def test_an_odd_request_sets_nothing(engine: Engine, body: dict[str, Any], code: str) -> None:
    answer = await engine.http.put(PATH, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await engine.events.head() == 0


async def test_while_it_fires_it_is_not_set(engine: Engine) -> None:
    switches = engine.switches
    await put(engine, ahead(60))
    cancel_at = (await switches.of(DEFAULT_ACCOUNT)).cancel_at
    assert cancel_at is not None
    await switches._record(DEFAULT_ACCOUNT, lambda _: DeadmanFired(cancel_at=cancel_at), ())
    for asked in (ahead(60), None):
        status, problem = await put(engine, asked)
        assert (status, problem["code"]) == (409, "deadman_due")
    assert (await engine.http.get(PATH)).json()["state"] == "firing"


async def test_once_it_is_due_it_says_so_though_nobody_has_fired_it_yet(engine: Engine) -> None:
    """No watcher runs. What it says and what a client may do agree."""
    cancel_at = datetime.now(UTC) - timedelta(seconds=1)
    await engine.switches._record(DEFAULT_ACCOUNT, lambda _: DeadmanSet(cancel_at=cancel_at, by="test"), ())
    assert (await engine.http.get(PATH)).json() == {"cancelAt": instant(cancel_at), "state": "firing"}
    status, problem = await put(engine, None)
    assert (status, problem["code"]) == (409, "deadman_due")


async def test_one_that_cannot_be_read_is_said_so_and_stays(engine: Engine) -> None:
    command = uuid4()
    newer = NewEvent(
        deadman_stream(DEFAULT_ACCOUNT), 1, uuid4(), DeadmanSet.TOPIC, b'{"v":99,"data":{}}', DEFAULT_ACCOUNT, command,
        command, None,
    )  # fmt: skip
    assert isinstance(await engine.switches._appender.append(AppendRequest((newer,))), Stored)
    answers = [await engine.http.get(PATH), await engine.http.put(PATH, json={"cancelAt": None})]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(409, "account_unreadable")] * 2
    assert await engine.events.head() == 1
