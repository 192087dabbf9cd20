import pickle
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from solders.account import Account
from solders.compute_budget import ID as COMPUTE_BUDGET
from solders.compute_budget import set_compute_unit_limit
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.token import ID as TOKEN
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from chains.errors import TransactionRefusedError
from chains.guard import GUARD_BYTES, Guard, GuardKey
from chains.transaction_checks import AllowedSwap, check
from chains.transactions import MAX_COMPUTE_UNITS, MEMO_PROGRAM, compose, memo_text
from chains.wallet import Wallet
from domain.swap_terms import SwapTerms
from domain.tokens import SOL, USDC

KEYPAIR = Keypair.from_seed(bytes(32))
WALLET = str(KEYPAIR.pubkey())
STRANGER = Keypair.from_seed(bytes([1] * 32)).pubkey()
POOLS = Pubkey.from_string("5Q544fKrFoe6tsEbD7S8EmxGTJYAKtTVhAW5Q5pge4j1")
GUARD = GuardKey(bytes(32)).of_order(WALLET, UUID(int=1))
RENT = 2_039_280
ORDER = "0193a5c2-7a6b-7def-8123-456789abcdef"
MEMO = f"surefill:{ORDER}:1"
BLOCKHASH = str(Hash.hash(b"a recent one"))


ALLOWED = AllowedSwap(
    wallet=WALLET,
    token_in=SOL.mint,
    token_out=USDC.mint,
    amount_in=7,
    minimum_out=5,
    readers={POOLS: lambda _: SwapTerms(owner=0, source=1, destination=2, amount_in=7, minimum_out=5)},
    off_limits=frozenset(),
)


def swap(data: bytes = b"swap", accounts: tuple[AccountMeta, ...] = ()) -> Instruction:
    own = [AccountMeta(one, False, True) for one in (ALLOWED.source, ALLOWED.destination)]
    return Instruction(POOLS, data, [AccountMeta(KEYPAIR.pubkey(), True, True), *own, *accounts])


def composed(*instructions: Instruction, **changes: Any) -> MessageV0:
    terms: dict[str, Any] = {
        "guard": GUARD.instructions(RENT),
        "wallet": WALLET,
        "order_id": ORDER,
        "attempt": 1,
        "blockhash": BLOCKHASH,
        "compute_units": 10_001,
    }
    return compose(instructions or (swap(),), **(terms | changes))


def checked(message: MessageV0, wallet: str = WALLET) -> None:
    check(
        message,
        wallet=wallet,
        memo=MEMO,
        blockhash=BLOCKHASH,
        guard=GUARD,
        rent=RENT,
        most_priority_lamports=1_000,
        swap=ALLOWED,
    )


def calls(message: MessageV0) -> list[tuple[str, bytes]]:
    return [(str(message.account_keys[one.program_id_index]), bytes(one.data)) for one in message.instructions]


def test_a_composed_message_holds_limit_guard_swap_and_memo_and_passes_its_check() -> None:
    message = composed()
    limit = b"\x02" + (12_002).to_bytes(4, "little")
    making = [(str(one.program_id), bytes(one.data)) for one in GUARD.instructions(RENT)]
    rest = [(str(POOLS), b"swap"), (MEMO_PROGRAM, MEMO.encode())]
    assert calls(message) == [(str(COMPUTE_BUDGET), limit), *making, *rest]
    assert str(message.recent_blockhash) == BLOCKHASH
    checked(message)


def test_a_price_for_compute_is_named_only_where_there_is_one() -> None:
    message = composed(compute_unit_price=1_000)
    assert calls(message)[1] == (str(COMPUTE_BUDGET), b"\x03" + (1_000).to_bytes(8, "little"))
    checked(message)


def test_the_compute_limit_never_passes_what_the_chain_allows() -> None:
    assert calls(composed(compute_units=MAX_COMPUTE_UNITS))[0][1] == b"\x02" + MAX_COMPUTE_UNITS.to_bytes(4, "little")


def test_alike_orders_on_one_blockhash_get_different_signatures() -> None:
    wallet = Wallet(KEYPAIR)
    signatures = {str(wallet.sign(composed(order_id=order, attempt=n)).signatures[0]) for order in "ab" for n in (1, 2)}
    assert len(signatures) == 4
    assert memo_text("a", 2) == "surefill:a:2"


def test_another_fee_payer_is_refused() -> None:
    with pytest.raises(TransactionRefusedError, match="fee payer"):
        checked(composed(), wallet=str(STRANGER))


def test_a_second_signer_is_refused() -> None:
    with pytest.raises(TransactionRefusedError, match="another signature"):
        checked(composed(swap(accounts=(AccountMeta(STRANGER, True, False),))))


def test_a_call_to_a_program_that_is_not_a_venues_is_refused() -> None:
    drain = transfer(TransferParams(from_pubkey=KEYPAIR.pubkey(), to_pubkey=STRANGER, lamports=10**9))
    with pytest.raises(TransactionRefusedError, match="it calls 1111"):
        checked(composed(swap(), drain))


@pytest.mark.parametrize("changes", [{"attempt": 2}, {"order_id": "another"}])
def test_the_memo_of_another_attempt_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TransactionRefusedError, match="memo"):
        checked(composed(**changes))


def test_a_second_memo_is_refused() -> None:
    with pytest.raises(TransactionRefusedError, match="memo"):
        checked(composed(swap(), Instruction(Pubkey.from_string(MEMO_PROGRAM), b"surefill:other:1", [])))


