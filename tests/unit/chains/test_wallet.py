import json
import pickle
import stat
from pathlib import Path

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.signature import Signature

from chains.errors import WalletError
from chains.wallet import Wallet, read_keypair

KEYPAIR = Keypair.from_seed(bytes(range(32)))
ADDRESS = str(KEYPAIR.pubkey())


def written(directory: Path, text: str, mode: int = 0o600) -> Path:
    path = directory / "wallet.json"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("text", [KEYPAIR.to_json(), f" {KEYPAIR.to_json()}\n", str(KEYPAIR)])
def test_a_keypair_is_read_as_64_numbers_or_as_base58(tmp_path: Path, text: str) -> None:
    assert Wallet.load(written(tmp_path, text)).address == ADDRESS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[1, 2",
        '["a"]',
        "[256]",
        json.dumps([0] * 63),
        json.dumps([0] * 64),
        "not base58: 0OIl",
        ADDRESS,
        "{}",
        "[" * 100_000,
        json.dumps([*bytes(KEYPAIR), 0]),
        json.dumps(str(KEYPAIR)),
        str(KEYPAIR)[:-1],
    ],
)
def test_what_is_no_keypair_is_refused_without_saying_what_it_was(tmp_path: Path, text: str) -> None:
    with pytest.raises(WalletError, match="holds no keypair") as refused:
        Wallet.load(written(tmp_path, text))
    assert text == "" or text not in str(refused.value).replace(str(tmp_path), "")


def test_two_halves_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    mixed = list(bytes(KEYPAIR)[:32] + bytes(Keypair())[32:])
    with pytest.raises(WalletError, match="holds no keypair"):
        Wallet.load(written(tmp_path, json.dumps(mixed)))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_keypair_that_other_users_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(WalletError, match="chmod 600"):
        Wallet.load(written(tmp_path, KEYPAIR.to_json(), mode))


@pytest.mark.parametrize("mode", [0o600, 0o400])
@pytest.mark.parametrize("text", [KEYPAIR.to_json(), str(KEYPAIR)])
def test_a_keypair_of_its_owner_alone_is_read_in_either_format(tmp_path: Path, text: str, mode: int) -> None:
    assert Wallet.load(written(tmp_path, text, mode)).address == ADDRESS


@pytest.mark.parametrize("text", [KEYPAIR.to_json(), str(KEYPAIR)])
def test_either_format_is_refused_where_other_users_can_read_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(WalletError, match="chmod 600") as refused:
        read_keypair(written(tmp_path, text, 0o644))
    assert text not in str(refused.value)


def test_a_file_that_is_no_text_is_refused_without_its_content(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    path.write_bytes(b"\xff\xfesecret")
    with pytest.raises(WalletError, match="can't be read: it is no text") as refused:
        Wallet.load(path)
    assert "secret" not in str(refused.value)


def test_a_missing_keypair_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WalletError, match="can't be read: No such file or directory"):
        Wallet.load(tmp_path / "none.json")


def test_a_new_wallet_is_its_owners_alone_and_never_written_over_another(tmp_path: Path) -> None:
    path = tmp_path / "new.json"
    made = Wallet.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Wallet.load(path).address == made.address
    with pytest.raises(FileExistsError):
        Wallet.create(path)


def test_a_wallet_is_made_once_and_then_read(tmp_path: Path) -> None:
    path = tmp_path / "data" / "wallet.json"
    made = Wallet.load_or_create(path)
    assert Wallet.load_or_create(path).address == made.address
    assert [one.name for one in path.parent.iterdir()] == ["wallet.json"]


def test_what_a_start_that_was_cut_off_left_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "wallet.json.unfinished").write_text("[1, 2")
    made = Wallet.load_or_create(tmp_path / "wallet.json")
    assert Wallet.load(tmp_path / "wallet.json").address == made.address


def test_a_wallet_that_cannot_be_used_is_never_replaced_by_a_new_one(tmp_path: Path) -> None:
    path = written(tmp_path, "[]")
    with pytest.raises(WalletError, match="holds no keypair"):
        Wallet.load_or_create(path)
    assert path.read_text() == "[]"


def test_a_wallet_signs_so_that_anyone_can_verify(tmp_path: Path) -> None:
    wallet = Wallet.load(written(tmp_path, KEYPAIR.to_json()))
    signed = wallet.sign(MessageV0.try_compile(KEYPAIR.pubkey(), [], [], Hash.default()))
    assert signed.signatures[0] != Signature.default()
    assert signed.verify_with_results() == [True]


def test_a_wallet_shows_its_address_and_never_its_secret() -> None:
    wallet = Wallet(KEYPAIR)
    assert (repr(wallet), str(wallet), f"{wallet}") == (f"Wallet({ADDRESS})",) * 3
    assert not hasattr(wallet, "__dict__")
    with pytest.raises(TypeError):
        pickle.dumps(wallet)
