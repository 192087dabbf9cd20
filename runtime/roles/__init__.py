"""Which roles there are.

A role is a module here with an `async def run(parts)`; several may share a process (`runtime.roles.process`). Those in
ALONE have a process of their own and get the settings, with every address they need filled in. All are cancelled on
SIGTERM and SIGINT and clean up as they unwind. `runtime.roles.entry` begins a process.
"""

EVERY = ("database_url", "redis_url", "solana_rpc_url")
# The roles that may share a process, in the order in which they are shown. Together they are the core.
SHARED = ("api", "worker", "projector", "tracker", "watcher")
LEASED = ("projector", "tracker", "watcher")  # one owner at a time; the second of each stands by
ALONE: dict[str, tuple[str, ...]] = {"migrate": ("database_url", "database_owner_url"), "localnet": ()}


def named(text: str) -> tuple[str, ...]:
    """The roles that ``text`` names, separated by commas; ``core`` is all of them. Raises ``ValueError``."""
    names = SHARED if text == "core" else tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in SHARED:
            raise ValueError(f"{name!r} is no role; there are {', '.join(SHARED)}, and core for all of them")
    if len(set(names)) < len(names):
        raise ValueError("a role stands twice")
    return names
