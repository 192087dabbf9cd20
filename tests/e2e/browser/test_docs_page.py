"""/docs as a person meets it: in a browser without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from api.openapi import EXAMPLE_ORDER_ID
from tests.e2e.browser.chromium import Page
from tests.e2e.engine import Engine

pytestmark = pytest.mark.browser

OPERATIONS = {
    "orders-executeOrder": 202,
    "orders-executeOrders": 207,
    "orders-submitOrder": 202,
    "orders-previewOrder": 200,
    "orders-amendOrder": 428,  # nobody has seen a version: If-Match is left empty
    "orders-cancelOrder": 202,
    "orders-cancelOrders": 207,
    "orders-getOrder": 200,
    "orders-getOrderByClientId": 200,
    "orders-getOrderEvents": 200,
    "orders-listOrders": 200,
    "orders-streamOrder": 426,
    "lists-submitList": 202,
    "lists-getList": 200,
    "lists-cancelList": 202,
    "lists-pauseList": 404,  # nobody has sent the list of the id that is filled in
    "lists-resumeList": 404,
    "lists-streamList": 426,
    "network-getNetwork": 200,
    "network-getPair": 200,
    "network-getPairByTokens": 200,
    "network-listPairs": 200,
    "network-listVenues": 200,
    "health-live": 200,
    "health-ready": 200,
    "health-metrics": 200,
    "account-getAccount": 200,
    "account-getDeadman": 200,
    "account-setDeadman": 200,
    "admin-createAccount": 201,
    "admin-createKey": 201,
    "admin-revokeKey": 404,  # there is no key of the id that is filled in
    "admin-setLimits": 200,
    "admin-setTradingState": 200,
}

STREAM = """new Promise((told) => {
    const messages = [];
    const socket = new WebSocket(`ws://${location.host}/ws/orders/%s`);
    socket.onmessage = ({ data }) => messages.push(data);
    socket.onclose = () => told(messages);
})"""
FRAME = """new Promise((loaded) => {
    const frame = document.createElement('iframe');
    frame.onload = () => loaded(true);
    frame.src = '%s/docs';
    document.body.append(frame);
})"""

# Swagger UI resolves an operation's references a moment after it is opened, and loses a click before that: its button
# stays disabled and nothing is sent. Nobody's hand is so quick; a script's is.
RESOLVED = """(operation => ui.specSelectors.specResolvedSubtree([
    'paths',
    operation.querySelector('.opblock-summary-path').dataset.path,
    operation.querySelector('.opblock-summary-method').innerText.toLowerCase(),
]))(document.querySelector('%s'))"""


def hosts(requests: list[str]) -> Iterator[str]:
    """Where ``requests`` went; what is written out in a ``data:`` address goes nowhere."""
    return (urlsplit(url).netloc for url in requests if not url.startswith("data:"))


async def test_the_front_door_opens_the_documentation_without_a_network(engine: Engine, page: Page) -> None:
    await page.open(f"{engine.url}/")
    await page.until("document.querySelector('#operations-orders-executeOrder')?.checkVisibility()")
    assert await page.evaluate("location.pathname") == "/docs"
    assert await page.evaluate("document.querySelectorAll('.opblock').length") == len(OPERATIONS)
    assert await page.evaluate("getComputedStyle(document.querySelector('.opblock-summary-method')).backgroundColor") \
        == "rgb(73, 204, 144)"  # fmt: skip
    assert set(hosts(page.requests)) == {f"127.0.0.1:{engine.port}"}
    assert page.complaints == []


def _is_refused_by_design(complaint: str) -> bool:
    is_unknown_key = "404 (Not Found)" in complaint and (
        "/api/admin/keys/" in complaint or "/api/order-lists/" in complaint
    )
    return is_unknown_key or "426 (Upgrade Required)" in complaint or "428 (Precondition Required)" in complaint


async def test_every_operation_works_as_it_is_filled_in(engine: Engine, first_order: str, page: Page) -> None:
    await page.open(f"{engine.url}/docs")
    await page.until("document.querySelector('.opblock')")
    for name, status in OPERATIONS.items():
        block = f"#operations-{name}"
        await page.evaluate(f"document.querySelector('{block} .opblock-summary-control').click()")
        await page.until(f"document.querySelector('{block} .execute')")
        await page.until(RESOLVED % block)
        await page.evaluate(f"document.querySelector('{block} .execute').click()")
        answer = f"document.querySelector('{block} .live-responses-table tbody .response-col_status')"
        await page.until(f"{answer}?.innerText")
        assert (name, (await page.evaluate(f"{answer}.innerText")).split()[0]) == (name, str(status))
        await page.evaluate(f"document.querySelector('{block} .opblock-summary-control').click()")
    assert set(hosts(page.requests)) == {f"127.0.0.1:{engine.port}"}
    expected = [one for one in page.complaints if _is_refused_by_design(one)]
    assert [one for one in page.complaints if one not in expected] == []


async def test_the_stream_works_from_the_pages_own_console(engine: Engine, first_order: str, page: Page) -> None:
    await page.open(f"{engine.url}/docs")
    messages = await page.evaluate(STREAM % EXAMPLE_ORDER_ID)
    assert [json.loads(text)["status"] for text in messages][-1] == "confirmed"


async def test_no_page_can_frame_the_documentation(engine: Engine, elsewhere: int, page: Page) -> None:
    await page.open(f"http://127.0.0.1:{elsewhere}/")
    await page.evaluate(FRAME % engine.url)
    assert any("frame" in one.lower() and f"{engine.port}" in one for one in page.complaints), page.complaints
