"""What a kind of list has to offer. ``kinds.py`` names those there are; the routes ask each of them in turn."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from pydantic import Field

from api.callers.caller import Caller
from api.orders.document import Document
from api.services import Services
from projections.order_view import IfKnown, View


class AcceptedList(View):
    """The first answer, and the answer to every repeat: what it says never changes."""

    list_id: UUID
    kind: str = Field(examples=["oco"])
    order_ids: list[UUID] = Field(description="The ids of its orders, in the order of the list.")
    position: str = Field(description="Opaque; a list asked with it waits until it shows the orders.", examples=["1.8"])
    network: str = Field(examples=["localnet"])
    paper: IfKnown[bool] = Field(default=None, description="Its orders are filled at quotes, and never sent.")


class ListKind(Protocol):
    """One module's kinds of lists. What it raises is answered as ``problem_of`` knows."""

    @property
    def words(self) -> tuple[str, ...]:
        """The kinds, as a request's ``kind`` names them."""

    async def submit(
        self,
        services: Services,
        caller: Caller,
        document: Document,
        expires: datetime | None,
        headers: dict[str, str],
    ) -> AcceptedList:
        """Record what ``document``, the request's body with its ``kind``, asks for. ``headers`` gets what goes with the
        answer.
        """

    async def show(self, services: Services, caller: Caller, list_id: UUID) -> View | None:
        """The caller's list as it is now; None where it is none of these kinds, or not there."""

    async def cancel(self, services: Services, caller: Caller, list_id: UUID) -> View | None:
        """Ask for the cancel of whatever is open of the caller's list; None as above."""
