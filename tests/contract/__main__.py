"""Start an engine with data of its own, let Schemathesis ask it, and end with Schemathesis' exit code.

``make schemathesis MINUTES=10``; it prints a command for each failure that repeats it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.e2e.engine import Engine

ROOT = Path(__file__).parents[2]
# Where nobody needs a key everything is answered without one. What is schema-valid may still be refused, by a limit, an
# unknown token or an id of nobody's: `documented_refusal` asks for the reason.
EXCLUDED = ["ignored_auth", "positive_data_acceptance"]
CONFIG = Path(__file__).with_name("schemathesis.toml")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--schemathesis", required=True, help="Its program.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--busy", action="store_true", help="The machine is: a 503 with Retry-After is no failure.")
    parser.add_argument("--keep", action="store_true", help="Keep the engine's data and log.")
    asked = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="surefill-contract-"))
    directory.chmod(0o755)
    engine = Engine(directory)
    try:
        engine.start(within=600)
        code = _ask(engine, asked)
        if not engine.ready():
            print(f"the engine is not ready after it\n{engine.log()}")
            return 1
        return code
    finally:
        if engine.process is not None:
            engine.stop(within=60)
        if asked.keep:
            print(f"everything is kept in {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)


def _ask(engine: Engine, asked: argparse.Namespace) -> int:
    excluded = [*EXCLUDED, "not_a_server_error"] if asked.busy else EXCLUDED
    command = [
        *(asked.schemathesis, "--config-file", str(CONFIG), "run", f"{engine.url}/docs/openapi.json"),
        *("--max-time", str(round(asked.minutes * 60)), "--seed", str(asked.seed)),
        *("--checks", "all", "--exclude-checks", ",".join(excluded), "--continue-on-failure"),
        # What a pattern rarely lets through is generated slowly, and asked all the same.
        *("--suppress-health-check", "filter_too_much,too_slow", "--request-timeout", "60"),
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.contract.checks", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
