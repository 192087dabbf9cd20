"""What the engine makes of its small files when they are empty, half-written or no text."""

import json
from pathlib import Path

import pytest
import structlog

from runtime import addresses
from runtime.addresses import Addresses
from runtime.data_directory import occupied
from runtime.embedded import passwords, ports, valkey
from runtime.errors import StartupError
from runtime.settings import Settings

DAMAGED = [
    b"",
    b"{",
    b'{"postgres": 2',
    b"[]",
    b"null",
    b"7",
    b'{"postgres": "x"}',
    b'{"postgres": 7e9}',
    b"\0" * 60,
    b"\xff",
]


@pytest.mark.parametrize("content", DAMAGED)
def test_ports_that_cannot_be_read_are_chosen_anew_and_kept(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    file.write_bytes(content)
    with structlog.testing.capture_logs() as logged:
        port = ports.kept(file, "postgres")
    assert [entry["event"] for entry in logged] == ["the ports could not be read and are chosen anew"]
    assert json.loads(file.read_text()) == {"postgres": port}
    assert ports.kept(file, "postgres") == port


@pytest.mark.parametrize("content", [*DAMAGED, b'{"postgres": "a", "surefill_owner": "b"}'])
def test_passwords_that_cannot_be_read_are_no_passwords(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    file.write_bytes(content)
    assert passwords.read(file) is None
    made = passwords.write(file, passwords.new())
    assert passwords.read(file) == made


@pytest.mark.parametrize("content", [b"", b"abc", b"\0" * 32, b"\xff" * 32])
def test_a_password_of_valkeys_that_was_cut_short_is_made_anew_and_kept(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "valkey").mkdir()
    file = tmp_path / "valkey" / "password"
    file.write_bytes(content)
    url = valkey.prepare(tmp_path).url
    assert file.read_text() in url
    assert valkey.WHOLE_PASSWORD.fullmatch(file.read_text())
    assert valkey.prepare(tmp_path).url == url


@pytest.mark.parametrize("content", [b"", b"bind", b"\0" * 60, b"\xff"])
def test_valkeys_configuration_is_written_where_it_is_another_and_else_left(content: bytes, tmp_path: Path) -> None:
    valkey.prepare(tmp_path)
    file = tmp_path / "valkey" / "valkey.conf"
    whole, before = file.read_bytes(), file.stat().st_ino
    valkey.prepare(tmp_path)
    assert file.stat().st_ino == before, "a full disk keeps no start from it"
    file.write_bytes(content)
    valkey.prepare(tmp_path)
    assert file.read_bytes() == whole


@pytest.mark.parametrize("content", [b"", b"\n", b"1", b"1.", b"\0\0\0\0"])
async def test_a_version_that_was_cut_short_is_judged_by_what_the_directory_holds(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "VERSION").write_bytes(content)
    (tmp_path / "postgres-17").mkdir()
    with pytest.raises(StartupError, match="holds postgres-17"):
        async with occupied(tmp_path):
            pass
    assert (tmp_path / "VERSION").read_bytes() == content
    (tmp_path / "postgres-17").rmdir()
    with structlog.testing.capture_logs() as logged:
        async with occupied(tmp_path):
            pass
    assert [entry["event"] for entry in logged] == ["VERSION was cut short and is written anew"]
    assert (tmp_path / "VERSION").read_text() == "1.0\n"


@pytest.mark.parametrize("content", [b"2", b"2.", b"1.1", b"10", b"\xff\xfe", b"1.x"])
async def test_a_version_that_says_another_layout_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "VERSION").write_bytes(content)
    with pytest.raises(StartupError, match="was written by another version of surefill"):
        async with occupied(tmp_path):
            pass
    assert (tmp_path / "VERSION").read_bytes() == content


async def test_a_version_that_is_no_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "VERSION").mkdir()
    with pytest.raises(StartupError, match="cannot be used: Is a directory"):
        async with occupied(tmp_path):
            pass


@pytest.mark.parametrize("content", [*DAMAGED, b'{"process": 1}', b'{"process": null}'])
def test_addresses_that_cannot_be_read_say_what_to_do(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "addresses.json").write_bytes(content)
    with pytest.raises(StartupError, match="can't be read: end surefill up if it runs, and start it"):
        addresses.completed(Settings(data_dir=tmp_path), "redis_url")
    addresses.publish(tmp_path, Addresses("http://a", "postgresql://h/d", "postgresql://h/d", "redis://r", "http://c"))
    assert addresses.completed(Settings(data_dir=tmp_path), "redis_url").redis_url == "redis://r"
