"""The errors workers deal with. An order's refusal comes from the domain."""

from __future__ import annotations

import psycopg
from redis.exceptions import RedisError

from chains.errors import ChainUnavailableError, SignerError
from domain.errors import DomainError
from event_store.errors import LogUnavailableError, OutcomeUnknownError

# A server that a step needs is unreachable: it says nothing of the order, and the step is tried again later.
# psycopg's errors all belong here: what is wrong with one request alone comes as ``InvalidRequestError``.
TRANSIENT_ERRORS = (
    ChainUnavailableError,
    SignerError,
    LogUnavailableError,
    OutcomeUnknownError,
    psycopg.Error,
    RedisError,
    ConnectionError,
    TimeoutError,
)


class WaitError(Exception):
    """What is asked can't be done now, and may be in a moment."""


def error_code(error: Exception) -> str:
    """A refusal's code, else the error's type; never its message, which may quote anything."""
    return error.code if isinstance(error, DomainError) else type(error).__name__
