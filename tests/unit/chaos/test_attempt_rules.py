"""The verdict on an order's several transactions: each rule is found broken where it is, and nothing where none is."""

from __future__ import annotations

import base64
from uuid import UUID, uuid4

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from chains.guard import GuardKey
from chains.transactions import compose, unit_limit
from domain import events as e
from tests.chaos.attempt_rules import broken_rules, priority_lamports
from tests.chaos.storm.guards import _allocated
from tests.chaos.storm.plan import orders
from tests.unit.domain.scenario import built, expired, routed, sent, submitted

UNITS, PRICE, MOST = 50_000, 20_000, 2_000
REQUESTED = e.CancelRequested(code="cancelled")
WALLET = Keypair()


def message(price: int) -> MessageV0:
    guard = GuardKey(bytes(32)).of_order(str(WALLET.pubkey()), UUID(int=1))
    return compose(
        (),
        guard=guard.instructions(1),
        wallet=str(WALLET.pubkey()),
        order_id=uuid4(),
        attempt=1,
        blockhash=str(Hash.default()),
        compute_units=UNITS,
        compute_unit_price=price,
    )


def signed(price: int = 0) -> str:
    return base64.b64encode(bytes(VersionedTransaction(message(price), [WALLET]))).decode()


def attempt(number: int = 1, price: int = 0, **changes: object) -> e.TransactionBuilt:
    return built(number).model_copy(update={"transaction": signed(price), **changes})


def swap(number: int = 1, price: int = 0, **changes: object) -> tuple[e.OrderEvent, ...]:
    return (routed(), attempt(number, price, **changes), sent(number))


CANCEL = {"purpose": "cancel", "minimum_out": 0}
FAILED = e.OrderFailed(code="deadline_passed", detail="", retryable=True)


@pytest.mark.parametrize(
    ("story", "found"),
    [
        ((*swap(), *swap(2, PRICE), *swap(3)), None),
        ((*swap(), REQUESTED, attempt(2, **CANCEL)), None),
        ((*swap(), expired(), FAILED), None),
        ((*swap(), *swap(2, guard="another")), "2 guards"),
        ((*swap(), *swap(2), *swap(3), *swap(4)), "swap 4 was built beside 3"),
        ((*swap(), REQUESTED, *swap(2)), "swap 2 was built after its cancel"),
        ((*swap(), FAILED), "OrderFailed while attempt 1 was live"),
        ((*swap(), expired(), FAILED, attempt(2, **CANCEL)), "attempt 2 was built after its end"),
        ((*swap(1, PRICE), *swap(2, PRICE)), "offer 2400 lamports"),
    ],
)
def test_a_broken_rule_is_named(story: tuple[e.OrderEvent, ...], found: str | None) -> None:
    wrong = broken_rules([*submitted(), *story], most_priority_lamports=MOST)
    assert [found in one for one in wrong] == [True] if found else wrong == []


def test_what_is_offered_is_read_from_the_signed_bytes() -> None:
    assert priority_lamports(signed()) == 0
    assert priority_lamports(signed(PRICE)) == unit_limit(UNITS) * PRICE // 1_000_000 == 1_200


def test_the_guard_is_read_from_what_the_transaction_allocates() -> None:
    compiled = message(0)
    shown = {
        "accountKeys": [str(key) for key in compiled.account_keys],
        "instructions": [
            {"programIdIndex": one.program_id_index, "accounts": list(one.accounts), "data": _base58(bytes(one.data))}
            for one in compiled.instructions
        ],
    }
    guard = GuardKey(bytes(32)).of_order(str(WALLET.pubkey()), UUID(int=1))
    assert _allocated(shown) == {guard.address}


def test_cancels_change_nothing_else_of_a_storms_orders() -> None:
    plain, cancelled = orders(3, 200, 1), orders(3, 200, 1, cancels=True)
    assert [one.terms for one in plain] == [one.terms for one in cancelled]
    assert all(one.cancelled_after is None for one in plain)
    assert 20 < sum(one.cancelled_after is not None for one in cancelled) < 80


def _base58(data: bytes) -> str:
    alphabet, number, text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text
