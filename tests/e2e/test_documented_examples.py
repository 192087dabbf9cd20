"""What /docs offers for pasting works beside an engine on which `make run` has executed its first order."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from api.openapi import EXAMPLES
from tests.e2e.engine import SUREFILL, Engine

RECORDED: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in EXAMPLES.glob("*.json") if path.stem != "problems"
}
# What depends on how an order went, how far a list has come, on which orders rest, or on the engine's settings.
VARYING = {"refusals", "nearestLimit", "orderIds", "refused", "averagePrice"}


@pytest.fixture(scope="module", autouse=True)
def nothing_goes_on_afterwards(engine: Engine) -> Iterator[None]:
    """Other tests share the engine: its wallet's tokens are theirs alone again."""
    yield
    with httpx2.Client(base_url=engine.url, trust_env=False, timeout=30) as client:
        deadline = time.monotonic() + 60
        while client.post("/api/orders/cancel", json={"all": True}).json()["items"]:
            assert time.monotonic() < deadline, "orders stay open"
            time.sleep(0.2)


def paste(engine: Engine, request: str) -> str:
    """What the shell answers, at the checkout, with the engine's port where the example has the usual one."""
    command = request.replace("localhost:8080", f"localhost:{engine.port}").replace(".venv/bin/surefill", str(SUREFILL))
    done = subprocess.run(
        ["sh", "-c", command], env=engine.environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def shape(value: Any) -> Any:
    """The names in ``value``, without what they hold; a list is told by its first item."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items() if name not in VARYING}
    return [shape(value[0])] if isinstance(value, list) and value else None


async def test_every_operation_of_the_document_has_its_request(engine: Engine, first_order: str) -> None:
    async with engine.client() as client:
        document = (await client.get("/docs/openapi.json")).json()
    found = {operation["operationId"]: operation for item in document["paths"].values() for operation in item.values()}
    assert found.keys() == RECORDED.keys()
    for name, operation in found.items():
        [request] = re.findall(r"```sh\n(.*?)\n```", operation["description"], re.DOTALL)
        assert request == RECORDED[name]["request"]


@pytest.mark.parametrize("name", sorted(RECORDED.keys() - {"metrics", "streamOrder", "streamList"}))
def test_a_pasted_request_is_answered_as_its_example_says(engine: Engine, first_order: str, name: str) -> None:
    answer = json.loads(paste(engine, RECORDED[name]["request"]))
    assert shape(answer) == shape(RECORDED[name]["answer"])


def test_the_pasted_stream_tells_the_first_order_to_its_end(engine: Engine, first_order: str) -> None:
    lines = paste(engine, RECORDED["streamOrder"]["request"]).splitlines()
    assert len(lines) == 5
    assert "confirmed" in lines[-1]


def test_the_pasted_metrics_are_in_the_text_format(engine: Engine, first_order: str) -> None:
    recorded = RECORDED["metrics"]["answer"].splitlines()
    assert recorded[:2] == [line for line in paste(engine, RECORDED["metrics"]["request"]).splitlines()
                            if line.startswith("# ") and " surefill_http_requests_total " in line]  # fmt: skip
