"""Each way in which a proposed transaction may be hostile or broken is refused before it is signed, by its code."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from solders.compute_budget import request_heap_frame, set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, CompiledInstruction, Instruction
from solders.message import Message, MessageAddressTableLookup, MessageHeader, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.system_program import (
    AssignParams,
    TransferParams,
    assign,
    transfer,
)
from solders.token import ID as TOKEN

from chains.errors import TransactionRefusedError
from chains.own_accounts import token_account
from chains.refusals import RefusalReason as R
from chains.tips import Tip, tip_transfers
from chains.transactions import MEMO_PROGRAM, memo_text
from domain.swap_terms import SwapTerms
from domain.tokens import RAY, SOL, USDC, USDT
from tests.unit.chains.small_world import (
    ALLOWED,
    AMOUNT_IN,
    DESTINATION,
    GUARD,
    GUARD_KEY,
    KEYPAIR,
    MARKET,
    MINIMUM_OUT,
    ORDER,
    POOLS,
    PROGRAM,
    RENT,
    SOURCE,
    STRANGER,
    TABLE,
    UNITS,
    WALLET,
    WORLD,
    World,
    checked,
    composed,
    making_account,
    renamed,
    swap,
    table,
)
from venues.constant_product import exact_out_instruction

OWN, THEIRS = KEYPAIR.pubkey(), STRANGER.pubkey()
MEMO = Pubkey.from_string(MEMO_PROGRAM)
GUARD_ADDRESS = Pubkey.from_string(GUARD.address)
CANARY = Pubkey.from_string(GUARD_KEY.canary(WALLET).address)
MARKET_USDC = token_account(str(MARKET), USDC.mint)
OWN_RAY = token_account(WALLET, RAY.mint)
NONCE = Pubkey(b"n" * 32)
AnyMessage = Message | MessageV0


def own(address: Pubkey, *, writable: bool = True, signs: bool = False) -> AccountMeta:
    return AccountMeta(address, signs, writable)


def token(kind: int, *accounts: AccountMeta, data: bytes = b"") -> Instruction:
    return Instruction(TOKEN, bytes([kind]) + data, [*accounts, own(OWN, writable=False, signs=True)])


def amount(value: int) -> bytes:
    return value.to_bytes(8, "little")


def raw(*instructions: Instruction, legacy: bool = False) -> AnyMessage:
    """A message of these alone, without our part."""
    if legacy:
        return Message.new_with_blockhash(list(instructions), OWN, Hash.hash(b"a recent one"))
    return MessageV0.try_compile(OWN, list(instructions), [], Hash.hash(b"a recent one"))


def ours(*, units: int = UNITS) -> list[Instruction]:
    return [set_compute_unit_limit(units), *GUARD.instructions(RENT)]


def advance_nonce() -> Instruction:
    recent = Pubkey.from_string("SysvarRecentB1ockHashes11111111111111111111")
    accounts = [own(NONCE), own(recent, writable=False), own(OWN, writable=False, signs=True)]
    return Instruction(SYSTEM, (4).to_bytes(4, "little"), accounts)


def new_account() -> Instruction:
    """``CreateAccountWithSeed``: it needs no signature but the wallet's."""
    seed = b"another"
    made = Pubkey.create_with_seed(OWN, seed.decode(), PROGRAM)
    data = (3).to_bytes(4, "little") + bytes(OWN) + amount(len(seed)) + seed + amount(10**9) + amount(0)
    return Instruction(SYSTEM, data + bytes(PROGRAM), [own(OWN, signs=True), own(made)])


def memo(text: str | None = None) -> Instruction:
    return Instruction(MEMO, (text or memo_text(ORDER, 1)).encode(), [own(OWN, writable=False, signs=True)])


def hidden_behind_a_table() -> AnyMessage:
    """The swap pays into a stranger's account, which stands in a table alone."""
    theirs = renamed(swap(), 6, MARKET_USDC)
    return composed(theirs, tables=[table([MARKET_USDC])])


def out_of_the_table() -> AnyMessage:
    good = composed(tables=[table()])
    [lookup] = good.address_table_lookups
    bad = MessageAddressTableLookup(lookup.account_key, lookup.writable_indexes, bytes([200]))
    return MessageV0(good.header, good.account_keys, good.recent_blockhash, good.instructions, [bad])


