"""`python -m tests.chaos.plants NAME [ROLE]`: the engine with that fault, or, as its child, the faulty role itself."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from cli import up
from runtime import engine, roles
from runtime.supervision.child import Program
from tests.chaos.plants.faulty import PLANTS


def main(name: str, role: str | None = None) -> None:
    faulty_role, plant, _ = PLANTS[name]
    if role:
        plant()
        roles.main(role)
    sound = engine._role

    def composed(role: str, *shown: str, **named: Any) -> Program:
        program = sound(role, *shown, **named)
        if role != faulty_role:
            return program
        return dataclasses.replace(program, command=(sys.executable, "-m", "tests.chaos.plants", name, role))

    engine._role = composed  # type: ignore[assignment]
    sys.exit(roles.guarded("up", lambda: up.run(demo=False)))


if __name__ == "__main__":
    main(*sys.argv[1:])
