from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from bench.closed_loop import fullest
from bench.processes import Usage, between, family, memory, role, sample

BUSY = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_child_used_is_counted_while_it_runs_and_after():
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}]); print(flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    first = sample([child.pid])
    assert child.stdout
    child.stdout.readline()  # the busy one has ended, and its parent has waited for it
    used = between(first, sample([child.pid]))
    child.communicate(b"\n")
    assert used.total - used.seconds["client"] >= 0.25


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_taking_a_sample_is_not_counted():
    first = sample([])
    begun = time.process_time()
    while time.process_time() < begun + 0.1:
        pass
    for _ in range(10):
        sample([os.getpid()])
    middle = sample([])
    assert between(first, middle).seconds["client"] >= 0.1
    assert between(middle, sample([])).seconds["client"] < 0.02


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_family_is_whoever_descends_and_has_memory():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert child.pid in family([os.getpid()])
    assert sum(memory([os.getpid()]).values()) > 5
    child.communicate(b"\n")


def test_processes_are_called_by_their_role():
    assert role(["/x/python", "/x/.venv/bin/surefill", "worker", ""], "python") == "worker"
    assert role(["/x/python", "/x/.venv/bin/surefill", "run", "core", ""], "python") == "core"
    assert role(["node", "/x/bench/peer/server.js", "api", ""], "node") == "api"
    assert role(["python", "-m", "bench.instant_node", "1"], "python") == "instant_node"
    assert role(["postgres: surefill surefill 127.0.0.1(5) idle", ""], "postgres") == "postgres"


def test_the_full_resource_is_named():
    assert fullest(Usage(2.0, {"api": 1.96, "postgres": 0.5, "client": 0.001}, 0.6), 2) == (
        "one core is full in api (60 % of 2 cores busy): api 98 %, postgres 25 %"
    )
    assert fullest(Usage(1.0, {"api": 0.9, "worker": 0.95}, 0.97), 2).startswith("all cores are full (97 %")
    assert fullest(Usage(1.0, {"api": 0.2}, 0.3), 2).startswith("nothing is full")
