"""The process that faces clients of other machines is given nothing that signs."""

from __future__ import annotations

from typing import Any, cast

import pytest

from runtime import engine
from runtime.addresses import Addresses
from runtime.settings import Settings
from runtime.supervision.child import Program
from runtime.supervision.supervisor import Supervisor

SERVERS = Addresses("http://127.0.0.1:1", "postgresql://a@h/d", "postgresql://o@h/d", "redis://h", "http://h")
KEYS = {"WALLET_KEY": "[1, 2]", "WALLET_PASSWORD": "hunter2", "SIGNER_URL": "", "GUARD_KEY": "11" * 32}


class Kept:
    def __init__(self) -> None:
        self.programs: list[Program] = []

    def keep(self, program: Program, **_: Any) -> None:
        self.programs.append(program)


@pytest.mark.parametrize("processes", ["core", "roles"])
async def test_the_api_of_others_is_told_no_key(processes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)

    async def ready(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr(engine, "_ready", ready)
    kept = Kept()
    await engine._start_roles(cast(Supervisor, kept), Settings(host="0.0.0.0", processes=processes), SERVERS)  # noqa: S104
    api, *others = kept.programs
    assert api.name == "api"
    assert {name: api.environment[name] for name in KEYS} == dict.fromkeys(KEYS, "")
    assert others
    assert all(one.environment["WALLET_KEY"] == "[1, 2]" for one in others)
