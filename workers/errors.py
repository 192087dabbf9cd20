"""The errors workers deal with. They raise none of their own: an order's refusal comes from the domain."""

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


def error_code(error: Exception) -> str:
    """A refusal's code, else the error's type; never its message, which may quote anything."""
    return error.code if isinstance(error, DomainError) else type(error).__name__
