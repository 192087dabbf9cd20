"""What says nothing of an order: something that everybody stands on was away, and is tried again when it is back."""

from __future__ import annotations

import psycopg
from redis.exceptions import RedisError

from chains.protocol import ChainUnavailable
from event_store.errors import LogUnavailable, OutcomeUnknown

# All that PostgreSQL may say: what is wrong with one request alone comes as ``InvalidRequest``.
AWAY = (ChainUnavailable, LogUnavailable, OutcomeUnknown, psycopg.Error, RedisError, ConnectionError, TimeoutError)
