"""The headers that go with a submitted order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api.errors import ProblemError
from api.orders.headers import LONGEST_WAIT_S, expires_after, preferred_wait, with_idempotency_key


def test_an_idempotency_key_is_another_name_for_the_client_order_id() -> None:
    assert with_idempotency_key({"a": 1}, None) == {"a": 1}
    for sent in ("k-1", '"k-1"'):
        assert with_idempotency_key({}, sent) == {"clientOrderId": "k-1"}
        assert with_idempotency_key({"clientOrderId": "k-1"}, sent) == {"clientOrderId": "k-1"}
    assert with_idempotency_key({"clientOrderId": None}, "k-1") == {"clientOrderId": "k-1"}


@pytest.mark.parametrize(
    ("sent", "own", "code"),
    [
        ("k-1", "k-2", "conflicting_fields"),
        ("k-1", 7, "conflicting_fields"),
        ("", None, "invalid_client_order_id"),
        ('"', None, "invalid_client_order_id"),
        ("k 1", None, "invalid_client_order_id"),
        ("k" * 65, None, "invalid_client_order_id"),
        ("k-1, k-2", None, "invalid_client_order_id"),
    ],
)
def test_another_one_or_an_odd_one_is_refused(sent: str, own: object, code: str) -> None:
    with pytest.raises(ProblemError) as refused:
        with_idempotency_key({"clientOrderId": own}, sent)
    assert (refused.value.status, refused.value.code, refused.value.field) == (422, code, "Idempotency-Key")


@pytest.mark.parametrize(
    ("sent", "instant"),
    [
        ("2026-01-01T00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01t02:00:00.5+02:00", datetime(2026, 1, 1, 0, 0, 0, 500_000, UTC)),
    ],
)
def test_an_expiry_is_an_instant_of_rfc_3339(sent: str, instant: datetime) -> None:
    assert expires_after(sent) == instant


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "soon",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "1767225600",
        "0001-01-01T00:00:00+23:59",
    ],
)
def test_what_is_no_instant_is_refused(sent: str) -> None:
    with pytest.raises(ProblemError) as refused:
        expires_after(sent)
    assert (refused.value.status, refused.value.code) == (422, "invalid_expiry")


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        (None, None), ("", None), ("respond-async", None), ("wait", None), ("wait=x", None), ("await=5", None),
        ("wait=5", 5), ("respond-async, wait=5", 5), ("Wait = 5", 5), ("wait=99999", LONGEST_WAIT_S), ("wait=0", 0),
    ],
)  # fmt: skip
def test_a_preference_that_cant_be_read_is_passed_over(sent: str | None, seconds: int | None) -> None:
    assert preferred_wait(sent) == seconds
