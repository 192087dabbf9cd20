from typing import Any

import pytest

from domain.evidence import Block, BlocksRead, ExpiryEvidence, GuardAbsence, enough

GENESIS, LANDS_UNTIL = "genesis", 650


def seen(**changes: Any) -> GuardAbsence:
    whole: dict[str, Any] = {
        "endpoint": "node:8899",
        "genesis_hash": GENESIS,
        "finalized_slot": 1_200,
        "finalized_height": 651,
        "guard_slot": 1_200,
        "status_slot": 1_200,
        "blockhash_slot": 1_200,
    }
    return GuardAbsence(**(whole | changes))


def gap(*endpoints: GuardAbsence | BlocksRead) -> str | None:
    return ExpiryEvidence(endpoints=endpoints).gap(genesis_hash=GENESIS, signature="s", lands_until=LANDS_UNTIL)


BLOCKS = BlocksRead(
    endpoint="node:8899",
    genesis_hash=GENESIS,
    finalized_slot=1_200,
    finalized_height=651,
    status_slot=1_200,
    parent_slot=999,
    blocks=(Block(slot=1_000, height=500, blockhash="hash"),),
)


def test_a_guard_that_is_absent_once_nothing_can_land_any_more_is_proof() -> None:
    assert gap(seen()) is None


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"genesis_hash": "another"}, "another chain"),
        ({"finalized_height": LANDS_UNTIL}, "has not passed"),
        ({"guard_slot": 1_199}, "the guard is older"),
        ({"status_slot": 1_199}, "status answer is older"),
        ({"blockhash_slot": 1_201, "status_slot": 1_201}, "the guard is older"),
        ({"blockhash_slot": 1_201, "guard_slot": 1_201}, "status answer is older"),
        ({"blockhash_slot": None}, "whether the blockhash is still valid"),
    ],
)
def test_each_part_that_is_missing_is_named_with_its_endpoint(changes: dict[str, Any], missing: str) -> None:
    told = gap(seen(), seen(**changes))
    assert told is not None
    assert told.startswith("node:8899: ")
    assert missing in told


def test_what_failed_for_good_needs_no_height_to_be_past() -> None:
    assert gap(seen(finalized_height=7, failed=("s",))) is None
    assert gap(seen(finalized_height=7, failed=("another",))) is not None


def test_evidence_of_an_older_log_did_not_ask_about_blockhashes() -> None:
    whole = ExpiryEvidence(endpoints=(seen(blockhash_slot=None),))
    assert whole.gap(genesis_hash=GENESIS, signature="s", lands_until=LANDS_UNTIL, recorded=True) is None


def test_blocks_that_were_read_prove_nothing_any_more() -> None:
    assert gap(BLOCKS) == "node:8899: it read blocks, and did not look for the guard"


def test_nobody_having_answered_is_no_proof() -> None:
    assert gap() == "no endpoint answered"


def test_where_two_endpoints_are_configured_two_must_agree() -> None:
    assert [enough(answers, configured) for answers, configured in ((1, 1), (1, 2), (2, 2), (2, 5))] == [
        True,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("endpoint", [seen(), BLOCKS])
def test_evidence_is_the_same_after_being_recorded(endpoint: GuardAbsence | BlocksRead) -> None:
    whole = ExpiryEvidence(endpoints=(endpoint,), configured=2)
    assert ExpiryEvidence.model_validate_json(whole.model_dump_json(by_alias=True)) == whole
