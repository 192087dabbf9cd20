"""Records golden histories by real runs: `python -m pytest tests/golden/record.py`.

Once recorded a history stays as it is: a name that exists is passed over. A new kind of order gets a run here and a
file of its own. Signed bytes are those of a local chain's throw-away wallet, and are blanked all the same.
"""

from __future__ import annotations

import base64
import json

import pytest
from msgspec.structs import replace

from domain.events import TransactionBuilt
from domain.reclaim_events import ReclaimBuilt
from event_store.types import RecordedEvent
from tests.chaos.node import FaultyNode
from tests.golden import (  # noqa: F401 - each adds its runs
    account_runs,
    deadman_runs,
    directory_runs,
    exact_out_runs,
    joined_runs,
    kinds_runs,
    lists_runs,
    market_runs,
    misquoted_runs,
    paper_runs,
    reclaim_runs,
    restated_runs,
    twap_runs,
    waiting_runs,
)
from tests.golden.history import DIRECTORY, write
from tests.golden.runs import (
    MAPPER,
    RUNS,
)
from tests.integration.workers.harness import EngineHarness


@pytest.mark.parametrize("name", RUNS)
async def test_record(engine: EngineHarness, node: FaultyNode, name: str) -> None:
    if (DIRECTORY / f"{name}.json").exists():
        pytest.skip("recorded once, kept for ever")
    streams = [await engine.events.load(stream_id) for stream_id in await RUNS[name](engine, node)]
    write(name, (RUNS[name].__doc__ or "").strip(), MAPPER, [[_blanked(one) for one in stream] for stream in streams])


def _blanked(recorded: RecordedEvent) -> RecordedEvent:
    if recorded.topic not in (TransactionBuilt.TOPIC, ReclaimBuilt.TOPIC):
        return recorded
    signed: str = json.loads(recorded.state)["data"]["transaction"]
    blank = base64.b64encode(bytes(len(base64.b64decode(signed)))).decode()
    return replace(recorded, state=recorded.state.replace(signed.encode(), blank.encode()))