def to_exact_out(*, maximum_in: int = AMOUNT_IN, amount_out: int = MINIMUM_OUT) -> Instruction:
    return exact_out_instruction(
        POOLS["Meteora"], owner=WALLET, token_in=SOL.mint, maximum_in=maximum_in, amount_out=amount_out
    )


def beyond_its_accounts() -> AnyMessage:
    good = composed()
    broken = [*good.instructions[:-1], CompiledInstruction(good.instructions[-1].program_id_index, b"x", bytes([250]))]
    return MessageV0(good.header, good.account_keys, good.recent_blockhash, broken, [])


def another_header() -> AnyMessage:
    good = composed()
    header = MessageHeader(2, 0, good.header.num_readonly_unsigned_accounts)
    return MessageV0(header, good.account_keys, good.recent_blockhash, good.instructions, [])


@dataclass(frozen=True)
class Hostile:
    """``message`` makes the transaction; ``works`` where the chain itself would execute it, so that the check alone
    stands before the loss.
    """

    name: str
    reason: R
    message: Callable[[], AnyMessage]
    works: bool = False
    tips: tuple[Tip, ...] = ()


TIP = Tip(10_000, (str(MARKET),))


def tip(lamports: int = TIP.lamports, account: Pubkey = MARKET) -> list[Instruction]:
    return tip_transfers([Tip(lamports, (str(account),))], wallet=WALLET, order_id=ORDER, attempt=1)


