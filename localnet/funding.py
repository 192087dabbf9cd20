"""Gives a new wallet of the local chain what the engine's own began with: lamports, and some of every token."""

from __future__ import annotations

import asyncio

from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import TransferParams, transfer
from solders.token import ID as TOKEN_PROGRAM
from solders.token.associated import get_associated_token_address
from solders.transaction import VersionedTransaction

from chains.errors import ChainUnavailableError
from chains.solana_client import SolanaChain
from domain.tokens import Token
from localnet.world import TOKENS, WALLET_HOLDS, WALLET_LAMPORTS, base_units

_ASSOCIATED = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
_CREATE_IDEMPOTENT, _TRANSFER_CHECKED = 1, 12
_POLL_S, _PATIENCE_S = 0.05, 20.0


async def fund(chain: SolanaChain, market: Keypair, faucet: Keypair, wallet: str) -> None:
    """Return once the chain has confirmed it: balances are read as confirmed. The lamports come last: a wallet that has
    some has all the rest.

    Raises ``ChainUnavailableError``.
    """
    owner = Pubkey.from_string(wallet)
    tokens = [_give(token, market.pubkey(), faucet.pubkey(), owner) for token in TOKENS]
    await _land(chain, [faucet, market], tokens)
    give = TransferParams(from_pubkey=faucet.pubkey(), to_pubkey=owner, lamports=WALLET_LAMPORTS)
    await _land(chain, [faucet], [[transfer(give)]])


def _give(token: Token, market: Pubkey, payer: Pubkey, owner: Pubkey) -> list[Instruction]:
    mint = Pubkey.from_string(token.mint)
    source, target = get_associated_token_address(market, mint), get_associated_token_address(owner, mint)
    create = [
        AccountMeta(payer, is_signer=True, is_writable=True),
        AccountMeta(target, is_signer=False, is_writable=True),
        *(AccountMeta(key, is_signer=False, is_writable=False) for key in (owner, mint, SYSTEM_PROGRAM, TOKEN_PROGRAM)),
    ]
    move = [
        AccountMeta(source, is_signer=False, is_writable=True),
        AccountMeta(mint, is_signer=False, is_writable=False),
        AccountMeta(target, is_signer=False, is_writable=True),
        AccountMeta(market, is_signer=True, is_writable=False),
    ]
    amount = base_units(token, WALLET_HOLDS[token]).to_bytes(8, "little")
    return [
        Instruction(_ASSOCIATED, bytes([_CREATE_IDEMPOTENT]), create),
        Instruction(TOKEN_PROGRAM, bytes([_TRANSFER_CHECKED, *amount, token.decimals]), move),
    ]


async def _land(chain: SolanaChain, signers: list[Keypair], transactions: list[list[Instruction]]) -> None:
    """Return once each of ``transactions``, given by its instructions, is confirmed."""
    blockhash = Hash.from_string((await chain.latest_blockhash()).blockhash)
    signatures = []
    for instructions in transactions:
        message = MessageV0.try_compile(signers[0].pubkey(), instructions, [], blockhash)
        transaction = VersionedTransaction(message, signers)
        signatures.append(str(transaction.signatures[0]))
        await chain.send(bytes(transaction))
    deadline = asyncio.get_running_loop().time() + _PATIENCE_S
    while asyncio.get_running_loop().time() < deadline:
        found = (await chain.statuses(signatures)).found
        for signature, status in zip(signatures, found, strict=True):
            if status and status.failed:
                raise ChainUnavailableError(f"the local chain refused to fund a wallet: {signature}")
        if all(status and status.commitment != "processed" for status in found):
            return
        await asyncio.sleep(_POLL_S)
    raise ChainUnavailableError("the local chain did not fund a wallet in time")
