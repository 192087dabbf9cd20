"""`surefill env`: the addresses in use."""

from typing import Annotated

import typer

from runtime import addresses, program, roles, settings


def env(
    owner: Annotated[bool, typer.Option("--owner", help="The owner's DATABASE_OWNER_URL too; for migrations.")] = False,
) -> None:
    """Print the addresses in use, KEY=value, one a line: those of the engine that runs on DATA_DIR, else those set."""
    raise typer.Exit(program.guarded("env", lambda: _show(owner=owner)))


def _show(*, owner: bool) -> None:
    found = settings.load()
    engine = addresses.of_running_engine(found.data_dir)
    needed = addresses.ADDRESSES if owner else roles.EVERY
    values = (
        {name: getattr(engine, name) for name in needed} if engine else addresses.completed(found, *needed).model_dump()
    )
    for name in needed:
        print(f"{name.upper()}={values[name]}")
    print(f"API_URL={addresses.api_url(found)}")
