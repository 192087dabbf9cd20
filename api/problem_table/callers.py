"""Who asks, and what an operator asks of accounts and keys."""

from __future__ import annotations

from api.problem_table.entry import Entry

WHO_ASKS = (
    Entry(
        "unauthenticated",
        401,
        False,
        "there is no key where one is needed, or the key is wrong, has expired, was revoked, or came in a query string "
        "([security.md](security.md))",
        "send `Authorization: Bearer sf_...` with a key that holds; `surefill keys create` makes one",
    ),
    Entry("scope_missing", 403, False, "the key lacks the scope that `scope` names", "use a key that has it"),
    Entry(
        "rate_limited",
        429,
        True,
        "the account has sent as many orders in a minute as it may (`limit` says so), or asked for as many previews "
        "(`PREVIEWS_PER_MINUTE`), or many wrong keys came from this address. A right key is taken all the same. "
        "`retryable` is false, and there is no `Retry-After`, where a "
        "list has more orders than the account may send a minute",
        "wait for `Retry-After` seconds; where a list has too many orders, send them one by one, or ask for more",
    ),
)

ACCOUNTS = (
    Entry(
        "invalid_account_name",
        422,
        False,
        "the name is not 1 to 40 of `a-z 0-9 . _ -`, or begins or ends with a sign",
        "choose another name",
    ),
    Entry("account_exists", 409, False, "there is an account of that name", "use it, or choose another name"),
    Entry(
        "account_not_found", 404, False, "there is no account of that name", "`surefill accounts list` shows the names"
    ),
    Entry("key_not_found", 404, False, "there is no key of that id", "`surefill keys list` shows the ids"),
    Entry(
        "invalid_field",
        422,
        False,
        "a field of an admin's request has a value it can't have; `field` names it",
        "`detail` says which values it takes",
    ),
)
