"""The two kinds of model: a standard's spelling on the wire, or our own."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


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
