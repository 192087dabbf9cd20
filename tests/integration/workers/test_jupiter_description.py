"""Our client's requests and our stub's answers, held against Jupiter's own description of swap v2.

The description isn't ours to copy: ``JUPITER_DESCRIPTION`` names the file. Without it, or without openapi-core, this is
skipped.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_jupiter import through_jupiter

DESCRIPTION = os.environ.get("JUPITER_DESCRIPTION", "")

pytestmark = pytest.mark.skipif(not DESCRIPTION, reason="JUPITER_DESCRIPTION names no file")


async def test_client_and_stub_both_fit_the_official_description(engine: EngineHarness) -> None:
    openapi_core = pytest.importorskip("openapi_core")
    testing = pytest.importorskip("openapi_core.testing")
    async with through_jupiter(engine, words=("jupiter", "meteora", "orca")) as setting:
        await setting.executed()
        setting.stub.tables = {"11111111111111111111111111111111": ["11111111111111111111111111111111"]}
        await setting.executed(amount_in=2_000_000_000)
        setting.stub.next_answers.append((400, {"error": "No routes found"}, {}))
        await setting.executed(amount_in=3_000_000_000)
        exchanges = setting.stub.exchanges
    description = openapi_core.OpenAPI.from_file_path(Path(DESCRIPTION))
    assert {status for _, status, _ in exchanges} == {200, 400}
    for query, status, body in exchanges:
        request = testing.MockRequest(
            "https://api.jup.ag", "get", "/swap/v2/build", args=query, headers={"x-api-key": "a key"}
        )
        description.validate_request(request)
        description.validate_response(request, testing.MockResponse(_without_nulls(body), status_code=status))


def _without_nulls(body: bytes) -> bytes:
    """The description calls two instructions nullable beside a reference, where a strict reader doesn't heed it."""
    answer = json.loads(body)
    for name in ("cleanupInstruction", "tipInstruction"):
        if answer.get(name, ...) is None:
            del answer[name]
    return json.dumps(answer).encode()


def test_the_description_refuses_what_is_not_of_its_form() -> None:
    openapi_core = pytest.importorskip("openapi_core")
    testing = pytest.importorskip("openapi_core.testing")
    description = openapi_core.OpenAPI.from_file_path(Path(DESCRIPTION))
    asked = {"inputMint": "a", "outputMint": "b", "amount": "1", "taker": "c"}
    request = testing.MockRequest("https://api.jup.ag", "get", "/swap/v2/build", args=asked, headers={"x-api-key": "k"})
    description.validate_request(request)
    for body in (b'{"inAmount": 1}', b'{"routePlan": [{}]}', b'{"swapInstruction": {"programId": "x"}}'):
        with pytest.raises(Exception, match="InvalidData"):
            description.validate_response(request, testing.MockResponse(body))
    del asked["taker"]
    with pytest.raises(Exception, match="taker"):
        description.validate_request(
            testing.MockRequest("https://api.jup.ag", "get", "/swap/v2/build", args=asked, headers={"x-api-key": "k"})
        )
