"""Where the running engine's servers are: written by `up`, read by every other command."""

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from chains.durable_file import write_durably
from runtime.errors import StartupError
from runtime.settings import Settings
from runtime.supervision.launch import is_alive

ADDRESSES = ("database_url", "database_owner_url", "redis_url", "solana_rpc_url")  # as settings
_OF_POSTGRESQL = frozenset({"database_url", "database_owner_url"})


@dataclass(frozen=True, slots=True)
class Addresses:
    api_url: str
    database_url: str = field(repr=False)
    database_owner_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    solana_rpc_url: str = field(repr=False)

    def databases(self) -> dict[str, str]:
        """What `migrate` needs, as settings."""
        return {"database_url": self.database_url, "database_owner_url": self.database_owner_url}


def publish(data_dir: Path, addresses: Addresses) -> None:
    """Write them to DATA_DIR/addresses.json, mode 0600 (they carry passwords), with our process id."""
    published = {"process": os.getpid(), **dataclasses.asdict(addresses)}
    write_durably(_file(data_dir), json.dumps(published, indent=2) + "\n")


def withdraw(data_dir: Path) -> None:
    _file(data_dir).unlink(missing_ok=True)


def of_running_engine(data_dir: Path) -> Addresses | None:
    """What `up` published there; None where no engine runs."""
    try:
        published = json.loads(_file(data_dir).read_text())
    except FileNotFoundError:
        return None
    except PermissionError:
        raise StartupError(f"{_file(data_dir)} belongs to another user: ask as the one who runs surefill") from None
    except ValueError:  # no JSON, or no text at all
        raise _unreadable(data_dir) from None
    try:
        process = int(published.pop("process"))
        found = Addresses(**published)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _unreadable(data_dir) from None
    return found if is_alive(process) else None


def _unreadable(data_dir: Path) -> StartupError:
    return StartupError(
        f"{_file(data_dir)} can't be read: end surefill up if it runs, and start it, which writes the file anew"
    )


def completed(settings: Settings, *needed: str) -> Settings:
    """The settings with the `needed` addresses filled in: from the environment, else from the engine that runs on
    DATA_DIR.

    If only one of the two database addresses is given it serves as both. What isn't needed is emptied: nobody but
    `migrate` knows the owner's password. Raises StartupError where an address is still missing, SettingsError where one
    of a database can't be read.
    """
    if not _OF_POSTGRESQL.isdisjoint(needed):
        _require_readable_urls(settings)
    given = {name: getattr(settings, name) for name in ADDRESSES}
    given["database_url"] = given["database_url"] or given["database_owner_url"]
    given["database_owner_url"] = given["database_owner_url"] or given["database_url"]
    missing = [name for name in needed if not given[name]]
    if missing:
        running = of_running_engine(settings.data_dir)
        if running is None:
            names = " and ".join(name.upper() for name in missing)
            raise StartupError(
                f"{names} not set, and no surefill runs on {settings.data_dir}: start the engine with surefill up, or "
                f"set {names}"
            )
        given.update({name: getattr(running, name) for name in missing})
    return settings.model_copy(update={name: value if name in needed else "" for name, value in given.items()})


def _require_readable_urls(settings: Settings) -> None:
    from runtime.database_urls import database_at  # with it comes the database's client: not for every command's start

    for name in _OF_POSTGRESQL:
        if url := getattr(settings, name):
            database_at(url, name.upper())


def api_url(settings: Settings) -> str:
    """The running engine's API, else what HOST and PORT say."""
    running = of_running_engine(settings.data_dir)
    return running.api_url if running else settings.api_url


def _file(data_dir: Path) -> Path:
    return data_dir / "addresses.json"
