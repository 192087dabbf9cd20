"""docker-compose.yml: whole by its structure, and every service's command run as a process against real servers."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
import yaml
from psycopg import sql

from runtime.embedded import postgres, valkey
from runtime.roles import ALONE, EVERY, SHARED
from runtime.settings import Settings
from runtime.supervision.supervisor import Supervisor
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
SUREFILL = Path(sys.executable).with_name("surefill")
SERVERS = {"postgres", "valkey"}
LEASED = {"projector", "tracker", "watcher"}
NEEDS = {**dict.fromkeys(SHARED, EVERY), **ALONE}


@pytest.fixture
def services() -> dict[str, Any]:
    """The services, anchors resolved by YAML, `${NAME:-default}` by its default."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (ROOT / "docker-compose.yml").read_text())
    read: dict[str, Any] = yaml.safe_load(text)["services"]
    return read


def test_every_role_is_a_service_of_its_own_and_all_share_one_image(services: dict[str, Any]) -> None:
    roles = set(services) - SERVERS
    assert roles == set(NEEDS)
    assert {services[role]["image"] for role in roles} == {"surefill"}
    assert all(services[role]["command"] == [role] for role in roles)
    assert services["postgres"]["image"] == "postgres:18"
    assert services["valkey"]["image"] == "valkey/valkey:9"
    assert {name for name in roles if services[name].get("deploy", {}).get("replicas") == 2} == LEASED


def test_every_service_is_told_what_it_needs_in_settings_that_exist(services: dict[str, Any]) -> None:
    for role, needed in NEEDS.items():
        environment = services[role]["environment"]
        assert {name.upper() for name in needed} <= set(environment)
        assert {name.lower() for name in environment} <= set(Settings.model_fields)
        assert ("DATABASE_OWNER_URL" in environment) == (role == "migrate")


def test_a_service_that_is_asked_may_be_asked_by_its_name(services: dict[str, Any]) -> None:
    # Other services ask the API and the node, a Prometheus beside them asks every role.
    for role in set(services) - SERVERS - {"migrate"}:
        assert role in services[role]["environment"]["ALLOWED_HOSTS"].split(","), role


