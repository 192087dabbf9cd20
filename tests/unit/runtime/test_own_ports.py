"""The ports that `surefill up` listens on: none of them twice, none beyond the last, none that somebody else has."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from runtime.embedded import ports
from runtime.errors import SettingsError, StartupError
from runtime.own_ports import metrics_ports, own_ports, require_free
from runtime.settings import Settings
from tests.ports import free_port

ROLES = {"processes": "roles"}
OTHERS_MAY_ASK = {"host": "0.0.0.0"}  # noqa: S104


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"port": 8080, "localnet_replica_port": 8080}, "LOCALNET_REPLICA_PORT 8080 is the same as PORT: "),
        ({"port": 8080, "metrics_port": 8080, **ROLES}, "METRICS_PORT 8080 is the same as PORT: "),
        ({"port": 8080, "metrics_port": 8080, **OTHERS_MAY_ASK}, "METRICS_PORT 8080 is the same as PORT: "),
        (
            {"port": 8080, "metrics_port": 8074, **ROLES},
            "port 8080, counted on from METRICS_PORT 8074, is the same as PORT: ",
        ),
        (
            {"metrics_port": 9100, "localnet_replica_port": 9106, **ROLES},
            "LOCALNET_REPLICA_PORT 9106 is the same as METRICS_PORT: ",
        ),
        ({"metrics_port": 65_535, **ROLES}, "METRICS_PORT must be 65529 or less with PROCESSES=roles, got 65535: "),
    ],
)
def test_ports_that_can_not_all_be_listened_on_are_refused_by_name(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        own_ports(Settings(**given))
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    "given",
    [
        {"metrics_port": 65_529, **ROLES},
        {"port": 8080, "metrics_port": 8073, **ROLES},
        {"metrics_port": 65_535, **OTHERS_MAY_ASK},
        {"port": 8080, "metrics_port": 8080},  # the API's process shows them at its own
        {"port": 8899, "localnet_port": 8899},  # `surefill up` chooses that one
        {"port": 8080, "localnet_replica_port": 8080, "solana_rpc_url": "http://node.example"},
    ],
)
def test_ports_that_nobody_else_listens_on_are_taken(given: dict[str, Any]) -> None:
    found = own_ports(Settings(**given))
    assert len({one.number for one in found}) == len(found)


def test_each_process_without_the_api_has_a_port_for_its_metrics() -> None:
    assert [*metrics_ports(Settings(metrics_port=9100, processes="roles"))] == [*range(9100, 9107)]
    assert not metrics_ports(Settings(processes="roles"))


def test_a_port_of_metrics_that_another_program_has_is_said_before_a_role_would() -> None:
    first = free_port()
    [second] = [one for one in own_ports(Settings(metrics_port=first, processes="roles")) if one.number == first + 1]
    with socket.create_server((ports.LOOPBACK, second.number)), pytest.raises(StartupError) as refused:
        require_free(second)
    assert str(refused.value).startswith(
        f"port {first + 1}, counted on from METRICS_PORT {first}, is taken on 127.0.0.1;"
    )


def test_an_embedded_server_gives_way_where_the_settings_name_its_port(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    kept = ports.kept(file, "postgres")
    assert ports.kept(file, "postgres", frozenset({free_port()})) == kept
    assert ports.kept(file, "postgres", frozenset({kept})) != kept
