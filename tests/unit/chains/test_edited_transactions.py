"""Good transactions edited at random: what passes the check moves no more than the order allows, on the machine itself.

``EDITS`` in the environment says how many edits are made; a few thousand by default.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message, MessageV0, from_bytes_versioned, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.token import ID as TOKEN

from chains.errors import TransactionRefusedError
from chains.own_accounts import token_account
from chains.transaction_checks import AllowedSwap
from chains.transactions import MEMO_PROGRAM, memo_text
from domain.tokens import JUP, RAY, SOL, USDC
from tests.unit.chains.small_world import (
    ALLOWED,
    AMOUNT_IN,
    DESTINATION,
    FALLEN,
    GUARD,
    KEYPAIR,
    MARKET,
    MINIMUM_OUT,
    MOST_PRIORITY,
    ORDER,
    POOLS,
    RENT,
    SOURCE,
    STRANGER,
    UNITS,
    WALLET,
    WORLD,
    Ran,
    checked,
    making_account,
    renamed,
    swap,
)

EDITS = int(os.environ.get("EDITS", "3000"))
SEED = int(os.environ.get("SEED", "1"))
FEE = 5_000
OWN = KEYPAIR.pubkey()
AnyMessage = Message | MessageV0

STRANGERS = (
    STRANGER.pubkey(),
    token_account(str(MARKET), USDC.mint),
    token_account(str(MARKET), SOL.mint),
    token_account(WALLET, RAY.mint),
    token_account(WALLET, JUP.mint),
    Pubkey.from_string(GUARD.address),
    Pubkey.from_string(POOLS["Orca"].address),
    SOURCE,
    DESTINATION,
    OWN,
    TOKEN,
)


def good_steps(rng: random.Random) -> list[Instruction]:
    """One of several good transactions of the order."""
    memo = Instruction(Pubkey.from_string(MEMO_PROGRAM), memo_text(ORDER, 1).encode(), [AccountMeta(OWN, True, False)])
    steps = [set_compute_unit_limit(UNITS)]
    if rng.random() < 0.5:
        steps.append(set_compute_unit_price(rng.randrange(1, 10_000)))
    steps += GUARD.instructions(RENT)
    if rng.random() < 0.3:
        steps.append(making_account())
    return [*steps, swap(POOLS[rng.choice(list(POOLS))]), memo]


def compiled(steps: Sequence[Instruction], rng: random.Random) -> AnyMessage:
    blockhash = Hash.hash(b"a recent one")
    if rng.random() < 0.3:
        return Message.new_with_blockhash(list(steps), OWN, blockhash)
    return MessageV0.try_compile(OWN, list(steps), [], blockhash)


# Edits that may do anything.


def flip_bytes(rng: random.Random) -> AnyMessage | None:
    wire = bytearray(to_bytes_versioned(compiled(good_steps(rng), rng)))
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        wire[rng.randrange(len(wire))] ^= 1 << rng.randrange(8)
    try:
        message = from_bytes_versioned(bytes(wire))
    except Exception:  # noqa: BLE001 - bytes that are no message are nothing to sign
        return None
    return message if isinstance(message, Message | MessageV0) else None


def edit_amounts(rng: random.Random) -> AnyMessage:
    values = (0, 1, AMOUNT_IN, MINIMUM_OUT, AMOUNT_IN + 1, MINIMUM_OUT - 1, 2**63, 2**64 - 1, rng.randrange(2**64))
    steps = [
        swap(amount_in=rng.choice(values), minimum_out=rng.choice(values)) if _is_swap(step) else step
        for step in good_steps(rng)
    ]
    return compiled(steps, rng)


def rename_an_account(rng: random.Random) -> AnyMessage:
    steps = good_steps(rng)
    at = rng.choice([at for at, step in enumerate(steps) if step.accounts])
    steps[at] = renamed(steps[at], rng.randrange(len(steps[at].accounts)), rng.choice(STRANGERS))
    return compiled(steps, rng)


def rearrange(rng: random.Random) -> AnyMessage:
    steps = good_steps(rng)
    for _ in range(rng.choice((1, 2))):
        at = rng.randrange(len(steps))
        match rng.choice(("drop", "double", "swap", "insert")):
            case "drop" if len(steps) > 1:
                steps.pop(at)
            case "double":
                steps.insert(rng.randrange(len(steps) + 1), steps[at])
            case "swap":
                other = rng.randrange(len(steps))
                steps[at], steps[other] = steps[other], steps[at]
            case _:
                steps.insert(at, foreign(rng))
    return compiled(steps, rng)


def foreign(rng: random.Random) -> Instruction:
    """What a venue has no business with."""
    to, what = rng.choice(STRANGERS), rng.randrange(2**40)
    account = AccountMeta(rng.choice((SOURCE, DESTINATION, token_account(WALLET, RAY.mint))), False, True)
    signs = AccountMeta(OWN, True, False)
    return rng.choice(
        (
            transfer(TransferParams(from_pubkey=OWN, to_pubkey=to, lamports=what)),
            Instruction(TOKEN, b"\x03" + what.to_bytes(8, "little"), [account, AccountMeta(to, False, True), signs]),
            Instruction(TOKEN, b"\x04" + what.to_bytes(8, "little"), [account, AccountMeta(to, False, False), signs]),
            Instruction(TOKEN, b"\x09", [account, AccountMeta(to, False, True), signs]),
            Instruction(TOKEN, b"\x06\x02\x01" + bytes(to), [account, signs]),
            making_account(rng.choice((RAY.mint, JUP.mint)), to),
            set_compute_unit_price(what),
            swap(POOLS["Orca"], amount_in=1 + what % AMOUNT_IN, minimum_out=0),
            swap(token_in=USDC.mint, amount_in=1 + what % 10**9, minimum_out=0),
        )
    )


def _is_swap(step: Instruction) -> bool:
    return step.program_id == swap().program_id


WILD: dict[str, Callable[[random.Random], AnyMessage | None]] = {
    "bytes": flip_bytes,
    "amounts": edit_amounts,
    "accounts": rename_an_account,
    "instructions": rearrange,
}


# Edits that harm nobody.


def better_terms(rng: random.Random) -> AnyMessage:
    sold, least = AMOUNT_IN - rng.randrange(10**7), MINIMUM_OUT + rng.randrange(10**6)
    return compiled(
        [swap(amount_in=sold, minimum_out=least) if _is_swap(step) else step for step in good_steps(rng)], rng
    )


def another_pool(rng: random.Random) -> AnyMessage:
    pool = POOLS[rng.choice(list(POOLS))]
    return compiled([swap(pool) if _is_swap(step) else step for step in good_steps(rng)], rng)


def other_fees(rng: random.Random) -> AnyMessage:
    steps = [step for step in good_steps(rng) if step.program_id != set_compute_unit_limit(1).program_id]
    units = rng.randrange(UNITS, 200_000)
    budget = [set_compute_unit_limit(units), set_compute_unit_price(rng.randrange(MOST_PRIORITY * 10**6 // units))]
    rng.shuffle(budget)
    return compiled([*budget, *steps], rng)


def memo_first(rng: random.Random) -> AnyMessage:
    """The memo anywhere after the guard."""
    steps = good_steps(rng)
    memo = steps.pop()
    made = max(at for at, step in enumerate(steps) if step.program_id == TOKEN) + 1
    steps.insert(rng.randrange(made, len(steps) + 1), memo)
    return compiled(steps, rng)


HARMLESS: dict[str, Callable[[random.Random], AnyMessage]] = {
    "better terms": better_terms,
    "another pool": another_pool,
    "other fees": other_fees,
    "memo elsewhere": memo_first,
}


def is_signed(message: AnyMessage, allowed: AllowedSwap = ALLOWED) -> bool:
    try:
        checked(message, swap=allowed)
    except TransactionRefusedError:
        return False
    return True


def broken_limits(ran: Ran) -> str | None:
    """What a transaction did that the order doesn't allow."""
    if ran.error is not None:
        return None  # the chain refuses it whole
    moved = {address: gained for address, gained in ran.gained.items() if gained}
    if moved.pop(SOURCE, 0) < -AMOUNT_IN or moved.pop(DESTINATION, 0) < MINIMUM_OUT:
        return "its amounts"
    if moved or ran.changed:
        return "another account, or more than amounts"
    return "its lamports" if ran.lamports < -(2 * RENT + FEE + MOST_PRIORITY) else None


