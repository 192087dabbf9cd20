"""Settings: from the environment, one sentence where one cannot be used."""

import errno
from datetime import timedelta
from pathlib import Path

import pytest
from solders.keypair import Keypair

from domain.evolve import fold
from domain.priority import FIRST_PRICE, priority_of
from runtime.errors import SettingsError, StartupError
from runtime.lander_settings import LEAST_PRIORITY_LAMPORTS
from runtime.settings import Settings, load
from runtime.signers import signer_at
from tests.unit.domain.scenario import submitted

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # away from a developer's .env
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "80800"),
        ("PORT", "http"),
        ("COMMITMENT", "processed"),
        ("DEFAULT_SLIPPAGE_BPS", "10001"),
        ("MARKET_ORDER_DEADLINE", "soon"),
        ("SOLANA_RPC_URL", "localhost:8899"),
        ("SOLANA_EVIDENCE_RPC_URLS", "http://one.example,two.example"),
        ("SOLANA_EVIDENCE_RPC_URLS", "https://one.example/?api-key=1,https://One.example/?api-key=2"),
        ("LOG_LEVEL", "loud"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "trade.lan,https://trade.lan"),
        ("ALLOWED_HOSTS", "trade.lan:8080"),
        ("ALLOWED_ORIGINS", "*"),
        ("ALLOWED_ORIGINS", "null"),
        ("ALLOWED_ORIGINS", "https://desk.example,trade.lan"),
        ("ALLOW_FORWARDED", "perhaps"),
        ("PROGRAMS_ALLOWED", "SurefiLLPooLs111111111111111111111111111111,11111111111111111111111111111111"),
        ("VENUES", "pools,uniswap"),
        ("JUPITER_URL", "api.jup.ag"),
        ("VENUE_TIMEOUT", "0"),
        ("LANDER_URLS", "ftp://lander.example"),
        ("JITO_URL", "block-engine.example"),
        ("JITO_TIP_ACCOUNTS", "nobody"),
        ("JITO_TIP_LAMPORTS", "0"),
        ("JITO_TIP_LAMPORTS", "999"),
        ("SENDER_TIP_LAMPORTS", "10000001"),
        ("GUARD_KEEP", "7"),
        ("GUARD_KEEP", "0s"),
        ("GUARD_KEEP", "11y"),
        ("GUARD_KEEP", "4000d"),
        ("HOST", "foo bar"),
        ("HOST", "http://x"),
        ("HOST", "x:8080"),
        ("HOST", "[::1]:8080"),
        ("HOST", "[x]"),
        ("HOST", "fe80::1%eth0"),
        ("LOCALNET_HOST", "http://x"),
        ("SOLANA_RPC_URL", "http://"),
        ("SOLANA_RPC_URL", "http://:8899"),
        ("SOLANA_RPC_URL", "http://[bad"),
        ("SOLANA_RPC_URL", "http://one.example:99999"),
        ("SOLANA_RPC_URL", "http://one example"),
        ("SOLANA_EVIDENCE_RPC_URLS", "https://one.example,https://[bad"),
        ("LANDER_URLS", "https://"),
        ("SENDER_URL", "https:///fast"),
        ("SIGNER_URL", "http://"),
        ("BINANCE_URL", "wss://"),
        ("PYTH_URL", "hermes.example"),
        ("REDIS_URL", "redis://h:port/0"),
        ("REDIS_URL", "redis://h:99999/0"),
        ("REDIS_URL", "redis://[h/0"),
    ],
)
def test_a_value_that_cannot_be_used_is_one_sentence_that_names_the_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load()
    assert str(raised.value).startswith(name)
    assert "\n" not in str(raised.value)


def test_an_endpoint_that_is_asked_twice_is_refused_as_it_agrees_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLANA_RPC_URL", "https://key@one.example/main")
    monkeypatch.setenv("SOLANA_EVIDENCE_RPC_URLS", "https://two.example,https://one.example/secret")
    with pytest.raises(SettingsError, match="SOLANA_EVIDENCE_RPC_URLS") as raised:
        load()
    assert "secret" not in str(raised.value)
    monkeypatch.setenv("SOLANA_EVIDENCE_RPC_URLS", "https://two.example,https://one.example:8443")
    assert len(load().solana_evidence_rpc_urls) == 2


