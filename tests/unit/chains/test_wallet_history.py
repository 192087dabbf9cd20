"""What a memo says, in a transaction and in a node's list."""

from __future__ import annotations

from uuid import UUID

import orjson
import pytest

from chains.answers import reader
from chains.errors import UnansweredError
from chains.transactions import memo_text
from chains.wallet_history import WalletHistory, _Entry, _listed
from chains.wallet_messages import MEMO, Memo, memo_named

ORDER = UUID("01234567-89ab-7cde-8f01-23456789abcd")


def listed(memo: str | None) -> Memo | None:
    return _listed(_Entry(signature="s", slot=1, err=None, memo=memo, confirmation_status="finalized")).memo


@pytest.mark.parametrize("cancels", [False, True])
def test_the_memo_that_is_written_is_the_memo_that_is_read(cancels: bool) -> None:
    text = memo_text(ORDER, 12, cancels=cancels)
    wanted = Memo(ORDER, 12, "cancel" if cancels else "swap")
    found = MEMO.fullmatch(text)
    assert found and memo_named(found) == wanted
    assert listed(f"[{len(text)}] {text}") == wanted
    assert listed(f"[2] hi; [{len(text)}] {text}; [2] ho") == wanted


@pytest.mark.parametrize(
    "text",
    [
        None,
        "[5] hello",
        f"[48] surefill-reclaim:{ORDER}:1",
        f"[48] surefill:{ORDER}:0",
        f"[48] surefill:{ORDER}",
        f"[58] surefill:{ORDER}:1:reclaim",
        f"[58] surefill:{ORDER}:1x",
    ],
)
def test_what_is_no_attempts_memo_names_no_order(text: str | None) -> None:
    assert listed(text) is None


@pytest.mark.parametrize("signature", ["a\0b", "", "a b", "5" * 89])
def test_a_signature_that_is_none_is_no_answer_for_it_is_kept_in_a_table(signature: str) -> None:
    listed = orjson.dumps({"signature": signature, "slot": 1, "err": None})
    with pytest.raises(ValueError, match="signature"):
        reader(_Entry).decode(listed)


async def test_tries_that_are_repeated_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """Also where nobody has set up logging, as in `surefill verify --json`."""
    async with WalletHistory("http://127.0.0.1:1") as history:
        with pytest.raises(UnansweredError):
            await history.block_holds(1, "signature")
    assert capfd.readouterr() == ("", "")