def test_no_edited_transaction_that_is_signed_moves_more_than_the_order_allows() -> None:
    rng, signed, made = random.Random(SEED), Counter[str](), Counter[str]()
    for _ in range(EDITS):
        kind = rng.choice(list(WILD))
        message = WILD[kind](rng)
        made[kind] += 1
        if message is None or not is_signed(message):
            continue
        signed[kind] += 1
        for world in (WORLD, FALLEN):
            assert not broken_limits(world.run(message)), (kind, message)
    assert min(made.values()) > EDITS // 10
    # Some wild edits do nothing, and pass: were none signed, nothing was tried.
    assert signed["instructions"] or signed["bytes"]
    print(f"wild edits: {dict(made)}, signed: {dict(signed)}")


def test_nearly_every_edit_that_harms_nobody_is_signed() -> None:
    rng, signed = random.Random(SEED), Counter[str]()
    edits = max(200, EDITS // 10)
    for _ in range(edits):
        kind = rng.choice(list(HARMLESS))
        message = HARMLESS[kind](rng)
        assert WORLD.run(message).error is None, kind
        signed[kind] += is_signed(message)
    assert sum(signed.values()) >= edits * 99 // 100, signed


@pytest.mark.parametrize("loosened", [{"minimum_out": 0}, {"amount_in": 2**64 - 1}], ids=["least out", "most in"])
def test_the_edits_find_a_check_that_lets_too_much_pass(loosened: dict[str, int]) -> None:
    """Where the check doesn't hold a limit, edits get past it which the machine executes."""
    rng, allowed = random.Random(SEED), replace(ALLOWED, **loosened)
    edits = [message for message in (edit_amounts(rng) for _ in range(1_000)) if is_signed(message, allowed)]
    assert any(broken_limits(world.run(message)) for message in edits for world in (WORLD, FALLEN))
