"""What became of what was sent, as the endpoints show it: no single one's word ends an order for good."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chains import answers
from chains.endpoint import Endpoint
from chains.errors import RpcError, UnansweredError, UnbelievableError
from chains.evidence import Answer, Present, ask
from chains.protocol import Inconclusive, OutcomeQuestion, SentTransaction
from chains.settlement import alike, settle
from chains.transaction_errors import CustomCodes
from domain.evidence import Commitment, ExpiryEvidence, GuardAbsence, Landing, enough


class Outcomes:
    """``chains.protocol.Chain``'s ``landing`` and ``outcomes``. Of ``endpoints`` the first is the main one;
    ``custom_codes`` says what the custom error numbers of the venues' programs mean.
    """

    def __init__(self, endpoints: Sequence[Endpoint], custom_codes: CustomCodes) -> None:
        self._endpoints = endpoints
        self._custom_codes = custom_codes

    async def landing(self, sent: SentTransaction, commitment: Commitment, *, of_all: bool = False) -> Landing | None:
        try:
            first = await self._landing_at(self._endpoints[0], sent, commitment)
        except UnbelievableError:
            if shown := alike(await self._landings(self._endpoints[1:], sent, commitment)):
                return shown
            raise
        if first and first.error is None and commitment == "confirmed" and not of_all:
            return first
        # The main endpoint may be the one that lies, or that doesn't have it; for good, others must show the same.
        return alike([first, *await self._landings(self._endpoints[1:], sent, commitment)])

    async def _landings(
        self, endpoints: Sequence[Endpoint], sent: SentTransaction, commitment: Commitment
    ) -> list[Landing | None]:
        return await asyncio.gather(*(self._landing_or_none(each, sent, commitment) for each in endpoints))

    async def _landing_or_none(
        self, endpoint: Endpoint, sent: SentTransaction, commitment: Commitment
    ) -> Landing | None:
        try:
            return await self._landing_at(endpoint, sent, commitment)
        except (RpcError, UnansweredError):
            return None

    async def _landing_at(self, endpoint: Endpoint, sent: SentTransaction, commitment: Commitment) -> Landing | None:
        config = {"encoding": "json", "commitment": commitment, "maxSupportedTransactionVersion": 0}
        found = await endpoint.call("getTransaction", sent.signature, config, shape=answers.LandedTransaction | None)
        if found is None:
            return None
        if found.transaction.signatures[:1] != [sent.signature]:
            raise UnbelievableError(endpoint.name, "getTransaction was answered with another transaction")
        landing = settle(
            found,
            sent,
            commitment=commitment,
            custom_codes=self._custom_codes,
            shown_by=endpoint.name,
            configured=len(self._endpoints),
        )
        if sent.guard and landing.error is None and not landing.guard_rent_lamports:
            raise UnbelievableError(endpoint.name, "getTransaction was answered with a success that made no guard")
        return landing

    async def of(self, questions: Sequence[OutcomeQuestion]) -> list[Landing | ExpiryEvidence | Inconclusive]:
        by_endpoint = await asyncio.gather(*(ask(endpoint, questions) for endpoint in self._endpoints))
        by_question = zip(questions, zip(*by_endpoint, strict=True), strict=True)
        return list(await asyncio.gather(*(self._outcome(question, said) for question, said in by_question)))

    async def _outcome(
        self, question: OutcomeQuestion, said: Sequence[Answer]
    ) -> Landing | ExpiryEvidence | Inconclusive:
        """What the endpoints' answers come to. One that shows a success outweighs those that don't."""
        present = [answer for answer in said if isinstance(answer, Present)]
        if present:
            for sent in question.sent:
                landing = alike(await self._landings(self._endpoints, sent, "finalized"))
                if landing and landing.error is None:
                    return landing
        absent = tuple(answer for answer in said if isinstance(answer, GuardAbsence))
        reason = "; ".join(str(answer) for answer in said if not isinstance(answer, GuardAbsence))
        if present:
            names = [endpoint.name for endpoint in self._endpoints]
            shown = zip(names, said, strict=True)
            opposed = tuple(name for name, answer in shown if isinstance(answer, Present | GuardAbsence))
            whole = not absent and enough(len(present), len(self._endpoints))
            return Inconclusive(
                "; ".join([reason, *(f"{answer.endpoint}: it shows no guard" for answer in absent)]),
                guard_seen=True,
                permanent=whole and all(answer.unnamed for answer in present),
                disagreeing=opposed if absent else (),
            )
        if absent:
            return ExpiryEvidence(endpoints=absent, configured=len(self._endpoints))
        return Inconclusive(reason)
