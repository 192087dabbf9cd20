"""One connection that appends. Its errors say whether anything was stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from struct import error as StructError  # noqa: N812

import psycopg
from psycopg import AsyncConnection

from event_store.append.append_statement import (
    APPEND,
    APPEND_STRAIGHT,
    outcomes,
    parameters,
    straight_outcomes,
    straight_parameters,
)
from event_store.dsn import parse
from event_store.errors import AnswerLostError, InvalidRequestError, NotSentError, NotStoredError
from event_store.pool import Check, ensure_connected
from event_store.statements import statement
from event_store.types import AppendRequest, Outcome

_SESSION = statement(__file__, "append_session")

# SQLSTATE classes in which the statement stored nothing and the request isn't at fault: cancelled, timed out, a lock,
# no space left, a server that stops, a missing schema or right.
_NOT_THE_REQUESTS_FAULT = ("08", "25", "28", "3D", "3F", "40", "42", "53", "55", "57", "58")
# The server ends the session with these. They don't say whether the statement was committed before that.
_SESSION_ENDED = ("08", "57P01", "57P02", "57P03", "57P05")


class AppendSession:
    """Connects when it has to, and asks ``check_new`` of each new connection. Not for concurrent use."""

    def __init__(self, dsn: str, connect_timeout: float, application_name: str, check_new: Check | None = None) -> None:
        self._database = parse(dsn, application_name=application_name)
        self._connect_timeout = connect_timeout
        self._check_new = check_new
        self._connection: AsyncConnection | None = None

    async def append(self, requests: Sequence[AppendRequest], within: float) -> list[Outcome]:
        """The outcome of each, in order; waits ``within`` seconds for the answer.

        Raises ``NotSentError``, ``NotStoredError``, ``AnswerLostError`` or, where one of the requests is malformed,
        ``InvalidRequestError``.
        """
        connection = await self._connected()
        answer = asyncio.ensure_future(_execute(connection, requests))
        try:
            await asyncio.wait({answer}, timeout=within)
        finally:
            # The first cancellation asks the server to cancel the statement, which may take seconds; the second
            # drops the connection.
            for _ in range(2):
                if not answer.done():
                    answer.cancel()
                    await asyncio.wait({answer}, timeout=0.5)
        try:
            return answer.result()
        except asyncio.CancelledError:
            await self.close()
            raise AnswerLostError("no answer in time") from None
        except psycopg.Error as error:
            state = error.sqlstate
            message = error.diag.message_primary or type(error).__name__
            if connection.closed or (state is not None and state.startswith(_SESSION_ENDED)):
                await self.close()
                raise AnswerLostError(message) from error
            if state is not None and state.startswith(_NOT_THE_REQUESTS_FAULT):
                raise NotStoredError(f"{message} ({state})") from error
            raise InvalidRequestError(state or "22000", message) from error
        except (TypeError, ValueError, OverflowError, StructError) as error:
            # The values could not be encoded for PostgreSQL, so nothing was sent.
            raise InvalidRequestError("22000", f"cannot be sent: {type(error).__name__}") from error

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _connected(self) -> AsyncConnection:
        try:
            if self._connection is not None:
                # The server may have closed the connection meanwhile. Noticed now, it is certain that nothing was sent.
                await ensure_connected(self._connection)
                return self._connection
        except psycopg.OperationalError:
            await self.close()
        try:
            async with asyncio.timeout(self._connect_timeout):
                connection = await AsyncConnection.connect(self._database.conninfo, autocommit=True)
                try:
                    await connection.execute(_SESSION)
                    if self._check_new is not None:
                        await self._check_new(connection)
                except BaseException:
                    await connection.close()
                    raise
        except TimeoutError:
            raise NotSentError(f"cannot connect to {self._database} within {self._connect_timeout} s") from None
        except psycopg.Error as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise NotSentError(f"cannot connect to {self._database}: {reason}") from None
        self._connection = connection
        return connection


async def _execute(connection: AsyncConnection, requests: Sequence[AppendRequest]) -> list[Outcome]:
    """By the straight statement where it serves, else by the full one."""
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(APPEND_STRAIGHT, straight_parameters(requests), prepare=True)
        row = await cursor.fetchone()
        if row is not None and (stored := straight_outcomes(row, requests)) is not None:
            return stored
        await cursor.execute(APPEND, parameters(requests), prepare=True)
        return outcomes(await cursor.fetchall(), requests)
