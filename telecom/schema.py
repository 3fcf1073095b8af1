"""The two kinds of model, a standard's spelling on the wire or our own, and a standard's words."""

from __future__ import annotations

from enum import StrEnum, nonmember
from operator import attrgetter

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class StandardWord(StrEnum):
    """A closed set of a standard's words."""

    # An enum answers both in Python code, and a storm asks a million times. Equal to its word, a
    # member has the hash of its word as well.
    __hash__ = str.__hash__
    value = nonmember(property(attrgetter("_value_")))


class StandardModel(BaseModel):
    """A record of a telecom standard: camelCase on the wire, snake_case in Python."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_enum_values=False,
    )


class ProductModel(BaseModel):
    """A record of ours: snake_case everywhere, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
