"""`Evidence`: what a statement rests on, as the caller received it."""

from __future__ import annotations

import hashlib
from typing import Literal

from telecom.schema import ProductModel
from telecom.workload import DataClass

EvidenceSource = Literal["alarms", "tickets", "docs", "configs", "topology", "computed"]


class Quotation(ProductModel):
    """A span that a tool hands out, keyed by an evidence id in the tool's answer."""

    source: EvidenceSource
    locator: str
    """Where to read it again: `alarms/leaf1.log:12`, `INC42#close_note`, `pe1.cfg@<commit>:40`."""
    quote: str | None
    """Verbatim; identifiers are replaced on the way out. None for what was computed."""
    data_class: DataClass


class Evidence(Quotation):
    """A quotation as it arrived, with the digest of what arrived."""

    sha256: str | None
    """Of the delivered quote: a digest of raw text would let an outsider guess identifiers."""

    @classmethod
    def received(cls, quotation: Quotation) -> Evidence:
        """Take in a quotation from a tool's answer."""
        digest = (
            None
            if quotation.quote is None
            else hashlib.sha256(quotation.quote.encode()).hexdigest()
        )
        return cls(**quotation.model_dump(), sha256=digest)


class Gap(ProductModel):
    """Something that could not be looked at."""

    what: str
    why: str
    rule: str | None = None
    """The placement or egress rule that blocked it, if one did."""
