"""Events as the log keeps them: ``{"v": version, "data": {...}}`` in JSON under an explicit topic.

A model names itself and its form: ``TOPIC``, ``VERSION`` (1 unless it says otherwise) and, for each step from an older
form, a static method ``upcast_v1_v2(data: dict) -> dict``, ``upcast_v2_v3``... They work on the JSON's dict, before
validation, so an old event never meets a model it was not written for.

No event holds a NUL, which PostgreSQL takes in no text: U+FFFD is in its place, also where an older version wrote one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeGuard, TypeVar

from pydantic import BaseModel
from pydantic_core import from_json

from event_store.errors import UnknownTopicError, UnreadableEventError
from event_store.types import PositionedEvent

# What loading raises for an event that another version wrote, or that is damaged: nobody may judge its stream.
UNREADABLE = (UnknownTopicError, ValueError, TypeError, KeyError)

# NUL as JSON has it. Behind a backslash of the text's own, which is written as two, ``u0000`` is text.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_REPLACED = rb"\1" + "\ufffd".encode()

M = TypeVar("M", bound=BaseModel)
Upcast = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Form:
    model: type[BaseModel]
    version: int
    upcasts: tuple[Upcast, ...]


class EventMapper:
    """Between models and (topic, state). A topic twice, or a missing upcast, is refused when it is built."""

    def __init__(self, models: Iterable[type[BaseModel]]) -> None:
        self._forms: dict[str, _Form] = {}
        for model in models:
            topic: str = model.TOPIC  # type: ignore[attr-defined]
            version: int = getattr(model, "VERSION", 1)
            if topic in self._forms:
                raise ValueError(f"two models have the topic {topic}")
            steps = [f"upcast_v{step}_v{step + 1}" for step in range(1, version)]
            if missing := [step for step in steps if not hasattr(model, step)]:
                raise ValueError(f"{model.__name__} has no {missing[0]}")
            self._forms[topic] = _Form(model, version, tuple(getattr(model, step) for step in steps))

    def dump(self, event: BaseModel) -> tuple[str, bytes]:
        """Topic and state of an event; UnknownTopicError for a model that was not named."""
        topic = getattr(event, "TOPIC", type(event).__name__)
        form = self._forms.get(topic)
        if form is None or form.model is not type(event):
            raise UnknownTopicError(topic)
        data = _without_nul(event.model_dump_json(by_alias=True).encode())
        return topic, b'{"v":%d,"data":%s}' % (form.version, data)

    def load(self, topic: str, state: bytes) -> BaseModel:
        """The event of a topic and state. Fields its model does not have are ignored.

        Raises one of ``UNREADABLE``: UnknownTopicError also for a version newer than the model's: newer code wrote it,
        this cannot judge it.
        """
        form = self._forms.get(topic)
        if form is None:
            raise UnknownTopicError(topic)
        recorded = from_json(_without_nul(state))
        version: int = recorded["v"]
        if version > form.version:
            raise UnknownTopicError(f"{topic}, version {version}")
        if version < 1:
            raise ValueError(f"{topic} has no version {version}")
        data: dict[str, Any] = recorded["data"]
        for upcast in form.upcasts[version - 1 :]:
            data = upcast(data)
        return form.model.model_validate(data, extra="ignore")

    def read(self, recorded: PositionedEvent, is_expected: Callable[[object], TypeGuard[M]]) -> M:
        """The recorded event, of a kind the caller expects; UnreadableEventError for whatever stands in the way."""
        event = recorded.decoded
        if event is None:
            try:
                event = self.load(recorded.topic, recorded.state)
            except Exception as fault:  # noqa: BLE001 - a damaged state may raise anything, an upcast too
                raise UnreadableEventError(recorded, fault) from None
        if not is_expected(event):
            raise UnreadableEventError(recorded, TypeError())
        return event

    def is_anothers(self, recorded: PositionedEvent, kind: type[BaseModel]) -> bool:
        """Whether it is, to the byte, an event that isn't of that ``kind``: so its stream isn't, either.

        One whose topic alone says so was damaged, and its stream may be of that kind.
        """
        form = self._forms.get(recorded.topic)
        if form is None or issubclass(form.model, kind):
            return False
        try:
            return self.dump(self.load(recorded.topic, recorded.state)) == (recorded.topic, recorded.state)
        except Exception:  # noqa: BLE001 - a damaged state may raise anything
            return False


def _without_nul(state: bytes) -> bytes:
    return _NUL.sub(_REPLACED, state) if b"\\u0000" in state else state
