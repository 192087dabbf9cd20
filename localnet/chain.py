"""The local chain: its blocks, which transactions may still run, and what a reader sees at which commitment.

A transaction runs as soon as it arrives, in the open block. Readers see nothing of it before the block is
closed, and a block is closed only after the ledger has it on disk. The newest closed block is ``processed``, the one
before it ``confirmed``, and ``finality`` blocks back everything is ``finalized``. Blocks are named by number, see
``slots``.
"""

from __future__ import annotations

import time
from typing import Literal, get_args

import orjson
from solders.account import Account
from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from localnet.bank import Bank
from localnet.canonical import CanonicalBlocks
from localnet.errors import IrreversibleBlockError, SignatureFailureError
from localnet.ledger import Ledger
from localnet.ledger_rows import BlockRange, Genesis, Landed, Settled
from localnet.messages import checked_message, memo_of
from localnet.slots import WINDOW, blockhash, genesis_hash, number_by, slot_of
from localnet.transaction_errors import SIGNATURE_FAILURE, error_json
from localnet.transaction_meta import transaction_meta

Commitment = Literal["processed", "confirmed", "finalized"]
COMMITMENTS: tuple[Commitment, ...] = get_args(Commitment)


class Chain:
    """A chain on ``ledger`` and ``bank``, which hold the same accounts. It makes a block every ``slot_ms``.

    ``settles``: while it is False no more blocks are confirmed or finalized. Accounts can be read ``readable_back``
    blocks behind the finalized one, of what was made since the start.
    """

    def __init__(
        self, ledger: Ledger, bank: Bank, genesis: Genesis, *, slot_ms: int, finality: int = 32, readable_back: int = 0
    ) -> None:
        self.ledger = ledger
        self.bank = bank
        self.finality = finality
        self.settles = True
        self._readable_back = readable_back
        self.genesis_hash = genesis_hash(genesis.seed)
        self._seed = genesis.seed
        # Block numbers are reserved in the ledger a second ahead: an idle chain needs one fsync a second, and after a
        # crash the numbers jump by up to a second.
        self._blocks_a_range = max(1, 1000 // slot_ms)
        self._slot_ms = slot_ms
        self._range = ledger.last_range()
        self._blocks = CanonicalBlocks(ledger.dropped())
        self._made = self._range.until - 1
        self._newest = self._settle(self._blocks.by(self._made), ledger.settled())
        self.transaction_count = ledger.transaction_count()
        self._recent = self._recent_blocks()
        self._open: dict[Signature, Landed] = {}
        self._next_range: BlockRange | None = None
        self._open_block()

    # Reading

    def newest(self, commitment: Commitment) -> int:
        """The number of the newest block at ``commitment``."""
        return self._newest[commitment]

    def newest_blocks(self, count: int) -> list[int]:
        """The numbers of the newest ``count`` blocks, oldest first."""
        newest = self.height("processed")
        return [self._blocks.at(height) for height in range(max(0, newest - count + 1), newest + 1)]

    def height(self, commitment: Commitment) -> int:
        """The height of the newest block at ``commitment``."""
        return self._blocks.height(self.newest(commitment))

    def slot(self, commitment: Commitment) -> int:
        return slot_of(self.newest(commitment))

    def commitment_of(self, number: int) -> Commitment:
        """How settled the block is."""
        return next(commitment for commitment in reversed(COMMITMENTS) if number <= self.newest(commitment))

    def height_of(self, number: int) -> int:
        return self._blocks.height(number)

    def block_at(self, height: int) -> int:
        """The number of the block at ``height``."""
        return self._blocks.at(height)

    def block_in(self, slot: int) -> int | None:
        """The number of the block in ``slot``, or None where it has none on the chain."""
        number = number_by(slot)
        return number if slot_of(number) == slot and self._blocks.holds(number) else None

    def blockhash(self, number: int) -> Hash:
        return blockhash(self._seed, number)

    def recent_block(self, candidate: Hash) -> int | None:
        """The block with this hash, if a transaction carrying it may still run in the open block."""
        return self._recent.get(candidate)

    def serves(self, candidate: Hash, commitment: Commitment) -> bool:
        """Whether a transaction carrying this hash may run in the block after the newest one at ``commitment``."""
        newest = self.height(commitment)
        serving = range(max(0, newest - WINDOW + 1), newest + 1)
        return any(self.blockhash(self._blocks.at(height)) == candidate for height in reversed(serving))

    def unix_time(self, number: int) -> int:
        """The time (s) of a closed block."""
        return self.ledger.unix_time(number)

    def account(self, address: Pubkey, commitment: Commitment) -> Account | None:
        return self.bank.account(address, self.newest(commitment))

    def owned_by(self, program: Pubkey, commitment: Commitment) -> list[tuple[Pubkey, Account]]:
        """Every account that ``program`` owns."""
        return self.bank.owned_by(program, self.newest(commitment))

    @property
    def has_open_transactions(self) -> bool:
        """Whether anything ran in the open block: then somebody waits for it to be closed."""
        return bool(self._open)

    def knows(self, signature: Signature) -> bool:
        """Whether this transaction has run, in a closed block or in the open one."""
        return signature in self._open or self.ledger.place(signature) is not None

    # Changing

    def execute(self, transaction: VersionedTransaction, wire: bytes) -> None:
        """Run ``transaction`` in the open block, unless it has run before.

        A transaction that ran before, whose blockhash is not recent or that can't pay its fee is ignored, as the leader
        of a real chain drops it. Raises ``SignatureFailureError``.
        """
        signature = transaction.signatures[0]
        message = checked_message(transaction)
        if self.knows(signature) or message.recent_blockhash not in self._recent:
            return
        executed = self.bank.execute(transaction)
        error = None if executed.error is None else error_json(executed.error)
        if error == SIGNATURE_FAILURE:
            raise SignatureFailureError
        if not executed.charged:
            return
        self._open[signature] = Landed(
            signature=signature,
            number=self._made + 1,
            error=None if error is None else orjson.dumps(error).decode(),
            memo=memo_of(message),
            wire=wire,
            meta=orjson.dumps(transaction_meta(executed, error, lambda mint: self.account(mint, "processed"))),
            mentions=tuple(dict.fromkeys(executed.keys.all)),
        )

    def close_block(self) -> None:
        """Make the open block durable, then visible, and open the next.

        Where the ledger can't write, this raises and nobody sees the block. The process has to end then, for the bank's
        accounts are ahead of the ledger's.
        """
        number, finalized = self._made + 1, self.newest("finalized")
        if self._open or self._next_range:
            self.ledger.commit(number, list(self._open.values()), self.bank.touched(), self._next_range, finalized)
        self.transaction_count += len(self._open)
        self.bank.close_block(number, self._blocks.back(finalized, self._readable_back))
        self._open.clear()
        self._made = number
        self._newest = self._settle(number, Settled(self.newest("confirmed"), finalized))
        self._recent[self.blockhash(number)] = number
        if len(self._recent) > WINDOW:
            del self._recent[next(iter(self._recent))]
        self._open_block()

    def make_empty_blocks(self, count: int) -> None:
        """Make the open block, in which nothing ran, and as many more as make ``count``: at once, as of now.

        Raises as ``close_block`` does, and ``ValueError`` where something ran in the open block.
        """
        if self._open:
            raise ValueError("the open block isn't empty")
        first, last, finalized = self._range.until, self._made + count, self.newest("finalized")
        if last >= first:
            now, more = int(time.time()), last - first
            began = max(self._range.time_of(first - 1), now - more * self._slot_ms // 1000)
            # No block is of the future, also where the clock was set back or blocks come faster than their time.
            apart = min(self._slot_ms * 1000, max(0, now - began) * 1_000_000 // max(1, more))
            self._range, self._next_range = BlockRange(first, last + 1, began, apart), None
            self.ledger.commit(last, [], [], self._range, finalized)
        self.bank.close_block(last, self._blocks.back(finalized, self._readable_back))
        self._made = last
        self._newest = self._settle(last, Settled(self.newest("confirmed"), finalized))
        self._recent = self._recent_blocks()
        self._open_block()

    def drop_blocks(self, count: int = 1, *, confirmed: bool = False) -> None:
        """Drop the newest ``count`` blocks, as a fork does that wins without them.

        What they did is undone, and their transactions may run again. The open block continues without them. Only
        processed blocks can be dropped; with ``confirmed`` also confirmed ones, which is possible on a real chain and
        rare. Raises ``IrreversibleBlockError`` for blocks that are more settled than that.
        """
        floor = self.newest("finalized" if confirmed else "confirmed")
        lost = self.newest_blocks(count)
        if not lost or lost[0] <= floor:
            raise IrreversibleBlockError(f"blocks up to slot {slot_of(floor)} are settled")
        tip = self._blocks.back(lost[0], 1)
        settled = Settled(min(self.newest("confirmed"), tip), self.newest("finalized"))
        self.ledger.drop(lost, list(self.bank.before(lost[0]).items()), settled)
        self.bank.drop(lost[0])
        self._blocks.drop(lost)
        self._newest = self._settle(tip, settled)
        self._recent = self._recent_blocks()
        self.transaction_count = self.ledger.transaction_count()
        waiting, self._open = list(self._open.values()), {}
        for landed in waiting:
            self.execute(VersionedTransaction.from_bytes(landed.wire), landed.wire)

    def _recent_blocks(self) -> dict[Hash, int]:
        """The blocks whose hash a transaction in the open block may carry, by hash: the newest 150."""
        return {self.blockhash(number): number for number in self.newest_blocks(WINDOW)}

    def _settle(self, tip: int, settled: Settled) -> dict[Commitment, int]:
        """The newest block at each commitment; what was ``settled`` stays so."""
        if not self.settles:
            return {"processed": tip, "confirmed": settled.confirmed, "finalized": settled.finalized}
        confirmed = max(settled.confirmed, self._blocks.back(tip, 1))
        finalized = max(settled.finalized, self._blocks.back(tip, self.finality))
        return {"processed": tip, "confirmed": confirmed, "finalized": finalized}

    def _open_block(self) -> None:
        number = self._made + 1
        self._range, self._next_range = self._next_range or self._range, None
        if number >= self._range.until:
            now = max(int(time.time()), self._range.time_of(self._range.until - 1))
            self._next_range = BlockRange(number, number + self._blocks_a_range, now)
        self.bank.open_block(slot_of(number), (self._next_range or self._range).time_of(number))
