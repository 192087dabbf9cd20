"""Which uid PostgreSQL runs under where root starts it, and how its files come to belong to that uid.

PostgreSQL refuses to run as root. `nobody` is no uid to run under: every other program that was given away to it could
read the log and stop the server. So each cluster has a number of its own, computed from its path: it is the same at
every start, no user has it, and nothing has to be kept. A cluster that was moved, or that an earlier version ran as
`nobody`, is handed over at its next start.

`initdb` alone runs as `nobody`: it insists on a uid with a name.
"""

import grp
import os
import pwd
import sys
from hashlib import sha256
from pathlib import Path

import structlog

from runtime.errors import StartupError
from runtime.supervision.child import Account

# No distribution gives these to users, services or containers (systemd's list of uids: 524288 to 1879048191 are
# containers'; below come users, services and subordinate uids).
UIDS = range(2_100_000_000, 2_140_000_000)
# In a user namespace that maps only the first 65536, such as a container whose root is nobody outside: the upper half
# of what users may have, which are given from below. A number that has a name is passed over.
FEW_UIDS = range(30_000, 60_000)

log = structlog.get_logger()


def nobody() -> Account | None:
    """Who `initdb` runs as; None: ourselves, who are not root."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(65_534, 65_534)
    return Account(entry.pw_uid, entry.pw_gid)


def account_of(cluster: Path) -> Account | None:
    """The uid and gid, one number, that the server on `cluster` runs under; None: ourselves, who are not root."""
    if os.geteuid() != 0:
        return None
    uids = UIDS if _mapped(UIDS) else FEW_UIDS
    first = int.from_bytes(sha256(os.fsencode(cluster.resolve())).digest()[:8], "big")
    numbers = (uids[(first + step) % len(uids)] for step in range(len(uids)))
    number = next(number for number in numbers if not _is_somebody(number))
    return Account(number, number)


def give(path: Path, account: Account | None, *, within: int | None = None) -> None:
    """Let `path`, a file or a directory without what is in it, belong to `account`; relative to the open directory
    `within` where one is given. Raises StartupError.
    """
    if account is None:
        return
    try:
        os.chown(path, account.uid, account.gid, dir_fd=within, follow_symlinks=False)
    except OSError as error:
        raise StartupError(
            f"PostgreSQL cannot run as root, and {path} cannot be given to uid {account.uid}: {error.strerror}; "
            "set DATABASE_URL, or start surefill as another user"
        ) from None


def hand_over(directory: Path, account: Account | None) -> None:
    """Let `directory` and what is in it belong to `account`, where it belonged to a uid that PostgreSQL ran under.

    No server works in it. What is in there and belongs to a third user stays theirs: whoever could write in there must
    not come by other users' files through a link. The directory itself is the last, so that an interrupted handing over
    is begun anew. Raises StartupError where it belongs to anybody else.
    """
    if account is None:
        return
    directory = directory.resolve()
    owner = directory.stat().st_uid
    if owner == account.uid:
        return
    if not _ran_a_server(owner):
        raise StartupError(
            f"PostgreSQL's files in {directory} belong to uid {owner}, and it cannot run as root: start surefill as "
            f"that user, or chown -R {account.uid}:{account.gid} that directory"
        )
    log.info("PostgreSQL's files are handed over to a uid of their own", uid=account.uid, before=owner)
    for _, directories, files, here in os.fwalk(directory):
        for name in (*directories, *files):
            if os.stat(name, dir_fd=here, follow_symlinks=False).st_uid == owner:
                give(Path(name), account, within=here)
    give(directory, account)


def _ran_a_server(uid: int) -> bool:
    before = nobody()
    own = uid in UIDS or uid in FEW_UIDS
    return (before is not None and uid == before.uid) or (own and not _is_somebody(uid))


def _mapped(uids: range) -> bool:
    """Whether these are users and groups of our user namespace (proc(5), uid_map)."""
    if sys.platform != "linux":
        return True
    return all(
        any(
            first <= uids[0] and uids[-1] < first + count
            for first, _, count in (map(int, line.split()) for line in Path(file).read_text().splitlines())
        )
        for file in ("/proc/self/uid_map", "/proc/self/gid_map")
    )


def _is_somebody(number: int) -> bool:
    for find in (pwd.getpwuid, grp.getgrgid):
        try:
            find(number)
        except KeyError:
            continue
        return True
    return False
