"""What the local node refuses, and what stops it."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class ForeignDirectoryError(Exception):
    """The directory holds a chain that was made for another wallet, or without its keys."""


class SignatureFailureError(Exception):
    """A signature of the transaction is not its signer's."""


class IrreversibleBlockError(Exception):
    """The block is too settled to be dropped."""


class LedgerDamagedError(Exception):
    """The ledger's files are not what the node wrote; the text says where and what to do."""

    def __init__(self, file: Path, what: str) -> None:
        super().__init__(
            f"the local chain's ledger is damaged: {file}: {what}. Nothing was changed: put a copy of {file.parent} "
            "back, or set another DATA_DIR, for a new chain needs a new log"
        )


class LedgerInUseError(Exception):
    """Another node has this directory open."""


class PriceNotReachedError(Exception):
    """The pools could not be brought to the price: too far for the market wallet, or others kept trading."""


class UnsupportedMessageError(ValueError):
    """A message version this chain doesn't execute."""


class UnsupportedObjectError(Exception):
    """The object file holds something this linker doesn't know: the linked program would be wrong."""


class RpcError(Exception):
    """An answer with a JSON-RPC error object."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def as_json(self) -> dict[str, Any]:
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return error


class UnknownPairError(LookupError):
    """The local world has no pools of this pair."""
