"""Errors that say nothing of an order: a server it needs is unreachable, and the step is tried again later."""

from __future__ import annotations

import psycopg
from redis.exceptions import RedisError

from chains.protocol import ChainUnavailable
from event_store.errors import LogUnavailable, OutcomeUnknown

# All that PostgreSQL may say: what is wrong with one request alone comes as ``InvalidRequest``.
TRANSIENT_ERRORS = (
    ChainUnavailable,
    LogUnavailable,
    OutcomeUnknown,
    psycopg.Error,
    RedisError,
    ConnectionError,
    TimeoutError,
)
