"""GET /api/network: where the engine trades, and what."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Controller, get
from pydantic import Field

from api.callers.caller import InjectedCaller
from api.callers.rules import READ
from api.openapi import DocumentedOperation, problems
from api.services import InjectedServices
from domain.tokens import Token, TokenList, pair_of
from projections.order_view import IfKnown, View
from venues.protocol import VenueGroup


class Network(View):
    """Until the chain's node has answered, ``pairs`` and ``venues`` are empty, and ``network`` is absent unless the log
    names it.
    """

    network: IfKnown[str] = Field(default=None, examples=["localnet"])
    paper: IfKnown[bool] = Field(default=None, description="New orders are filled at their quotes; nothing is sent.")
    rpc_url: str
    wallet: IfKnown[str] = None
    tokens: list[Token]
    pairs: list[str] = Field(examples=[["SOL/USDC"]])
    venues: list[str]


class NetworkController(Controller):
    tags = ("network",)
    opt = READ

    @get(
        "/api/network",
        operation_class=DocumentedOperation,
        operation_id="getNetwork",
        summary="The chain, the wallet, tokens, pairs and venues",
        response_description="As this engine was started.",
        responses=problems("log_unavailable"),
    )
    async def get_network(self, services: InjectedServices, caller: InjectedCaller) -> Network:
        config = services.config
        return Network(
            network=services.chain().network,
            paper=config.paper or None,
            rpc_url=config.rpc_url,
            wallet=await services.wallet(caller.account_id),
            tokens=list(config.tokens.tokens),
            pairs=_pairs(services.venues, config.tokens),
            venues=[venue for group in services.venues for venue in group.venues],
        )


def _pairs(groups: Sequence[VenueGroup], tokens: TokenList) -> list[str]:
    """The pairs of known tokens that some venue trades, as prices read."""
    known = {token.mint: token for token in tokens.tokens}
    traded = {pair for group in groups for pairs in group.venues.values() for pair in pairs}
    return sorted(pair_of(known[a], known[b]).symbol for a, b in map(tuple, traded) if a in known and b in known)
