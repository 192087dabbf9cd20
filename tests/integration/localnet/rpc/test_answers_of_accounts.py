"""What is said of accounts that aren't there, or aren't what was asked for: in the words of a real node."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from solders.keypair import Keypair

from chains import base58
from domain.tokens import SOL, USDC
from localnet.token_accounts import TOKEN_PROGRAMS
from tests.integration.localnet.local_node import LocalNode

NOBODY = str(Keypair().pubkey())
SYSTEM = "11111111111111111111111111111111"


def asked(node: LocalNode, method: str, *params: Any) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return dict(orjson.loads(node.post(orjson.dumps(body))[1]))


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [
        ("getTokenAccountBalance", (NOBODY,), "could not find account"),
        ("getTokenAccountBalance", (USDC.mint,), "not a Token account"),
        ("getTokenSupply", (NOBODY,), "could not find account"),
        ("getTokenSupply", (SYSTEM,), "not a Token mint"),
        ("getTokenAccountsByOwner", (NOBODY, {"mint": NOBODY}), "could not find mint"),
        ("getTokenAccountsByOwner", (NOBODY, {"mint": SYSTEM}), "not a Token mint"),
        ("getTokenAccountsByOwner", (NOBODY, {"programId": SYSTEM}), "unrecognized Token program id"),
    ],
)
def test_what_is_not_there_is_said_so(node: LocalNode, method: str, params: tuple[Any, ...], said: str) -> None:
    assert asked(node, method, *params)["error"] == {"code": -32602, "message": f"Invalid param: {said}"}


def test_what_is_there_is_found_by_its_mint_and_by_its_program(node: LocalNode) -> None:
    owner = str(node.wallet.pubkey())
    json = {"encoding": "jsonParsed"}
    for token in (SOL, USDC):
        [found] = asked(node, "getTokenAccountsByOwner", owner, {"mint": token.mint}, json)["result"]["value"]
        assert found["account"]["data"]["parsed"]["info"]["mint"] == token.mint
        assert int(asked(node, "getTokenAccountBalance", found["pubkey"])["result"]["value"]["amount"]) > 0
        assert int(asked(node, "getTokenSupply", token.mint)["result"]["value"]["decimals"]) == token.decimals
    every = asked(node, "getTokenAccountsByOwner", owner, {"programId": str(TOKEN_PROGRAMS[0])}, json)
    assert len(every["result"]["value"]) >= 2
    assert (
        asked(node, "getTokenAccountsByOwner", owner, {"programId": str(TOKEN_PROGRAMS[1])}, json)["result"]["value"]
        == []
    )


def test_without_an_encoding_data_is_a_text_in_base58(node: LocalNode) -> None:
    plain = asked(node, "getAccountInfo", USDC.mint)["result"]["value"]["data"]
    text, encoding = asked(node, "getAccountInfo", USDC.mint, {"encoding": "base58"})["result"]["value"]["data"]
    assert (plain, encoding, len(base58.decode(plain))) == (text, "base58", 82)


def test_the_same_airdrop_twice_in_a_block_is_one_transaction(node: LocalNode) -> None:
    someone = str(Keypair().pubkey())
    # A block may be closed in between: then they are two.
    answers = [asked(node, "requestAirdrop", someone, 10**6) for _ in range(20)]
    assert all("error" not in answer for answer in answers), answers
    given = {answer["result"] for answer in answers}
    for signature in given:
        node.reach(signature)
    assert len(given) < 20
    balance = asked(node, "getBalance", someone, {"commitment": "confirmed"})["result"]["value"]
    assert balance == len(given) * 10**6