TABLES = [table()]
# What the chain shows of the one table there is.
ON_CHAIN = [table([MARKET_USDC, GUARD_ADDRESS, MARKET])]
HOSTILE = [
    Hostile(
        "another wallet pays the fee",
        R.ANOTHER_PAYER,
        lambda: MessageV0.try_compile(THEIRS, [*ours(), swap(), memo()], [], Hash.hash(b"a recent one")),
        works=True,
    ),
    Hostile(
        "a second signer is needed",
        R.ANOTHER_SIGNER,
        lambda: composed(Instruction(PROGRAM, bytes(swap().data), [*swap().accounts, own(THEIRS, signs=True)])),
    ),
    Hostile("the header asks for more signatures than accounts sign", R.ANOTHER_SIGNER, another_header),
    Hostile("a blockhash of the venue's", R.ANOTHER_BLOCKHASH, lambda: composed(blockhash=str(Hash.hash(b"old")))),
    Hostile(
        "a lookup table that the chain doesn't show", R.UNKNOWN_TABLE, lambda: composed(tables=[replace_table(THEIRS)])
    ),
    Hostile("an index past the table's end", R.UNKNOWN_TABLE, out_of_the_table),
    Hostile("an account index past the message's end", R.UNREADABLE, beyond_its_accounts),
    Hostile(
        "a durable nonce first: it would never expire",
        R.DURABLE_NONCE,
        lambda: raw(advance_nonce(), *ours(), swap(), memo()),
    ),
    Hostile(
        "a durable nonce first, in a legacy message",
        R.DURABLE_NONCE,
        lambda: raw(advance_nonce(), *ours(), swap(), memo(), legacy=True),
    ),
    Hostile(
        "a price for priority a thousandfold off",
        R.FEE_TOO_HIGH,
        lambda: composed(compute_unit_price=10_000_000),
        works=True,
    ),
    Hostile("no compute limit", R.COMPUTE_BUDGET, lambda: raw(*GUARD.instructions(RENT), swap(), memo()), works=True),
    Hostile(
        "two prices for priority",
        R.COMPUTE_BUDGET,
        lambda: raw(set_compute_unit_price(1), set_compute_unit_price(10**9), *ours(), swap(), memo()),
    ),
    Hostile(
        "a compute budget beyond limit and price",
        R.COMPUTE_BUDGET,
        lambda: raw(request_heap_frame(64 * 1024), *ours(), swap(), memo()),
        works=True,
    ),
    Hostile(
        "a price for priority after the guard",
        R.COMPUTE_BUDGET,
        lambda: raw(*ours(), set_compute_unit_price(10**9), swap(), memo()),
        works=True,
    ),
    Hostile("no guard", R.NO_GUARD, lambda: composed(guard=[]), works=True),
    Hostile(
        "another order's guard",
        R.NO_GUARD,
        lambda: composed(guard=GUARD_KEY.of_order(WALLET, ORDER.__class__(int=2)).instructions(RENT)),
        works=True,
    ),
    Hostile(
        "a guard that the wallet may close",
        R.NO_GUARD,
        lambda: composed(guard=replace(GUARD, authority=WALLET).instructions(RENT)),
        works=True,
    ),
    Hostile("the swap before the guard", R.NO_GUARD, lambda: raw(ours()[0], swap(), *ours()[1:], memo()), works=True),
    Hostile(
        "the guard behind a lookup table",
        R.NO_GUARD,
        lambda: composed(tables=[table([MARKET_USDC, GUARD_ADDRESS])]),
    ),
    Hostile(
        "the venue names the guard",
        R.GUARD_TOUCHED,
        lambda: composed(Instruction(PROGRAM, bytes(swap().data), [*swap().accounts, own(GUARD_ADDRESS)])),
    ),
    Hostile("another attempt's memo", R.WRONG_MEMO, lambda: composed(attempt=2), works=True),
    Hostile("no memo", R.WRONG_MEMO, lambda: raw(*ours(), swap()), works=True),
    Hostile("two memos", R.WRONG_MEMO, lambda: composed(swap(), memo("surefill:another:1")), works=True),
    Hostile(
        "a memo that the wallet doesn't sign",
        R.WRONG_MEMO,
        lambda: raw(*ours(), swap(), Instruction(MEMO, memo_text(ORDER, 1).encode(), [])),
        works=True,
    ),
    Hostile("no tip, where a lander's is set", R.WRONG_TIP, composed, works=True, tips=(TIP,)),
    Hostile("a tip of another amount", R.WRONG_TIP, lambda: composed(tips=tip(10_001)), works=True, tips=(TIP,)),
    Hostile("the tip to a stranger", R.WRONG_TIP, lambda: composed(tips=tip(account=THEIRS)), works=True, tips=(TIP,)),
    Hostile(
        "the tip behind a lookup table",
        R.WRONG_TIP,
        lambda: composed(tips=tip(), tables=[table([MARKET_USDC, THEIRS, MARKET])]),
        tips=(TIP,),
    ),
    Hostile(
        "a program that isn't allowed",
        R.UNKNOWN_PROGRAM,
        lambda: composed(swap(), Instruction(Pubkey(b"x" * 32), b"", [own(OWN, signs=True)])),
    ),
    Hostile("a tip where none is set", R.TRANSFER, lambda: composed(tips=tip()), works=True),
    Hostile("the tip twice", R.TRANSFER, lambda: composed(tips=[*tip(), *tip()]), works=True, tips=(TIP,)),
    Hostile(
        "an extra transfer of lamports",
        R.TRANSFER,
        lambda: composed(swap(), transfer(TransferParams(from_pubkey=OWN, to_pubkey=THEIRS, lamports=10**9))),
        works=True,
    ),
    Hostile(
        "an extra transfer of the token bought",
        R.TRANSFER,
        lambda: composed(swap(), token(3, own(DESTINATION), own(MARKET_USDC), data=amount(10**6))),
        works=True,
    ),
    Hostile(
        "an account emptied by burning",
        R.TRANSFER,
        lambda: composed(
            swap(),
            token(8, own(token_account(WALLET, RAY.mint)), own(Pubkey.from_string(RAY.mint)), data=amount(10**6)),
        ),
        works=True,
    ),
    Hostile(
        "the account of the token sold is closed",
        R.ACCOUNT_CLOSED,
        lambda: composed(swap(), token(9, own(SOURCE), own(THEIRS))),
        works=True,
    ),
    Hostile(
        "an account is delegated",
        R.ACCOUNT_DELEGATED,
        lambda: composed(swap(), token(4, own(DESTINATION), own(THEIRS, writable=False), data=amount(2**63))),
        works=True,
    ),
    Hostile(
        "an account is given away",
        R.ACCOUNT_REASSIGNED,
        lambda: composed(swap(), token(6, own(DESTINATION), data=b"\x02\x01" + bytes(THEIRS))),
        works=True,
    ),
    Hostile(
        "the wallet is given to a program",
        R.ACCOUNT_REASSIGNED,
        lambda: composed(swap(), assign(AssignParams(pubkey=OWN, owner=PROGRAM))),
    ),
    Hostile(
        "an account of a stranger's is made with our lamports",
        R.ACCOUNT_MADE,
        lambda: composed(making_account(owner=THEIRS), swap()),
        works=True,
    ),
    Hostile(
        "an account of another token is made",
        R.ACCOUNT_MADE,
        lambda: composed(making_account(USDT.mint), swap()),
        works=True,
    ),
    Hostile("a new account by the system program", R.ACCOUNT_MADE, lambda: composed(swap(), new_account()), works=True),
    Hostile(
        "any other call of the token program",
        R.ACCOUNT_CHANGED,
        lambda: composed(swap(), token(5, own(SOURCE))),
        works=True,
    ),
    Hostile(
        "an account of ours that is none of the order's",
        R.OWN_ACCOUNT,
        lambda: composed(Instruction(PROGRAM, bytes(swap().data), [*swap().accounts, own(OWN_RAY)])),
    ),
    Hostile(
        "the canary guard",
        R.OWN_ACCOUNT,
        lambda: composed(Instruction(PROGRAM, bytes(swap().data), [*swap().accounts, own(CANARY)])),
    ),
    Hostile("no swap", R.NOT_ONE_SWAP, lambda: raw(*ours(), memo()), works=True),
    Hostile("two swaps", R.NOT_ONE_SWAP, lambda: composed(swap(), swap(POOLS["Orca"])), works=True),
    Hostile(
        "another instruction of an allowed program",
        R.UNREADABLE_SWAP,
        lambda: composed(Instruction(PROGRAM, b"\x07" + bytes(swap().data)[1:], list(swap().accounts))),
    ),
    Hostile(
        "a swap cut short",
        R.UNREADABLE_SWAP,
        lambda: composed(Instruction(PROGRAM, bytes(swap().data), list(swap().accounts)[:5])),
    ),
    Hostile(
        "a swap for another wallet",
        R.WRONG_OWNER,
        lambda: composed(
            Instruction(PROGRAM, bytes(swap().data), [*swap().accounts[:2], own(THEIRS), *swap().accounts[3:]])
        ),
    ),
    Hostile("a swap that pays from another account", R.WRONG_SOURCE, lambda: composed(renamed(swap(), 3, DESTINATION))),
    Hostile(
        "a swap the other way round",
        R.WRONG_SOURCE,
        lambda: composed(swap(token_in=USDC.mint, amount_in=AMOUNT_IN, minimum_out=MINIMUM_OUT)),
        works=True,
    ),
    Hostile(
        "a swap that pays into a stranger's account",
        R.WRONG_DESTINATION,
        lambda: composed(renamed(swap(), 6, MARKET_USDC)),
        works=True,
    ),
    Hostile("a stranger's account behind a lookup table", R.WRONG_DESTINATION, hidden_behind_a_table),
    Hostile(
        "a swap to an exact amount out, where the order names its amount in",
        R.WRONG_EXACT_SIDE,
        lambda: composed(to_exact_out()),
        works=True,
    ),
    Hostile("more in than the order's", R.TOO_MUCH_IN, lambda: composed(swap(amount_in=AMOUNT_IN + 1)), works=True),
    Hostile(
        "less out than the order's least",
        R.MINIMUM_TOO_LOW,
        lambda: composed(swap(minimum_out=MINIMUM_OUT - 1)),
        works=True,
    ),
    Hostile(
        "a least amount in units of the token sold",
        R.MINIMUM_TOO_LOW,
        lambda: composed(swap(minimum_out=1)),
        works=True,
    ),
    Hostile(
        "more bytes than a packet",
        R.TOO_LARGE,
        lambda: composed(
            Instruction(PROGRAM, bytes(swap().data), [*swap().accounts, *(own(Pubkey.new_unique()) for _ in range(25))])
        ),
    ),
]


