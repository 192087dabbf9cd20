"""Errors that say nothing of an order: a server it needs is unreachable, and the step is tried again later."""

from __future__ import annotations

import psycopg
from redis.exceptions import RedisError

from chains.protocol import ChainUnavailable
from event_store.errors import LogUnavailableError, OutcomeUnknownError

# All that PostgreSQL may say: what is wrong with one request alone comes as ``InvalidRequestError``.
TRANSIENT_ERRORS = (
    ChainUnavailable,
    LogUnavailableError,
    OutcomeUnknownError,
    psycopg.Error,
    RedisError,
    ConnectionError,
    TimeoutError,
)
