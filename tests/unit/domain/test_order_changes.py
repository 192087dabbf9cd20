"""The typed changes that events make say the same of an order's fields as the models they are copied into."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest

from domain import events as e
from domain.evolve import OrderChange
from domain.evolve_attempts import AttemptChange
from domain.order import Attempt, Order


@pytest.mark.parametrize(("change", "model"), [(OrderChange, Order), (AttemptChange, Attempt)])
def test_a_change_has_each_field_with_the_type_of_its_model(change: type[Any], model: type[Any]) -> None:
    fields = get_type_hints(model, include_extras=True)
    for name, changed in get_type_hints(change, include_extras=True).items():
        assert changed == fields[name], name


def test_every_event_of_an_order_is_in_the_union_that_evolve_must_cover() -> None:
    assert set(e.ORDER_EVENTS) == set(e.BaseOrderEvent.__subclasses__()) - _of_tests()


def _of_tests() -> set[type[Any]]:
    return {event for event in e.BaseOrderEvent.__subclasses__() if not event.__module__.startswith("domain.")}
