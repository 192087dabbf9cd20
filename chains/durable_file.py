"""The one way a small file is written, whatever becomes of the machine meanwhile."""

import os
import tempfile
from pathlib import Path


def write_durably(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Give ``path`` the content ``text`` (UTF-8): whole or not at all, and durable once this returns.

    A file that is written in place can be left empty or half-written by a full disk or a power cut. This one is written
    beside it under another name, flushed and renamed; then the directory is flushed, without which a power cut could
    undo the renaming. Raises OSError, with the earlier content untouched.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _flush(path.parent)


def _flush(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
