"""What `surefill up` says of how to go on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.up import command_name, usage
from runtime.settings import Settings


@pytest.mark.parametrize(
    ("on_path", "started_by", "named"),
    [
        (True, ".venv/bin/surefill", "surefill"),
        (False, ".venv/bin/surefill", ".venv/bin/surefill"),
        (False, "/opt/a b/surefill", "'/opt/a b/surefill'"),
        (False, "/opt/cli/main.py", "surefill"),
    ],
)
def test_the_command_is_named_as_the_next_shell_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_path: bool, started_by: str, named: str
) -> None:
    if on_path:
        command = tmp_path / "surefill"
        command.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [started_by, "up"])
    assert command_name() == named
    assert f"the same  {named} submit " in usage(Settings(), "http://127.0.0.1:8080")


def test_an_engine_that_asks_for_no_key_shows_none() -> None:
    shown = usage(Settings(), "http://127.0.0.1:8080")
    assert "curl -s http://127.0.0.1:8080/api/orders/execute " in shown
    assert "KEY" not in shown and "clientOrderId" not in shown


def test_what_is_pasted_where_a_key_is_asked_for_sends_one_and_names_the_order(tmp_path: Path) -> None:
    shown = usage(Settings(host="0.0.0.0"), "http://[::1]:8080")  # noqa: S104
    assert "keys create --account default --scope read --scope trade" in shown
    # The lines as a shell reads them, with a curl that shows what it was given.
    curl = tmp_path / "curl"
    curl.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    curl.chmod(0o755)
    pasted = shown[shown.index("curl ") : shown.index("  the same ")]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "API_KEY": "sf_secret"}
    ended = subprocess.run(["/bin/sh", "-c", pasted], env=environment, capture_output=True, text=True, check=True)
    sent = ended.stdout.splitlines()
    assert sent[1] == "http://[::1]:8080/api/orders/execute"
    assert "authorization: Bearer sf_secret" in sent
    order = json.loads(sent[-1])
    assert (order["clientOrderId"], "--client-order-id first" in shown) == ("first", True)
