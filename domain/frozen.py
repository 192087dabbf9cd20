"""Immutable models: what is recorded, and the states that events fold to."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """No field is ever assigned: a change is a copy (``model_copy``), which costs a third of pydantic's own."""

    model_config = ConfigDict(frozen=True)

    def __copy__(self) -> Self:
        # Such a model has neither extra nor private attributes, and its values are immutable, too.
        made = type(self).__new__(type(self))
        _set(made, "__dict__", self.__dict__.copy())
        _set(made, "__pydantic_fields_set__", self.__pydantic_fields_set__.copy())
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made


# Past the refusal of every assignment to a frozen model.
_set = object.__setattr__