def replace_table(key: Pubkey) -> Any:
    one = table()
    return type(one)(key, one.addresses)


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_a_hostile_transaction_is_refused_by_its_code(hostile: Hostile) -> None:
    with pytest.raises(TransactionRefusedError) as refused:
        checked(hostile.message(), tables=ON_CHAIN, tips=hostile.tips)
    assert refused.value.reason == hostile.reason, refused.value


@pytest.mark.parametrize("hostile", [one for one in HOSTILE if one.works], ids=lambda hostile: hostile.name)
def test_the_chain_itself_would_have_executed_it(hostile: Hostile) -> None:
    assert WORLD.run(hostile.message()).error is None


@pytest.mark.parametrize(
    ("message", "tables"),
    [
        (composed, []),
        (lambda: composed(compute_unit_price=0), []),
        (lambda: composed(swap(minimum_out=MINIMUM_OUT + 1)), []),
        (lambda: composed(swap(amount_in=AMOUNT_IN - 1, minimum_out=MINIMUM_OUT)), []),
        (lambda: composed(making_account(), swap()), []),
        (lambda: composed(swap(POOLS["Raydium"])), []),
        (lambda: composed(tables=TABLES), TABLES),
        (lambda: raw(*ours(), swap(), memo()), []),
        (lambda: raw(*ours(), swap(), memo(), legacy=True), []),
    ],
    ids=["good", "no price", "more out", "less in", "makes its account", "another pool", "table", "v0", "legacy"],
)
def test_what_does_the_order_and_nothing_else_is_signed(
    message: Callable[[], AnyMessage], tables: list[object]
) -> None:
    decoded = checked(message(), tables=tables)
    assert decoded.payer == OWN
    assert {SOURCE, DESTINATION, GUARD_ADDRESS} <= set(decoded.keys)
    if not tables:
        assert WORLD.run(message()).error is None


