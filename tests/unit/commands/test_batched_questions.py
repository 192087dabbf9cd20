"""What comes while a question is being answered is answered next, together, and each gets its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from commands.batched_questions import BatchedQuestions


class Counter:
    """Answers with what was asked, a hundredfold, once ``may_answer``; remembers what came together."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[int]]] = []
        self.may_answer = asyncio.Event()

    async def answer(self, key: str, questions: Sequence[int]) -> list[int]:
        self.asked.append((key, list(questions)))
        await self.may_answer.wait()
        if 0 in questions:
            raise ZeroDivisionError
        return [100 * question for question in questions]


async def test_the_first_goes_alone_and_what_comes_meanwhile_goes_together_up_to_the_most() -> None:
    counter = Counter()
    questions = BatchedQuestions[str, int, int](counter.answer, most=2)
    asking = [asyncio.create_task(questions.ask("a", 1))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking += [asyncio.create_task(questions.ask("a", number)) for number in (2, 3, 4)]
    asking += [asyncio.create_task(questions.ask("b", 5))]
    await asyncio.sleep(0)
    counter.may_answer.set()
    assert await asyncio.gather(*asking) == [100, 200, 300, 400, 500]
    assert counter.asked == [("a", [1]), ("b", [5]), ("a", [2, 3]), ("a", [4])]


async def test_an_error_is_each_askers_and_the_next_are_answered() -> None:
    counter = Counter()
    counter.may_answer.set()
    questions = BatchedQuestions[str, int, int](counter.answer, most=10)
    found = await asyncio.gather(questions.ask("a", 0), questions.ask("a", 1), return_exceptions=True)
    assert [type(one) for one in found] == [ZeroDivisionError, ZeroDivisionError]
    assert await questions.ask("a", 2) == 200


async def test_who_leaves_is_counted_and_keeps_nobody_from_an_answer() -> None:
    counter = Counter()
    questions = BatchedQuestions[str, int, int](counter.answer, most=10)
    leaving, staying = (asyncio.create_task(questions.ask("a", number)) for number in (1, 2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leaving.cancel()
    counter.may_answer.set()
    assert await staying == 200
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert [number for _, numbers in counter.asked for number in numbers] == [1, 2]
