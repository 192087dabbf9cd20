"""`surefill verify` folds accounts and keys, and says where that comes to nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from domain.account import TradingResumed
from domain.account_event import AccountEvent
from domain.directory import account_id_of
from domain.directory_events import AccountOpened, KeyIssued, KeyRevoked, WalletBound
from verification.directory import directory_fault

DESK, KEY = account_id_of("desk"), uuid4()
BY = {"at": datetime(2026, 1, 1, tzinfo=UTC), "by": "op"}
OPENED, BOUND = AccountOpened(name="desk", **BY), WalletBound(wallet="W", **BY)
ISSUED, REVOKED = KeyIssued(account_id=DESK, key_hash="00", scopes=("read",), **BY), KeyRevoked(**BY)


def fault(stream_id: UUID, *events: AccountEvent) -> str | None:
    return directory_fault(stream_id, events)


def test_what_follows_from_what_was_recorded_is_no_fault() -> None:
    assert fault(DESK, OPENED, BOUND) is None
    assert fault(KEY, ISSUED, REVOKED) is None


def test_what_follows_from_nothing_is_one() -> None:
    assert "WalletBound" in str(fault(DESK, BOUND))
    assert "KeyRevoked" in str(fault(KEY, REVOKED))
    assert "another name" in str(fault(uuid4(), OPENED))
    assert "TradingResumed" in str(fault(DESK, OPENED, TradingResumed(because="x")))
