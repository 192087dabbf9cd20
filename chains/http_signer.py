"""A wallet whose key is somebody else's server's: it is asked for each signature, over HTTP."""

from __future__ import annotations

from base64 import b64encode

import msgspec
import orjson
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from chains.errors import SignerError, SignerRefusedError, TransactionRefusedError
from chains.guard import GuardKey
from chains.reclaim import check_reclaim
from chains.refusals import RefusalReason
from chains.signer import Signer
from chains.transport import ForbiddenError, Transport, TransportError
from domain.printable import printable
from domain.secret_words import SecretWords, of_path

_REASON_LENGTH = 200


class _Answer(msgspec.Struct, frozen=True):
    signature: str


class _Refusal(msgspec.Struct, frozen=True):
    error: str


class HttpSigner(Signer):
    """The server at ``url`` signs for ``address``: ``POST {"wallet", "message"}`` (base58, base64) is answered with
    ``{"signature"}`` (base58), the message's own.

    One request is one signature, made once: what wasn't answered in ``timeout`` seconds may have been signed, and is
    forgotten. The server's own rules may refuse: that is a 403 with ``{"error"}``, a sentence, and nothing else is: a
    403 of anybody between here and there has no such form. A secret may be in the path or query of ``url``; nothing
    shows it.
    """

    def __init__(self, url: str, address: str, *, timeout: float) -> None:
        self._address = address
        self._key = Pubkey.from_string(address)
        self._timeout = timeout
        self._transport = Transport(url, connections=32)
        self._secrets = SecretWords(of_path(url), urls=[url])

    @property
    def address(self) -> str:
        return self._address

    async def close(self) -> None:
        await self._transport.close()

    async def connect(self) -> None:
        """Whether somebody is there, without a request: raises ``SignerError`` where nobody is."""
        try:
            await self._transport.connect(within=self._timeout)
        except TransportError as error:
            raise SignerError(f"nobody can be connected to: {error}") from None
        except TimeoutError:
            raise SignerError(f"nobody can be connected to within {self._timeout:g} s") from None

    async def signed(self, message: MessageV0) -> VersionedTransaction:
        if message.header.num_required_signatures != 1 or message.account_keys[0] != self._key:
            raise TransactionRefusedError(
                "the message asks for another signature than the wallet's", RefusalReason.ANOTHER_SIGNER
            )
        return VersionedTransaction.populate(message, [await self._signature(message)])

    async def signed_reclaim(self, message: MessageV0, guard_key: GuardKey) -> VersionedTransaction:
        canary = guard_key.canary(self.address).address
        check_reclaim(message, wallet=self.address, authority=guard_key.authority, kept=(canary,))
        return VersionedTransaction.populate(message, [await self._signature(message), guard_key.sign_checked(message)])

    def guard_key(self) -> None:
        return None

    async def _signature(self, message: MessageV0) -> Signature:
        wire = to_bytes_versioned(message)
        body = orjson.dumps({"wallet": self.address, "message": b64encode(wire).decode()})
        try:
            answer = await self._transport.post(body, within=self._timeout, tells_why=True)
            signature = Signature.from_string(msgspec.json.decode(answer, type=_Answer).signature)
        except ForbiddenError as error:
            raise self._forbidden(error) from None
        except TransportError as error:
            raise SignerError(f"the signer gave no signature: {error}") from None
        except TimeoutError:
            raise SignerError(f"the signer gave no signature within {self._timeout:g} s") from None
        except (ValueError, RecursionError):
            raise SignerError("the signer's answer can't be read") from None
        if not signature.verify(self._key, wire):
            raise SignerError("the signer answered with a signature that isn't the wallet's under this message")
        return signature

    def _forbidden(self, error: ForbiddenError) -> SignerError:
        try:
            said = msgspec.json.decode(error.body, type=_Refusal).error
        except (ValueError, RecursionError):
            return SignerError(f"the signer gave no signature: {error}, without a reason in its form")
        reason = printable(" ".join(self._secrets.struck(said).split()))[:_REASON_LENGTH]
        if not reason:
            return SignerError(f"the signer gave no signature: {error}, with an empty reason")
        return SignerRefusedError(f"the signer refuses: {reason}")
