from typing import Any

import pytest
from solders.compute_budget import ID as COMPUTE_BUDGET
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from chains.errors import TransactionRefusedError
from chains.transaction_checks import check
from chains.transactions import MAX_COMPUTE_UNITS, MEMO_PROGRAM, compose, memo_text
from chains.wallet import Wallet

KEYPAIR = Keypair.from_seed(bytes(32))
WALLET = str(KEYPAIR.pubkey())
STRANGER = Keypair.from_seed(bytes([1] * 32)).pubkey()
POOLS = Pubkey.from_string("5Q544fKrFoe6tsEbD7S8EmxGTJYAKtTVhAW5Q5pge4j1")
ORDER = "0193a5c2-7a6b-7def-8123-456789abcdef"
MEMO = f"surefill:{ORDER}:1"
BLOCKHASH = str(Hash.hash(b"a recent one"))


def swap(data: bytes = b"swap", accounts: tuple[AccountMeta, ...] = ()) -> Instruction:
    return Instruction(POOLS, data, [AccountMeta(KEYPAIR.pubkey(), True, True), *accounts])


def composed(*instructions: Instruction, **changes: Any) -> MessageV0:
    terms: dict[str, Any] = {
        "wallet": WALLET,
        "order_id": ORDER,
        "attempt": 1,
        "blockhash": BLOCKHASH,
        "compute_units": 10_001,
    }
    return compose(instructions or (swap(),), **(terms | changes))


def checked(message: MessageV0, wallet: str = WALLET) -> None:
    check(message, wallet=wallet, memo=MEMO, programs={str(POOLS)})


def calls(message: MessageV0) -> list[tuple[str, bytes]]:
    return [(str(message.account_keys[one.program_id_index]), bytes(one.data)) for one in message.instructions]


def test_a_composed_message_holds_limit_swap_and_memo_and_passes_its_check() -> None:
    message = composed()
    limit = b"\x02" + (12_002).to_bytes(4, "little")
    assert calls(message) == [(str(COMPUTE_BUDGET), limit), (str(POOLS), b"swap"), (MEMO_PROGRAM, MEMO.encode())]
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
            checked(MessageV0.try_compile(KEYPAIR.pubkey(), instructions, [], Hash.default()))


def test_a_message_too_large_for_a_packet_once_signed_is_refused() -> None:
    room = 1232 - len(bytes(Wallet(KEYPAIR).sign(composed())))
    # A longer instruction also needs a second byte for its length.
    largest = composed(swap(b"swap" + bytes(room - 1)))
    assert len(bytes(Wallet(KEYPAIR).sign(largest))) == 1232
    checked(largest)
    with pytest.raises(TransactionRefusedError, match="1233 bytes"):
        checked(composed(swap(b"swap" + bytes(room))))
