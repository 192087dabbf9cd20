"""The swap program against the formula over the whole range of its integers, on the virtual machine itself."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from solders.account import Account
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.token import ID as TOKEN_PROGRAM
from solders.token.associated import get_associated_token_address
from solders.token.state import Mint, TokenAccount, TokenAccountState
from solders.transaction import VersionedTransaction

from domain.numbers import U64_MAX
from localnet.bank import Bank, Executed
from localnet.ledger_rows import RENT_EXEMPT_EPOCH
from localnet.program import PROGRAM_FILE
from localnet.token_accounts import holding
from localnet.transaction_errors import error_json
from venues.constant_product import PROGRAM_ID, Pool, amount_out, encode_pool, swap_instruction
from venues.constant_product_errors import ProgramError

USER = Keypair()
MINTS = (Pubkey(b"a" * 32), Pubkey(b"b" * 32))
STATE = Pubkey(b"p" * 32)
PROGRAM = Pubkey.from_string(PROGRAM_ID)
AUTHORITY, BUMP = Pubkey.find_program_address([bytes(STATE)], PROGRAM)
VAULTS = tuple(get_associated_token_address(AUTHORITY, mint) for mint in MINTS)
CODE = PROGRAM_FILE.read_bytes()


def kept(data: bytes, owner: Pubkey) -> Account:
    return Account(10**9, data, owner, False, RENT_EXEMPT_EPOCH)


def tokens(owner: Pubkey, mint: Pubkey, amount: int) -> tuple[Pubkey, Account]:
    data = bytes(TokenAccount(mint, owner, amount, None, TokenAccountState.Initialized, None, 0))
    return get_associated_token_address(owner, mint), kept(data, TOKEN_PROGRAM)


def pool(fee_bps: int) -> Pool:
    return Pool(
        address=str(STATE),
        program=PROGRAM_ID,
        authority=str(AUTHORITY),
        bump=BUMP,
        venue="Orca",
        fee_bps=fee_bps,
        mints=(str(MINTS[0]), str(MINTS[1])),
        vaults=(str(VAULTS[0]), str(VAULTS[1])),
    )


def bank(amount: int, x: int, y: int, fee_bps: int) -> Bank:
    accounts = [
        (USER.pubkey(), kept(b"", SYSTEM_PROGRAM)),
        (STATE, kept(encode_pool(pool(fee_bps)), PROGRAM)),
        *((mint, kept(bytes(Mint(None, U64_MAX, 6, is_initialized=True)), TOKEN_PROGRAM)) for mint in MINTS),
        tokens(AUTHORITY, MINTS[0], x),
        tokens(AUTHORITY, MINTS[1], y),
        tokens(USER.pubkey(), MINTS[0], amount),
        tokens(USER.pubkey(), MINTS[1], 0),
    ]
    made = Bank(accounts, {PROGRAM: CODE})
    made.open_block(1, 1)
    return made


def run(where: Bank, instruction: Instruction) -> Executed:
    message = MessageV0.try_compile(USER.pubkey(), [instruction], [], Hash.new_unique())
    return where.execute(VersionedTransaction(message, [USER]))


def swap(amount: int, minimum: int, fee_bps: int) -> Instruction:
    return swap_instruction(
        pool(fee_bps), owner=str(USER.pubkey()), token_in=str(MINTS[0]), amount_in=amount, minimum_out=minimum
    )


def custom(executed: Executed) -> int | None:
    if executed.error is None:
        return None
    error = error_json(executed.error)
    assert isinstance(error, dict)
    return int(error["InstructionError"][1]["Custom"])


wide = st.one_of(st.integers(1, U64_MAX), st.integers(1, 10**6), st.integers(U64_MAX - 10, U64_MAX))


@settings(max_examples=40, deadline=None)
@given(amount=wide, x=wide, y=wide, fee_bps=st.integers(0, 9_999))
@example(amount=1, x=1, y=U64_MAX, fee_bps=0)
@example(amount=U64_MAX - 1, x=1, y=U64_MAX, fee_bps=9_999)
@example(amount=10_000, x=1, y=U64_MAX, fee_bps=9_999)
def test_the_program_gives_what_the_formula_gives(amount: int, x: int, y: int, fee_bps: int) -> None:
    expected = amount_out(amount, x, y, fee_bps)
    chain = bank(amount, x, y, fee_bps)

    executed = run(chain, swap(amount, expected or 0, fee_bps))

    if expected is None:
        assert custom(executed) == ProgramError.OVERFLOW
    elif expected == 0:
        assert custom(executed) == ProgramError.NOTHING_OUT
    else:
        assert custom(executed) is None
        held = {key: holding(account) for key, account in zip(executed.keys.all, executed.after, strict=True)}
        amounts = [one.amount for vault in VAULTS if (one := held[vault])]
        assert amounts == [x + amount, y - expected]
        target = held[get_associated_token_address(USER.pubkey(), MINTS[1])]
        assert target is not None
        assert target.amount == expected


def test_one_unit_more_than_the_formula_gives_is_slippage() -> None:
    expected = amount_out(10**9, 10**12, 10**13, 25)
    assert expected
    assert custom(run(bank(10**9, 10**12, 10**13, 25), swap(10**9, expected + 1, 25))) == 6006


def test_instructions_and_accounts_that_are_not_a_swap_are_refused() -> None:
    good = swap(10**9, 1, 25)
    metas = list(good.accounts)
    cases = [
        (bytes(good.data)[:-1], metas, ProgramError.UNKNOWN_INSTRUCTION),
        (b"\0" + bytes(good.data)[1:], metas, ProgramError.UNKNOWN_INSTRUCTION),
        (bytes(good.data), metas[:-1], ProgramError.WRONG_ACCOUNTS),
        (bytes(good.data), [*metas, metas[0]], ProgramError.WRONG_ACCOUNTS),
        (bytes(good.data), [*metas[:6], metas[3], metas[7]], ProgramError.WRONG_ACCOUNTS),
    ]
    for data, accounts, error in cases:
        executed = run(bank(10**9, 10**12, 10**13, 25), Instruction(PROGRAM, data, accounts))
        assert custom(executed) == error


def test_a_user_who_did_not_sign_is_refused() -> None:
    good = swap(10**9, 1, 25)
    metas = list(good.accounts)
    metas[2] = AccountMeta(Keypair().pubkey(), False, False)
    executed = run(bank(10**9, 10**12, 10**13, 25), Instruction(PROGRAM, bytes(good.data), metas))
    assert custom(executed) == ProgramError.MISSING_SIGNATURE