def test_a_cancel_does_nothing_beside_the_guard() -> None:
    cancel = memo_text(ORDER, 2, cancels=True)
    message = composed(attempt=2, cancels=True, guard=GUARD.instructions(RENT), compute_units=UNITS)
    with pytest.raises(TransactionRefusedError) as refused:
        checked(message, memo=cancel, swap=None)
    assert refused.value.reason == R.UNKNOWN_PROGRAM
    checked(raw(*ours(), memo(cancel)), memo=cancel, swap=None)


def test_an_optional_account_of_a_swap_is_absent_or_the_orders_own() -> None:
    """Programs that can pay out elsewhere name the place in an optional account."""

    def reads_seven(_: bytes) -> SwapTerms:
        return SwapTerms(2, 3, 6, AMOUNT_IN, MINIMUM_OUT, absent=(8,))

    allowed = replace(ALLOWED, readers={PROGRAM: reads_seven})
    for address, is_refused in ((PROGRAM, False), (DESTINATION, False), (MARKET_USDC, True), (SOURCE, True)):
        named = Instruction(PROGRAM, bytes(swap().data), [*swap().accounts, own(address)])
        if is_refused:
            with pytest.raises(TransactionRefusedError) as refused:
                checked(composed(named), swap=allowed)
            assert refused.value.reason == R.WRONG_DESTINATION
        else:
            checked(composed(named), swap=allowed)


def test_an_order_that_names_its_amount_out_is_swapped_to_exactly_that_within_its_maximum() -> None:
    allowed = replace(ALLOWED, exact_out=True)
    checked(composed(to_exact_out()), swap=allowed)
    assert WORLD.run(composed(to_exact_out())).gained[DESTINATION] == MINIMUM_OUT
    for hostile, reason in (
        # It would pay the whole maximum, whatever the amount out takes.
        (swap(), R.WRONG_EXACT_SIDE),
        (to_exact_out(maximum_in=AMOUNT_IN + 1), R.TOO_MUCH_IN),
        (to_exact_out(amount_out=MINIMUM_OUT - 1), R.MINIMUM_TOO_LOW),
    ):
        with pytest.raises(TransactionRefusedError) as refused:
            checked(composed(hostile), swap=allowed)
        assert refused.value.reason == reason
        assert WORLD.run(composed(hostile)).error is None


def test_making_the_account_works_where_it_is_not_there_yet() -> None:
    message = composed(making_account(), swap())
    checked(message)
    ran = World().without(DESTINATION).run(message)
    assert ran.error is None
    assert ran.gained[DESTINATION] >= MINIMUM_OUT


DOCS = Path(__file__).parents[3] / "docs" / "proposals.md"


def test_the_documented_table_is_this_one() -> None:
    documented = re.findall(r"^\| ([^|]+) \| `(\w+)` \|", DOCS.read_text(), re.MULTILINE)
    assert [row for row in documented if not row[1].startswith("simulated_")] == [
        (one.name, str(one.reason)) for one in HOSTILE
    ]


def test_every_code_is_in_the_table() -> None:
    static = {reason for reason in R if not reason.startswith("simulated_")}
    assert {one.reason for one in HOSTILE} == static


assert TABLES[0].key == TABLE
assert SOL.mint != USDC.mint
