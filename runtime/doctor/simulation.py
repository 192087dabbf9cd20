"""Whether the node's simulations show what programs call: without that nothing of a remote venue is signed."""

from __future__ import annotations

from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.token import ID as TOKEN
from solders.token.associated import get_associated_token_address

from chains.errors import ChainUnavailableError
from chains.inner_instructions import UnreadableCallError, calls_of
from chains.signer import Signer
from chains.solana_client import SolanaChain
from chains.transactions import ATA_PROGRAM
from domain.tokens import SOL
from runtime.doctor.finding import Finding, look, well, wrong

_ADVICE = "use an endpoint whose simulateTransaction gives innerInstructions"


async def look_at_simulation(chain: SolanaChain, wallet: Signer) -> Finding:
    """By a token account that is made for nobody, which takes calls of the token and the system program."""
    try:
        message = _making_an_account(wallet.address, (await chain.latest_blockhash()).blockhash)
        simulation = await chain.simulate(message)
    except ChainUnavailableError as error:
        return wrong("simulation", f"the node simulates nothing: {error}", "see rpc")
    if simulation.error:
        return look("simulation", f"what programs call can't be looked at: {simulation.error.detail}", "see balance")
    try:
        shown = list(calls_of(simulation.inner or (), message.account_keys))
    except UnreadableCallError as error:
        return wrong("simulation", f"{error}: no remote swap is signed", _ADVICE)
    if not shown:
        return wrong("simulation", "the node does not show what programs call: no remote swap is signed", _ADVICE)
    return well("simulation", "the node shows what programs call")


def _making_an_account(wallet: str, blockhash: str) -> MessageV0:
    payer, mint, nobody = Pubkey.from_string(wallet), Pubkey.from_string(SOL.mint), Keypair().pubkey()
    accounts = [
        AccountMeta(payer, True, True),
        AccountMeta(get_associated_token_address(nobody, mint), False, True),
        *(AccountMeta(one, False, False) for one in (nobody, mint, Pubkey.default(), TOKEN)),
    ]
    make = Instruction(Pubkey.from_string(ATA_PROGRAM), b"\x01", accounts)
    return MessageV0.try_compile(payer, [make], [], Hash.from_string(blockhash))
