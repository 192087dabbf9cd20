"""The local chain: blocks one after another, what may still run, and what a reader may see at which commitment.

A transaction runs at once, in the open block, in the order of arrival. Readers see nothing of it before the block is
closed, and a block is closed only after the ledger has it on disk. The newest closed block is ``processed``, the one
before it ``confirmed``, and ``finality`` blocks back everything is ``finalized``; here no block is ever dropped.
"""

from __future__ import annotations

import time
from typing import Literal, get_args

import orjson
from solders.hash import Hash
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from runtime.localnet.bank import Bank
from runtime.localnet.ledger import BlockRange, Genesis, Landed, Ledger
from runtime.localnet.messages import checked_message, memo_of
from runtime.localnet.slots import WINDOW, blockhash, genesis_hash, height_by, slot_of
from runtime.localnet.transaction_errors import SIGNATURE_FAILURE, error_json
from runtime.localnet.transaction_meta import transaction_meta

Commitment = Literal["processed", "confirmed", "finalized"]
COMMITMENTS: tuple[Commitment, ...] = get_args(Commitment)


class SignatureFailure(Exception):
    """A signature of the transaction is not its signer's."""


class Chain:
    """A chain on ``ledger`` and ``bank``, which agree about every account. One block every ``slot_ms``."""

    def __init__(self, ledger: Ledger, bank: Bank, genesis: Genesis, *, slot_ms: int, finality: int = 32) -> None:
        self.ledger = ledger
        self.bank = bank
        self.finality = finality
        self.genesis_hash = genesis_hash(genesis.seed)
        self._seed = genesis.seed
        # A range is promised a second ahead: one fsync a second on an idle chain, a jump of a second after a crash.
        self._blocks_a_range = max(1, 1000 // slot_ms)
        self._range = ledger.last_range()
        self.tip = self._range.until - 1
        self.transaction_count = ledger.transaction_count()
        first = max(0, self.tip - WINDOW)
        self._recent = {blockhash(self._seed, height): height for height in range(first, self.tip + 1)}
        self._open: dict[Signature, Landed] = {}
        self._next_range: BlockRange | None = None
        self._open_block()

    # What there is

    def height(self, commitment: Commitment) -> int:
        """The height of the newest block at ``commitment``."""
        behind = {"processed": 0, "confirmed": 1, "finalized": self.finality}[commitment]
        return max(0, self.tip - behind)

    def slot(self, commitment: Commitment) -> int:
        return slot_of(self.height(commitment))

    def commitment_of(self, height: int) -> Commitment:
        """How settled the block at ``height`` is."""
        return next(one for one in reversed(COMMITMENTS) if height <= self.height(one))

    def blockhash(self, height: int) -> Hash:
        return blockhash(self._seed, height)

    def blockhash_height(self, candidate: Hash) -> int | None:
        """The height of the block with this hash, if a transaction carrying it may still run in the open block."""
        return self._recent.get(candidate)

    def unix_time(self, height: int) -> int:
        """The time (s) of a closed block."""
        return self.ledger.unix_time(height)

    def block_at(self, slot: int, commitment: Commitment) -> int | None:
        """The height of the block at or before ``slot`` if it is at ``commitment``, else None."""
        height = height_by(slot)
        return height if height <= self.height(commitment) else None

    def knows(self, signature: Signature) -> bool:
        """Whether this transaction has run, seen or not yet."""
        return signature in self._open or self.ledger.place(signature) is not None

    # What happens

    def execute(self, transaction: VersionedTransaction, wire: bytes) -> None:
        """Run ``transaction`` in the open block, once in its life.

        One that ran before, whose blockhash is not recent, or that can't pay its fee leaves nothing and raises
        nothing, as a leader drops it. Raises ``SignatureFailure``.
        """
        signature = transaction.signatures[0]
        message = checked_message(transaction)
        if self.knows(signature) or message.recent_blockhash not in self._recent:
            return
        executed = self.bank.execute(transaction)
        error = None if executed.error is None else error_json(executed.error)
        if error == SIGNATURE_FAILURE:
            raise SignatureFailure
        if not executed.charged:
            return
        self._open[signature] = Landed(
            signature=signature,
            height=self.tip + 1,
            error=None if error is None else orjson.dumps(error).decode(),
            memo=memo_of(message),
            wire=wire,
            meta=orjson.dumps(transaction_meta(executed, error, self.bank.account)),
            mentions=tuple(dict.fromkeys(executed.keys.all)),
        )

    def close_block(self) -> None:
        """Make the open block durable, then visible, and open the next.

        Where the ledger refuses, this raises and the block stays unseen: the process must end, its accounts are ahead.
        """
        if self._open or self._next_range:
            self.ledger.commit(list(self._open.values()), self.bank.touched(), self._next_range)
        self.transaction_count += len(self._open)
        self.bank.close_block()
        self._open.clear()
        self.tip += 1
        self._recent[self.blockhash(self.tip)] = self.tip
        # The next block's height may be 150 above the oldest hash that is still good in it.
        while next(iter(self._recent.values())) < self.tip + 1 - WINDOW:
            del self._recent[next(iter(self._recent))]
        self._open_block()

    def _open_block(self) -> None:
        height = self.tip + 1
        self._range, self._next_range = self._next_range or self._range, None
        if height >= self._range.until:
            now = max(int(time.time()), self._range.unix_time)
            self._next_range = BlockRange(height, height + self._blocks_a_range, now)
        self.bank.open_block(slot_of(height), (self._next_range or self._range).unix_time)
