"""What the engine asks of a chain. Every call names its commitment; no answer to a send proves anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from msgspec import Struct
from solders.message import MessageV0

from chains.guard_accounts import GuardsSeen
from chains.reclaim_landings import ReclaimShown
from domain.evidence import Commitment, ExpiryEvidence, Landing, TransactionError


@dataclass(frozen=True, slots=True)
class Blockhash:
    """A recent blockhash, the slot it was given at, and the last height at which a transaction with it can land.

    ``height`` is the greatest confirmed block height that any endpoint showed when it was given.
    """

    blockhash: str
    slot: int
    last_valid_block_height: int
    height: int


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulated message: ``error`` is None where it would succeed now; ``units`` is the compute it used; ``inner`` is
    what its programs called, in order, as the node shows it, None where it doesn't; ``slot`` is that of the state it
    ran on.
    """

    error: TransactionError | None
    units: int
    inner: tuple[Mapping[str, object], ...] | None = None
    slot: int = 0


class SignatureStatus(Struct, frozen=True, gc=False):
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
    """What is needed to look for an attempt on the chain: never its signed bytes.

    ``guard`` is what it makes first, None in older logs; ``lands_until`` the last block height at which it may land, as
    far as was said when it was signed; ``tip_lamports`` what it pays to landers where it succeeds;
    ``most_fee_lamports`` the most that it can cost beside that, None where another log signed it. ``blockhash`` is None
    where nobody asks whether it may land.
    """

    signature: str
    wallet: str
    token_in: str
    token_out: str
    guard: str | None
    lands_until: int
    tip_lamports: int = 0
    most_fee_lamports: int | None = None
    blockhash: str | None = None


@dataclass(frozen=True, slots=True)
class OutcomeQuestion:
    """An order whose outcome is in question: all that was ``sent`` for it, each of which makes ``guard`` first."""

    genesis_hash: str
    guard: str
    sent: tuple[SentTransaction, ...]


@dataclass(frozen=True, slots=True)
class AccountsAnswer:
    """The data of the accounts asked for, in their order, None where there is none; not older than ``slot``."""

    slot: int
    data: tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """Why neither a success nor its absence is proven. ``guard_seen``: an endpoint shows the order's guard, so it was
    executed. ``permanent``: enough endpoints do, and none shows any more by which transaction. ``disagreeing`` are the
    endpoints that show opposite things of it.
    """

    reason: str
    guard_seen: bool = False
    permanent: bool = False
    disagreeing: tuple[str, ...] = ()


class Chain(Protocol):
    """A chain reached over its RPC. Methods raise ``ChainUnavailableError`` where nothing can be learned."""

    async def genesis_hash(self) -> str: ...

    async def block_height(self, commitment: Commitment) -> int: ...

    async def passed_height(self) -> int:
        """A finalized block height that as many endpoints as prove something have reached.

        Raises ``ChainUnavailableError`` where too few answer.
        """

    async def slot_age(self, slot: int) -> int:
        """Seconds since the block of ``slot`` by the chain's own clock, 0 where that is ahead of ours."""

    async def latest_blockhash(self) -> Blockhash:
        """At ``confirmed``: a processed block may be dropped, a finalized one has ~13 s less to live.

        Raises ``ChainUnavailableError`` also where it isn't valid for about 150 blocks.
        """

    async def simulate(self, message: MessageV0) -> Simulation:
        """Run ``message`` unsigned against the latest state, its blockhash replaced."""

    async def send(self, transaction: bytes) -> str:
        """Hand the signed bytes over, preflight skipped, no retries by the node.

        Returns what was answered, for the record (``"accepted"``, ``"error -32002: ..."``, ``"timeout"``); never
        raises for what an endpoint does, and never repeats the bytes.
        """

    async def statuses(self, signatures: Sequence[str], *, search_history: bool = False) -> Statuses: ...

    async def landing(self, sent: SentTransaction, commitment: Commitment, *, of_all: bool = False) -> Landing | None:
        """The transaction itself once it can be read at ``commitment``, amounts from its token balances.

        A success that any endpoint shows counts before a failure that others show. ``shown_by`` names who shows a
        failure, or a ``finalized`` success in the same slot with the same amounts; of a ``confirmed`` one the first,
        unless all are asked.
        """

    async def outcomes(self, questions: Sequence[OutcomeQuestion]) -> list[Landing | ExpiryEvidence | Inconclusive]:
        """For each order the transaction that succeeded, finalized; or proof that none did and none of them can land
        any more; or what is missing for either. A hundred orders take four calls an endpoint, and two more for each
        blockhash.
        """

    async def is_finalized(self, guard: str) -> bool:
        """Whether the guard is there, and no fork can undo it."""

    async def guards(self, genesis_hash: str, guards: Sequence[str], blockhashes: Collection[str] = ()) -> GuardsSeen:
        """What enough endpoints of that chain show of guards, finalized; any number of guards. An endpoint by which one
        of ``blockhashes`` may still serve has passed no height.
        """

    async def reclaim_shown(self, signature: str, wallet: str) -> ReclaimShown:
        """What the endpoints show of a reclaim, finalized."""

    async def rent(self, size: int) -> int:
        """The lamports that an account of ``size`` bytes must hold.

        Raises ``ChainUnavailableError`` also where that is far more than it has ever been.
        """

    async def lamports(self, address: str) -> int:
        """What an account holds, 0 where there is none."""

    async def accounts(self, addresses: Sequence[str]) -> AccountsAnswer:
        """Any number of accounts, at the commitment the engine reads at; more than one call past 100."""

    async def recent_priority_fees(self, accounts: Sequence[str]) -> list[int]:
        """Of each recent block the least that was paid to write any of ``accounts``, at most 128 of them, in
        micro-lamports a compute unit.
        """

    async def lookup_table(self, address: str) -> tuple[str, ...] | None:
        """The addresses in a lookup table, finalized; None where there is no table, or one that is given up."""

    async def program_accounts(self, program: str) -> list[tuple[str, bytes]]:
        """Every account ``program`` owns: address and data."""

    async def token_balances(self, wallet: str, mints: Sequence[str]) -> dict[str, int]:
        """Base units the wallet's associated token accounts hold, 0 where there is none."""