def test_an_endpoint_that_is_none_is_blamed_itself_beside_good_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLANA_RPC_URL", "http://[hunter2")
    monkeypatch.setenv("SOLANA_EVIDENCE_RPC_URLS", "https://two.example")
    with pytest.raises(SettingsError) as raised:
        load()
    assert str(raised.value) == "SOLANA_RPC_URL must name a host, as http://host:port does"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql:///surefill?host=/run/postgresql"),
        ("DATABASE_URL", "postgresql://surefill@one.example:5432,two.example:5432/surefill"),
        ("REDIS_URL", "redis:///1"),
        ("REDIS_URL", "unix:///run/valkey.sock"),
        ("SOLANA_RPC_URL", "http://user:word@[::1]:8899/path?api-key=1"),
    ],
)
def test_an_address_is_taken_as_its_client_takes_it(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(load(), name.lower()) == value


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"])
def test_a_refused_address_is_not_repeated_as_it_may_hold_a_password(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "mysql://user:hunter2@host/db")
    with pytest.raises(SettingsError) as raised:
        load()
    assert "hunter2" not in str(raised.value)


def test_settings_never_show_an_address_with_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:hunter2@host/db?schema=public")
    assert load().database_url == "postgresql://user:hunter2@host/db?schema=public"
    assert "hunter2" not in repr(load())


@pytest.mark.parametrize(
    ("name", "items"),
    [
        ("SOLANA_EVIDENCE_RPC_URLS", ("http://one.example", "http://two.example")),
        ("LANDER_URLS", ("http://one.example", "http://two.example")),
        ("ALLOWED_HOSTS", ("one.example", "two.example")),
        ("ALLOWED_ORIGINS", ("http://one.example", "http://two.example")),
        ("PROGRAMS_ALLOWED", ("SurefiLLPooLs111111111111111111111111111111",)),
        ("VENUES", ("jupiter", "raydium")),
        ("PRICE_SOURCE", ("jupiter", "binance")),
        ("JITO_TIP_ACCOUNTS", ("11111111111111111111111111111112", "11111111111111111111111111111113")),
        ("SENDER_TIP_ACCOUNTS", ("11111111111111111111111111111112", "11111111111111111111111111111113")),
    ],
)
def test_a_list_is_read_from_one_line(name: str, items: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, " , ".join(items))
    assert getattr(load(), name.lower()) == items


def test_each_setting_that_is_a_list_is_among_those() -> None:
    [marked] = test_a_list_is_read_from_one_line.pytestmark  # type: ignore[attr-defined]
    lists = {name.upper() for name, field in Settings.model_fields.items() if isinstance(field.default, tuple)}
    assert {name for name, _ in marked.args[1]} == lists


@pytest.mark.parametrize("text", [",", " ", " , ,"])
@pytest.mark.parametrize(
    "name", [name for name, field in Settings.model_fields.items() if isinstance(field.default, tuple)]
)
def test_a_list_that_names_nothing_is_not_set(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name.upper(), text)
    assert getattr(load(), name) == Settings.model_fields[name].default


def test_an_empty_value_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("METRICS_PORT", "")
    assert load().port == 8080
    assert load().metrics_port is None


def test_a_dotenv_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PORT=9001\nSLOT_MS=50\nNOT_OURS=1\n")
    monkeypatch.setenv("PORT", "9002")
    assert (load().port, load().slot_ms) == (9002, 50)


def test_a_dotenv_file_that_cannot_be_read_is_one_sentence_without_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(b"API_KEY=hunter2\xe9\n")
    with pytest.raises(SettingsError) as raised:
        load()
    assert str(raised.value) == ".env cannot be read: it isn't UTF-8"

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", ".env")

    monkeypatch.setattr("dotenv.main.open", refused, raising=False)  # root may read whatever its mode is
    with pytest.raises(SettingsError) as raised:
        load()
    assert str(raised.value) == ".env cannot be read: Permission denied"


def test_redis_is_named_by_its_host_its_port_or_both(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load().redis_url == ""
    monkeypatch.setenv("REDIS_PORT", "7000")
    assert load().redis_url == "redis://127.0.0.1:7000/0"
    monkeypatch.setenv("REDIS_HOST", "cache")
    assert load().redis_url == "redis://cache:7000/0"
    monkeypatch.setenv("REDIS_URL", "redis://:secret@elsewhere:6379/2")
    assert load().redis_url == "redis://:secret@elsewhere:6379/2"


def test_every_setting_is_documented_with_its_default() -> None:
    rows = {
        line.split("|")[1].strip(" `"): line
        for line in DOCUMENTATION.read_text().splitlines()
        if line.startswith("| `")
    }
    documented = {name for name in Settings.model_fields if name != "supervised"}
    assert set(rows) == {name.upper() for name in documented}
    for name in documented:
        _, _, default, description, _ = (part.strip(" `") for part in rows[name.upper()].split("|"))
        field = Settings.model_fields[name]
        shown = ",".join(field.default) if isinstance(field.default, tuple) else str(field.default)
        shown = shown.lower() if isinstance(field.default, bool) else shown
        assert default == ("" if field.default in (None, ()) else shown), name
        assert field.description and field.description == description, name


@pytest.mark.parametrize(
    ("value", "seconds"), [("", 604_800), ("7d", 604_800), ("12h", 43_200), ("30m", 1_800), ("45s", 45)]
)
def test_guards_are_kept_for_a_number_of_days_hours_minutes_or_seconds(
    value: str, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUARD_KEEP", value)
    assert load().guards_kept_for == timedelta(seconds=seconds)


def test_a_signer_needs_the_wallets_address_and_a_guard_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNER_URL", "https://signer.example/?token=hunter2")
    with pytest.raises(SettingsError) as raised:
        load()
    assert (
        str(raised.value) == "SIGNER_URL needs WALLET_ADDRESS and GUARD_KEY: neither follows from a key that isn't here"
    )
    monkeypatch.setenv("WALLET_ADDRESS", "short")
    with pytest.raises(SettingsError, match=r"^WALLET_ADDRESS must be"):
        load()
    monkeypatch.setenv("WALLET_ADDRESS", "So11111111111111111111111111111111111111112")
    monkeypatch.setenv("GUARD_KEY", "00" * 32)
    assert "hunter2" not in repr(load().wallet_source)


def test_the_wallet_is_read_from_wherever_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keypair = Keypair()
    (tmp_path / "wallet.json").write_text(keypair.to_json())
    (tmp_path / "wallet.json").chmod(0o600)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert signer_at(load().wallet_source).address == str(keypair.pubkey())
    other = Keypair()
    monkeypatch.setenv("WALLET_KEY", other.to_json())
    settings = load()
    assert signer_at(settings.wallet_source).address == str(other.pubkey())
    assert str(list(bytes(other))[:4])[1:-1] not in repr((settings, settings.wallet_source))
    monkeypatch.setenv("WALLET_KEY", "hunter2")
    with pytest.raises(StartupError, match="WALLET_KEY") as refused:
        signer_at(load().wallet_source)
    assert "hunter2" not in str(refused.value)
    monkeypatch.setenv("WALLET_KEYSTORE", str(tmp_path / "none.pem"))
    with pytest.raises(StartupError, match="keystore"):
        signer_at(load().wallet_source)


def test_a_swap_tips_only_the_landers_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (load().tips, load().landers) == ((), ())
    monkeypatch.setenv("SENDER_URL", "https://sender.example/fast")
    assert [tip.lamports for tip in load().tips] == [1_000_000]
    monkeypatch.setenv("JITO_URL", "https://engine.example/api/v1/transactions")
    monkeypatch.setenv("JITO_TIP_LAMPORTS", "1000")
    monkeypatch.setenv("LANDER_URLS", "https://rpc.example")
    assert [tip.lamports for tip in load().tips] == [1_000, 1_000_000]
    assert [lander.url.split("/")[2] for lander in load().landers] == [
        "rpc.example",
        "engine.example",
        "sender.example",
    ]


def test_tips_beyond_their_bound_are_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDER_URL", "https://sender.example/fast")
    monkeypatch.setenv("MAX_TIP_LAMPORTS", "999999")
    with pytest.raises(SettingsError, match="1000000, more than MAX_TIP_LAMPORTS"):
        load()


def test_a_sender_that_could_be_offered_nothing_for_priority_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_PRIORITY_FEE_LAMPORTS", "0")
    assert load().max_priority_fee_lamports == 0
    monkeypatch.setenv("SENDER_URL", "https://sender.example/fast")
    with pytest.raises(SettingsError, match="MAX_PRIORITY_FEE_LAMPORTS must be 10 or more with SENDER_URL"):
        load()
    monkeypatch.setenv("MAX_PRIORITY_FEE_LAMPORTS", "10")
    assert load().least_unit_price > 0


def test_the_least_that_a_sender_may_be_offered_is_something_for_the_greatest_transaction() -> None:
    order = fold(submitted())
    assert order
    offered = [
        priority_of(order, 1_400_000, most, hint=FIRST_PRICE).price
        for most in (LEAST_PRIORITY_LAMPORTS - 1, LEAST_PRIORITY_LAMPORTS)
    ]
    assert offered == [0, 1]
