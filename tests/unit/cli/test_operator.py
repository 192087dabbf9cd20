"""What an operator's command says of an error: what may be recorded it doesn't deny."""

from __future__ import annotations

import psycopg
import pytest

from cli.operator import run_command
from commands.errors import TooManyConflictsError
from domain.errors import DomainError
from event_store.errors import LogUnavailableError, OutcomeUnknownError
from runtime.errors import StartupError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DomainError("too_late", "It is confirmed."), r"^too_late: It is confirmed\.$"),
        (OutcomeUnknownError("no answer came"), "^it may have been recorded; repeat the command: no answer came$"),
        (TooManyConflictsError("7"), "^others changed the same thing all the time; repeat the command$"),
        (LogUnavailableError("no connection"), "^nothing more was recorded: no connection$"),
        (psycopg.OperationalError("gone"), "^PostgreSQL is unreachable .*; repeat the command when it is back$"),
    ],
)
def test_an_error_is_one_sentence_that_denies_nothing_that_may_be_so(error: Exception, said: str) -> None:
    async def work() -> None:
        raise error

    with pytest.raises(StartupError, match=said):
        run_command(work())
