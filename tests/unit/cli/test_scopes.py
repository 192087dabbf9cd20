"""What `surefill trading` and `surefill accounts limits` take as a scope: nothing is halted that isn't there."""

from __future__ import annotations

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli import limits, resume, trading
from domain.errors import DomainError
from localnet.world import pools
from runtime.venue_names import VENUE_NAMES
from venues.jupiter.labels import LABELS, NAMES

BECAUSE = ("--because", "the test")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the command would have recorded."""
    found: list[tuple[Any, ...]] = []

    def record(*given: Any) -> str:
        found.append(given)
        return ""

    monkeypatch.setattr(trading, "_set", record)
    monkeypatch.setattr(trading, "print_outcome", lambda *_: None)
    return found


@pytest.mark.parametrize("state", ["halt", "reduce", "resume"])
@pytest.mark.parametrize("option", ["--account", "--venue"])
@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_scope_is_no_scope(asked: list[tuple[Any, ...]], state: str, option: str, name: str) -> None:
    ended = CliRunner().invoke(trading.app, [state, option, name, *BECAUSE])
    assert ended.exit_code == 2 and "it is empty" in ended.output
    assert asked == []


@pytest.mark.parametrize("state", ["halt", "reduce"])
def test_a_venue_that_is_not_there_is_not_halted(asked: list[tuple[Any, ...]], state: str) -> None:
    ended = CliRunner().invoke(trading.app, [state, "--venue", "Orcaa", *BECAUSE])
    assert ended.exit_code == 2 and "there is no venue Orcaa" in ended.output
    assert asked == []
    assert CliRunner().invoke(trading.app, [state, "--venue", "raydium trade API", *BECAUSE]).exit_code == 0
    assert asked[0][2] == "Raydium Trade API"


def test_a_resume_takes_a_name_that_was_mistyped_before(asked: list[tuple[Any, ...]]) -> None:
    assert CliRunner().invoke(trading.app, ["resume", "--venue", "Orcaa", *BECAUSE]).exit_code == 0
    assert asked[0][:3] == ("active", None, "Orcaa")


def test_a_resume_of_an_account_without_a_name_is_refused() -> None:
    app = typer.Typer()
    app.command()(resume.resume)
    ended = CliRunner().invoke(app, ["--account", "", *BECAUSE])
    assert ended.exit_code == 2 and "it is empty" in ended.output


def test_the_venues_that_are_known_are_those_that_there_can_be() -> None:
    assert LABELS.keys() == NAMES.keys()
    assert {*(pool.venue for pool in pools()), *NAMES.values(), "Raydium Trade API"} == set(VENUE_NAMES)
    assert len({name.casefold() for name in VENUE_NAMES}) == len(VENUE_NAMES)


def test_an_accounts_venues_are_among_those_that_there_can_be() -> None:
    assert limits._changes({"venues": "orca, Raydium Trade API"}) == {"venues": ("Orca", "Raydium Trade API")}
    with pytest.raises(DomainError, match="names a venue that isn't known here"):
        limits._changes({"venues": "Orka"})
