"""The transaction of an attempt before anything is known of its blockhash and limits: does a proposal fit into it?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import CompileError, MessageV0

from chains.decoding import signed_size
from chains.errors import TransactionRefusedError
from chains.lookup_tables import LookupTableCache
from chains.tips import Tip, tip_transfers, without_tipped
from chains.transactions import MAX_COMPUTE_UNITS, MAX_TRANSACTION_BYTES, compose
from venues.protocol import Proposal


class Draft:
    """``guard`` are the instructions that make the order's guard, ``tips`` what landers ask for; the rest is what
    ``compose`` takes.
    """

    def __init__(
        self,
        tables: LookupTableCache,
        *,
        wallet: str,
        guard: Sequence[Instruction],
        order_id: UUID,
        attempt: int,
        tips: Sequence[Tip] = (),
    ) -> None:
        self._tables = tables
        self._tipping = partial(tip_transfers, tips, wallet=wallet, order_id=order_id, attempt=attempt)
        self._compose = partial(compose, guard=guard, wallet=wallet, order_id=order_id, attempt=attempt)

    def compose(
        self,
        proposal: Proposal,
        tables: Sequence[AddressLookupTableAccount],
        *,
        blockhash: str,
        compute_units: int,
        compute_unit_price: int = 0,
    ) -> MessageV0:
        tipping = self._tipping(tables=tables)
        return self._compose(
            proposal.instructions,
            tips=tipping,
            lookup_tables=without_tipped(tables, tipping),
            blockhash=blockhash,
            compute_units=compute_units,
            compute_unit_price=compute_unit_price,
        )

    async def fits(self, proposal: Proposal) -> bool:
        """Whether it fits into a packet, signed and with a price for priority; raises what reading tables raises."""
        tables = await self._tables.get(proposal.lookup_tables)
        try:
            message = self.compose(
                proposal,
                tables,
                blockhash=str(Hash.default()),
                compute_units=MAX_COMPUTE_UNITS,
                compute_unit_price=1,
            )
            return signed_size(message) <= MAX_TRANSACTION_BYTES
        except (CompileError, TransactionRefusedError):
            return False  # more accounts than an index can count, or more of something else
