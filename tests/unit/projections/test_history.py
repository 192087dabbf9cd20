"""What an unreadable event says of itself: never what it holds."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from event_store.errors import UnreadableEventError
from projections.history import fold_recorded
from tests.unit.projections.recording import MAPPER, record
from tests.unit.projections.test_fold_batch import WHOLE


def test_a_damaged_event_names_its_topic_and_never_its_content() -> None:
    history = record(WHOLE)
    damaged = replace(history[3], state=history[3].state.replace(b'"attempt":1', b'"attempt":"AAAA"'))
    with pytest.raises(UnreadableEventError) as unreadable:
        fold_recorded(MAPPER, [*history[:3], damaged])
    assert str(unreadable.value) == "order.TransactionBuilt: ValidationError"
    assert unreadable.value.__cause__ is None
    assert unreadable.value.__suppress_context__


def test_a_stream_that_does_not_begin_with_its_terms_cannot_be_read() -> None:
    with pytest.raises(UnreadableEventError, match=r"^order\.OrderTriggered: ValueError$"):
        fold_recorded(MAPPER, record(WHOLE)[1:])
