"""The uid that PostgreSQL runs under where root starts it, and what may come to belong to it."""

import os
import pwd
from pathlib import Path

import pytest

from runtime.embedded import account
from runtime.embedded.account import FEW_UIDS, UIDS, account_of, give, hand_over
from runtime.errors import StartupError
from runtime.supervision.child import Account

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL under another uid")

NOBODY = 65_534
SOMEBODY = 12_345


def test_a_cluster_has_a_number_that_is_nobodys_and_stays_the_same(tmp_path: Path) -> None:
    one, again, other = (account_of(tmp_path / name) for name in ("one", "one", "other"))
    assert one and other
    assert one == again
    assert one.uid != other.uid
    assert one.uid == one.gid
    assert all(found.uid in UIDS or found.uid in FEW_UIDS for found in (one, other))


def test_a_number_that_a_user_has_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = account_of(tmp_path)
    assert first
    known = pwd.getpwuid

    def with_a_user(uid: int) -> pwd.struct_passwd:
        return known(0 if uid == first.uid else uid)

    monkeypatch.setattr(pwd, "getpwuid", with_a_user)
    assert account_of(tmp_path) == Account(first.uid + 1, first.gid + 1)


def test_where_only_the_first_65536_uids_are_mapped_the_number_is_among_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "_mapped", lambda uids: uids[-1] < 65_536)
    found = account_of(tmp_path)
    assert found and found.uid in FEW_UIDS


def test_what_belongs_to_a_third_user_is_not_handed_over(tmp_path: Path) -> None:
    cluster, foreign = tmp_path / "data", tmp_path / "foreign"
    (cluster / "base").mkdir(parents=True)
    foreign.write_text("")
    (cluster / "base" / "1").write_text("")
    (cluster / "planted").hardlink_to(foreign)
    (cluster / "link").symlink_to(foreign)
    os.chown(foreign, SOMEBODY, SOMEBODY)
    for path in (cluster, cluster / "base", cluster / "base" / "1", cluster / "link"):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    new = Account(UIDS[7], UIDS[7])

    hand_over(cluster, new)

    assert {path.lstat().st_uid for path in (cluster, cluster / "base", cluster / "base" / "1")} == {new.uid}
    assert (cluster / "base" / "1").stat().st_gid == new.gid
    assert foreign.stat().st_uid == SOMEBODY


def test_an_interrupted_handing_over_is_begun_anew(tmp_path: Path) -> None:
    new = Account(UIDS[7], UIDS[7])
    (tmp_path / "done").write_text("")
    (tmp_path / "left").write_text("")
    os.chown(tmp_path / "done", new.uid, new.gid)
    for path in (tmp_path, tmp_path / "left"):
        os.chown(path, NOBODY, NOBODY)
    hand_over(tmp_path, new)
    assert {path.stat().st_uid for path in (tmp_path, *tmp_path.iterdir())} == {new.uid}


@pytest.mark.parametrize("owner", [0, SOMEBODY])
def test_a_cluster_that_never_ran_under_a_uid_of_ours_is_left_alone(owner: int, tmp_path: Path) -> None:
    os.chown(tmp_path, owner, owner)
    with pytest.raises(StartupError, match=f"belong to uid {owner}, and it cannot run as root"):
        hand_over(tmp_path, Account(UIDS[7], UIDS[7]))
    assert tmp_path.stat().st_uid == owner


def test_a_file_that_cannot_be_given_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="cannot be given to uid 2100000007: No such file"):
        give(tmp_path / "none", Account(UIDS[7], UIDS[7]))
