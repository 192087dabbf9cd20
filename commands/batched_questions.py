"""Questions that come while one of the same key is being answered are answered next, together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Asked(Generic[Question, Answer]):
    question: Question
    answer: asyncio.Future[Answer]


class BatchedQuestions(Generic[Key, Question, Answer]):
    """``answer_all`` gets a key's questions in the order in which they came, at most ``most`` at once, and gives an
    answer to each. What it raises is raised to each that asked. Who leaves is answered all the same.
    """

    def __init__(
        self, answer_all: Callable[[Key, Sequence[Question]], Awaitable[Sequence[Answer]]], *, most: int
    ) -> None:
        self._answer_all = answer_all
        self._most = most
        self._waiting: dict[Key, list[_Asked[Question, Answer]]] = {}
        self._at_work: dict[Key, asyncio.Task[None]] = {}

    async def ask(self, key: Key, question: Question) -> Answer:
        asked: _Asked[Question, Answer] = _Asked(question, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(key, []).append(asked)
        if key not in self._at_work:
            self._at_work[key] = asyncio.create_task(self._work(key))
        return await asked.answer

    async def _work(self, key: Key) -> None:
        try:
            while waiting := self._waiting.pop(key, None):
                for start in range(0, len(waiting), self._most):
                    await self._answer(key, waiting[start : start + self._most])
        finally:
            del self._at_work[key]

    async def _answer(self, key: Key, waiting: Sequence[_Asked[Question, Answer]]) -> None:
        try:
            answers = await self._answer_all(key, [asked.question for asked in waiting])
        except Exception as error:  # noqa: BLE001 - it is each asker's
            for asked in waiting:
                if not asked.answer.done():
                    asked.answer.set_exception(error)
            return
        for asked, answer in zip(waiting, answers, strict=True):
            if not asked.answer.done():
                asked.answer.set_result(answer)
