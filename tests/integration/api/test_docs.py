"""The front door: /, /docs, what the page loads, and a document whose every example is true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from api.admin.limit_fields import READERS
from api.docs.page import SECURITY_HEADERS
from api.openapi import EXAMPLES
from tests.integration.api.contract import Contract
from tests.integration.api.serving import BODY, Engine

PROBLEMS: dict[str, dict[str, Any]] = json.loads((EXAMPLES / "problems.json").read_text())
ORDER = {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "1"}
JSON = {"content-type": "application/json"}

PROVOKED: list[tuple[str, str, str, bytes]] = [
    ("invalid_json", "POST", "/api/orders/execute", b"{"),
    ("body_too_large", "POST", "/api/orders/execute", b" " * 65_537),
    ("unknown_token", "POST", "/api/orders/execute", json.dumps({**ORDER, "tokenOut": "SHIB"}).encode()),
    ("missing_price", "POST", "/api/orders/execute", json.dumps({**ORDER, "type": "limit"}).encode()),
    ("invalid_order_id", "GET", "/api/orders/1", b""),
    ("order_not_found", "GET", "/api/orders/01900000-0000-7000-8000-000000000001", b""),
    ("invalid_query", "GET", "/api/orders?limit=201", b""),
    ("unknown_pair", "GET", "/api/pairs/SOL-XYZ", b""),
    ("price_unavailable", "GET", "/api/pairs/SOL-USDC", b""),
    ("upgrade_required", "GET", "/ws/orders/01900000-0000-7000-8000-000000000001", b""),
]


async def document(engine: Engine) -> dict[str, Any]:
    return dict((await engine.http.get("/docs/openapi.json")).json())


def operations(of: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in of["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


async def test_the_front_door_leads_to_the_documentation(engine: Engine) -> None:
    answer = await engine.http.get("/")
    assert (answer.status_code, answer.headers["location"]) == (302, "/docs")


async def test_an_unknown_path_is_the_same_problem_below_docs_as_anywhere(engine: Engine) -> None:
    elsewhere = await engine.http.get("/nowhere")
    for path in ("/docs/nowhere", "/docs/nowhere.json", "/docs/nowhere/deeper", "/docs/static/nowhere"):
        answer = await engine.http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path
        assert answer.json() == elsewhere.json(), path


async def test_health_leads_to_readiness(engine: Engine) -> None:
    answer = await engine.http.get("/health")
    assert (answer.status_code, answer.headers["location"]) == (302, "/health/ready")


async def test_whatever_is_served_below_docs_carries_the_security_headers(engine: Engine) -> None:
    page = (await engine.http.get("/docs")).text
    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(files) == 6
    for path in ("/docs", "/docs/", "/docs/nowhere", *files):
        answer = await engine.http.get(path)
        assert answer.status_code == (404 if path.endswith("nowhere") else 200), path
        assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS, path
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"https?:|\*|unsafe", policy)


async def test_only_the_pages_own_files_are_served(engine: Engine) -> None:
    for path in ("/docs/static/../app.py", "/docs/static/%2e%2e/app.py", "/docs/static/..%2fapp.py", "/docs/static/"):
        assert (await engine.http.get(path)).status_code == 404, path


async def test_every_operation_says_what_it_does_how_to_ask_and_what_comes_back(engine: Engine) -> None:
    described = await document(engine)
    found = list(operations(described))
    assert len(found) == 34
    for method, path, operation in found:
        assert operation["summary"], path
        assert "```sh\n" in operation["description"], path
        assert all(one.get("examples") for one in operation.get("parameters", ()) if one["required"]), path
        for status, answer in operation["responses"].items():
            contents = answer.get("content", {}).values()
            assert all(content.get("examples") for content in contents), (method, path, status)
            assert contents or status == "101", (method, path, status)
    assert "/ws/orders/{order_id}" in described["info"]["description"]


async def test_the_document_holds_together(engine: Engine) -> None:
    """What generators of clients stumble over: no way to send a key, headers of no type, tags that nobody explains."""
    described = await document(engine)
    assert described["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert described["security"] == [{"key": []}, {}]
    tags = {tag["name"] for tag in described["tags"]}
    for _, path, operation in operations(described):
        assert set(operation["tags"]) <= tags, path
        assert operation.get("security") == (None if path.startswith(("/api", "/ws")) else [{}]), path
        headers = [
            header for answer in operation["responses"].values() for header in answer.get("headers", {}).values()
        ]
        assert all(header["schema"]["type"] == "string" for header in headers), path


async def test_the_limits_that_are_described_are_those_that_are_read(engine: Engine) -> None:
    described = await document(engine)
    body = described["paths"]["/api/admin/accounts/{name}/limits"]["put"]["requestBody"]["content"]["application/json"]
    assert set(body["schema"]["properties"]) == set(READERS)


async def test_every_example_of_an_answer_is_one_that_the_document_allows(engine: Engine) -> None:
    described = await document(engine)
    contract = Contract(described)
    checked = 0
    for method, path, operation in operations(described):
        for status, answer in operation["responses"].items():
            for media_type, content in answer.get("content", {}).items():
                for example in content["examples"].values():
                    contract.check(method, path, int(status), media_type, example["value"])
                    assert "id" not in example
                    checked += 1
    assert checked > 40


async def test_a_problem_reads_as_its_example_does(engine: Engine) -> None:
    for code, method, path, content in PROVOKED:
        answer = await engine.http.request(method, path, content=content, headers=JSON if content else {})
        assert answer.json() == PROBLEMS[code]
    accepted = await engine.submit(clientOrderId="taken")
    behind = await engine.http.get("/api/orders", params={"position": accepted["position"]})
    assert behind.json() == PROBLEMS["projection_behind"]
    terms = {**BODY, "amountIn": "2", "clientOrderId": "taken"}
    assert (await engine.http.post("/api/orders/execute", json=terms)).json() == PROBLEMS["client_order_id_conflict"]
    untyped = await engine.http.post("/api/orders/execute", content=b"x=1")
    assert untyped.json() == PROBLEMS["unsupported_media_type"]


async def test_every_body_that_is_offered_is_accepted_again_and_again(engine: Engine) -> None:
    execute = (await document(engine))["paths"]["/api/orders/execute"]["post"]
    bodies = execute["requestBody"]["content"]["application/json"]["examples"]
    assert len(bodies) == 7
    for example in bodies.values():
        for _ in range(2):
            assert (await engine.http.post("/api/orders/execute", json=example["value"])).status_code == 202
