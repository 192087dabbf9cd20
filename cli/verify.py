"""`surefill verify`: composes a verification from the settings, and ends with an exit code that says what it found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.console import PlainConsole
from runtime import addresses, settings
from runtime.errors import SettingsError, StartupError
from runtime.lost_output import may_go_unread
from runtime.settings import Settings
from verification import checkpoint as checkpoints
from verification import show
from verification.errors import InvalidCheckpointError
from verification.report import UNCHECKED, USAGE, Report
from verification.run import verify_everything


def verify(
    checkpoint: Annotated[
        Path | None, typer.Option(help="A file of `surefill checkpoint`: finds any change up to its position.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a finding, the verdict last.")] = False,
    no_chain: Annotated[
        bool, typer.Option("--no-chain", help="Leave the chain out; the verdict then says so.")
    ] = False,
) -> None:
    """Compare the log with its hashes, the read models with the log, and the log with the chain.

    Exit codes: 0 all equal, 1 something differs, 2 a wrong argument or setting, 3 something could not be checked.
    """
    raise typer.Exit(_verify(checkpoint, as_json=as_json, chain=not no_chain))


def _verify(checkpoint: Path | None, *, as_json: bool, chain: bool) -> int:
    """The exit code; findings go to stdout as they come, the verdict last. It ends early where nobody reads them."""
    with may_go_unread():
        return _verify_all(checkpoint, as_json=as_json, chain=chain)
    return UNCHECKED


def _verify_all(checkpoint: Path | None, *, as_json: bool, chain: bool) -> int:
    console = PlainConsole()
    report = Report((lambda finding: print(show.json_line(finding))) if as_json else show.for_people(console))
    try:
        mark = checkpoints.read(checkpoint).mark if checkpoint else None
        found = _settings(chain)
    except (SettingsError, InvalidCheckpointError) as error:
        print(f"surefill: {error}", file=sys.stderr)
        return USAGE
    except StartupError as error:
        # Nothing could be looked at, which isn't the same as a difference.
        print(f"surefill: {error}", file=sys.stderr)
        return UNCHECKED
    with show.progress() as track:
        verify_everything(found.database_url, found.solana_rpc_url, report, track, mark, chain=chain)
    if as_json:
        print(show.json_verdict(report))
    else:
        console.print(show.summary(report), soft_wrap=True)
    return report.exit_code


def _settings(chain: bool) -> Settings:
    """With the node's address where ``chain`` asks for it and it is known: the log can be verified without it."""
    found = settings.load()
    needed = ("database_url", "solana_rpc_url") if chain else ("database_url",)
    try:
        return addresses.completed(found, *needed)
    except StartupError:
        if not chain:
            raise
        return addresses.completed(found, "database_url")
