"""`python -m tests.chaos.plants NAME [ROLES]`: the engine with that fault, or, its child, the process with it."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from cli import up
from runtime import engine, program, roles
from runtime.roles import entry
from runtime.supervision.child import Program
from tests.chaos.plants.faulty import PLANTS


def main(name: str, played: str | None = None) -> None:
    plant = PLANTS[name]
    if played:
        plant.put_in()
        entry.main(*roles.named(played))
    sound = engine._role

    def composed(command: str, *shown: str, **named: Any) -> Program:
        program = sound(command, *shown, **named)
        [played] = named.get("arguments") or (command,)
        if command in roles.ALONE or plant.role not in roles.named(played):
            return program
        return dataclasses.replace(program, command=(sys.executable, "-m", "tests.chaos.plants", name, played))

    engine._role = composed  # type: ignore[assignment]
    sys.exit(program.guarded("up", lambda: up.run(demo=False)))


if __name__ == "__main__":
    main(*sys.argv[1:])
