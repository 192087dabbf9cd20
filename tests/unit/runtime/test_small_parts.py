"""What the command line shows, and how a role ends."""

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest

from api.server import GRACE
from cli.localnet import shown
from cli.show import status_line
from runtime import addresses, engine
from runtime.addresses import Addresses
from runtime.embedded import postgres, valkey
from runtime.embedded.binaries import reaches
from runtime.errors import SettingsError, StartupError
from runtime.program import guarded
from runtime.settings import Settings
from runtime.supervision.child import Account, Program


@pytest.mark.parametrize(
    ("price", "text"),
    [("150", "150.000000"), ("0.85", "0.850000"), ("0.00001234567", "0.0000123457"), ("0", "0.000000")],
)
def test_a_price_has_six_decimals_and_a_small_one_six_digits(price: str, text: str) -> None:
    assert shown(Decimal(price)) == text


def test_a_status_line_shows_the_time_the_status_and_what_is_known() -> None:
    message = {"orderId": "o", "sequence": 6, "status": "confirmed", "timestamp": 1735673845007, "dex": "Orca"}
    assert status_line(message).plain == "19:37:25.007  confirmed   dex Orca"


@pytest.mark.parametrize(("error", "code"), [(StartupError("no"), 1), (SettingsError("PORT no"), 2), (None, 0)])
def test_an_expected_failure_is_one_sentence_and_an_exit_code(
    error: Exception | None, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def body() -> None:
        if error:
            raise error

    assert guarded("api", body) == code
    assert capsys.readouterr().err == (f"surefill: {error}\n" if error else "")


def test_no_way_leads_through_a_directory_others_may_not_enter() -> None:
    stranger = Account(12_345, 12_345)
    # pytest's own directory is below one that strangers may not enter, whatever is in it.
    with tempfile.TemporaryDirectory(prefix="surefill-way-") as made:
        outer, inner = Path(made), Path(made) / "between" / "inner"
        inner.mkdir(parents=True, mode=0o755)
        outer.chmod(0o711)
        assert reaches(stranger, inner)
        outer.chmod(0o700)
        assert not reaches(stranger, inner)


def test_a_role_by_itself_asks_the_running_engine_for_the_addresses_it_lacks(tmp_path: Path) -> None:
    alone = Settings(data_dir=tmp_path, redis_url="redis://cache:6379/0")
    with pytest.raises(StartupError, match=r"^DATABASE_URL not set, and no surefill runs on "):
        addresses.completed(alone, "database_url", "redis_url")
    addresses.publish(
        tmp_path, Addresses("http://a", "postgresql://app@h/d", "postgresql://owner@h/d", "redis://r", "http://c")
    )
    assert (tmp_path / "addresses.json").stat().st_mode & 0o077 == 0
    found = addresses.completed(alone, "database_url", "redis_url")
    assert (found.database_url, found.redis_url) == ("postgresql://app@h/d", "redis://cache:6379/0")
    assert found.database_owner_url == "", "only migrate is told the owner's"
    addresses.withdraw(tmp_path)
    assert addresses.of_running_engine(tmp_path) is None


def test_one_database_address_serves_as_both() -> None:
    only = Settings(database_owner_url="postgresql://owner@h/d")
    found = addresses.completed(only, "database_url", "database_owner_url")
    assert found.database_url == found.database_owner_url == "postgresql://owner@h/d"


def test_the_api_is_given_longer_than_it_gives_its_requests_and_all_of_it_ends_within_ten_seconds() -> None:
    role = Program("role", (), Path(), {}).stops
    # In turn: the API, the workers, the loops, Valkey, the local chain, PostgreSQL.
    levels = (engine.API_STOPS, role, role, valkey.STOPS, role, postgres.STOPS)
    assert sum(patience for _, patience in engine.API_STOPS) > GRACE
    assert sum(patience for stops in levels for _, patience in stops) < 10


def test_valkey_gets_nothing_of_the_environment_that_can_hold_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Asked of what it is started with: Valkey writes its title over what /proc shows of its environment.
    monkeypatch.setenv("SOLANA_EVIDENCE_RPC_URLS", "https://node.example/?api-key=secret")
    assert set(valkey.prepare(tmp_path).program.environment) <= {"PATH", "LD_LIBRARY_PATH", "TZ"}
