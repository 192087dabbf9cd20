"""Which roles share a process, and what one of them that fails is to the others."""

from __future__ import annotations

import asyncio
import resource
from typing import cast

import pytest

from event_store.errors import LeaseLostError
from runtime.errors import StartupError
from runtime.roles import SHARED, named, process
from runtime.roles.entry import allow_many_connections
from runtime.roles.parts import Parts

NO_PARTS = cast(Parts, None)


def test_roles_are_named_one_by_one_or_all_at_once():
    assert named("core") == SHARED
    assert named("api, worker") == ("api", "worker")
    assert named("tracker") == ("tracker",)


def test_a_process_takes_as_many_connections_as_the_system_lets_it():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        allow_many_connections()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(before[1], 65_536), before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("text", ["", "relay", "api,", "core,api", "migrate", "localnet", "api,api", "API"])
def test_what_names_no_roles_is_refused(text: str):
    with pytest.raises(ValueError, match=r"no role|twice"):
        named(text)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "FIRST_DELAY", 0.01)


async def test_a_role_that_fails_begins_again_and_the_others_go_on():
    errors: list[Exception] = [LeaseLostError("lost"), RuntimeError("a defect"), ExceptionGroup("", [KeyError("k")])]
    begun, steady, well = 0, 0, asyncio.Event()

    async def failing(_: Parts) -> None:
        nonlocal begun
        begun += 1
        if errors:
            raise errors.pop(0)
        well.set()
        await asyncio.Event().wait()

    async def going_on(_: Parts) -> None:
        nonlocal steady
        steady += 1
        await asyncio.Event().wait()

    roles = [
        asyncio.create_task(process._keep(name, run, NO_PARTS, ends_all=False))
        for name, run in (("a", failing), ("b", going_on))
    ]
    await asyncio.wait_for(well.wait(), 5)
    assert (begun, steady) == (4, 1)
    assert not any(role.done() for role in roles)
    for role in roles:
        role.cancel()
    await asyncio.gather(*roles, return_exceptions=True)


async def test_where_the_api_or_the_only_role_cannot_begin_the_process_ends():
    async def refused(_: Parts) -> None:
        raise StartupError("PORT 8080 is taken")

    with pytest.raises(StartupError, match="PORT 8080"):
        await asyncio.wait_for(process._keep("api", refused, NO_PARTS, ends_all=True), 5)


async def test_another_role_that_cannot_begin_is_tried_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process, "LONGEST_DELAY", 0.01)
    tries, begun = 0, asyncio.Event()

    async def refused_twice(_: Parts) -> None:
        nonlocal tries
        tries += 1
        if tries <= 2:
            raise StartupError("the node serves another chain")
        begun.set()
        await asyncio.Event().wait()

    role = asyncio.create_task(process._keep("worker", refused_twice, NO_PARTS, ends_all=False))
    await asyncio.wait_for(begun.wait(), 5)
    role.cancel()
    await asyncio.gather(role, return_exceptions=True)
