"""`response_format`: an answer in full, or what and where alone, with links to the bodies.

A concise answer has the shape of the detailed one and its order. It quotes no record in full and
brings no `evidence`; because each item is shorter, more of them fit.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, Field

from agents.findings import AlarmSummary, Candidate
from telecom.configuration import ConfigBlock, ConfigChange
from telecom.ticket import Citation, SimilarIncident

ResponseFormat = Annotated[
    Literal["concise", "detailed"],
    Field(description="concise: what and where; bodies as links"),
]

OPENING_CHARACTERS = 160
"""How much of a text a concise answer quotes: what tells it from others."""

Answer = TypeVar("Answer", bound=BaseModel)


def without_bodies(answer: Answer) -> Answer:
    """An answer without its quotations."""
    return answer.model_copy(update={"evidence": {}})


def concise_summary(summary: AlarmSummary) -> AlarmSummary:
    """The brief, the verdict and the suspects; groups are read by their handles."""
    return summary.model_copy(
        update={
            "groups": (),
            "timeline": (),
            "topology": (),
            "causal_chain": (),
            "root_cause_candidates": tuple(map(concise_candidate, summary.root_cause_candidates)),
            "evidence": {},
        }
    )


def concise_candidate(candidate: Candidate) -> Candidate:
    """A suspect with its reasons in one sentence."""
    return candidate.model_copy(update={"reasons": (), "explains": ()})


def concise_citation(citation: Citation) -> Citation:
    """The opening of a passage."""
    return citation.model_copy(update={"text": opening(citation.text)})


def concise_incident(incident: SimilarIncident) -> SimilarIncident:
    """A similar incident with the opening of its close note."""
    return incident.model_copy(update={"quote": opening(incident.quote)})


def concise_change(change: ConfigChange) -> ConfigChange:
    """Who changed what and when, without the lines."""
    return change.model_copy(update={"hunks": ()})


def concise_block(block: ConfigBlock) -> ConfigBlock:
    """A block's first line and its place."""
    return block.model_copy(update={"text": opening(block.text.partition("\n")[0])})


def opening(text: str) -> str:
    """The first characters of a text, verbatim, up to the end of a word."""
    if len(text) <= OPENING_CHARACTERS:
        return text
    start = text[: OPENING_CHARACTERS + 1]
    return start.rsplit(None, 1)[0] if " " in start else start[:OPENING_CHARACTERS]
