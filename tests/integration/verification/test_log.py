"""Whatever is changed behind the engine's back is found, and named."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from commands.accounts import Accounts
from commands.ids import DEFAULT_ACCOUNT
from domain.account import ACCOUNT_EVENTS, ContradictionFound
from event_store.hash_chain.verification import Finding
from event_store.mapper import EventMapper
from event_store.types import AppendRequest, RecordedEvent
from tests.integration.event_store.requests import event, request
from tests.integration.verification.conftest import AuditHarness
from verification import run
from verification.attempts import Attempts
from verification.errors import CheckpointError
from verification.report import DIFFERS, UNCHECKED

OTHER_TERMS = (b'"amountInBaseUnits":"1000000000"', b'"amountInBaseUnits":"2000000000"')


def where(findings: list[Finding]) -> list[tuple[UUID | None, int | None, int | None]]:
    return [(one.stream_id, one.version, one.position) for one in findings]


async def test_a_log_nobody_touched_is_equal_to_all_it_should_equal(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    verified = await audit.verify()

    assert verified.findings == []
    assert verified.report.looked_at["events"] == 6
    assert verified.report.looked_at["orders"] == 3


async def test_an_empty_log_is_equal_too(audit: AuditHarness) -> None:
    assert (await audit.verify(checkpoint=audit.checkpoint())).findings == []


async def test_one_byte_of_one_event_names_that_event(audit: AuditHarness, three_orders: list[UUID]) -> None:
    audit.change("update events set state = set_byte(state, 40, get_byte(state, 40) # 1) where position = 3")

    verified = await audit.verify()

    assert where(verified.of("differs")) == [(three_orders[1], 1, 3)]
    assert verified.report.exit_code == DIFFERS


@pytest.mark.parametrize("column", ["event_id", "account_id", "command_id", "correlation_id", "causation_id"])
async def test_an_id_of_an_event_is_as_safe_as_its_state(
    column: str, audit: AuditHarness, three_orders: list[UUID]
) -> None:
    audit.change(f"update events set {column} = gen_random_uuid() where position = 3")

    assert (three_orders[1], 1, 3) in where((await audit.verify()).of("differs", "streams"))


async def test_an_event_changed_with_its_own_hash_is_found_at_the_next(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    audit.change("update events set hash = sha256(hash) where position = 3")

    assert where((await audit.verify()).of("differs")) == [
        (None, None, 6),  # the running hash of the head
        *[(three_orders[1], version, position) for version, position in ((1, 3), (2, 4))],
    ]


async def test_a_deleted_event_is_missed_in_the_log_and_in_its_stream(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    audit.change("delete from events where position = 3")

    verified = await audit.verify()

    assert verified.of("differs", "log")[0].what == "position 3 is missing"
    assert [(one.stream_id, one.what) for one in verified.of("differs", "streams")] == [
        (three_orders[1], "version 1 is missing")
    ]


async def test_the_last_event_deleted_is_missed_by_the_head_and_by_the_read_model(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    audit.change("delete from events where position = 6")

    verified = await audit.verify()

    assert "events were removed" in verified.of("differs", "log")[0].what
    assert [one.stream_id for one in verified.of("differs", "read models")] == [three_orders[2]]


async def test_two_events_swapped_are_found(audit: AuditHarness, three_orders: list[UUID]) -> None:
    with audit.behind_the_engine() as connection:
        for old, new in ((2, 99), (3, 2), (99, 3)):
            connection.execute("update events set position = %s where position = %s", [new, old])

    verified = await audit.verify()

    assert "running hash" in verified.of("differs", "log")[-1].what


async def test_two_events_of_one_stream_swapped_are_named(audit: AuditHarness, three_orders: list[UUID]) -> None:
    with audit.behind_the_engine() as connection:
        for old, new in ((3, 99), (4, 3), (99, 4)):
            connection.execute("update events set position = %s where position = %s", [new, old])

    assert (three_orders[1], 2, 3) in where((await audit.verify()).of("differs", "streams"))


async def test_time_that_goes_back_is_named(audit: AuditHarness, three_orders: list[UUID]) -> None:
    audit.change("update events set recorded_at = recorded_at - interval '1 hour' where position = 5")

    verified = await audit.verify()

    assert verified.of("differs", "log")[0].position == 5
    assert verified.of("differs", "log")[0].what.startswith("recorded at ")


@pytest.mark.parametrize("instant", ["20000-01-01", "infinity", "0044-03-15 BC", "-infinity", "9999-12-31 23:59+00"])
async def test_an_instant_that_no_python_datetime_holds_is_named(
    instant: str, audit: AuditHarness, three_orders: list[UUID]
) -> None:
    audit.change("update events set recorded_at = %s where position = 5", instant)

    verified = await audit.verify()

    assert (verified.of("differs", "log")[0].position, verified.of("unchecked")) == (5, [])
    assert verified.report.exit_code == DIFFERS
    with pytest.raises(CheckpointError, match=r"recorded_at is no instant \(position 5\)"):
        audit.checkpoint()


@pytest.mark.parametrize("instant", ["20000-01-01", "infinity", "0044-03-15 BC", "-infinity"])
async def test_a_head_of_an_instant_that_no_python_datetime_holds_is_named(
    instant: str, audit: AuditHarness, three_orders: list[UUID]
) -> None:
    audit.change("update log_head set recorded_at = %s", instant)

    verified = await audit.verify()

    assert [one.what for one in verified.of("differs")] == ["log_head's recorded_at is not that of the last event"]
    assert verified.of("unchecked") == []


@pytest.mark.parametrize("instant", ["20000-01-01", "infinity", "-infinity"])
async def test_a_row_of_an_instant_that_no_python_datetime_holds_is_named(
    instant: str, audit: AuditHarness, three_orders: list[UUID]
) -> None:
    with audit.database.connect() as app:
        app.execute("update orders_v1 set updated_at = %s where order_id = %s", [instant, three_orders[1]])

    verified = await audit.verify()

    assert [(one.stream_id, one.what) for one in verified.findings] == [
        (three_orders[1], "orders_v1: its row differs from the fold in updated_at")
    ]


async def test_a_microsecond_that_nothing_contradicts_still_breaks_the_running_hash(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    taken = audit.checkpoint()
    audit.change("update events set recorded_at = recorded_at - interval '1 us' where position = 1")

    assert "running hash" in (await audit.verify()).of("differs", "log")[0].what
    with_checkpoint = (await audit.verify(checkpoint=taken)).of("differs", "log")
    assert with_checkpoint[0].position == 1  # of the log that began with another event


@pytest.mark.parametrize(
    "change", ["hash = sha256(hash)", "position = position - 1", "recorded_at = recorded_at + interval '1 us'"]
)
async def test_a_changed_head_is_found(change: str, audit: AuditHarness, three_orders: list[UUID]) -> None:
    audit.change(f"update log_head set {change}")

    assert "log_head" in (await audit.verify()).of("differs", "log")[0].what


async def test_a_whole_and_consistent_rewrite_is_found_with_a_checkpoint_alone(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    taken = audit.checkpoint()
    later = await audit.submit()

    def changed(event: RecordedEvent) -> RecordedEvent:
        return replace(event, state=event.state.replace(*OTHER_TERMS)) if event.stream_id == three_orders[2] else event

    audit.rewrite(changed)
    await audit.forget_read_model()

    assert (await audit.verify()).findings == []
    found = (await audit.verify(checkpoint=taken)).of("differs")
    assert [one.position for one in found] == [taken.position]
    assert later not in [one.stream_id for one in found]


async def test_what_comes_after_a_checkpoint_may_grow_and_the_checkpoint_holds(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    taken = audit.checkpoint()
    await audit.submit()
    await audit.project()

    assert (await audit.verify(checkpoint=taken)).findings == []


async def test_a_log_cut_short_is_found_with_a_checkpoint(audit: AuditHarness, three_orders: list[UUID]) -> None:
    taken = audit.checkpoint()
    audit.rewrite(lambda event: event if event.position < 5 else None)
    await audit.forget_read_model()

    assert (await audit.verify()).findings == []
    assert "the log ends here" in (await audit.verify(checkpoint=taken)).of("differs", "log")[0].what


async def test_a_row_changed_by_hand_is_named_with_what_differs(audit: AuditHarness, three_orders: list[UUID]) -> None:
    stranger = audit.tamper(three_orders)

    found = {one.stream_id: one.what for one in (await audit.verify()).of("differs")}

    assert found == {
        three_orders[0]: "orders_v1: its row differs from the fold in status",
        three_orders[1]: "orders_v1: its row differs from the fold in state.amount_in",
        three_orders[2]: "orders_v1: has no row",
        stranger: "orders_v1: has a row, and no events in the log",
    }


async def test_a_read_model_that_is_behind_is_compared_as_of_where_it_is(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    await audit.submit()

    verified = await audit.verify()

    assert verified.findings == []
    assert verified.report.looked_at["orders_v1 position"] == 6


async def test_an_event_of_a_later_version_is_named_and_not_judged(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    new = event(three_orders[1], 3, topic="order.OrderTeleported")
    await audit.appender.append(request(new))
    await audit.project()

    verified = await audit.verify()

    assert verified.of("differs") == []
    assert "order.OrderTeleported" in verified.of("unchecked", "streams")[0].what
    assert where(verified.of("unchecked", "streams")) == [(three_orders[1], 3, 7)]
    assert [one.stream_id for one in verified.of("unchecked", "read models")] == [three_orders[1]]
    assert verified.report.exit_code == UNCHECKED


async def test_a_disk_without_room_for_what_was_read_leaves_it_unchecked(
    audit: AuditHarness, three_orders: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(Attempts):
        def __init__(self) -> None:
            super().__init__()
            self._db.execute("pragma query_only = on")  # fails where it writes, as on a full disk

    monkeypatch.setattr(run, "Attempts", Full)
    audit.change("update events set topic = 'order.FromTheFuture' where position = 4")

    verified = await audit.verify()

    assert "cannot be kept to be compared: OperationalError" in verified.of("unchecked", "log")[0].what


async def test_an_event_that_cannot_follow_is_one_that_does_not_fold(audit: AuditHarness) -> None:
    stream = uuid4()
    await audit.appender.append(AppendRequest((event(stream, 1, topic="order.OrderTriggered"),)))
    await audit.project()

    assert where((await audit.verify()).of("differs")) == [(stream, 1, 1)]


async def test_a_contradiction_is_a_difference_until_an_operator_resumes_and_then_is_noted(
    audit: AuditHarness, three_orders: list[UUID]
) -> None:
    accounts = Accounts(audit.log, audit.appender, EventMapper(ACCOUNT_EVENTS))
    found = ContradictionFound(
        kind="second_success", order_id=three_orders[0], attempt=2, signature="one", detail="it landed too"
    )
    await accounts.contradict(DEFAULT_ACCOUNT, found)
    assert len((await audit.verify()).of("differs", "streams")) == 1

    await accounts.resume(DEFAULT_ACCOUNT, "settled by hand")
    verified = await audit.verify()
    assert verified.of("differs") == []
    [noted] = verified.of("acknowledged", "streams")
    assert "an operator resumed trading at position 9" in noted.what

    later = found.model_copy(update={"signature": "another"})
    await accounts.contradict(DEFAULT_ACCOUNT, later)
    verified = await audit.verify()
    assert (len(verified.of("differs")), len(verified.of("acknowledged"))) == (1, 1)
