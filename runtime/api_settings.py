"""Settings of the API: where it listens, who may ask it, and with which key the command line does."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from api.serving.access import Access
from api.serving.authority import parse_authority, parse_origin
from runtime.errors import SettingsError
from runtime.localnet_settings import Port
from runtime.setting_forms import LOOPBACK, listening_host

IPV4 = 4
_KEY = re.compile(r"sf_[A-Za-z0-9_-]{43}")


class ApiSettings(BaseSettings):
    """Part of ``Settings``."""

    host: str = Field(LOOPBACK, description="Where the API listens.")
    port: Port = Field(8080, description="The API's port.")
    api_key: str = Field(
        "",
        repr=False,
        description="The key that `surefill submit`, `watch`, `amend`, `orders` and `show` ask the API with; where "
        "HOST is this machine none is needed.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Host names, comma separated, by which the API, the local chain and METRICS_PORT may be "
        "asked; addresses, localhost and HOST always may.",
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins, comma separated, whose pages may use the API and the local chain from a browser."
    )
    allow_forwarded: bool = Field(
        False, description="Whether a proxy in front, which lets in only those who may trade, is meant to be there."
    )

    @field_validator("host")
    @classmethod
    def is_a_host(cls, value: str) -> str:
        return listening_host(value)

    @property
    def key(self) -> str:
        """``api_key`` for whoever asks with it, empty where there is none. A file that holds a secret ends with a line
        break; other programs know a variable of this name, so that it is held to what a key is only here.

        Raises ``SettingsError``.
        """
        key = self.api_key.strip()
        if key and not _KEY.fullmatch(key):
            raise SettingsError(
                "API_KEY must be a key as `surefill keys create` makes it: sf_ and 43 letters, digits, _ and -; "
                "unset it where none is needed"
            )
        return key

    @field_validator("allowed_hosts")
    @classmethod
    def each_is_a_host(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            authority = parse_authority(f"[{host}]" if host.count(":") > 1 else host)
            if authority is None or authority.port is not None:
                raise ValueError("must hold names as trade.example, without scheme, port and wildcard")
        return value

    @field_validator("allowed_origins")
    @classmethod
    def each_is_an_origin(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(parse_origin, value)):
            raise ValueError("must hold origins as https://trade.example or http://localhost:3000")
        return value

    def access(self, host: str) -> Access:
        """Who may ask the server that listens on `host`."""
        return Access.of((host, *self.allowed_hosts), self.allowed_origins, forwarded=self.allow_forwarded)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the API."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def api_url(self) -> str:
        """The API as seen from this machine."""
        return f"http://{_as_seen_from_here(self.host)}:{self.port}"


def _as_seen_from_here(host: str) -> str:
    """As a URL names it; loopback where everything of this machine is listened on."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.version == IPV4:
        return LOOPBACK if address.is_unspecified else host
    return "[::1]" if address.is_unspecified else f"[{host}]"
