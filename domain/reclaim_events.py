"""What happens to a reclaim, the transaction that closes guards so that their rent comes back; each has a stream of
its own.
"""

from __future__ import annotations

from uuid import UUID

from domain.account_event import AccountEvent
from domain.numbers import BaseUnits
from domain.quotes import Recorded


class GuardToClose(Recorded):
    """A guard of a reclaim, and the orders that share it: ``lamports`` and ``tokens`` are its balances as they were
    read, what strangers paid in included.
    """

    guard: str
    order_ids: tuple[UUID, ...]
    lamports: BaseUnits
    tokens: BaseUnits = 0


class ReclaimBuilt(AccountEvent):
    """A reclaim is signed and durable, the first event of its stream: from here on it may land, and close all of
    ``guards`` or none. ``transaction`` is its bytes in base64. ``token_account`` takes the tokens that lie in guards.
    """

    TOPIC = "account.ReclaimBuilt"
    secret = frozenset({"transaction"})

    transaction: str
    signature: str
    wallet: str
    memo: str
    genesis_hash: str
    blockhash: str
    last_valid_block_height: int
    height: int
    guards: tuple[GuardToClose, ...]
    token_account: str | None = None


class ReclaimLanded(AccountEvent):
    """The reclaim succeeded, finalized: its guards are closed. ``lamports`` is what the wallet got back of them, its
    fee apart, ``tokens`` what strangers had paid in. ``slot`` is None where no node shows the transaction any more,
    only that the guards are gone: then the amounts are those that were read before.
    """

    TOPIC = "account.ReclaimLanded"

    signature: str
    slot: int | None
    lamports: BaseUnits
    tokens: BaseUnits
    fee_lamports: BaseUnits


class ReclaimFailed(AccountEvent):
    """The reclaim is on chain with an error, finalized: no guard was closed, and its fee is lost."""

    TOPIC = "account.ReclaimFailed"

    signature: str
    slot: int
    code: str
    detail: str
    fee_lamports: BaseUnits


class ReclaimExpired(AccountEvent):
    """The reclaim can never land: at a finalized ``height`` past its last one a ``guard`` of it was still there, or a
    reclaim of elsewhere had closed it.
    """

    TOPIC = "account.ReclaimExpired"

    signature: str
    height: int
    guard: str
