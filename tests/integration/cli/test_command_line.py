"""The `surefill` command where it cannot do what it is asked: one sentence, and an exit code that says which kind."""

import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cli.conftest import SUREFILL, Run
from tests.integration.runtime.running import Engine, at_work_in

NOBODY_LISTENS = "127.0.0.1:1"


@pytest.mark.parametrize(
    ("arguments", "setting", "code", "said"),
    [
        (("--version-of-another",), "", 2, "No such option"),
        (("env",), "", 1, "surefill: DATABASE_URL"),
        (("env",), "postgresql://a:b@h:port/d", 2, "surefill: DATABASE_URL: the database URL's port is not "),
        (("migrate", "--help"), "", 0, ""),
    ],
)
def test_the_installed_command_ends_as_the_one_that_the_tests_below_run(
    arguments: tuple[str, ...],
    setting: str,
    code: int,
    said: str,
    environment: dict[str, str],
    run: Run,
    tmp_path: Path,
) -> None:
    env = {**environment, "DATABASE_URL": setting}
    installed = subprocess.run(
        [SUREFILL, *arguments], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    forked = run(*arguments, DATABASE_URL=setting)
    assert (installed.returncode, installed.stdout, installed.stderr) == (
        forked.returncode,
        forked.stdout,
        forked.stderr,
    )
    assert installed.returncode == code and said in installed.stderr


@pytest.mark.parametrize(
    ("settings", "sentence", "code"),
    [
        ({"PORT": "80800"}, "PORT ", 2),
        ({"COMMITMENT": "processed"}, "COMMITMENT should be 'confirmed' or 'finalized', got 'processed'", 2),
        ({"DATABASE_URL": f"postgresql://a:hunter2@{NOBODY_LISTENS}/d"}, "PostgreSQL is not to be had at ", 1),
        ({"DATABASE_URL": "postgresql://a:hunter2@h:port/d"}, "DATABASE_URL: the database URL's port is not ", 2),
        ({"REDIS_URL": "redis://:hunter2@h:port/0"}, "REDIS_URL must look like redis://", 2),
        ({"HOST": "192.0.2.1"}, "HOST 192.0.2.1 PORT 8080 cannot be listened on", 1),
        ({"LOCALNET_REPLICA_PORT": "8080"}, "LOCALNET_REPLICA_PORT 8080 is the same as PORT: ", 2),
        ({"METRICS_PORT": "65535", "PROCESSES": "roles"}, "METRICS_PORT must be 65529 or less ", 2),
        ({"PRICE_SOURCE": "file:/nope"}, "PRICE_SOURCE names a file that can't be read, /nope: No such file or dir", 2),
    ],
)
def test_up_says_in_one_sentence_why_it_cannot_start_and_leaves_nothing(
    settings: dict[str, str], sentence: str, code: int, run: Run, data_dir: Path
) -> None:
    ended = run("up", **settings)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert ended.stderr.startswith(f"surefill: {sentence}") and ended.stderr.count("\n") == 1
    assert "hunter2" not in ended.stderr
    assert at_work_in(data_dir) == []


def test_a_taken_port_is_seen_before_anything_is_started(run: Run, data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("up", PORT=str(port))
    assert ended.returncode == 1
    assert (
        ended.stderr
        == f"surefill: PORT {port} is taken on 127.0.0.1; set PORT to another, or stop what listens there\n"
    )
    assert not (data_dir / "postgres-18").exists()


def test_a_data_directory_that_cannot_be_written_is_one_sentence(run: Run, data_dir: Path) -> None:
    data_dir.write_text("a file")
    ended = run("up")
    assert (ended.returncode, ended.stderr) == (1, f"surefill: DATA_DIR {data_dir} cannot be used: Not a directory\n")


@pytest.mark.parametrize(
    "command", [("env",), ("tracker",), ("run", "core"), ("localnet", "price", "SOL/USDC"), ("migrate",)]
)
def test_without_addresses_and_without_an_engine_a_command_says_so(
    command: tuple[str, ...], run: Run, data_dir: Path
) -> None:
    ended = run(*command)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    names, _, rest = ended.stderr.removeprefix("surefill: ").partition(" not set, ")
    assert rest == f"and no surefill runs on {data_dir}: start the engine with surefill up, or set {names}\n"


@pytest.mark.parametrize(
    "command", [("env",), ("guards",), ("keys", "list"), ("checkpoint",), ("verify", "--no-chain"), ("migrate",)]
)
@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_OWNER_URL"])
def test_a_database_url_that_is_none_is_a_wrong_setting_to_every_command(
    command: tuple[str, ...], name: str, run: Run
) -> None:
    given = {"REDIS_URL": "redis://h", "SOLANA_RPC_URL": "http://h", name: "postgresql://a:hunter2@h/d?schema=no-no"}
    ended = run(*command, **given)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"surefill: {name}: schema='no-no': a schema is letters, digits and underscores, at most 59 of them\n"
    )


def test_orders_need_an_engine_that_answers(run: Run) -> None:
    ended = run("submit", "--token-in", "SOL", "--token-out", "USDC", "--amount", "1", PORT="1")
    assert (ended.returncode, ended.stderr) == (1, "surefill: no engine answers at http://127.0.0.1:1\n")


def test_a_role_alone_says_which_server_it_cannot_reach(run: Run) -> None:
    addresses = {
        "DATABASE_URL": f"postgresql://a:hunter2@{NOBODY_LISTENS}/d",
        "REDIS_URL": "redis://h",
        "SOLANA_RPC_URL": "http://h",
    }
    ended = run("tracker", **addresses)
    assert ended.returncode == 1
    assert ended.stderr.startswith("surefill: PostgreSQL is not to be had at ") and ended.stderr.count("\n") == 1
    assert "hunter2" not in ended.stderr


def test_a_wrong_password_is_told_apart_from_a_server_that_is_away(start: Callable[..., Engine], run: Run) -> None:
    where = start().told["postgres"].rpartition("@")[2]
    ended = run("migrate", DATABASE_URL=f"postgresql://surefill:hunter2@{where}")
    assert ended.returncode == 1
    assert "password authentication failed" in ended.stderr and ended.stderr.count("\n") == 1


def test_wrong_usage_has_an_exit_code_of_its_own(run: Run) -> None:
    assert run("localnet", "price", "SOL/USDC", "abc").returncode == 2
    assert run("submit").returncode == 2


@pytest.mark.parametrize(
    ("roles", "why"),
    [
        ("relay", "'relay' is no role; there are api, worker, projector, tracker, watcher, and core for all of them"),
        ("api,", "'' is no role"),
        ("core,api", "'core' is no role"),
        ("api,migrate", "'migrate' is no role"),
        ("worker, worker", "a role stands twice"),
    ],
)
def test_roles_that_cannot_run_together_are_refused_in_one_sentence(roles: str, why: str, run: Run) -> None:
    ended = run("run", roles)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "ROLES" in ended.stderr
    assert why in " ".join(ended.stderr.replace("│", " ").split())


def test_an_engine_divided_in_another_way_is_refused_in_one_sentence(run: Run) -> None:
    ended = run("up", PROCESSES="threads")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "surefill: PROCESSES should be 'core' or 'roles', got 'threads'\n"


@pytest.mark.parametrize(("option", "there"), [("status", "confirmed"), ("type", "trailing-stop"), ("side", "buy")])
def test_a_word_that_no_order_has_is_refused_with_those_that_there_are(option: str, there: str, run: Run) -> None:
    ended = run("orders", f"--{option}", "foo", PORT="1")
    said = " ".join(ended.stderr.replace("│", " ").split())
    assert ended.returncode == 2 and f"there is no {option} foo; there are " in said and there in said


def test_help_says_what_is_needed_and_what_there_is(run: Run) -> None:
    def told(*command: str) -> str:
        return " ".join(run(*command, "--help").stdout.replace("│", " ").split())

    assert "limitPrice: limit; stopPrice: stop; both: stop-limit" in told("submit")
    assert "until it is filled (gtc, the default)" in told("submit")
    listing = told("orders")
    assert "One of pending, " in listing and "confirmed" in listing
    assert "newest first if not given" in listing and "printed by the previous page" in listing
    assert "Exactly one of --expired, --landed, --stands and --lost is needed" in told("resolve")
    assert "Run the local chain; with a command, ask it." in told("localnet")
    assert "safe to run again" in told("migrate")
    for command in ("guards", "cancel"):
        assert "database alone" not in told(command) and "needs a running engine, or DATABASE_URL" in told(command)


def test_help_names_every_command(run: Run) -> None:
    shown = run("--help").stdout
    panels = shown[shown.index("Engine") :]
    named = set(re.findall(r"^│ ([a-z-]+)  ", panels, re.MULTILINE))
    assert named == {
        *("up", "migrate", "env", "doctor", "submit", "watch", "orders", "show", "accounts", "keys", "trading"),
        *(
            "cancel",
            "amend",
            "resolve",
            "resume",
            "recover",
            "guards",
            "verify",
            "checkpoint",
            "rebuild",
            "dead-letters",
        ),
        *("api", "worker", "run", "projector", "tracker", "watcher", "localnet"),
    }


@pytest.mark.parametrize("pair", ["SOL/USCD", "garbage", "SOL", "SOL/SOL"])
def test_a_cancel_on_a_pair_nobody_knows_is_no_success(pair: str, run: Run) -> None:
    ended = run("cancel", "--pair", pair, "--because", "a test")
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert ended.stderr.startswith(f"surefill: unknown_pair: There is no pair {pair} here")
