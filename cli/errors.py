"""What the engine's client raises."""


class RefusedError(Exception):
    """The engine's answer to a request it did not accept; the text is its problem's detail, `code` its stable code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class UnreachableError(Exception):
    """Nothing answers at the API's address."""


class PutBackError(UnreachableError):
    """The stream ended, for what was seen last is no more: the engine's log was put back since."""
