"""The transaction that closes guards: what it does, what it may not do, and that the canary stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.token import ID as TOKEN

from chains.errors import TransactionRefusedError
from chains.guard import GuardKey
from chains.reclaim import ClosingGuard, check_reclaim, compose_reclaim, fits, reclaim_memo, token_account_of
from chains.wallet import Wallet
from chains.wallet_history import _LISTED_MEMO, _LISTED_RECLAIM
from chains.wallet_messages import MEMO
from domain.reclaim import MOST_GUARDS

KEYPAIR = Keypair.from_seed(bytes(32))
WALLET = str(KEYPAIR.pubkey())
KEY = GuardKey(bytes(32))
BLOCKHASH = str(Hash.hash(b"a recent one"))
STRANGER = Keypair.from_seed(bytes([1] * 32)).pubkey()
GUARDS = [KEY.of_order(WALLET, UUID(int=n)).address for n in range(1, MOST_GUARDS + 1)]


def composed(guards: Sequence[ClosingGuard], **changes: Any) -> MessageV0:
    terms = {"wallet": WALLET, "authority": KEY.authority, "reclaim_id": UUID(int=7), "blockhash": BLOCKHASH}
    return compose_reclaim(guards, **(terms | changes))


def with_step(step: Instruction) -> MessageV0:
    return MessageV0.try_compile(KEYPAIR.pubkey(), [step], [], Hash.from_string(BLOCKHASH))


def test_as_many_guards_as_a_reclaim_may_have_fit_into_a_packet_and_no_more() -> None:
    assert fits(composed([ClosingGuard(guard) for guard in GUARDS]))
    more = [*GUARDS, str(STRANGER)]
    assert not fits(composed([ClosingGuard(guard) for guard in more]))


def test_with_tokens_to_move_fewer_fit() -> None:
    assert not fits(composed([ClosingGuard(guard, 1) for guard in GUARDS]))


def test_it_is_signed_by_the_wallet_and_the_guard_authority() -> None:
    message = composed([ClosingGuard(GUARDS[0]), ClosingGuard(GUARDS[1], 5)])
    signed = Wallet(KEYPAIR).sign_reclaim(message, KEY)
    assert signed.verify_with_results() == [True, True]
    assert [str(key) for key in message.account_keys[:2]] == [WALLET, KEY.authority]


def test_the_canary_is_never_closed() -> None:
    canary = KEY.canary(WALLET).address
    with pytest.raises(TransactionRefusedError, match="never closed"):
        Wallet(KEYPAIR).sign_reclaim(composed([ClosingGuard(GUARDS[0]), ClosingGuard(canary)]), KEY)


def step(data: bytes, *accounts: Pubkey, program: Pubkey = TOKEN) -> Instruction:
    authority = Pubkey.from_string(KEY.authority)
    metas = [*(AccountMeta(account, False, True) for account in accounts), AccountMeta(authority, True, False)]
    return Instruction(program, data, metas)


@pytest.mark.parametrize(
    "wrong",
    [
        step(b"\x09", Pubkey.from_string(GUARDS[0]), STRANGER),
        step(b"\x03" + bytes(8), Pubkey.from_string(GUARDS[0]), STRANGER),
        step(b"\x06\x02\x00", Pubkey.from_string(GUARDS[0])),
        step(b"", Pubkey.from_string(GUARDS[0]), KEYPAIR.pubkey()),
        step(b"\x09", Pubkey.from_string(GUARDS[0]), KEYPAIR.pubkey(), program=STRANGER),
    ],
    ids=["closes for a stranger", "pays tokens out", "changes the authority", "no instruction", "another program"],
)
def test_the_authority_signs_nothing_but_what_closes_guards_for_the_wallet(wrong: Instruction) -> None:
    with pytest.raises(TransactionRefusedError, match="something else"):
        Wallet(KEYPAIR).sign_reclaim(with_step(wrong), KEY)


def test_what_asks_for_no_signature_of_the_authority_is_no_reclaim() -> None:
    paid = transfer(TransferParams(from_pubkey=KEYPAIR.pubkey(), to_pubkey=STRANGER, lamports=1))
    with pytest.raises(TransactionRefusedError, match="other signatures"):
        check_reclaim(with_step(paid), wallet=WALLET, authority=KEY.authority)


def test_tokens_go_to_the_wallets_own_account() -> None:
    message = composed([ClosingGuard(GUARDS[0], 5)])
    keys = [str(key) for key in message.account_keys]
    [moved] = [one for one in message.instructions if bytes(one.data) == b"\x03" + (5).to_bytes(8, "little")]
    assert [keys[index] for index in moved.accounts] == [GUARDS[0], token_account_of(WALLET), KEY.authority]


def test_its_memo_is_no_orders_memo() -> None:
    memo = reclaim_memo(UUID("0193a5c2-7a6b-7def-8123-456789abcdef"))
    listed = f"[{len(memo)}] {memo}"
    assert MEMO.fullmatch(memo) is None
    assert _LISTED_MEMO.search(listed) is None
    found = _LISTED_RECLAIM.search(listed)
    assert found and found[1] == "0193a5c2-7a6b-7def-8123-456789abcdef"
