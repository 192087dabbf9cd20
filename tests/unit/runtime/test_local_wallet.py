"""The local chain's wallet: made once, and never in place of one that somebody named or that the chain was made for."""

from __future__ import annotations

from pathlib import Path

import pytest

from chains.wallet import Wallet
from localnet.bootstrap import open_node
from localnet.journal import LEDGER
from runtime.errors import StartupError
from runtime.local_wallet import local_wallet
from runtime.settings import Settings


def settings(tmp_path: Path, wallet: Path | None = None) -> Settings:
    return Settings(data_dir=tmp_path, wallet_keypair=wallet)


def make_chain(tmp_path: Path) -> str:
    """The address of the wallet that it was made for."""
    address = local_wallet(settings(tmp_path)).address
    open_node(tmp_path / "localnet", address, slot_ms=100, finality=32).chain.ledger.close()
    return address


def test_it_is_made_before_the_chain_and_the_same_afterwards(tmp_path: Path) -> None:
    address = make_chain(tmp_path)
    assert Wallet.load(tmp_path / "wallet.json").address == address
    assert local_wallet(settings(tmp_path)).address == address


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("where", ["walet.json", "no_directory/wallet.json", "wallet.json/file"])
def test_a_path_that_names_nothing_is_refused_and_nothing_is_made_there(
    begun: bool, where: str, tmp_path: Path
) -> None:
    make_chain(tmp_path) if begun else Wallet.create(tmp_path / "wallet.json")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StartupError, match=f"WALLET_KEYPAIR names {tmp_path / where}, where nothing is: correct it"):
        local_wallet(settings(tmp_path, tmp_path / where))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_chain_whose_wallet_is_missing_is_refused_and_gets_no_other(tmp_path: Path) -> None:
    address = make_chain(tmp_path)
    (tmp_path / "wallet.json").unlink()
    with pytest.raises(StartupError, match=f"wallet.json is missing: the chain in .* was made for {address}; put a"):
        local_wallet(settings(tmp_path))
    assert not (tmp_path / "wallet.json").exists()


def test_a_chain_of_another_wallet_is_refused(tmp_path: Path) -> None:
    address, other = make_chain(tmp_path), Wallet.create(tmp_path / "other.json").address
    with pytest.raises(StartupError, match=f"was made for wallet {address}, not {other}: use that wallet, or another"):
        local_wallet(settings(tmp_path, tmp_path / "other.json"))


def test_a_start_that_was_cut_off_before_the_chain_was_made_is_gone_on_with(tmp_path: Path) -> None:
    address = local_wallet(settings(tmp_path)).address
    (tmp_path / "localnet").mkdir()
    for left in (b"", b"no ledger"):
        (tmp_path / "localnet" / LEDGER).write_bytes(left)
        assert local_wallet(settings(tmp_path)).address == address
