"""People's words on their way out: the same masking for the shell, the HTTP path and the frame.

A question, comment or correction is free text by an engineer, as a ticket is, and leaves as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mcp_servers.egress.gate import EgressGate, Release
from mcp_servers.egress.renderings import Form
from mcp_servers.serving.identity import Caller
from telecom.identifiers import Identifier
from telecom.tokens import estimate_tokens

_CLASSES = ("tickets_raw",)
_PIECE_TOKENS = 1_500
"""Text is released in pieces of this size: a policy lets raw classes out in summaries only."""


@dataclass(frozen=True, slots=True)
class ReleasedWords:
    """Text as it may leave."""

    text: str
    form: Form
    """The strictest form of any piece."""
    masked: dict[str, int]
    """Identifiers replaced, per kind."""
    found: tuple[Identifier, ...]
    """What was found in the text as it was given."""


def release_words(gate: EgressGate, text: str, caller: Caller, *, tool: str) -> ReleasedWords:
    """Mask a text as the gate releases it to `caller`.

    Args:
        gate: The site's gate; the ledger has every piece.
        text: What somebody typed.
        caller: Who gets it.
        tool: What the ledger calls this way out.

    Raises:
        EgressRefusedError: No form of it may go there.
        BudgetExceededError: The caller has had its hour's share.
    """
    release = Release(caller=caller, tool=tool, data_classes=_CLASSES)
    pieces, forms, found = list[str](), list[Form](), list[Identifier]()
    masked: dict[str, int] = {}
    offset = 0
    for piece in _pieces(text):
        released = gate.release_text(piece, release)
        pieces.append(str(released.value))
        forms.append(released.form)
        for kind, number in released.masked.items():
            masked[kind] = masked.get(kind, 0) + number
        found += [
            Identifier(
                offset + each.start, offset + each.end, each.kind, each.value, each.confidence
            )
            for each in gate.detector.find(piece)
        ]
        offset += len(piece)
    form: Form = "anonymized" if "anonymized" in forms else forms[0] if forms else "raw"
    return ReleasedWords("".join(pieces), form, masked, tuple(found))


def _pieces(text: str) -> Iterator[str]:
    """Cut a text at line ends into pieces that count as summaries."""
    piece, tokens = "", 0
    for line in text.splitlines(keepends=True):
        cost = estimate_tokens(line)
        if piece and tokens + cost > _PIECE_TOKENS:
            yield piece
            piece, tokens = "", 0
        piece += line
        tokens += cost
    if piece:
        yield piece
