from typing import Any

import pytest

from domain.evidence import Block, EndpointEvidence, ExpiryEvidence

GENESIS = "genesis"
BLOCKHASH_SLOT, LAST_VALID = 1_000, 650


def blocks(first: int = 500, last: int = 651) -> tuple[Block, ...]:
    return tuple(
        Block(slot=height + 500, height=height, blockhash=f"hash {height}") for height in range(first, last + 1)
    )


def seen(**changes: Any) -> EndpointEvidence:
    whole: dict[str, Any] = {
        "endpoint": "node:8899",
        "genesis_hash": GENESIS,
        "finalized_slot": 1_200,
        "finalized_height": 651,
        "status_slot": 1_200,
        "parent_slot": 999,
        "blocks": blocks(),
    }
    return EndpointEvidence(**(whole | changes))


def gap(*endpoints: EndpointEvidence) -> str | None:
    return ExpiryEvidence(endpoints=endpoints).gap(
        genesis_hash=GENESIS, blockhash_slot=BLOCKHASH_SLOT, last_valid_block_height=LAST_VALID
    )


def test_every_block_in_which_it_could_have_landed_is_proof() -> None:
    assert gap(seen()) is None


def test_blocks_that_begin_after_a_skipped_slot_are_proof_when_their_parent_is_the_blockhashs() -> None:
    assert gap(seen(parent_slot=BLOCKHASH_SLOT, blocks=blocks(first=501))) is None


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"genesis_hash": "another"}, "another chain"),
        ({"finalized_height": LAST_VALID}, "has not passed"),
        ({"status_slot": 1_199}, "older"),
        ({"blocks": ()}, "no block"),
        ({"parent_slot": BLOCKHASH_SLOT + 1}, "begin after"),
        ({"blocks": blocks()[:7] + blocks()[8:]}, "a block is missing"),
        ({"blocks": blocks(last=LAST_VALID)}, "end before"),
    ],
)
def test_each_part_that_is_missing_is_named_with_its_endpoint(changes: dict[str, Any], missing: str) -> None:
    told = gap(seen(**changes))
    assert told is not None
    assert told.startswith("node:8899: ")
    assert missing in told


def test_one_endpoint_with_a_gap_makes_no_proof_of_the_others() -> None:
    assert gap(seen(), seen(endpoint="purged:443", parent_slot=1_100)) == (
        "purged:443: the blocks begin after the blockhash's slot"
    )


def test_nobody_having_answered_is_no_proof() -> None:
    assert gap() == "no endpoint answered"


def test_evidence_is_the_same_after_being_recorded() -> None:
    whole = ExpiryEvidence(endpoints=(seen(),))
    assert ExpiryEvidence.model_validate_json(whole.model_dump_json(by_alias=True)) == whole