def test_every_service_waits_for_what_it_needs_and_is_watched(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert "healthcheck" in service, name
        for other, how in service.get("depends_on", {}).items():
            done = how["condition"] == "service_completed_successfully"
            assert done == (other == "migrate")
            assert done or "test" in services[other]["healthcheck"]
    for role in set(services) - SERVERS - {"migrate", "localnet"}:
        assert set(services[role]["depends_on"]) == {"migrate", "valkey", "localnet"}


def test_without_the_local_chain_no_service_names_it_once_the_role_they_share_does_not() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    waits = "    localnet:\n      condition: service_healthy\n"
    assert text.count(waits) == 1, "it is waited for in the part that all share"
    text = text.replace(waits, "").replace("http://localnet:8899", "https://node.example")
    left: dict[str, Any] = yaml.safe_load(text)["services"]
    del left["localnet"]
    assert "localnet" not in json.dumps(left)
    assert all(other in left for service in left.values() for other in service.get("depends_on", {}))


def test_only_the_api_is_published_and_only_on_this_machine(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8080:8080"]}


async def test_the_services_commands_carry_an_order_through(services: dict[str, Any], tmp_path: Path) -> None:
    async with servers(services, tmp_path) as names:
        here = Here(names, tmp_path)
        running: list[asyncio.subprocess.Process] = []
        try:
            running.append(await here.start("localnet", services))
            await here.healthy("localnet", services)
            assert await (await here.start("migrate", services)).wait() == 0
            key = await first_key(here, services)
            for role in ("api", "worker", *sorted(LEASED)):
                running.append(await here.start(role, services))
            for role in ("api", "worker", *sorted(LEASED)):
                await here.healthy(role, services)
            order = {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "1", "clientOrderId": "a-1"}
            async with httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{here.ports['api', 8080]}",
                trust_env=False,
                headers={"Authorization": f"Bearer {key}"},
            ) as client:
                answer = (await client.post("/api/orders/execute", json=order)).json()
                deadline = time.monotonic() + 30
                while (shown := (await client.get(answer["links"]["order"])).json())["status"] != "confirmed":
                    assert time.monotonic() < deadline, shown
                    await asyncio.sleep(0.1)
        finally:
            for process in reversed(running):
                process.terminate()
                assert await asyncio.wait_for(process.wait(), 10) == 0


async def first_key(here: Here, services: dict[str, Any]) -> str:
    """Made as the head of the file says, before the API, which doesn't start without one."""
    [said] = re.findall(r"docker compose run --rm api (keys create .*)", (ROOT / "docker-compose.yml").read_text())
    refused = await here.start("api", services)
    assert await refused.wait() == 1
    arguments = [*said.split(), "--json"]
    service = {"api": {**services["api"], "command": arguments}}
    making = await here.start("api", service, stdout=asyncio.subprocess.PIPE)
    told, _ = await making.communicate()
    return str(json.loads(told)["key"])


@asynccontextmanager
async def servers(services: dict[str, Any], tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """PostgreSQL and Valkey as the file asks for them; gives the names it calls them by, and where they are here."""
    supervisor = Supervisor()
    database, hints = await postgres.prepare(tmp_path), valkey.prepare(tmp_path)
    try:
        supervisor.keep(database.program, level=0)
        supervisor.keep(hints.program, level=0)
        await asyncio.gather(database.ready(), hints.ready())
        wanted = services["postgres"]["environment"]
        async with await psycopg.AsyncConnection.connect(database.superuser_url, autocommit=True) as connection:
            # A fresh server of the image has this one role, which there is a superuser: migrate makes the other.
            await connection.execute("drop role surefill")
            await connection.execute(
                sql.SQL("alter role {} superuser password {}").format(
                    sql.Identifier(wanted["POSTGRES_USER"]), sql.Literal(wanted["POSTGRES_PASSWORD"])
                )
            )
        yield {"postgres:5432": f"127.0.0.1:{database.port}", "redis://valkey:6379/0": hints.url}
    finally:
        await supervisor.stop()


class Here:
    """The services' commands on this machine: names become addresses, and each port a service listens on a free one."""

    def __init__(self, names: dict[str, str], data_dir: Path) -> None:
        self.names, self.data_dir = names, data_dir
        self.ports: dict[tuple[str, int], int] = {}

    async def start(
        self, role: str, services: dict[str, Any], *, stdout: int | None = None
    ) -> asyncio.subprocess.Process:
        settings = {name: self.translated(role, str(value)) for name, value in services[role]["environment"].items()}
        environment = {**os.environ, **settings, "DATA_DIR": str(self.data_dir)}
        return await asyncio.create_subprocess_exec(
            SUREFILL, *services[role]["command"], env=environment, cwd=self.data_dir, stdout=stdout
        )

    async def healthy(self, role: str, services: dict[str, Any]) -> None:
        _, _, *arguments = services[role]["healthcheck"]["test"]
        check = [sys.executable, *(self.translated(role, argument) for argument in arguments)]
        deadline = time.monotonic() + 60
        while (await asyncio.to_thread(subprocess.run, check, capture_output=True, check=False)).returncode != 0:
            assert time.monotonic() < deadline, f"{role} is not healthy"
            await asyncio.sleep(0.2)

    def translated(self, role: str, text: str) -> str:
        for name, address in self.names.items():
            text = text.replace(name, address)
        text = text.replace("localnet:8899", f"127.0.0.1:{self.port('localnet', 8899)}")
        if text in {"8080", "8899", "9100"}:
            return str(self.port(role, int(text)))
        return re.sub(
            r"127\.0\.0\.1:(8080|8899|9100)\b", lambda found: f"127.0.0.1:{self.port(role, int(found[1]))}", text
        )

    def port(self, role: str, port: int) -> int:
        if (role, port) not in self.ports:
            self.ports[role, port] = free_port()
        return self.ports[role, port]


def test_the_image_installs_by_hash_and_runs_as_nobody_special() -> None:
    lines = (ROOT / "Dockerfile").read_text()
    assert "FROM python:3.11-slim" in lines
    assert "--require-hashes -r requirements.lock" in lines
    assert re.search(r"^USER surefill$", lines, re.M)
    packages = json.loads(re.search(r"^packages = (\[.*\])$", (ROOT / "pyproject.toml").read_text(), re.M)[1])  # type: ignore[index]
    assert all(f"COPY {package} {package}\n" in lines for package in packages)
