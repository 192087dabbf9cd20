"""The lanes: each a module with a ``TITLE`` and ``async def run(rig) -> LaneResult``, in the order they are run in.

Those that take turns with the peer come first and share an engine with it; the rest measure alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module

from bench.report import LaneResult
from bench.rig import Rig

LANES = (
    "localnet", "batch", "latency", "instant", "in_flight", "remote", "resting", "fan_out", "log", "growth", "idle",
)  # fmt: skip


class UnknownLane(ValueError):
    """A name that is no lane's."""


def chosen(names: str) -> list[str]:
    """The lanes named, separated by commas, in the order they are run in; all of them for the empty text.

    `in-flight` is `in_flight`. Raises UnknownLane.
    """
    wanted = {name.strip().replace("-", "_") for name in names.split(",") if name.strip()}
    if unknown := wanted - set(LANES):
        raise UnknownLane(f"{', '.join(sorted(unknown))}: the lanes are {', '.join(LANES)}")
    return [name for name in LANES if not wanted or name in wanted]


def lane(name: str) -> Callable[[Rig], Awaitable[LaneResult]]:
    run: Callable[[Rig], Awaitable[LaneResult]] = import_module(f"bench.lanes.{name}").run
    return run
