"""Keeps programs running: started again when they end, ended in their order when told to."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence

import structlog

from runtime.supervision import child
from runtime.supervision.child import Program

FIRST_DELAY = 0.1  # seconds before a program is started again; doubled up to
LONGEST_DELAY = 2.0
STEADY = 5.0  # seconds alive after which its delay begins anew

log = structlog.get_logger()


class Supervisor:
    """Runs programs. Every child inherits the descriptors in `keep_open`: a later supervisor can tell by the locks on
    them that a child still runs.
    """

    def __init__(self, *, keep_open: Sequence[int] = ()) -> None:
        self._keep_open = tuple(keep_open)
        self._kept: defaultdict[int, list[_Kept]] = defaultdict(list)

    def keep(self, program: Program, *, level: int) -> None:
        """Run the program from now on, and start it again whenever it ends.

        `stop` ends the programs level by level, the highest first, as a program may need those of lower levels.
        """
        self._kept[level].append(_Kept(program, self._keep_open))

    @property
    def processes(self) -> dict[str, int]:
        """The name and process id of every program that runs now."""
        every = [kept for level in self._kept.values() for kept in level]
        return {
            kept.program.name: kept.process.pid for kept in every if kept.process and kept.process.returncode is None
        }

    async def stop(self) -> None:
        for level in sorted(self._kept, reverse=True):
            await asyncio.gather(*(kept.stop() for kept in self._kept.pop(level)))


class _Kept:
    def __init__(self, program: Program, keep_open: Sequence[int]) -> None:
        self.program = program
        self.process: asyncio.subprocess.Process | None = None
        self._keep_open = keep_open
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"keep {program.name}")

    async def stop(self) -> None:
        self._stopping.set()
        await self._task

    async def _run(self) -> None:
        delay = FIRST_DELAY
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                code = await self._run_once()
            except OSError as error:  # the system has no process to give at the moment
                code = error.errno or -1
            if self._stopping.is_set():
                return
            alive = time.monotonic() - started
            delay = FIRST_DELAY if alive >= STEADY else delay
            log.warning(
                "child ended", child=self.program.name, exit_code=code, alive_s=round(alive, 1), again_in_s=delay
            )
            await _sleep_until(self._stopping, delay)
            delay = min(delay * 2, LONGEST_DELAY)

    async def _run_once(self) -> int:
        """Until it ends by itself or is told to."""
        self.process = await child.start(self.program, keep_open=self._keep_open)
        ended = asyncio.create_task(self.process.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            stopping.cancel()
        code = await child.stop(self.process, self.program.stops)
        if self.program.ended is not None:
            await self.program.ended(self.process.pid)
        return code


async def _sleep_until(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
