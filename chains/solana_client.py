"""The chain as the engine sees it: Solana over its JSON-RPC, one main endpoint and any number more for evidence."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Collection, Sequence
from typing import Any, Self

from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.token.associated import get_associated_token_address
from solders.transaction import VersionedTransaction

from chains import answers, heights
from chains.block_times import BlockTimes
from chains.endpoint import Endpoint
from chains.endpoint_health import EndpointHealth
from chains.errors import RpcError, UnansweredError
from chains.guard import TOKEN_PROGRAM
from chains.guard_accounts import GuardsSeen, see
from chains.lander_terms import LanderTerms
from chains.landers import Landers
from chains.lookup_tables import read_table
from chains.outcomes import Outcomes
from chains.priority_fees import read_fees
from chains.protocol import (
    AccountsAnswer,
    Blockhash,
    Chain,
    Inconclusive,
    OutcomeQuestion,
    SentTransaction,
    SignatureStatus,
    Simulation,
    Statuses,
)
from chains.reclaim_landings import ReclaimShown, see_reclaim
from chains.rent import most_rent
from chains.signing_height import SigningHeight
from chains.transaction_errors import CustomCodes, transaction_error
from domain.evidence import Commitment, ExpiryEvidence, Landing

STATUSES_A_CALL = 256
ACCOUNTS_A_CALL = 100

# Where a token account keeps its amount: after mint and owner, a little-endian u64.
_TOKEN_AMOUNT = slice(64, 72)


class SolanaChain(Chain):
    """``chains.protocol.Chain`` over the endpoint at ``url``; ``extra_urls`` are asked for evidence, and for landings
    that it doesn't show as successes; ``landers`` are sent the same bytes, and nothing is asked of them. Without
    ``sends`` no bytes leave, whoever asks for it. ``health`` compares the endpoints while somebody runs it.

    ``read_commitment`` is the state that quotes and simulations are made from. ``custom_codes`` says what the custom
    error numbers of the venues' programs mean. ``timeout`` is in seconds, for each call; ``connections`` is how many
    calls an endpoint gets at once. Holds connections from the first call on: ``close`` it, or use it as a context.
    """

    def __init__(
        self,
        url: str,
        *,
        extra_urls: Sequence[str] = (),
        landers: Sequence[LanderTerms] = (),
        sends: bool = True,
        read_commitment: Commitment = "confirmed",
        custom_codes: CustomCodes | None = None,
        timeout: float = 10.0,
        connections: int = 64,
    ) -> None:
        self._endpoints = [Endpoint(each, timeout=timeout, connections=connections) for each in (url, *extra_urls)]
        self._main = self._endpoints[0]
        self._signing_height = SigningHeight(self._endpoints)
        self.health = EndpointHealth(self._endpoints, self.latest_blockhash, lambda: self._signing_height.problem)
        self._sends = sends
        self.landers = Landers(landers, timeout=timeout)
        self._times = BlockTimes(self._main)
        self._commitment = read_commitment
        self._custom_codes = custom_codes or {}
        self._outcomes = Outcomes(self._endpoints, self._custom_codes)

    async def close(self) -> None:
        await asyncio.gather(self.landers.close(), *(endpoint.close() for endpoint in self._endpoints))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """All, the main one first."""
        return self._endpoints

    @property
    def evidence_endpoints(self) -> Sequence[Endpoint]:
        """Those at ``extra_urls``."""
        return self._endpoints[1:]

    async def genesis_hash(self) -> str:
        return await self._main.genesis_hash()

    async def block_height(self, commitment: Commitment) -> int:
        return int(await self._main.call("getBlockHeight", {"commitment": commitment}, shape=answers.U64))

    async def slot_age(self, slot: int) -> int:
        return max(0, await self.clock_ahead(slot))

    async def clock_ahead(self, slot: int) -> int:
        """Seconds that this machine's clock is past the block of ``slot``: negative where it is behind. Raises as
        ``slot_age`` does.
        """
        return int(time.time()) - await self._times.of(slot)

    async def latest_blockhash(self) -> Blockhash:
        call = self._main.call("getLatestBlockhash", {"commitment": "confirmed"}, shape=answers.LATEST_BLOCKHASH)
        answer, shown = await asyncio.gather(call, heights.confirmed(self._endpoints))
        latest = answer.value
        height = await self._signing_height.of(latest, shown)
        return Blockhash(str(latest.blockhash), answer.context.slot, latest.last_valid_block_height, height)

    async def passed_height(self) -> int:
        return await heights.passed(self._endpoints)

    async def simulate(self, message: MessageV0) -> Simulation:
        unsigned = VersionedTransaction.populate(
            message, [Signature.default()] * message.header.num_required_signatures
        )
        config = {
            "encoding": "base64",
            "commitment": self._commitment,
            "sigVerify": False,
            "replaceRecentBlockhash": True,
            "innerInstructions": True,
        }
        answer = await self._main.call(
            "simulateTransaction", _base64(bytes(unsigned)), config, shape=answers.SIMULATION
        )
        result = answer.value
        if result.err is None:
            if not result.units_consumed:  # a limit made from it would fail the transaction
                raise UnansweredError(self._main.name, "the simulation does not say what it used")
            return Simulation(None, result.units_consumed, result.called, answer.context.slot)
        programs = [str(message.account_keys[step.program_id_index]) for step in message.instructions]
        error = transaction_error(result.err, result.logs or (), programs=programs, custom_codes=self._custom_codes)
        return Simulation(error, result.units_consumed or 0, slot=answer.context.slot)

    async def send(self, transaction: bytes) -> str:
        if not self._sends:
            return "not sent: on paper"
        config = {
            "encoding": "base64",
            "skipPreflight": True,
            "preflightCommitment": self._commitment,
            "maxRetries": 0,
        }
        taken = self.landers.hand_over(transaction, beside=self._main.name)
        try:
            await self._main.call("sendTransaction", _base64(transaction), config, shape=str)
        except (RpcError, UnansweredError) as failure:
            return failure.reason
        taken()
        return "accepted"

    async def statuses(self, signatures: Sequence[str], *, search_history: bool = False) -> Statuses:
        if len(signatures) > STATUSES_A_CALL:
            raise ValueError(f"{len(signatures)} signatures: at most {STATUSES_A_CALL} a call")
        config = {"searchTransactionHistory": search_history}
        answer = await self._main.call("getSignatureStatuses", list(signatures), config, shape=answers.STATUSES)
        if len(answer.value) != len(signatures):
            raise UnansweredError(self._main.name, "not every signature was answered")
        return Statuses(answer.context.slot, tuple(status and _status(status) for status in answer.value))

    async def landing(self, sent: SentTransaction, commitment: Commitment, *, of_all: bool = False) -> Landing | None:
        return await self._outcomes.landing(sent, commitment, of_all=of_all)

    async def outcomes(self, questions: Sequence[OutcomeQuestion]) -> list[Landing | ExpiryEvidence | Inconclusive]:
        return await self._outcomes.of(questions)

    async def is_finalized(self, guard: str) -> bool:
        config = {"encoding": "base64", "commitment": "finalized"}
        answer = await self._main.call("getMultipleAccounts", [guard], config, shape=answers.OWNERS)
        return [account.owner for account in answer.value if account] == [TOKEN_PROGRAM]

    async def guards(self, genesis_hash: str, guards: Sequence[str], blockhashes: Collection[str] = ()) -> GuardsSeen:
        return await see(self._endpoints, genesis_hash, guards, blockhashes)

    async def reclaim_shown(self, signature: str, wallet: str) -> ReclaimShown:
        return await see_reclaim(self._endpoints, signature, wallet)

    async def rent(self, size: int) -> int:
        rent = int(await self._main.call("getMinimumBalanceForRentExemption", size, shape=answers.U64))
        if rent > most_rent(size):
            said = f"a rent of {rent} lamports for {size} bytes, of which no more than {most_rent(size)} is believed"
            raise UnansweredError(self._main.name, said)
        return rent

    async def lamports(self, address: str) -> int:
        config = {"commitment": self._commitment}
        return int((await self._main.call("getBalance", address, config, shape=answers.LAMPORTS)).value)

    async def accounts(self, addresses: Sequence[str]) -> AccountsAnswer:
        parts = [addresses[at : at + ACCOUNTS_A_CALL] for at in range(0, len(addresses), ACCOUNTS_A_CALL)]
        found = await asyncio.gather(*(self._accounts(part) for part in parts))
        return AccountsAnswer(
            slot=min((answer.context.slot for answer in found), default=0),
            data=tuple(account.data if account else None for answer in found for account in answer.value),
        )

    async def _accounts(self, addresses: Sequence[str]) -> Any:
        config = {"encoding": "base64", "commitment": self._commitment}
        answer = await self._main.call("getMultipleAccounts", list(addresses), config, shape=answers.ACCOUNTS)
        if len(answer.value) != len(addresses):
            raise UnansweredError(self._main.name, "not every account was answered")
        return answer

    async def recent_priority_fees(self, accounts: Sequence[str]) -> list[int]:
        return await read_fees(self._main, accounts)

    async def lookup_table(self, address: str) -> tuple[str, ...] | None:
        return await read_table(self._main, address)

    async def program_accounts(self, program: str) -> list[tuple[str, bytes]]:
        config = {"encoding": "base64", "commitment": self._commitment}
        found = await self._main.call("getProgramAccounts", program, config, shape=list[answers.OwnedAccount])
        return [(owned.pubkey, owned.account.data) for owned in found]

    async def token_balances(self, wallet: str, mints: Sequence[str]) -> dict[str, int]:
        owner = Pubkey.from_string(wallet)
        accounts = [str(get_associated_token_address(owner, Pubkey.from_string(mint))) for mint in mints]
        found = await self.accounts(accounts)
        amounts = (int.from_bytes((data or b"")[_TOKEN_AMOUNT], "little") for data in found.data)
        return dict(zip(mints, amounts, strict=True))


def _status(status: answers.Status) -> SignatureStatus:
    commitment = status.confirmation_status or ("finalized" if status.confirmations is None else "processed")
    return SignatureStatus(status.slot, commitment, failed=status.err is not None)


def _base64(transaction: bytes) -> str:
    return b64encode(transaction).decode()
