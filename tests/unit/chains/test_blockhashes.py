import asyncio

import pytest

from chains import blockhashes
from chains.blockhashes import BlockhashCache
from chains.errors import ChainUnavailableError
from chains.protocol import Blockhash


class Counting:
    """A chain that answers with the next blockhash when told to, or fails."""

    def __init__(self) -> None:
        self.asked = 0
        self.reached = asyncio.Event()
        self.answer = asyncio.Event()
        self.down = False

    async def latest_blockhash(self) -> Blockhash:
        self.asked += 1
        self.reached.set()
        mine = self.asked
        await self.answer.wait()
        if self.down:
            raise ChainUnavailableError("down")
        return Blockhash(f"hash {mine}", mine, mine + 150, mine)


def cache(chain: Counting, max_age: float) -> BlockhashCache:
    return BlockhashCache(chain, max_age)  # type: ignore[arg-type]  # it is asked for blockhashes alone


async def waiting(chain: Counting, held: BlockhashCache, count: int) -> list[asyncio.Task[Blockhash]]:
    tasks = [asyncio.create_task(held.latest()) for _ in range(count)]
    await chain.reached.wait()
    return tasks


async def test_any_number_of_callers_at_once_make_one_call() -> None:
    chain = Counting()
    held = cache(chain, 60)
    tasks = await waiting(chain, held, 50)
    chain.answer.set()
    assert {one.blockhash for one in await asyncio.gather(*tasks)} == {"hash 1"}
    assert (await held.latest()).blockhash == "hash 1"
    assert chain.asked == 1


async def test_an_old_blockhash_is_asked_for_again() -> None:
    chain = Counting()
    chain.answer.set()
    held = cache(chain, 0)
    assert [(await held.latest()).blockhash for _ in range(2)] == ["hash 1", "hash 2"]


async def test_a_failure_reaches_everyone_who_waited_and_is_not_kept() -> None:
    chain = Counting()
    chain.down = True
    held = cache(chain, 60)
    tasks = await waiting(chain, held, 3)
    chain.answer.set()
    failed = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in failed] == [ChainUnavailableError] * 3
    chain.down = False
    assert (await held.latest()).blockhash == "hash 2"


async def test_a_caller_who_leaves_takes_nothing_from_the_others() -> None:
    chain = Counting()
    held = cache(chain, 60)
    first, second = await waiting(chain, held, 2)
    first.cancel()
    chain.answer.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert (await second).blockhash == "hash 1"


async def test_while_it_is_used_the_next_blockhash_is_there_before_anybody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blockhashes, "KEPT_WARM_S", 0.2)
    chain = Counting()
    chain.answer.set()
    held = cache(chain, 0.1)
    assert (await held.latest()).blockhash == "hash 1"
    await asyncio.sleep(0.12)
    chain.answer.clear()
    async with asyncio.timeout(0.04):
        assert (await held.latest()).blockhash != "hash 1"
    chain.answer.set()
    await asyncio.sleep(0.5)
    silent = chain.asked
    await asyncio.sleep(0.3)
    assert chain.asked == silent


async def test_one_caller_alone_asks_for_no_more_than_its_own() -> None:
    chain = Counting()
    chain.answer.set()
    held = cache(chain, 1.0)
    await held.latest()
    await asyncio.sleep(1.2)
    assert chain.asked == 1


async def test_an_old_blockhash_is_handed_out_where_no_newer_one_can_be_had_and_not_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blockhashes, "_LAST_RESORT_S", 0.3)
    chain = Counting()
    chain.answer.set()
    held = cache(chain, 0.02)
    await held.latest()
    chain.down = True
    await asyncio.sleep(0.1)
    assert (await held.latest()).blockhash == "hash 1"
    await asyncio.sleep(0.4)
    with pytest.raises(ChainUnavailableError):
        await held.latest()
