"""An encrypted wallet opens with its password alone, and shows nothing of itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from solders.keypair import Keypair

from chains.errors import WalletError
from chains.keystore import read_keystore
from chains.wallet import Wallet

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def written(tmp_path: Path, key: object = KEY, password: bytes | None = b"hunter2") -> Path:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    file = tmp_path / "wallet.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))  # type: ignore[attr-defined]
    return file


def test_it_holds_the_same_key_as_a_keypair_file_would(tmp_path: Path) -> None:
    opened = read_keystore(written(tmp_path), "hunter2")
    assert opened == Keypair.from_seed(bytes(range(32)))
    assert Wallet(opened).address == str(opened.pubkey())


def test_what_openssl_makes_is_read(tmp_path: Path) -> None:
    file = tmp_path / "made.pem"
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:hunter2", "-out", file],
        check=True,
        capture_output=True,
    )
    assert read_keystore(file, "hunter2").pubkey().is_on_curve()


@pytest.mark.parametrize(
    ("key", "password", "given", "said"),
    [
        (KEY, b"hunter2", "another", "can't be opened"),
        (KEY, b"hunter2", "", "needs its password"),
        (KEY, None, "hunter2", "isn't encrypted"),
        (generate_private_key(SECP256R1()), b"hunter2", "hunter2", "no Ed25519 key"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(
    key: object, password: bytes | None, given: str, said: str, tmp_path: Path
) -> None:
    file = written(tmp_path, key, password)
    with pytest.raises(WalletError, match=said) as refused:
        read_keystore(file, given)
    assert "hunter2" not in str(refused.value)


def test_a_file_that_is_not_there_or_holds_nonsense_is_named(tmp_path: Path) -> None:
    with pytest.raises(WalletError, match="can't be read"):
        read_keystore(tmp_path / "none.pem", "x")
    (tmp_path / "odd.pem").write_text("ENCRYPTED nonsense")
    with pytest.raises(WalletError, match="can't be opened"):
        read_keystore(tmp_path / "odd.pem", "x")
