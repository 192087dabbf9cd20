"""What fails again and again is said once, and once that it is over."""

from __future__ import annotations

from workers.outages import Outages


def test_the_first_that_fails_begins_an_outage_and_the_last_to_go_well_ends_it() -> None:
    outages = Outages()
    assert not outages.ends("statuses")
    assert [outages.begins("statuses"), outages.begins("statuses"), outages.begins("heights")] == [True, False, False]
    assert [outages.ends("heights"), outages.ends("heights")] == [False, False]
    assert [outages.ends("statuses"), outages.ends("statuses")] == [True, False]
    assert outages.begins("heights")
