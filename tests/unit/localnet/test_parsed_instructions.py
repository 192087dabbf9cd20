"""What programs call is shown parsed as nodes do it; the check of a simulation reads either form alike."""

from __future__ import annotations

from functools import partial
from typing import Any

from chains.inner_instructions import calls_of
from chains.simulated_changes import check_simulated
from domain.tokens import USDC
from localnet.rpc.parsed_instructions import shown
from localnet.transaction_meta import inner_instructions
from tests.unit.chains.small_world import (
    ALLOWED,
    AMOUNT_IN,
    DESTINATION,
    RENT,
    SOURCE,
    WALLET,
    World,
    checked,
    composed,
    making_account,
    swap,
)


def simulated(world: World, message: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The inner instructions as compiled, and as nodes show them."""
    ran = world.meta(message)
    keys = checked(message).keys
    flat = [[one for each in found for one in each["instructions"]] for found in (
        inner_instructions(ran), inner_instructions(ran, partial(shown, keys)))]  # fmt: skip
    return flat[0], flat[1]


def test_a_swaps_transfers_are_parsed_with_who_pays_whom_and_how_much() -> None:
    _, parsed = simulated(World(), composed())
    first, second = (one["parsed"] for one in parsed)
    assert (first["type"], first["info"]["source"]) == ("transfer", str(SOURCE))
    assert (first["info"]["authority"], first["info"]["amount"]) == (WALLET, str(AMOUNT_IN))
    assert second["info"]["destination"] == str(DESTINATION)
    assert {one["program"] for one in parsed} == {"spl-token"}


def test_the_making_of_an_account_is_parsed_too() -> None:
    _, parsed = simulated(World().without(DESTINATION), composed(making_account(), swap()))
    by_type = {one["parsed"]["type"]: one["parsed"]["info"] for one in parsed if "parsed" in one}
    assert by_type["createAccount"] == {
        "source": WALLET,
        "newAccount": str(DESTINATION),
        "lamports": RENT,
        "space": 165,
        "owner": "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
    }
    assert by_type["initializeAccount3"] == {"account": str(DESTINATION), "mint": USDC.mint, "owner": WALLET}
    assert {"getAccountDataSize", "initializeImmutableOwner"} <= by_type.keys()


def test_both_forms_tell_the_check_the_same() -> None:
    for world, message in ((World(), composed()), (World().without(DESTINATION), composed(making_account(), swap()))):
        compiled, parsed = simulated(world, message)
        decoded = checked(message)
        told = [
            [(one.is_system, one.source, one.destination, one.authority, one.amount, one.is_making) for one in calls]
            for calls in (calls_of(compiled, decoded.keys), calls_of(parsed, decoded.keys))
        ]
        moving = [[one for one in each if one[1]] for each in told]
        assert moving[0] == moving[1]
        assert len(told[0]) == len(told[1])
        for inner in (compiled, parsed):
            check_simulated(inner, decoded, ALLOWED, rent=RENT)
