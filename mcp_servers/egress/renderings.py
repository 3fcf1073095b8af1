"""An answer in each of its forms: as it is, pseudonymized, anonymized; measured once."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from telecom.identifiers.documents import Json
from telecom.identifiers.kinds import Identifier, IdentifierKind
from telecom.tokens import estimate_tokens

Form = Literal["raw", "pseudonymized", "anonymized"]

FORMS: tuple[Form, ...] = ("raw", "pseudonymized", "anonymized")

_RECORD_KEYS = frozenset(
    {"quote", "text", "raw", "additionalText", "additional_text", "close_note", "description"}
)


@dataclass(frozen=True)
class Rendering:
    """An answer in one of its forms."""

    form: Form
    value: Json
    found: list[Identifier]
    masked: dict[str, int]

    @cached_property
    def payload(self) -> bytes:
        """As compact JSON."""
        return _compact(self.value)

    @cached_property
    def tokens(self) -> int:
        """Of the payload."""
        return estimate_tokens(self.payload.decode())

    def summary_tokens(self, field: str | None) -> int:
        """Tokens of the field in which a summary is measured, or of all."""
        if field is None or not isinstance(self.value, dict) or field not in self.value:
            return estimate_tokens(self.value) if isinstance(self.value, str) else self.tokens
        measured = self.value[field]
        text = measured if isinstance(measured, str) else _compact(measured).decode()
        return estimate_tokens(text)

    @property
    def holds_people(self) -> bool:
        """Whether it holds identifiers of people; device secrets are masked in every form."""
        return any(found.kind is not IdentifierKind.SECRET for found in self.found)

    @property
    def records(self) -> int:
        """How many raw records it quotes."""
        return _count_records(self.value)

    def in_form(self, form: Form) -> Rendering:
        """The same rendering under another form's name, with what was measured of it."""
        same = replace(self, form=form)
        same.__dict__.update(payload=self.payload, tokens=self.tokens)
        return same


def _compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _count_records(value: Json) -> int:
    if isinstance(value, list):
        return sum(map(_count_records, value))
    if isinstance(value, dict):
        quotes = any(value.get(key) for key in _RECORD_KEYS & value.keys())
        return quotes + sum(map(_count_records, value.values()))
    return 0
