"""Instructions as nodes show them parsed: those of the token and system programs that swaps make.

Others are shown by their accounts and data. Which fields an instruction has is as in the clients' own parsers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from solders.instruction import CompiledInstruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM

from chains import base58
from localnet.token_accounts import TOKEN_PROGRAMS, ui_amount


def shown(keys: Sequence[Pubkey], instruction: CompiledInstruction, stack_height: int | None) -> dict[str, Any]:
    """``keys`` are the transaction's accounts, those of its lookup tables too."""
    program = keys[instruction.program_id_index]
    accounts = [str(keys[index]) for index in instruction.accounts]
    data = bytes(instruction.data)
    parsed = None
    if program in TOKEN_PROGRAMS:
        parsed = _token(data, accounts)
    elif program == SYSTEM_PROGRAM:
        parsed = _system(data, accounts)
    if parsed is None:
        return {
            "programId": str(program),
            "accounts": accounts,
            "data": base58.encode(data),
            "stackHeight": stack_height,
        }
    kind, info = parsed
    return {
        "program": "system" if program == SYSTEM_PROGRAM else "spl-token",
        "programId": str(program),
        "parsed": {"type": kind, "info": info},
        "stackHeight": stack_height,
    }


def _token(data: bytes, accounts: list[str]) -> tuple[str, dict[str, Any]] | None:
    amount = int.from_bytes(data[1:9], "little")
    match data[:1], accounts:
        case b"\x03", [source, destination, authority]:
            return "transfer", {
                "source": source,
                "destination": destination,
                "authority": authority,
                "amount": str(amount),
            }
        case b"\x0c", [source, mint, destination, authority]:
            names = {"source": source, "mint": mint, "destination": destination, "authority": authority}
            return "transferChecked", names | {"tokenAmount": ui_amount(amount, data[9])}
        case b"\x12", [account, mint, *_]:
            owner = str(Pubkey(data[1:33]))
            return "initializeAccount3", {"account": account, "mint": mint, "owner": owner}
        case b"\x15", [mint, *_]:
            return "getAccountDataSize", {"mint": mint, "extensionTypes": ["immutableOwner"]}
        case b"\x16", [account, *_]:
            return "initializeImmutableOwner", {"account": account}
    return None


def _system(data: bytes, accounts: list[str]) -> tuple[str, dict[str, Any]] | None:
    number = int.from_bytes(data[4:12], "little")
    match int.from_bytes(data[:4], "little"), accounts:
        case 0, [source, made, *_]:
            space, owner = int.from_bytes(data[12:20], "little"), str(Pubkey(data[20:52]))
            return "createAccount", {
                "source": source,
                "newAccount": made,
                "lamports": number,
                "space": space,
                "owner": owner,
            }
        case 1, [account, *_]:
            return "assign", {"account": account, "owner": str(Pubkey(data[4:36]))}
        case 2, [source, destination, *_]:
            return "transfer", {"source": source, "destination": destination, "lamports": number}
        case 8, [account, *_]:
            return "allocate", {"account": account, "space": number}
    return None
