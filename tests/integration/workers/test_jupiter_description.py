"""What our client asks Jupiter's swap v2, and what our stub answers, recorded for `make descriptions` to compare."""

from __future__ import annotations

import json

from tests.contract.descriptions.exchange import Exchange, keep_where_asked
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_jupiter import through_jupiter


async def test_client_and_stub_are_recorded_for_the_official_description(engine: EngineHarness) -> None:
    async with through_jupiter(engine, words=("jupiter", "meteora", "orca")) as setting:
        await setting.executed()
        setting.stub.tables = {"11111111111111111111111111111111": ["11111111111111111111111111111111"]}
        await setting.executed(amount_in=2_000_000_000)
        setting.stub.next_answers.append((400, {"error": "No routes found"}, {}))
        await setting.executed(amount_in=3_000_000_000)
        found = setting.stub.exchanges
    assert {status for _, status, _ in found} == {200, 400}
    keep_where_asked(
        Exchange(
            description="swap_v2_swap.yaml",
            url="https://api.jup.ag",
            method="get",
            path="/swap/v2/build",
            query=query,
            headers={"x-api-key": "a key"},
            status=status,
            answer=_without_nulls(body),
        )
        for query, status, body in found
    )


def _without_nulls(body: bytes) -> str:
    """The description calls two instructions nullable beside a reference, where a strict reader doesn't heed it."""
    answer = json.loads(body)
    for name in ("cleanupInstruction", "tipInstruction"):
        if answer.get(name, ...) is None:
            del answer[name]
    return json.dumps(answer)
