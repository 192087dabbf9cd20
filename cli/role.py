"""The commands that run one role in this process; `surefill localnet` is in a file of its own."""

from runtime import roles


def migrate() -> None:
    """Bring the database to this version's schema, as DATABASE_OWNER_URL; nothing to do is fine."""
    roles.main("migrate")


def api() -> None:
    """Serve REST, WebSocket and metrics on HOST and PORT."""
    roles.main("api")


def worker() -> None:
    """Route, build and submit: the actors."""
    roles.main("worker")


def relay() -> None:
    """Turn events into work, and take up again what is due. One at a time; a second stands by."""
    roles.main("relay")


def projector() -> None:
    """Keep the read models. One at a time; a second stands by."""
    roles.main("projector")


def tracker() -> None:
    """Stay with every transaction until the chain says what became of it. One at a time; a second stands by."""
    roles.main("tracker")


def watcher() -> None:
    """Observe prices and fire the orders that wait for them. One at a time; a second stands by."""
    roles.main("watcher")
