"""Values typed at the command line that the shell hands over as text."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from domain.printable import is_recordable

# As far from 1 as a price or an amount may be: 1e999999999 would take all memory there is.
MAGNITUDE = 30


def positive_decimal(text: str, *, what: str, param_hint: str) -> Decimal:
    """``text`` as a number above zero; raises ``BadParameter``, exit code 2."""
    with suppress(InvalidOperation):
        number = Decimal(text)
        if number.is_finite() and number > 0 and abs(number.adjusted()) <= MAGNITUDE:
            return number
    raise typer.BadParameter(f"{what} is a positive decimal number, got {text!r}", param_hint=param_hint)


def _reason(text: str) -> str:
    if not text.strip():
        raise typer.BadParameter("say why, in a few words")
    if not is_recordable(text):
        raise typer.BadParameter("it isn't UTF-8 text")
    return text.strip()


def not_empty(text: str | None) -> str | None:
    """A name that is given has at least a letter: a variable of a script that isn't set names nothing."""
    if text is None:
        return None
    if not text.strip():
        raise typer.BadParameter("it is empty; leave it out where it isn't meant")
    return text.strip()


Because = Annotated[str, typer.Option(help="Why; recorded in the log.", callback=_reason)]
"""``--because``: a word at least."""
