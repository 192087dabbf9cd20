"""What a node may say that isn't so, for as long as ``told``; each lie alters the answers of the real one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chains.guard import TOKEN_PROGRAM
from tests.integration.chains.endpoint_server import Alter, Request

FAILED = {"InstructionError": [4, {"Custom": 1}]}
FAR = 500  # blocks: more than any transaction lives
SHORT = 70  # blocks: a blockhash whose life is understated by more is refused


@dataclass
class Lies:
    """Answers altered by the named ``lies``. They end when ``told`` becomes False."""

    lies: tuple[str, ...]
    told: bool = True

    @property
    def changes(self) -> Mapping[str, Alter]:
        """By method, what an honest answer becomes."""
        by_method: dict[str, list[Alter]] = {}
        for lie in self.lies:
            for method, alter in LIES[lie].items():
                by_method.setdefault(method, []).append(alter)
        return {method: self._all(alters) for method, alters in by_method.items()}

    def _all(self, alters: list[Alter]) -> Alter:
        def altered(request: Request, result: Any) -> Any:
            for alter in alters if self.told else ():
                result = alter(request, result)
            return result

        return altered


@dataclass
class NeverWas:
    """A success of ``signature`` that never was, shown as ``like``, a transaction that landed; ``accounts`` of that are
    told as others.
    """

    signature: str
    like: Any
    accounts: Mapping[str | None, str | None]
    told: bool = True

    @property
    def changes(self) -> Mapping[str, Alter]:
        return {"getSignatureStatuses": self._statuses, "getTransaction": self._transaction}

    def _statuses(self, request: Request, result: Any) -> Any:
        lie = {"slot": self.like["slot"], "confirmations": 1, "err": None, "confirmationStatus": "confirmed"}
        asked = zip(request["params"][0], result["value"], strict=True)
        return {**result, "value": [lie if self.told and one == self.signature else status for one, status in asked]}

    def _transaction(self, request: Request, result: Any) -> Any:
        if not self.told or request["params"][0] != self.signature:
            return result
        message = self.like["transaction"]["message"]
        keys = [self.accounts.get(key, key) for key in message["accountKeys"]]
        message = {**message, "accountKeys": keys}
        return {**self.like, "transaction": {"signatures": [self.signature], "message": message}}


def _no_status(_: Request, result: Any) -> Any:
    return {**result, "value": [None] * len(result["value"])}


def _failed_status(_: Request, result: Any) -> Any:
    lie = {"err": FAILED, "status": {"Err": FAILED}, "confirmations": None, "confirmationStatus": "finalized"}
    return {**result, "value": [one and {**one, **lie} for one in result["value"]]}


def _failed_transaction(_: Request, result: Any) -> Any:
    return result and {**result, "meta": {**result["meta"], "err": FAILED}}


def _overstated_epoch(_: Request, result: Any) -> Any:
    return {**result, "blockHeight": result["blockHeight"] + FAR}


def _overstated_height(request: Request, result: Any) -> Any:
    # The confirmed height is what a blockhash's life is judged by: with that one overstated nothing is signed.
    return result + FAR if request["params"][0]["commitment"] == "finalized" else result


def _short_life(_: Request, result: Any) -> Any:
    latest = result["value"]
    return {**result, "value": {**latest, "lastValidBlockHeight": latest["lastValidBlockHeight"] - SHORT}}


def _understated_epoch(_: Request, result: Any) -> Any:
    return {**result, "blockHeight": max(0, result["blockHeight"] - FAR)}


def _understated_height(request: Request, result: Any) -> Any:
    return max(0, result - FAR) if request["params"][0]["commitment"] == "finalized" else result


def _is_about_guards(request: Request) -> bool:
    return "dataSlice" in request["params"][1]


def _no_guard(request: Request, result: Any) -> Any:
    return {**result, "value": [None] * len(result["value"])} if _is_about_guards(request) else result


def _a_guard(request: Request, result: Any) -> Any:
    account = {"owner": TOKEN_PROGRAM, "data": ["", "base64"], "lamports": 1, "executable": False, "rentEpoch": 0}
    return {**result, "value": [account for _ in result["value"]]} if _is_about_guards(request) else result


LIES: Mapping[str, Mapping[str, Alter]] = {
    "no status": {"getSignatureStatuses": _no_status, "getTransaction": lambda _, __: None},
    "an error": {"getSignatureStatuses": _failed_status, "getTransaction": _failed_transaction},
    "heights overstated": {
        "getEpochInfo": _overstated_epoch,
        "getBlockHeight": _overstated_height,
        "getLatestBlockhash": _short_life,
        "isBlockhashValid": lambda _, result: {**result, "value": False},
    },
    "heights understated": {
        "getEpochInfo": _understated_epoch,
        "getBlockHeight": _understated_height,
        "isBlockhashValid": lambda _, result: {**result, "value": True},
    },
    "no guard": {"getMultipleAccounts": _no_guard},
    "a guard": {"getMultipleAccounts": _a_guard},
}
