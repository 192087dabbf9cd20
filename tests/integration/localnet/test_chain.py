"""The chain itself, its blocks closed by the test: what is kept, what is seen, and when."""

from __future__ import annotations

from pathlib import Path

import pytest
from solders.account import Account
from solders.address_lookup_table_account import ID as LOOKUP_PROGRAM
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from localnet.bank import Bank
from localnet.bootstrap import open_node
from localnet.chain import Chain
from localnet.errors import SignatureFailureError
from localnet.ledger_rows import RENT_EXEMPT_EPOCH
from localnet.slots import WINDOW

WALLET = Keypair()


def opened(directory: Path) -> Chain:
    return open_node(directory, str(WALLET.pubkey()), slot_ms=100, finality=32).chain


def signed(chain: Chain, instruction: Instruction, payer: Keypair = WALLET, age: int = 0) -> VersionedTransaction:
    blockhash = chain.blockhash(chain.newest("processed") - age)
    return VersionedTransaction(MessageV0.try_compile(payer.pubkey(), [instruction], [], blockhash), [payer])


def gift(to: Pubkey, lamports: int, giver: Keypair = WALLET) -> Instruction:
    return transfer(TransferParams(from_pubkey=giver.pubkey(), to_pubkey=to, lamports=lamports))


def lamports(chain: Chain, key: Pubkey) -> int:
    account = chain.account(key, "processed")
    return account.lamports if account else 0


def run(chain: Chain, transaction: VersionedTransaction) -> None:
    chain.execute(transaction, bytes(transaction))


def test_nothing_of_a_transaction_is_seen_before_its_block_is_closed(tmp_path: Path) -> None:
    chain, someone = opened(tmp_path), Keypair().pubkey()
    transaction = signed(chain, gift(someone, 10**9))
    run(chain, transaction)
    assert lamports(chain, someone) == 0
    assert chain.ledger.find(transaction.signatures[0]) is None
    chain.close_block()
    assert lamports(chain, someone) == 10**9
    landed = chain.ledger.find(transaction.signatures[0])
    assert landed is not None
    assert landed.number == chain.newest("processed")


def test_what_ran_in_a_block_that_was_never_closed_never_happened(tmp_path: Path) -> None:
    chain, someone = opened(tmp_path), Keypair().pubkey()
    transaction = signed(chain, gift(someone, 10**9))
    run(chain, transaction)
    chain.ledger.close()

    chain = opened(tmp_path)
    assert lamports(chain, someone) == 0
    run(chain, transaction)
    chain.close_block()
    assert lamports(chain, someone) == 10**9


def test_an_account_emptied_is_gone_after_a_restart_too(tmp_path: Path) -> None:
    chain, someone = opened(tmp_path), Keypair()
    run(chain, signed(chain, gift(someone.pubkey(), 10**9)))
    chain.close_block()
    run(chain, signed(chain, gift(WALLET.pubkey(), 10**9 - 5000, someone), someone))
    chain.close_block()
    chain.ledger.close()
    assert opened(tmp_path).account(someone.pubkey(), "processed") is None


@pytest.mark.parametrize(("blocks", "lands"), [(WINDOW - 1, True), (WINDOW, False)])
def test_a_blockhash_is_good_for_150_blocks_after_its_own(tmp_path: Path, blocks: int, lands: bool) -> None:
    chain, someone = opened(tmp_path), Keypair().pubkey()
    transaction = signed(chain, gift(someone, 10**9))
    for _ in range(blocks):
        chain.close_block()
    run(chain, transaction)
    chain.close_block()
    assert (lamports(chain, someone) > 0) is lands


def test_a_signature_runs_once_over_blocks_and_restarts(tmp_path: Path) -> None:
    chain, someone = opened(tmp_path), Keypair().pubkey()
    transaction = signed(chain, gift(someone, 10**9))
    for _ in range(3):
        run(chain, transaction)
        run(chain, transaction)
        chain.close_block()
        chain.ledger.close()
        chain = opened(tmp_path)
    assert lamports(chain, someone) == 10**9
    assert chain.transaction_count == 1


def test_who_cannot_pay_the_fee_leaves_no_trace_and_who_fails_pays(tmp_path: Path) -> None:
    chain, poor, someone = opened(tmp_path), Keypair(), Keypair().pubkey()
    unpaid = signed(chain, gift(someone, 10**9, poor), poor)
    failing = signed(chain, gift(someone, 10**18))
    run(chain, unpaid)
    run(chain, failing)
    before = lamports(chain, WALLET.pubkey())
    chain.close_block()
    assert not chain.knows(unpaid.signatures[0])
    assert lamports(chain, WALLET.pubkey()) == before - 5000
    landed = chain.ledger.find(failing.signatures[0])
    assert landed is not None
    assert landed.error_value == {"InstructionError": [0, {"Custom": 1}]}


def test_a_forged_signature_is_refused(tmp_path: Path) -> None:
    chain = opened(tmp_path)
    good = signed(chain, gift(Keypair().pubkey(), 10**9))
    with pytest.raises(SignatureFailureError):
        run(chain, VersionedTransaction.populate(good.message, [Keypair().sign_message(b"no")]))


def test_accounts_named_by_a_lookup_table_are_found() -> None:
    someone, table = Keypair().pubkey(), Keypair().pubkey()
    # A table's account: its kind, never deactivated, the rest of the 56-byte header, then the addresses.
    data = (1).to_bytes(4, "little") + (2**64 - 1).to_bytes(8, "little") + bytes(44) + bytes(someone)
    bank = Bank(
        [
            (WALLET.pubkey(), Account(10**10, b"", SYSTEM_PROGRAM, False, RENT_EXEMPT_EPOCH)),
            (table, Account(10**9, data, LOOKUP_PROGRAM, False, RENT_EXEMPT_EPOCH)),
        ],
        {},
    )
    bank.open_block(5, 1)
    named = [AddressLookupTableAccount(table, [someone])]
    message = MessageV0.try_compile(WALLET.pubkey(), [gift(someone, 10**9)], named, Hash.new_unique())
    assert someone not in message.account_keys

    executed = bank.execute(VersionedTransaction(message, [WALLET]))

    assert executed.error is None
    assert executed.keys.loaded_writable == (someone,)
    assert [account.lamports for account in executed.after if account][-1] == 10**9


def test_a_chain_that_was_left_goes_on_above_everything_it_showed(tmp_path: Path) -> None:
    chain = opened(tmp_path)
    for _ in range(25):
        chain.close_block()
    shown, hashes = chain.newest("processed"), [chain.blockhash(height) for height in range(26)]
    chain.ledger.close()
    again = opened(tmp_path)
    assert again.newest("processed") >= shown
    assert [again.blockhash(height) for height in range(26)] == hashes
    assert again.newest("processed") - shown <= 10


def test_a_restart_makes_no_blockhash_live_longer(tmp_path: Path) -> None:
    chain = opened(tmp_path)
    for _ in range(WINDOW + 20):
        chain.close_block()
    chain.ledger.close()
    again = opened(tmp_path)
    newest = again.newest("processed")
    oldest = again.block_at(again.height("processed") + 1 - WINDOW)
    assert [again.recent_block(again.blockhash(one)) for one in (newest, oldest, oldest - 1)] == [newest, oldest, None]
