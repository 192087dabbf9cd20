"""A batch folds to the rows it touches; repeated, cut anywhere, or with an unreadable order in it."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.decide import decide
from domain.evolve import fold
from domain.numbers import I64_MAX, U64_MAX
from projections.errors import VersionGapError
from projections.history import fold_recorded
from projections.orders.table import Row, fold_batch, row
from tests.unit.domain.scenario import built, landing, routed, sent, submitted
from tests.unit.projections.recording import MAPPER, ORDER, record

SENT = (*submitted(), routed(), built(), sent())
WHOLE = (*SENT, *decide(fold(SENT), landing()))
HISTORY = record(WHOLE, position=7)


def test_a_batch_becomes_one_row_an_order_at_its_newest_version() -> None:
    folded = fold_batch(MAPPER, HISTORY, {}, ())
    state = fold_recorded(MAPPER, HISTORY)
    assert state is not None
    assert folded.rows == {ORDER: Row(state, first_position=7)}
    assert folded.unreadable == {}


@given(st.integers(0, len(HISTORY)), st.integers(0, len(HISTORY)))
def test_wherever_it_is_cut_and_however_much_is_repeated_the_fold_is_the_same(cut: int, back: int) -> None:
    rows = fold_batch(MAPPER, HISTORY[:cut], {}, ()).rows
    rows = {**rows, **fold_batch(MAPPER, HISTORY[min(cut, back) :], rows, ()).rows}
    assert rows == fold_batch(MAPPER, HISTORY, {}, ()).rows


def test_an_event_that_was_folded_before_writes_nothing() -> None:
    rows = fold_batch(MAPPER, HISTORY, {}, ()).rows
    assert fold_batch(MAPPER, HISTORY, rows, ()).rows == {}


def test_a_missing_version_is_a_fault_and_never_skipped() -> None:
    with pytest.raises(VersionGapError):
        fold_batch(MAPPER, [HISTORY[0], HISTORY[2]], {}, ())


def test_a_row_is_read_whose_fees_an_earlier_version_summed_up_past_what_a_u64_holds() -> None:
    state = fold_recorded(MAPPER, HISTORY)
    assert state is not None
    order = state.order.model_dump(mode="json") | {"fees_lost_lamports": str(3 * I64_MAX)}
    columns = (state.version, state.submitted_at, state.updated_at, state.position, 7)
    read = row((state.order_id, state.account_id, json.dumps(order), *columns))
    expected = state.order.model_copy(update={"fees_lost_lamports": U64_MAX})
    assert read.state.order.model_dump() == expected.model_dump()


@pytest.mark.parametrize(
    "damage",
    [
        {"topic": "order.FromTheFuture"},
        {"state": b"{}"},
        {"state": b'{"v":9,"data":{}}'},
        {"state": b"not json"},
        {"state": b"[]"},
    ],
)
def test_an_order_that_cannot_be_read_is_set_aside_and_the_others_go_on(damage: dict[str, object]) -> None:
    bad = [HISTORY[0], replace(HISTORY[1], **damage), *HISTORY[2:]]  # type: ignore[arg-type]
    other = record(WHOLE, order_id=uuid4(), position=20)
    folded = fold_batch(MAPPER, [*bad, *other], {}, ())
    assert folded.rows[ORDER].state.version == 1
    assert folded.rows[other[0].stream_id].state.order.status == "confirmed"
    assert folded.unreadable[ORDER].recorded.version == 2
    assert fold_batch(MAPPER, HISTORY, folded.rows, [ORDER]).rows == {}


def test_streams_that_are_no_orders_are_passed_over() -> None:
    folded = fold_batch(MAPPER, [replace(HISTORY[0], topic="trading.Halted")], {}, ())
    assert (folded.rows, folded.unreadable) == ({}, {})
