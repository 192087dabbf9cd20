"""Immutable models: what is recorded, and the states that events fold to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """No field is ever assigned: a change is a copy (``model_copy``), which costs a fifth of pydantic's own."""

    model_config = ConfigDict(frozen=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's. Such a model has neither extra nor private attributes, and its values are immutable, too: a
        deep copy is as good as any. Which fields were given is told of the first one alone: nobody asks for it.
        """
        made = type(self).__new__(type(self))
        _set(made, "__dict__", {**self.__dict__, **(update or {})})
        _set(made, "__pydantic_fields_set__", self.__pydantic_fields_set__)
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made

    def __copy__(self) -> Self:
        return self.model_copy()


# Past the refusal of every assignment to a frozen model.
_set = object.__setattr__
