"""Starts a child of the supervisor: sets its directory and uid, makes sure it dies with its parent, and becomes it.

Run as a script: it imports only the standard library and starts in some 20 ms. It is a program of its own and not a
`preexec_fn`, because code between fork and exec is unsafe once the parent has threads.

    python -I -S launch.py PARENT DEATH_SIGNAL UID GID DIRECTORY PROGRAM ARGUMENT...    (UID, GID -1: as the parent)
"""

import ctypes  # all imports here: after the uid changes, Python's own directory may be out of reach
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
WATCH_INTERVAL = 0.2


def main(arguments: list[str]) -> None:
    parent, death_signal, uid, gid = (int(text) for text in arguments[:4])
    directory, command = arguments[4], arguments[5:]
    # Before the uid changes: the new one may not be allowed to walk there, and a working directory once entered needs
    # no way to it.
    os.chdir(directory)
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        os.umask(0o077)
    if sys.platform == "linux":
        die_with_parent(death_signal)  # after the uid: a change of credentials clears it
    else:
        watch(parent, os.getpid(), death_signal)
    if os.getppid() != parent:  # it died before the signal was set
        sys.exit(1)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and an ignored signal survives exec
    os.execvp(command[0], command)  # noqa: S606 - becoming the child is what this is for


def die_with_parent(death_signal: int) -> None:
    """Linux sends `death_signal` to this process when the thread that started it ends; prctl(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, death_signal) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")


def watch(parent: int, child: int, death_signal: int) -> None:
    """Elsewhere a tiny process looks at both: ends the child once the parent is gone, and itself with the child."""
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        return
    if os.fork():  # so that init is its parent: a server may not expect a child it never started
        os._exit(0)
    while is_alive(child):
        if not is_alive(parent):
            os.kill(child, death_signal)
            break
        time.sleep(WATCH_INTERVAL)
    os._exit(0)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
