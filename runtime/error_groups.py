"""What a group of errors comes down to: how a task group, or a single task, was ended."""

from __future__ import annotations


def is_only(error: Exception, kind: type[Exception] | tuple[type[Exception], ...]) -> bool:
    """Whether nothing but errors of that kind ended it, such as what it stands on standing still."""
    if isinstance(error, ExceptionGroup):
        return error.split(kind)[1] is None
    return isinstance(error, kind)


def first(error: BaseException) -> BaseException:
    """The first error in a group, however deep; one that is no group itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
