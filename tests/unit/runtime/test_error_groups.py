"""What a group of errors comes down to."""

from __future__ import annotations

from runtime.error_groups import first, is_only

DEEP = ExceptionGroup("", [ExceptionGroup("", [KeyError("a"), ValueError("b")]), KeyError("c")])


def test_a_group_is_only_of_a_kind_where_every_error_in_it_is_however_deep() -> None:
    assert is_only(KeyError("k"), KeyError)
    assert not is_only(KeyError("k"), ValueError)
    assert is_only(DEEP, (KeyError, ValueError))
    assert not is_only(DEEP, KeyError)


def test_the_first_error_is_that_of_the_innermost_group_or_the_error_itself() -> None:
    assert first(DEEP).args == ("a",)
    alone = OSError("alone")
    assert first(alone) is alone
