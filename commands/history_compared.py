"""Whether it was looked, since this process began, if the chain shows what the log has lost."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from commands.ids import made_at
from commands.loaded_order import LoadedOrder

NOT_COMPARED = (
    "The engine has begun, and has yet to ask the chain whether its log lacks something: until then nothing that "
    "waits is cancelled or amended. Ask again shortly."
)


class Compared(Protocol):
    @property
    def head(self) -> int:
        """Where the log ended as the process began."""

    async def of(self, account_id: UUID) -> bool:
        """Whether the history of the account's wallet was compared with the log since, and had nothing unknown."""


class NothingToCompare:
    """For who has no start: a command, which ends."""

    head = 0

    async def of(self, account_id: UUID) -> bool:
        return True


async def may_be_changed(compared: Compared, history: LoadedOrder) -> bool:
    """Whether a cancel or an amendment of the order can't contradict what the log may have lost.

    Of one on paper no chain knows. One that was taken since this process began, under an id that nobody had before, is
    told whole; an id that follows from a client's own may have been in the lost end. Of one with a transaction on its
    way, that no other order is told to end with, the request ends nothing: the chain does.
    """
    order = history.order
    if order is None or order.paper or (order.undecided_attempts and order.leg is None):
        return True
    if history.first_position > compared.head and made_at(history.order_id) is not None:
        return True
    return await compared.of(history.account_id)