def test_a_missing_or_unsigned_memo_is_refused() -> None:
    unsigned = Instruction(Pubkey.from_string(MEMO_PROGRAM), MEMO.encode(), [])
    for instructions in ([swap()], [swap(), unsigned]):
        with pytest.raises(TransactionRefusedError, match="memo"):
            steps = [set_compute_unit_limit(10_001), *GUARD.instructions(RENT), *instructions]
            checked(MessageV0.try_compile(KEYPAIR.pubkey(), steps, [], Hash.from_string(BLOCKHASH)))


def test_a_message_too_large_for_a_packet_once_signed_is_refused() -> None:
    room = 1232 - len(bytes(Wallet(KEYPAIR).sign(composed())))
    # A longer instruction also needs a second byte for its length.
    largest = composed(swap(b"swap" + bytes(room - 1)))
    assert len(bytes(Wallet(KEYPAIR).sign(largest))) == 1232
    checked(largest)
    with pytest.raises(TransactionRefusedError, match="1233 bytes"):
        checked(composed(swap(b"swap" + bytes(room))))


OTHER = GuardKey(bytes([1] * 32)).of_order(WALLET, UUID(int=1))


@pytest.mark.parametrize(
    "making",
    [
        [],
        GUARD.instructions(RENT)[1:],
        GUARD.instructions(RENT)[:2],
        GUARD.instructions(RENT - 1),
        OTHER.instructions(RENT),
        replace(GUARD, authority=WALLET).instructions(RENT),
        [*GUARD.instructions(RENT)[::-1]],
        [swap(), *GUARD.instructions(RENT)],
    ],
    ids=["none", "no rent", "not given away", "less rent", "another", "the wallet's own", "order", "not first"],
)
def test_a_message_that_does_not_begin_by_making_its_guard_is_refused(making: list[Instruction]) -> None:
    with pytest.raises(TransactionRefusedError, match="does not begin by making the order's guard"):
        checked(composed(guard=making))


@pytest.mark.parametrize("writable", [False, True])
def test_a_venues_instruction_that_names_the_guard_is_refused(writable: bool) -> None:
    touching = swap(accounts=(AccountMeta(Pubkey.from_string(GUARD.address), False, writable),))
    with pytest.raises(TransactionRefusedError, match="touches the order's guard"):
        checked(composed(touching))


def test_a_venue_may_not_set_the_price_of_compute() -> None:
    price = Instruction(COMPUTE_BUDGET, b"\x03" + (10**9).to_bytes(8, "little"), [])
    with pytest.raises(TransactionRefusedError, match="it calls ComputeBudget"):
        checked(composed(swap(), price))


def test_a_guard_is_the_same_for_a_key_wallet_and_order_and_another_for_each() -> None:
    key = Wallet(KEYPAIR).guard_key()
    order = UUID(int=7)
    assert key.of_order(WALLET, order) == Wallet(KEYPAIR).guard_key().of_order(WALLET, order)
    others = {
        key.of_order(WALLET, UUID(int=8)).address,
        key.canary(WALLET).address,
        GuardKey(bytes(32)).of_order(WALLET, order).address,
        key.of_order(str(STRANGER), order).address,
        key.of_order(WALLET, order).address,
    }
    assert len(others) == 5


def test_a_guard_key_shows_nothing_of_itself() -> None:
    key = GuardKey(bytes(range(32)))
    assert repr(key) == f"GuardKey(authority={key.authority})"
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(ValueError, match="32 bytes"):
        GuardKey(b"short")


def run(svm: LiteSVM, *instructions: Instruction, signers: tuple[Keypair, ...] = (KEYPAIR,)) -> Any:
    """What the chain says of a transaction: None where it succeeds."""
    message = MessageV0.try_compile(signers[0].pubkey(), list(instructions), [], svm.latest_blockhash())
    result = svm.send_transaction(VersionedTransaction(message, list(signers)))
    svm.expire_blockhash()
    return result.err() if isinstance(result, FailedTransactionMetadata) else None


def test_the_chain_makes_a_guard_once_whoever_paid_into_it_and_the_wallet_cannot_close_it() -> None:
    svm, stranger = LiteSVM(), Keypair()
    for who in (KEYPAIR, stranger):
        svm.airdrop(who.pubkey(), 10**10)
    mint = bytes(44) + bytes([6, 1]) + bytes(36)
    svm.set_account(Pubkey.from_string(USDC.mint), Account(1_461_600, mint, TOKEN))
    rent = svm.minimum_balance_for_rent_exemption(GUARD_BYTES)
    guard: Guard = Wallet(KEYPAIR).guard_key().of_order(WALLET, UUID(int=9))
    address = Pubkey.from_string(guard.address)
    gift = TransferParams(from_pubkey=stranger.pubkey(), to_pubkey=address, lamports=rent)
    assert run(svm, transfer(gift), signers=(stranger,)) is None
    assert run(svm, *guard.instructions(rent)) is None
    assert run(svm, *guard.instructions(rent)).err.code == 0
    close = [AccountMeta(address, False, True), AccountMeta(KEYPAIR.pubkey(), False, True)]
    assert run(svm, Instruction(TOKEN, b"\x09", [*close, AccountMeta(KEYPAIR.pubkey(), True, False)])) is not None
    assert svm.get_balance(address) == 2 * rent
