"""A real supervisor with real servers and one child of ours, small enough to be killed often.

    python -m tests.integration.runtime.small_engine DATA_DIR

Prints one JSON line when ready: its children's process ids and the servers' addresses. On SIGHUP another.
"""

import asyncio
import json
import signal
import sys
from pathlib import Path

from runtime import program, settings, telemetry
from runtime.data_directory import occupied
from runtime.embedded import postgres, valkey
from runtime.supervision import child
from runtime.supervision.child import Program
from runtime.supervision.supervisor import Supervisor

CHILD = "import os, pathlib, time; pathlib.Path('starts').open('a').write(f'{time.time()}\\n'); time.sleep({lives})"


async def engine(data_dir: Path) -> None:
    telemetry.configure(settings.load(), "supervisor")
    async with occupied(data_dir) as held:
        supervisor = Supervisor(keep_open=[held])
        try:
            database, hints = await postgres.prepare(data_dir), valkey.prepare(data_dir)
            supervisor.keep(database.program, level=0)
            supervisor.keep(hints.program, level=1)
            await asyncio.gather(database.ready(), hints.ready())
            for name, lives in (("steady", 600), ("dying", 0)):
                directory = data_dir / name
                directory.mkdir(exist_ok=True)
                command = (sys.executable, "-c", CHILD.replace("{lives}", str(lives)))
                supervisor.keep(Program(name, command, directory, child.bare_environment()), level=2)
            show = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, show.set)
            while True:
                told = {
                    "processes": supervisor.processes,
                    "postgres": database.url,
                    "owner": database.owner_url,
                    "valkey": hints.url,
                }
                print(json.dumps(told), flush=True)
                await show.wait()
                show.clear()
        finally:
            await supervisor.stop()


if __name__ == "__main__":
    sys.exit(program.guarded("engine", lambda: program.run_until_signalled(engine(Path(sys.argv[1])))))
