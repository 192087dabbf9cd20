"""The `surefill` command: the name of every command and the function that it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import chain
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from runtime.lost_output import may_go_unread

EXIT_CODES = "Exit codes: 0 done, 1 failed (one sentence on stderr says why), 2 a wrong argument or setting."

HELP = f"""An event-sourced order execution engine for token swaps.

`surefill up` runs all of it; `surefill submit` and `surefill watch` use it. Settings come from the environment and
`.env`; docs/settings.md lists them.

{EXIT_CODES}
"""

# Each command, under its panel of `surefill --help`, with the function or the typer application that it is.
COMMANDS = {
    "Engine": {
        "up": "cli.up:up",
        "migrate": "cli.role:migrate",
        "env": "cli.env:env",
        "doctor": "cli.doctor:doctor",
    },
    "Orders": {
        "submit": "cli.submit:submit",
        "watch": "cli.watch:watch",
        "amend": "cli.amend:amend",
        "orders": "cli.orders:orders",
        "show": "cli.orders:show",
    },
    "Accounts": {
        "accounts": "cli.accounts:app",
        "keys": "cli.keys:app",
    },
    "Operator": {
        "cancel": "cli.cancel:cancel",
        "resolve": "cli.resolve:resolve",
        "resume": "cli.resume:resume",
        "trading": "cli.trading:app",
        "recover": "cli.recover:recover",
        "guards": "cli.guards:guards",
        "verify": "cli.verify:verify",
        "checkpoint": "cli.checkpoint:checkpoint",
        "rebuild": "cli.rebuild:rebuild",
        "dead-letters": "cli.dead_letters:app",
    },
    "Roles": {
        "run": "cli.role:run",
        "api": "cli.role:api",
        "worker": "cli.role:worker",
        "projector": "cli.role:projector",
        "tracker": "cli.role:tracker",
        "watcher": "cli.role:watcher",
        "localnet": "cli.localnet:app",
    },
}
OPTIONS: dict[str, Any] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,  # its tracebacks show local variables: addresses with passwords
    "rich_markup_mode": "markdown",
}


class LazyCommands(Mapping[str, TyperCommand | TyperGroup]):
    """Imports a command's module when that command is asked for: a role's process holds only what the role needs."""

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        for panel, commands in COMMANDS.items():
            if name in commands:
                return _load(panel, name, commands[name])
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(COMMANDS.values())

    def __len__(self) -> int:
        return sum(len(commands) for commands in COMMANDS.values())


class Surefill(TyperGroup):
    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.commands = LazyCommands()  # type: ignore[assignment]  # nothing is ever added


def _load(panel: str, name: str, where: str) -> TyperCommand | TyperGroup:
    module, _, attribute = where.partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        function, found = found, typer.Typer(**OPTIONS)
        found.command(name)(function)
    command: TyperCommand | TyperGroup = typer.main.get_command(found)  # type: ignore[assignment]
    command.name, command.rich_help_panel = name, panel
    return command


app = typer.Typer(name="surefill", help=HELP, no_args_is_help=True, cls=Surefill, **OPTIONS)


@app.callback()
def surefill() -> None:
    """A callback makes the application a group; its commands are those of `COMMANDS`."""


def main() -> None:
    with may_go_unread():
        app()
    # It ends by an exit of its own, but where its output went nowhere.
    raise SystemExit(1)


if __name__ == "__main__":
    main()
