"""Every way a request can be wrong has its code and its field; every way it can be right means one thing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.openapi.spec import RequestBody, Schema

from api.config import ApiConfig
from api.errors import ProblemError
from api.orders.document import BODY_LIMIT, read
from api.orders.openapi import ExecuteOperation
from api.orders.request import ALIASES, NAMES, order_request
from api.orders.submit import submission
from api.orders.terms import terms
from api.problems import problem_of
from domain.commands import SubmitOrder
from domain.numbers import to_base_units, to_units
from domain.terms import OrderTerms
from domain.tokens import KNOWN_TOKENS, SOL, USDC

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = ApiConfig(
    rpc_url="",
    tokens=KNOWN_TOKENS,
    default_slippage_bps=50,
)
GOOD = '"tokenIn":"SOL","tokenOut":"USDC"'
LIMIT = f'{GOOD},"amountIn":1,"type":"limit"'
STOP = f'{GOOD},"amountIn":1,"type":"stop-limit"'
MANY_NINES = "9" * 129

BAD = [
    # what the body is
    ("", 400, "invalid_json", None),
    ("{", 400, "invalid_json", None),
    ('{"a":1,}', 400, "invalid_json", None),
    ("{'a':1}", 400, "invalid_json", None),
    ('{"amountIn":01}', 400, "invalid_json", None),
    ("\ufeff{}", 400, "invalid_json", None),
    (b"\xff\xfe{\x00}\x00", 400, "invalid_json", None),
    (b'{"tokenIn":"\xff"}', 400, "invalid_json", None),
    ("[" * 60_000, 400, "nested_too_deeply", None),
    ('{"a":' * 12_000, 400, "nested_too_deeply", None),
    ("[]", 400, "not_an_object", None),
    ('"SOL"', 400, "not_an_object", None),
    ("null", 400, "not_an_object", None),
    ('{"tokenIn":"SOL","tokenIn":"USDC"}', 400, "duplicate_key", "tokenIn"),
    ('{"tokenIn":{"a":1,"a":2}}', 400, "duplicate_key", "a"),
    # which fields
    ("{}", 422, "missing_field", "tokenIn"),
    ('{"tokenIn":"SOL"}', 422, "missing_field", "tokenOut"),
    (f"{{{GOOD}}}", 422, "missing_field", "amountIn"),
    (f'{{{GOOD},"amountIn":null}}', 422, "missing_field", "amountIn"),
    (f'{{{GOOD},"amountIn":1,"tokenin":"SOL"}}', 422, "unknown_field", "tokenin"),
    (f'{{{GOOD},"amountIn":1,"\\ud800":1}}', 422, "unknown_field", "\\ud800"),
    (f'{{{GOOD},"amountIn":1,"amount":1}}', 422, "conflicting_fields", "amount"),
    (f'{{{GOOD},"amountIn":1,"slippage":0.01,"slippageBps":100}}', 422, "conflicting_fields", "slippageBps"),
    (f'{{{GOOD},"amountIn":1,"type":"market","orderType":"market"}}', 422, "conflicting_fields", "orderType"),
    # tokens
    ('{"tokenIn":"DOGE","tokenOut":"USDC","amountIn":1}', 422, "unknown_token", "tokenIn"),
    ('{"tokenIn":"SOL","tokenOut":"\\ud800","amountIn":1}', 422, "unknown_token", "tokenOut"),
    ('{"tokenIn":1,"tokenOut":"USDC","amountIn":1}', 422, "unknown_token", "tokenIn"),
    ('{"tokenIn":["SOL"],"tokenOut":"USDC","amountIn":1}', 422, "unknown_token", "tokenIn"),
    ('{"tokenIn":"SOL","tokenOut":"sol","amountIn":1}', 422, "same_token", "tokenOut"),
    (f'{{"tokenIn":"SOL","tokenOut":"{SOL.mint}","amountIn":1}}', 422, "same_token", "tokenOut"),
    # amounts
    (f'{{{GOOD},"amountIn":0}}', 422, "amount_not_positive", "amountIn"),
    (f'{{{GOOD},"amountIn":"-0.0"}}', 422, "amount_not_positive", "amountIn"),
    (f'{{{GOOD},"amount":-1}}', 422, "amount_not_positive", "amount"),
    (f'{{{GOOD},"amountIn":-1e999}}', 422, "amount_not_positive", "amountIn"),
    (f'{{{GOOD},"amountIn":"0.0000000001"}}', 422, "too_many_decimals", "amountIn"),
    (f'{{{GOOD},"amountIn":1.0000000001}}', 422, "too_many_decimals", "amountIn"),
    (f'{{{GOOD},"amountIn":1e-999999999}}', 422, "too_many_decimals", "amountIn"),
    (f'{{{GOOD},"amountIn":1e999}}', 422, "amount_too_large", "amountIn"),
    (f'{{{GOOD},"amountIn":1e999999999}}', 422, "amount_too_large", "amountIn"),
    (f'{{{GOOD},"amountIn":"18446744073.709551616"}}', 422, "amount_too_large", "amountIn"),
    (f'{{{GOOD},"amountIn":1e9999999999}}', 422, "invalid_amount", "amountIn"),
    (f'{{{GOOD},"amountIn":{MANY_NINES}}}', 422, "invalid_amount", "amountIn"),
    (f'{{{GOOD},"amountIn":NaN}}', 422, "invalid_amount", "amountIn"),
    (f'{{{GOOD},"amountIn":"NaN"}}', 422, "invalid_amount", "amountIn"),
    (f'{{{GOOD},"amountIn":-Infinity}}', 422, "invalid_amount", "amountIn"),
    (f'{{{GOOD},"amountIn":true}}', 422, "invalid_amount", "amountIn"),
    (f'{{{GOOD},"amountIn":[1]}}', 422, "invalid_amount", "amountIn"),
    (f'{{{GOOD},"amountIn":""}}', 422, "invalid_amount", "amountIn"),
    (f'{{{GOOD},"amountIn":" 1"}}', 422, "invalid_amount", "amountIn"),
    (f'{{{GOOD},"amountIn":"1,5"}}', 422, "invalid_amount", "amountIn"),
    (f'{{{GOOD},"amountIn":"1_0"}}', 422, "invalid_amount", "amountIn"),
    (f'{{{GOOD},"amountIn":"\u0661"}}', 422, "invalid_amount", "amountIn"),
    # types and prices
    (f'{{{GOOD},"amountIn":1,"type":"iceberg"}}', 422, "unknown_type", "type"),
    (f'{{{GOOD},"amountIn":1,"orderType":1}}', 422, "unknown_type", "orderType"),
    (f'{{{GOOD},"amountIn":1,"type":"Market"}}', 422, "unknown_type", "type"),
    (f'{{{GOOD},"amountIn":1,"limitPrice":"150"}}', 422, "price_not_allowed", "limitPrice"),
    (f'{{{GOOD},"amountIn":1,"price":150}}', 422, "price_not_allowed", "price"),
    (f'{{{GOOD},"amountIn":1,"stopPrice":150}}', 422, "price_not_allowed", "stopPrice"),
    (f'{{{GOOD},"amountIn":1,"type":"stop"}}', 422, "missing_price", "stopPrice"),
    (f'{{{GOOD},"amountIn":1,"type":"stop","stopPrice":1,"price":1}}', 422, "price_not_allowed", "price"),
    (f"{{{LIMIT}}}", 422, "missing_price", "limitPrice"),
    (f'{{{GOOD},"amountIn":1,"type":"trailing-stop"}}', 422, "missing_trail", "trailBps"),
    (f'{{{GOOD},"amountIn":1,"trailBps":5}}', 422, "trail_not_allowed", "trailBps"),
    *(
        (f'{{{GOOD},"amountIn":1,"type":"trailing-stop","trailBps":{bps}}}', 422, "invalid_trail", "trailBps")
        for bps in ("0", "-1", "10000", "1.5", '"x"', "1e99", "true")
    ),
    # how long it stands
    (f'{{{GOOD},"amountIn":1,"timeInForce":"day"}}', 422, "unknown_time_in_force", "timeInForce"),
    (f'{{{GOOD},"amountIn":1,"timeInForce":"GTC"}}', 422, "unknown_time_in_force", "timeInForce"),
    (f'{{{GOOD},"amountIn":1,"timeInForce":1}}', 422, "unknown_time_in_force", "timeInForce"),
    (f'{{{GOOD},"amountIn":1,"timeInForce":"gtd"}}', 422, "missing_expires_at", "expiresAt"),
    (f'{{{GOOD},"amountIn":1,"expiresAt":"2030-01-01T00:00:00Z"}}', 422, "expires_at_not_allowed", "expiresAt"),
    (f'{{{GOOD},"amountIn":1,"timeInForce":"gtd","expiresAt":"2030-01-01"}}', 422, "invalid_expiry", "expiresAt"),
    (f'{{{GOOD},"amountIn":1,"timeInForce":"gtd","expiresAt":1893456000}}', 422, "invalid_expiry", "expiresAt"),
    (f'{{{LIMIT},"limitPrice":null}}', 422, "missing_price", "limitPrice"),
    (f'{{{LIMIT},"limitPrice":0}}', 422, "invalid_price", "limitPrice"),
    (f'{{{LIMIT},"price":true}}', 422, "invalid_price", "price"),
    (f'{{{LIMIT},"limitPrice":1,"stopPrice":1}}', 422, "price_not_allowed", "stopPrice"),
    (f'{{{LIMIT},"limitPrice":"1.234567890123456789"}}', 422, "invalid_price", "limitPrice"),
    (f'{{{LIMIT},"limitPrice":1e31}}', 422, "invalid_price", "limitPrice"),
    (f'{{{LIMIT},"limitPrice":1e-31}}', 422, "invalid_price", "limitPrice"),
    (f'{{{LIMIT},"limitPrice":"NaN"}}', 422, "invalid_price", "limitPrice"),
    (f'{{{LIMIT},"limitPrice":1e29}}', 422, "limit_out_of_reach", "limitPrice"),
    (f"{{{STOP}}}", 422, "missing_price", "limitPrice"),
    (f'{{{STOP},"limitPrice":1}}', 422, "missing_price", "stopPrice"),
    (f'{{{STOP},"limitPrice":1,"stopPrice":-1}}', 422, "invalid_price", "stopPrice"),
    # slippage
    (f'{{{GOOD},"amountIn":1,"slippageBps":-1}}', 422, "slippage_out_of_range", "slippageBps"),
    (f'{{{GOOD},"amountIn":1,"slippageBps":10001}}', 422, "slippage_out_of_range", "slippageBps"),
    (f'{{{GOOD},"amountIn":1,"slippageBps":1e999999999}}', 422, "slippage_out_of_range", "slippageBps"),
    (f'{{{GOOD},"amountIn":1,"slippageBps":0.5}}', 422, "invalid_slippage", "slippageBps"),
    (f'{{{GOOD},"amountIn":1,"slippageBps":true}}', 422, "invalid_slippage", "slippageBps"),
    (f'{{{GOOD},"amountIn":1,"slippageBps":NaN}}', 422, "invalid_slippage", "slippageBps"),
    (f'{{{GOOD},"amountIn":1,"slippage":1.1}}', 422, "slippage_out_of_range", "slippage"),
    (f'{{{GOOD},"amountIn":1,"slippage":50}}', 422, "slippage_out_of_range", "slippage"),
    (f'{{{GOOD},"amountIn":1,"slippage":0.00005}}', 422, "invalid_slippage", "slippage"),
    (f'{{{GOOD},"amountIn":1,"slippage":1e-999999999}}', 422, "invalid_slippage", "slippage"),
    # client order ids
    (f'{{{GOOD},"amountIn":1,"clientOrderId":""}}', 422, "invalid_client_order_id", "clientOrderId"),
    (f'{{{GOOD},"amountIn":1,"clientOrderId":"a b"}}', 422, "invalid_client_order_id", "clientOrderId"),
    (f'{{{GOOD},"amountIn":1,"clientOrderId":"a\\u0000"}}', 422, "invalid_client_order_id", "clientOrderId"),
    (f'{{{GOOD},"amountIn":1,"clientOrderId":"a\\n"}}', 422, "invalid_client_order_id", "clientOrderId"),
    (f'{{{GOOD},"amountIn":1,"clientOrderId":"\u00e4"}}', 422, "invalid_client_order_id", "clientOrderId"),
    (f'{{{GOOD},"amountIn":1,"clientOrderId":7}}', 422, "invalid_client_order_id", "clientOrderId"),
    (f'{{{GOOD},"amountIn":1,"clientOrderId":"{"a" * 65}"}}', 422, "invalid_client_order_id", "clientOrderId"),
]


def ask(body: str | bytes, content_type: str | None = "application/json") -> OrderTerms:
    raw = body if isinstance(body, bytes) else body.encode()
    return terms(order_request(read(raw, content_type), CONFIG.tokens), CONFIG)


def order(**fields: Any) -> OrderTerms:
    return ask(json.dumps({"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "1.5", **fields}))


@pytest.mark.parametrize(("body", "status", "code", "field"), BAD, ids=lambda value: repr(value)[:40])
def test_a_bad_request_names_its_code_and_its_field(body: str | bytes, status: int, code: str, field: str) -> None:
    with pytest.raises(ProblemError) as refused:
        ask(body)
    assert (refused.value.status, refused.value.code, refused.value.field) == (status, code, field)
    json.dumps(problem_of(refused.value).body()).encode()


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "json"])
def test_an_order_is_sent_as_json(content_type: str | None) -> None:
    with pytest.raises(ProblemError) as refused:
        ask("{}", content_type)
    assert (refused.value.status, refused.value.code) == (415, "unsupported_media_type")


def test_a_content_type_may_name_its_charset() -> None:
    assert ask(f'{{{GOOD},"amountIn":1}}', "Application/JSON; charset=utf-8").amount_in == 10**9


def test_a_body_over_the_limit_is_too_large() -> None:
    with pytest.raises(ProblemError) as refused:
        ask(" " * (BODY_LIMIT + 1))
    assert (refused.value.status, refused.value.code) == (413, "body_too_large")


def test_every_code_of_a_bad_request_is_documented() -> None:
    documented = (Path(__file__).parents[3] / "docs" / "errors.md").read_text()
    for _, status, code, _ in BAD:
        assert f"| `{code}` | {status} |" in documented


def test_the_openapi_document_knows_the_fields_that_are_read_and_no_others() -> None:
    operation = ExecuteOperation()
    assert isinstance(operation.request_body, RequestBody)
    schema = operation.request_body.content["application/json"].schema
    assert isinstance(schema, Schema)
    assert set(schema.properties or ()) == {*NAMES, *ALIASES}


def test_an_order_says_what_the_client_said_and_the_defaults_say_the_rest() -> None:
    assert order() == OrderTerms(
        type="market",
        token_in=SOL,
        token_out=USDC,
        amount_in=1_500_000_000,
        slippage_bps=50,
        slippage_defaulted=True,
    )


def test_only_a_market_order_is_given_a_deadline() -> None:
    waits = order(type="limit", limitPrice="150")
    assert submission(order(), CONFIG, "localnet", NOW) == SubmitOrder(
        order(), NOW + timedelta(seconds=120), "localnet"
    )
    assert submission(waits, CONFIG, "localnet", NOW) == SubmitOrder(waits, None, "localnet")


def test_aliases_and_names_mean_the_same() -> None:
    named = order(type="market", slippageBps=50, clientOrderId="a-1")
    body = {"tokenIn": SOL.mint, "tokenOut": "usdc", "amount": 1.5, "orderType": "market", "slippage": 0.005}
    assert ask(json.dumps({**body, "clientOrderId": "a-1"})) == named


def test_null_is_absent() -> None:
    assert order(type=None, slippageBps=None, clientOrderId=None, limitPrice=None) == order()
    assert order(amount=None, slippage=None, price=None, orderType=None) == order()


@pytest.mark.parametrize(
    ("text", "units"),
    [("1.50", 1_500_000_000), ("1e-9", 1), ("1.5E+1", 15 * 10**9), ("18446744073.709551615", 2**64 - 1)],
)
def test_an_amount_is_read_from_its_digits_as_text_or_number(text: str, units: int) -> None:
    assert ask(f'{{{GOOD},"amountIn":"{text}"}}').amount_in == units
    assert ask(f'{{{GOOD},"amountIn":{text}}}').amount_in == units


@pytest.mark.parametrize(("text", "bps"), [("0", 0), ("1", 10_000), ("0.0001", 1), ("5e-3", 50), ("1.0", 10_000)])
def test_a_slippage_fraction_is_whole_basis_points(text: str, bps: int) -> None:
    assert ask(f'{{{GOOD},"amountIn":1,"slippage":{text}}}').slippage_bps == bps


@given(st.integers(1, 2**64 - 1))
def test_every_amount_a_token_can_have_survives_the_way_in(units: int) -> None:
    assert ask(f'{{{GOOD},"amountIn":{to_units(units, 9)}}}').amount_in == units


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_an_amount_is_either_exact_or_refused(number: Decimal) -> None:
    try:
        amount = ask(f'{{{GOOD},"amountIn":"{number}"}}').amount_in
    except ProblemError as problem:
        assert problem.field == "amountIn"
    else:
        assert amount == to_base_units(number, 9)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_NAMES = st.sampled_from(["tokenIn", "tokenOut", "amountIn", "amount", "type", "slippage", "clientOrderId", "price"])


@given(st.dictionaries(_NAMES | st.text(max_size=5), _JSON | st.sampled_from(["SOL", "USDC", "1.5", "market"])))
def test_whatever_is_sent_is_an_order_or_a_problem(document: dict[str, Any]) -> None:
    try:
        ask(json.dumps(document))
    except ProblemError as problem:
        assert 400 <= problem.status < 500


@given(st.binary(max_size=200))
def test_bytes_at_random_are_a_problem(body: bytes) -> None:
    with pytest.raises(ProblemError):
        ask(body)
