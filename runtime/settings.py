"""Every setting of the engine, from the environment and `.env` (the environment wins). docs/settings.md lists them."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from domain.time_spans import time_span
from runtime.api_settings import ApiSettings
from runtime.errors import SettingsError
from runtime.lander_settings import LEAST_PRIORITY_LAMPORTS, LanderSettings
from runtime.localnet_settings import LocalnetSettings, Port
from runtime.setting_forms import LOOPBACK, host_of, valkey_url, with_scheme
from runtime.venue_settings import VenueSettings
from runtime.wallet_settings import WalletSettings
from runtime.wallet_source import Keystore, KeyText, SignerAt, WalletSource

_LISTS = (
    *("solana_evidence_rpc_urls", "lander_urls", "allowed_hosts", "allowed_origins"),
    *("programs_allowed", "venues", "price_source", "jito_tip_accounts", "sender_tip_accounts"),
)


class Settings(ApiSettings, WalletSettings, VenueSettings, LanderSettings, LocalnetSettings):
    """An empty address means "not set": `surefill up` then starts that server itself, and a role on its own asks the
    running engine.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field(
        "", repr=False, description="PostgreSQL, as the application's role; `?schema=` names the schema."
    )
    database_owner_url: str = Field(
        "", repr=False, description="PostgreSQL, as the owner of the log; used by `migrate` alone."
    )
    redis_url: str = Field("", repr=False, description="Valkey or Redis; wins over REDIS_HOST and REDIS_PORT.")
    redis_host: str = Field("", description="Valkey's or Redis's host, where REDIS_URL is not given.")
    redis_port: Port | None = Field(None, description="Its port, 6379 where only REDIS_HOST is given.")
    solana_rpc_url: str = Field("", repr=False, description="Solana JSON-RPC; not set, a local chain is started.")
    solana_evidence_rpc_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        repr=False,
        description="More RPC endpoints, comma separated, each of another host, asked for evidence before an order "
        "ends; with any, two endpoints must agree.",
    )

    data_dir: Path = Field(
        Path(".surefill"), description="Everything the engine keeps: databases, chain, wallet, logs."
    )
    replace_after: Annotated[float, Field(ge=0.5, le=60)] = Field(
        3.0,
        description="Seconds after which a transaction that the chain doesn't show is joined by another, which offers "
        "more; the next one waits twice as long.",
    )
    guard_keep: str = Field(
        "7d",
        description="How long after an order's end its guard stays, as `7d`, `12h`, `30m` or `45s`; then its rent "
        "comes back. A backup that may ever be put back must not be older.",
    )

    witness: str = Field(
        "",
        description="The file that says outside PostgreSQL how far the log had come, DATA_DIR/witness where not set; "
        "`off` where no disk outlives a restart.",
    )
    commitment: Literal["confirmed", "finalized"] = Field(
        "confirmed",
        description="When a landed swap counts as confirmed: `confirmed`, by the votes of most, or `finalized`, once "
        "no fork can undo it.",
    )
    market_order_deadline: Annotated[int, Field(ge=1, le=86_400)] = Field(
        120, description="Seconds in which a market order executes or fails."
    )
    default_slippage_bps: Annotated[int, Field(ge=0, le=10_000)] = Field(
        50, description="Slippage of an order that names none."
    )

    paper: bool = Field(
        False,
        description="New orders are filled at real quotes, on paper: nothing is signed or sent. Real ones wait "
        "meanwhile, and what was sent is followed.",
    )
    rates_without_valkey: Literal["open", "closed"] = Field(
        "open",
        description="Where Valkey can't count an account's orders a minute: `open` takes them all, `closed` none.",
    )

    processes: Literal["core", "roles"] = Field(
        "core",
        description="How `surefill up` divides the engine: `core`, every role in one process, or `roles`, each in one "
        "of its own.",
    )
    max_loop_lag_ms: Annotated[int, Field(ge=50, le=60_000)] = Field(
        1_000,
        description="Milliseconds the event loop may be late; while it is later, requests under /api/ get 503.",
    )
    always_simulate: bool = Field(
        False, description="Simulate every transaction before it is signed, known compute limit or not."
    )

    price_poll_ms: Annotated[int, Field(ge=5, le=60_000)] = Field(
        100, description="Milliseconds between two observations of the pairs somebody waits on."
    )
    price_max_age: Annotated[int, Field(ge=1, le=3_600)] = Field(
        5, description="Seconds a price source may stand still before it fires nothing."
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe line that is logged: `debug`, `info`, `warning` or `error`."
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="How log lines look: `console` for people, or `json`, an object a line."
    )
    metrics_port: Port | None = Field(
        None,
        description="Prometheus port of a process without the API, which shows its own at /metrics; none where not "
        "set. `surefill up` counts on from it: worker, projector, tracker, watcher, and the standby of each of those "
        "three.",
    )

    supervised: bool = Field(
        False, validation_alias="SUREFILL_SUPERVISED", description="Set by `surefill up` for its own children."
    )

    @field_validator("*", mode="before")
    @classmethod
    def an_empty_text_is_not_set(cls, value: Any, info: Any) -> Any:
        """`KEY=` in a compose file or a shell means the default, not the empty string."""
        if value == "":
            return cls.model_fields[info.field_name].get_default()
        return value

    @field_validator("log_level", "log_format", "commitment", "processes", "rates_without_valkey", mode="before")
    @classmethod
    def words_in_any_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator(*_LISTS, mode="before")
    @classmethod
    def comma_separated(cls, value: Any, info: ValidationInfo) -> Any:
        """One that names nothing, as `,`, is as good as not set."""
        if not isinstance(value, str):
            return value
        assert info.field_name is not None  # noqa: S101 - it validates fields
        items = tuple(item.strip() for item in value.split(",") if item.strip())
        return items or cls.model_fields[info.field_name].get_default(call_default_factory=True)

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def names_postgresql(cls, value: str) -> str:
        return with_scheme(value, "postgresql", "postgres")

    @field_validator("redis_url")
    @classmethod
    def names_redis(cls, value: str) -> str:
        return valkey_url(value)

    @field_validator("guard_keep")
    @classmethod
    def is_atime_span(cls, value: str) -> str:
        if not timedelta(seconds=1) <= (time_span(value) or timedelta()) <= timedelta(days=3_650):
            raise ValueError("must be a number and a unit, such as 7d, 12h, 30m or 45s, of ten years at most")
        return value

    @field_validator("solana_rpc_url", "jupiter_url", "jupiter_price_url", "raydium_url", "pyth_url", "signer_url")
    @classmethod
    def names_http(cls, value: str) -> str:
        return with_scheme(value, "http", "https")

    @field_validator("solana_evidence_rpc_urls")
    @classmethod
    def each_is_a_host_of_its_own(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        """One host that is asked twice agrees with itself."""
        hosts = [host_of(with_scheme(url, "http", "https")) for url in (info.data.get("solana_rpc_url"), *value) if url]
        if len({*hosts}) < len(hosts):
            raise ValueError("must hold endpoints of other hosts than each other's and SOLANA_RPC_URL's")
        return value

    @field_validator("data_dir", "wallet_keypair", "wallet_keystore")
    @classmethod
    def absolute(cls, value: Path | None) -> Path | None:
        """Children run in other directories, and symlinks are followed once."""
        return value.expanduser().resolve() if value else value

    @model_validator(mode="after")
    def a_sender_is_offered_something(self) -> Self:
        if self.sender_url and self.max_priority_fee_lamports < LEAST_PRIORITY_LAMPORTS:
            raise ValueError(
                f"MAX_PRIORITY_FEE_LAMPORTS must be {LEAST_PRIORITY_LAMPORTS} or more with SENDER_URL: "
                "a sender takes no transaction that offers nothing for priority"
            )
        return self

    @model_validator(mode="after")
    def one_redis_address(self) -> Self:
        if not self.redis_url and (self.redis_host or self.redis_port):
            url = f"redis://{self.redis_host or LOOPBACK}:{self.redis_port or 6379}/0"
            object.__setattr__(self, "redis_url", url)
        return self

    @property
    def wallet_file(self) -> Path:
        return self.wallet_keypair or self.data_dir / "wallet.json"

    @property
    def wallet_source(self) -> WalletSource:
        """Where the wallet is."""
        if self.signer_url:
            return SignerAt(self.signer_url, self.wallet_address, self.signer_timeout)
        if self.wallet_keystore:
            return Keystore(self.wallet_keystore, self.wallet_password)
        return KeyText(self.wallet_key) if self.wallet_key else self.wallet_file

    @property
    def wallets_directory(self) -> Path:
        """Where the wallets of accounts other than the default one are."""
        return self.data_dir / "wallets"

    @property
    def guards_kept_for(self) -> timedelta:
        """GUARD_KEEP as a time span."""
        return time_span(self.guard_keep) or timedelta(days=7)

    @property
    def witness_file(self) -> Path | None:
        """Where the log's witness is kept; None where none is."""
        if self.witness.lower() == "off":
            return None
        return Path(self.witness).expanduser().resolve() if self.witness else self.data_dir / "witness"


def load(**overrides: Any) -> Settings:
    """Read the settings; raises SettingsError, one sentence that names every variable at fault."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError("; ".join(_sentence(dict(problem)) for problem in error.errors())) from None
    except UnicodeDecodeError:  # its text quotes the file, which may hold secrets
        raise SettingsError(".env cannot be read: it isn't UTF-8") from None
    except OSError as error:
        raise SettingsError(f".env cannot be read: {error.strerror}") from None


def _sentence(problem: dict[str, Any]) -> str:
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if not problem["loc"]:  # of several settings together
        return str(message)
    name = str(problem["loc"][0])
    field = Settings.model_fields.get(name)
    shown = f", got {problem['input']!r}" if field is None or field.repr else ""
    return f"{name.upper()} {message}{shown}"
