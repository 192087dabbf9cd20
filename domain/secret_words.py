"""Our keys, taken out of what others say: a service that refuses one often says it back, and that is recorded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote, urlsplit

STRUCK = "[secret]"
# Less is no key, and would be found in any word.
_LEAST = 4
# Shorter parts of a path name what is asked for; some providers have the key there.
_LEAST_IN_PATH = 16
# What a path names of an API that signs: to strike these would only spoil what is said.
_ORDINARY = frozenset({"sign", "signer", "signature", "signatures", "wallet", "wallets", "transaction", "transactions"})


class SecretWords:
    """The ``values``, and what may be secret in ``urls``."""

    def __init__(self, values: Iterable[str] = (), *, urls: Iterable[str] = ()) -> None:
        found = [*values, *(word for url in urls for word in _words_of(url))]
        forms = {form for word in found for form in _forms(word) if len(form) >= _LEAST}
        # The longest first: one may begin with another.
        self._forms = sorted((form.lower() for form in forms), key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, self._forms)), re.IGNORECASE) if forms else None

    def struck(self, text: str) -> str:
        """``text`` without them, in whichever case; also without one that was cut at the end of it."""
        if self._any is None:
            return text
        text = self._any.sub(STRUCK, text)
        end = max(_begun(text.lower(), form) for form in self._forms)
        return text[: len(text) - end] + STRUCK if end else text


def of_header(value: str) -> tuple[str, ...]:
    """What is secret in the value of a header: all of it, and what stands behind its scheme (``Bearer``)."""
    return (value, value.rpartition(" ")[2])


def of_path(url: str) -> tuple[str, ...]:
    """Every part of the path but a few ordinary words, however short: for who may have chosen a secret of any form."""
    return tuple(word for word in urlsplit(url).path.split("/") if word.lower() not in _ORDINARY)


def _words_of(url: str) -> Iterator[str]:
    """Who asks, the values of its query, and long parts of its path."""
    parts = urlsplit(url)
    yield from parts.netloc.rpartition("@")[0].partition(":")[::2]
    yield from (word for word in parts.path.split("/") if len(word) >= _LEAST_IN_PATH)
    for field in parts.query.split("&"):
        name, _, value = field.partition("=")
        yield value or name


def _forms(word: str) -> set[str]:
    """As it is, as it stands in an address and out of one, and as some JSON has it."""
    plain = unquote(word)
    return {form for one in (word, plain) for form in (one, quote(one, safe=""), one.replace("/", "\\/"))}


def _begun(text: str, form: str) -> int:
    """How many characters of ``form`` the text ends with, where that is no accident."""
    most = min(len(form) - 1, len(text))
    return next((length for length in range(most, _LEAST, -1) if text.endswith(form[:length])), 0)
