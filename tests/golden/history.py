"""A golden history as a file: streams as the log held them, and beside each what it folded to when it was recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.account import trading
from domain.account_event import AccountEvent
from event_store.mapper import EventMapper
from event_store.types import RecordedEvent
from projections.history import fold_recorded, until

DIRECTORY = Path(__file__).parent
_ORDER, _ACCOUNT = "order.", "account."


def folded(mapper: EventMapper, recorded: Sequence[RecordedEvent]) -> dict[str, Any]:
    """What a stream comes to, as JSON: an order's statuses, state and view, or an account's trading and findings."""
    if recorded[0].topic.startswith(_ORDER):
        states = [fold_recorded(mapper, until(recorded, version=one.version)) for one in recorded]
        last = states[-1]
        assert last
        return {
            "statuses": [state.order.status for state in states if state],
            "state": last.order.model_dump(mode="json"),
            "view": last.view().model_dump(mode="json", by_alias=True),
        }
    events = [mapper.load(one.topic, one.state) for one in recorded]
    state = trading(event for event in events if isinstance(event, AccountEvent))
    return {
        "halted": state.halted,
        "reason": state.reason,
        "events": [event.model_dump(mode="json", by_alias=True) for event in events],
    }


def write(name: str, about: str, mapper: EventMapper, streams: Sequence[Sequence[RecordedEvent]]) -> None:
    """Keep a history under a new name; one that is there is never written again."""
    told = [
        {
            "streamId": str(recorded[0].stream_id),
            "accountId": str(recorded[0].account_id),
            "events": [
                {
                    "version": one.version,
                    "position": one.position,
                    "topic": one.topic,
                    "recordedAt": one.recorded_at.isoformat(),
                    "state": one.state.decode(),
                }
                for one in recorded
            ],
            "folded": folded(mapper, recorded),
        }
        for recorded in streams
    ]
    with (DIRECTORY / f"{name}.json").open("x") as file:
        json.dump({"about": about, "streams": told}, file, indent=1)
        file.write("\n")


def read(path: Path) -> list[tuple[list[RecordedEvent], dict[str, Any]]]:
    """Each stream of a file with what it has to fold to."""
    return [(_recorded(stream), stream["folded"]) for stream in json.loads(path.read_text())["streams"]]


def _recorded(stream: dict[str, Any]) -> list[RecordedEvent]:
    nobody = UUID(int=0)
    return [
        RecordedEvent(
            stream_id=UUID(stream["streamId"]),
            version=one["version"],
            event_id=nobody,
            topic=one["topic"],
            state=one["state"].encode(),
            account_id=UUID(stream["accountId"]),
            command_id=nobody,
            correlation_id=nobody,
            causation_id=None,
            position=one["position"],
            recorded_at=datetime.fromisoformat(one["recordedAt"]),
            hash=b"",
        )
        for one in stream["events"]
    ]
