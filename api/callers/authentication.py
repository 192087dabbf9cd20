"""``Authorization: Bearer sf_...``: from a request's headers to its caller."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from litestar.types import ASGIApp, Receive, Scope, Send

from api.callers.caller import Caller
from api.callers.rules import is_open, require_scope
from api.callers.wrong_keys import WrongKeys
from api.errors import ProblemError
from commands.directory.application import PREFIX, hash_of
from commands.directory.key_uses import KeyUses
from commands.known_accounts import KnownAccounts

_KEY = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)
_KEY_IN_QUERY = re.compile(rb"sf_[A-Za-z0-9_-]{43}")
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class Authenticator:
    """``keyless`` is who asks without a key; None where nobody may. ``clock`` gives the time, UTC."""

    def __init__(
        self,
        accounts: KnownAccounts,
        uses: KeyUses,
        *,
        keyless: Caller | None,
        clock: Callable[[], datetime],
        wrong_keys: WrongKeys | None = None,
    ) -> None:
        self._accounts = accounts
        self._uses = uses
        self._keyless = keyless
        self._clock = clock
        self._wrong_keys = wrong_keys or WrongKeys()

    def caller(self, scope: Scope) -> Caller:
        """Who asks. Raises ``ProblemError``: ``unauthenticated``, ``rate_limited`` for many wrong keys."""
        if _KEY_IN_QUERY.search(scope["query_string"]):
            raise _unauthenticated("A key in a query string ends in logs: revoke it, and send keys in Authorization.")
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        if not sent:
            if self._keyless is None:
                raise _unauthenticated("This needs a key: Authorization: Bearer sf_...")
            return self._keyless
        return self._by_key(sent, str((scope.get("client") or ("unknown", 0))[0]))

    def _by_key(self, sent: list[bytes], address: str) -> Caller:
        scheme, _, key = sent[0].decode("latin-1").partition(" ")
        key = key.strip()
        if len(sent) == 1 and scheme.lower() == "bearer" and _KEY.fullmatch(key):
            now = self._clock()
            found = self._accounts.key(hash_of(key), now)
            account = self._accounts.account(found.account_id) if found else None
            if found and account:
                self._uses.used(found.key_id, now)
                return Caller(account.account_id, account.name, frozenset(found.scopes), found.key_id)
        if wait := self._wrong_keys.count(address):
            raise ProblemError(
                429,
                "rate_limited",
                "Too many wrong keys from this address; a right one is taken all the same.",
                headers={"Retry-After": str(wait)},
            )
        raise _unauthenticated("This is no key of this engine, or it has expired or was revoked.")


class Authentication:
    """Puts the caller into the scope, once it has the scope that the route asks for. A WebSocket is refused before it
    is accepted.

    A middleware of its own, beside which Litestar needs no guard: for each guard it would copy the route's handler,
    which takes as long as all of this.
    """

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self.app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_open(scope):
            caller = self._authenticator.caller(scope)
            require_scope(caller.scopes, scope["route_handler"])
            scope["user"] = caller
        await self.app(scope, receive, send)


def _unauthenticated(detail: str) -> ProblemError:
    return ProblemError(401, "unauthenticated", detail, headers=_CHALLENGE)
