"""What the engine asks of a chain. Every call names its commitment; no answer to a send proves anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from solders.message import MessageV0

from domain.evidence import Commitment, ExpiryEvidence, Landing, TransactionError


@dataclass(frozen=True, slots=True)
class Blockhash:
    """A recent blockhash, the slot it was given at, and the last height at which a transaction with it can land."""

    blockhash: str
    slot: int
    last_valid_block_height: int


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulated message: ``error`` is None where it would succeed now; ``units`` is the compute it used."""

    error: TransactionError | None
    units: int


@dataclass(frozen=True, slots=True)
class SignatureStatus:
    """Where a known signature stands. ``failed`` means it is in a block with an error."""

    slot: int
    commitment: Literal["processed", "confirmed", "finalized"]
    failed: bool


@dataclass(frozen=True, slots=True)
class Statuses:
    """One answer for up to 256 signatures, as of ``slot``; None is "not seen", which proves nothing."""

    slot: int
    found: tuple[SignatureStatus | None, ...]


@dataclass(frozen=True, slots=True)
class SentTransaction:
    """What is needed to look for an attempt on the chain: never its signed bytes."""

    signature: str
    wallet: str
    token_in: str
    token_out: str


@dataclass(frozen=True, slots=True)
class ExpiryQuestion:
    """An attempt whose expiry is to be proven; heights and slots as recorded when it was built."""

    signature: str
    genesis_hash: str
    blockhash_slot: int
    last_valid_block_height: int


@dataclass(frozen=True, slots=True)
class AccountsAnswer:
    """The data of the accounts asked for, in their order, None where there is none; not older than ``slot``."""

    slot: int
    data: tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """Why expiry isn't proven. ``permanent``: every endpoint that answers has purged the blocks that could prove it."""

    reason: str
    permanent: bool = False


class Chain(Protocol):
    """A chain reached over its RPC. Methods raise ``ChainUnavailableError`` where nothing can be learned."""

    async def genesis_hash(self) -> str: ...

    async def block_height(self, commitment: Commitment) -> int: ...

    async def slot_age(self, slot: int) -> int:
        """Seconds since the block of ``slot`` by the chain's own clock, 0 where that is ahead of ours."""

    async def latest_blockhash(self) -> Blockhash:
        """At ``confirmed``: a processed block may be dropped, a finalized one has ~13 s less to live."""

    async def simulate(self, message: MessageV0) -> Simulation:
        """Run ``message`` unsigned against the latest state, its blockhash replaced."""

    async def send(self, transaction: bytes) -> str:
        """Hand the signed bytes over, preflight skipped, no retries by the node.

        Returns what was answered, for the record (``"accepted"``, ``"error -32002: ..."``, ``"timeout"``); never
        raises for what an endpoint does, and never repeats the bytes.
        """

    async def statuses(self, signatures: Sequence[str], *, search_history: bool = False) -> Statuses: ...

    async def landing(self, sent: SentTransaction, commitment: Commitment) -> Landing | None:
        """The transaction itself once it can be read at ``commitment``, amounts from its token balances."""

    async def expiry_evidence(self, question: ExpiryQuestion) -> ExpiryEvidence | Inconclusive:
        """Proof that the signature can never land, or what is missing for it."""

    async def accounts(self, addresses: Sequence[str]) -> AccountsAnswer:
        """Any number of accounts, at the commitment the engine reads at; more than one call past 100."""

    async def program_accounts(self, program: str) -> list[tuple[str, bytes]]:
        """Every account ``program`` owns: address and data."""

    async def token_balances(self, wallet: str, mints: Sequence[str]) -> dict[str, int]:
        """Base units the wallet's associated token accounts hold, 0 where there is none."""
