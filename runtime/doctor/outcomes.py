"""Whether each RPC endpoint can tell what became of an order: without that orders are sent, and never end."""

from __future__ import annotations

from collections.abc import Sequence

from solders.keypair import Keypair

from chains.endpoint import Endpoint
from chains.evidence import Present, ask
from chains.protocol import OutcomeQuestion, SentTransaction
from domain.evidence import GuardAbsence
from runtime.doctor.finding import Finding, well, wrong

_ASKED = "getEpochInfo, isBlockhashValid, getMultipleAccounts and getSignatureStatuses, finalized and with history"


async def look_at_outcomes(endpoints: Sequence[Endpoint], genesis_hash: str) -> list[Finding]:
    """Each is asked what the engine asks before it ends an order, of an order that there never was."""
    return [await _endpoint(endpoint, genesis_hash) for endpoint in endpoints]


async def _endpoint(endpoint: Endpoint, genesis_hash: str) -> Finding:
    question = _of_nothing(genesis_hash)
    [said] = await ask(endpoint, [question])
    if not isinstance(said, GuardAbsence):  # of the nodes behind one address one may lag for a moment
        [said] = await ask(endpoint, [question])
    if isinstance(said, GuardAbsence):
        return well("outcomes", f"{endpoint.name} can tell what became of an order")
    if isinstance(said, Present):
        sentence = f"{endpoint.name} shows as landed what nobody ever sent"
    else:
        sentence = f"what became of an order can't be told: {said}"
    return wrong("outcomes", sentence, f"use an endpoint that answers {_ASKED}")


def _of_nothing(genesis_hash: str) -> OutcomeQuestion:
    guard, wallet = str(Keypair().pubkey()), str(Keypair().pubkey())
    signature = str(Keypair().sign_message(wallet.encode()))
    # Nothing of it could land at any height, so that a chain just begun can tell it too.
    sent = SentTransaction(signature, wallet, wallet, wallet, guard, lands_until=-1, blockhash=wallet)
    return OutcomeQuestion(genesis_hash, guard, (sent,))
