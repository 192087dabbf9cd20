"""The keys beside the local chain, whole and cut short."""

from pathlib import Path

import pytest

from chains.wallet import create_keypair
from localnet.errors import ForeignDirectoryError
from localnet.journal import LEDGER
from localnet.keys import FAUCET_KEY, MARKET_KEY, check_keys, key_for_a_new_chain

CUT = [b"", b"[1, 2", b"\xff"]


@pytest.mark.parametrize("content", CUT)
@pytest.mark.parametrize("name", [MARKET_KEY, FAUCET_KEY])
def test_a_chain_whose_key_was_cut_short_is_refused_and_nothing_is_changed(
    name: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / LEDGER).write_text("begun")
    for key in (MARKET_KEY, FAUCET_KEY):
        create_keypair(tmp_path / key)
    check_keys(tmp_path)
    (tmp_path / name).write_bytes(content)
    (tmp_path / name).chmod(0o600)
    with pytest.raises(ForeignDirectoryError, match=f"{name} .*; the chain beside it can't be used without"):
        check_keys(tmp_path)
    assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize("content", CUT)
def test_before_there_is_a_chain_a_key_is_made_anew_and_the_cut_one_kept(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / FAUCET_KEY
    path.write_bytes(content)
    path.chmod(0o600)
    check_keys(tmp_path)
    made = key_for_a_new_chain(path)
    assert key_for_a_new_chain(path) == made
    assert (tmp_path / f"{FAUCET_KEY}.damaged").read_bytes() == content
