"""The dead-man's switch: set at least 5 s ahead, fired once, and never set again while it is due."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.deadman import Deadman, deadman, fire, set_deadman
from domain.deadman_events import DeadmanFinished, DeadmanFired, DeadmanSet
from domain.errors import DomainError
from tests.unit.domain.scenario import NOW

AT = NOW + timedelta(seconds=5)
ARMED = deadman(1, DeadmanSet(cancel_at=AT, by="me"))
FIRING = deadman(2, DeadmanFired(cancel_at=AT))
DONE = DeadmanFinished(cancel_at=AT, cancelled=2, pending=1, too_late=0, refused=0)
FIRED = deadman(3, DONE)


def test_it_is_set_renewed_and_cleared() -> None:
    assert set_deadman(Deadman(), AT, "me", NOW) == DeadmanSet(cancel_at=AT, by="me")
    later = AT + timedelta(seconds=5)
    assert set_deadman(ARMED, later, "me", NOW) == DeadmanSet(cancel_at=later, by="me")
    assert set_deadman(ARMED, None, "me", NOW) == DeadmanSet(cancel_at=None, by="me")
    assert set_deadman(FIRED, later, "me", AT) == DeadmanSet(cancel_at=later, by="me")
    assert deadman(2, DeadmanSet(cancel_at=None, by="me")) == Deadman(2)


def test_what_stands_so_already_is_no_event() -> None:
    assert set_deadman(Deadman(), None, "me", NOW) is None
    assert set_deadman(ARMED, AT, "me", NOW) is None


def test_asked_again_it_stands_as_it_is_however_near_its_instant_is_by_now() -> None:
    near = AT - timedelta(microseconds=1)
    assert set_deadman(ARMED, AT, "me", near) is None
    with pytest.raises(DomainError) as refused:
        set_deadman(ARMED, AT + timedelta(microseconds=1), "me", near)
    assert refused.value.code == "cancel_at_too_soon"


@pytest.mark.parametrize("ahead", [-1.0, 0.0, 4.999])
def test_it_leaves_its_client_five_seconds_at_least(ahead: float) -> None:
    with pytest.raises(DomainError) as refused:
        set_deadman(Deadman(), NOW + timedelta(seconds=ahead), "me", NOW)
    assert refused.value.code == "cancel_at_too_soon"


@pytest.mark.parametrize("switch", [ARMED, FIRING])
def test_it_is_not_taken_back_once_it_is_due(switch: Deadman) -> None:
    for cancel_at in (None, AT + timedelta(hours=1)):
        with pytest.raises(DomainError) as refused:
            set_deadman(switch, cancel_at, "me", AT)
        assert refused.value.code == "deadman_due"


def test_it_fires_once_and_not_before() -> None:
    assert fire(ARMED, AT - timedelta(microseconds=1)) is None
    assert fire(ARMED, AT) == DeadmanFired(cancel_at=AT)
    assert [fire(switch, AT + timedelta(days=1)) for switch in (Deadman(), FIRING, FIRED)] == [None] * 3


def test_nothing_may_be_triggered_from_its_instant_until_it_is_finished() -> None:
    assert not ARMED.is_due(AT - timedelta(microseconds=1))
    assert ARMED.is_due(AT) and FIRING.is_due(NOW)
    assert not FIRED.is_due(AT) and not Deadman().is_due(AT)
    assert FIRED.last == DONE


def test_from_its_instant_on_it_is_firing_to_its_client_whoever_has_begun() -> None:
    assert ARMED.state_at(AT - timedelta(microseconds=1)) == "armed"
    assert ARMED.state_at(AT) == FIRING.state_at(NOW) == "firing"
    assert (FIRED.state_at(AT), Deadman().state_at(AT)) == ("fired", "off")
