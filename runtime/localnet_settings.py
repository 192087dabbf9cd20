"""Settings of the local chain: where it listens, how its blocks come, and how a cluster's bad days are played on it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings

from localnet.behaviour import Behaviour
from runtime.setting_forms import LOOPBACK, listening_host

Port = Annotated[int, Field(ge=1, le=65535)]


class LocalnetSettings(BaseSettings):
    """Part of ``Settings``."""

    localnet_host: str = Field(LOOPBACK, description="Where the local chain listens.")
    localnet_port: Port = Field(
        8899, description="Its port, for `surefill localnet` alone; `surefill up` keeps a free one."
    )
    slot_ms: Annotated[int, Field(ge=10, le=10_000)] = Field(
        100, description="Milliseconds a slot of the local chain takes."
    )
    slot_ms_most: Annotated[int, Field(ge=0, le=10_000)] = Field(
        0, description="Where set, each of its slots takes between SLOT_MS and so many milliseconds."
    )
    localnet_pause_every: Annotated[float, Field(ge=0, le=86_400)] = Field(
        0, description="Seconds after which the local chain confirms nothing for LOCALNET_PAUSE_FOR; 0 is never."
    )
    localnet_pause_for: Annotated[float, Field(ge=0, le=86_400)] = Field(
        10, description="Seconds such a pause lasts; blocks are processed meanwhile."
    )
    localnet_replica_port: Port | None = Field(
        None, description="A second port of the local chain, which answers as a node that is behind."
    )
    localnet_replica_blocks: Annotated[int, Field(ge=0, le=10_000)] = Field(
        20, description="How many blocks it is behind."
    )

    @field_validator("localnet_host")
    @classmethod
    def names_where_it_listens(cls, value: str) -> str:
        return listening_host(value)

    @model_validator(mode="after")
    def slots_have_a_range(self) -> Self:
        if 0 < self.slot_ms_most < self.slot_ms:
            raise ValueError("SLOT_MS_MOST must not be less than SLOT_MS")
        return self

    @property
    def localnet_behaviour(self) -> Behaviour:
        return Behaviour(
            slot_ms=self.slot_ms,
            most_ms=self.slot_ms_most,
            pause_every=self.localnet_pause_every,
            pause_for=self.localnet_pause_for,
            replica_port=self.localnet_replica_port,
            replica_blocks=self.localnet_replica_blocks if self.localnet_replica_port else 0,
        )
