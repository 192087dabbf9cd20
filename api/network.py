"""GET /api/network: where the engine trades, and what."""

from __future__ import annotations

from litestar import Controller, get
from pydantic import Field

from api.openapi import problems
from api.services import InjectedServices
from domain.tokens import Token
from projections.order_view import IfKnown, View


class Network(View):
    network: str = Field(examples=["localnet"])
    rpc_url: str
    wallet: IfKnown[str] = None
    tokens: list[Token]
    pairs: list[str] = Field(examples=[["SOL/USDC"]])
    venues: list[str]


class NetworkController(Controller):
    tags = ("network",)

    @get(
        "/api/network",
        operation_id="getNetwork",
        summary="The chain, the wallet, tokens, pairs and venues",
        responses=problems(503),
    )
    async def get_network(self, services: InjectedServices) -> Network:
        config = services.config
        return Network(
            network=config.network,
            rpc_url=config.rpc_url,
            wallet=await services.wallet(),
            tokens=list(config.tokens.tokens),
            pairs=list(config.pairs),
            venues=list(config.venues),
        )
