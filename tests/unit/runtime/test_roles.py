"""Which roles share a process, and what one of them that fails is to the others."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from event_store.errors import LeaseLostError
from runtime.errors import StartupError
from runtime.roles import SHARED, named, process
from runtime.roles.parts import Parts

NO_PARTS = cast(Parts, None)


def test_roles_are_named_one_by_one_or_all_at_once():
    assert named("core") == SHARED
    assert named("api, worker") == ("api", "worker")
    assert named("tracker") == ("tracker",)


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

    roles = [asyncio.create_task(process._keep(name, run, NO_PARTS)) for name, run in (("a", failing), ("b", going_on))]
    await asyncio.wait_for(well.wait(), 5)
    assert (begun, steady) == (4, 1)
    assert not any(role.done() for role in roles)
    for role in roles:
        role.cancel()
    await asyncio.gather(*roles, return_exceptions=True)


async def test_a_role_that_cannot_begin_at_all_ends_the_process():
    async def refused(_: Parts) -> None:
        raise StartupError("PORT 8080 is taken")

    with pytest.raises(StartupError, match="PORT 8080"):
        await asyncio.wait_for(process._keep("api", refused, NO_PARTS), 5)
