"""What this room raises."""

from __future__ import annotations

import re

from chains.refusals import RefusalReason
from domain.codes import Code
from domain.printable import printable

# Longer than a signature in base58: in an error message it can only be the transaction an endpoint says back.
_BYTES_AS_TEXT = re.compile(r"[A-Za-z0-9+/=_-]{89,}")
_MESSAGE_LENGTH = 200


class ChainUnavailableError(Exception):
    """The endpoint did not answer, or not in a form that can be read. Says nothing about any transaction."""


class RpcError(ChainUnavailableError):
    """The endpoint answered with a JSON-RPC error. ``reason`` is ``"error <code>: <message>"``."""

    def __init__(self, endpoint: str, code: int, message: str) -> None:
        self.code = code
        self.reason = f"error {code}: {printable(_BYTES_AS_TEXT.sub('...', message)[:_MESSAGE_LENGTH])}"
        super().__init__(f"{endpoint}: {self.reason}")


class UnansweredError(ChainUnavailableError):
    """No JSON-RPC answer came, or none that can be read; ``reason`` is one or a few words (``"timeout"``)."""

    def __init__(self, endpoint: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{endpoint}: {reason}")


class UnbelievableError(UnansweredError):
    """What was answered can't be so, and counts as no answer; ``reason`` says it with its figures."""


class TransactionRefusedError(Exception):
    """The message is not to be signed; ``code`` is one of ``domain.codes``, ``reason`` says what is wrong with it."""

    code = Code.TRANSACTION_INVALID

    def __init__(self, sentence: str, reason: RefusalReason = RefusalReason.UNREADABLE) -> None:
        self.reason = reason
        super().__init__(sentence)


class WalletError(Exception):
    """The keypair file can't be used; a sentence for the operator, never the file's content."""


class SignerError(Exception):
    """Nobody signed, or not this message; whatever was signed is not sent. A sentence."""


class SignerRefusedError(SignerError):
    """Who signs refuses this message by rules of its own; the sentence has its reason."""
