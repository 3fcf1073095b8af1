"""`Invocation`: what `/invocations` takes, and how little of it a refusal repeats."""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, ConfigDict, Field, ValidationError

from orchestrator.investigating.investigation import Inquiry
from telecom.errors import InvalidArgumentError
from telecom.schema import ProductModel
from telecom.times import parse_instant

LARGEST_INVOCATION_BYTES = 64 * 1024
"""A question and a window; nothing of ours needs more."""


class Invocation(ProductModel):
    """One call; without a window and an alarm it is about each site's newest incident."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    question: str | None = Field(
        default=None, max_length=2000, validation_alias=AliasChoices("question", "prompt")
    )
    """In people's words; `prompt` is what AgentCore's own tools call it."""
    from_time: str | None = Field(default=None, alias="from", max_length=64)
    to_time: str | None = Field(default=None, alias="to", max_length=64)
    alarm_id: str | None = Field(default=None, max_length=256)
    stream: bool = False
    """Answer with events as steps finish, instead of one report at the end."""

    def inquiry(self, question: str | None) -> Inquiry:
        """What is to be investigated.

        Args:
            question: The words without their identifiers.

        Raises:
            InvalidArgumentError: The window does not fit.
        """
        if self.from_time is None and self.to_time is None:
            return Inquiry(question=question, alarm_id=self.alarm_id)
        if self.from_time is None or self.to_time is None:
            raise InvalidArgumentError("from", "a window needs `from` and `to`")
        if self.alarm_id is not None:
            raise InvalidArgumentError("alarm_id", "give a window or an alarm_id, not both")
        begin = parse_instant(self.from_time, argument="from")
        end = parse_instant(self.to_time, argument="to")
        if end < begin:
            raise InvalidArgumentError("to", "`to` is before `from`")
        return Inquiry(question=question, window=(begin, end))


def read_invocation(payload: Any) -> Invocation:
    """Read the JSON of a call, which may be anything.

    Raises:
        InvalidArgumentError: It does not fit; every problem is named, no value is repeated.
    """
    try:
        return Invocation.model_validate(payload)
    except ValidationError as exc:
        problems = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'payload'}: {error['msg']}"
            for error in exc.errors(include_input=False, include_url=False)
        )
        raise InvalidArgumentError("payload", problems) from exc
