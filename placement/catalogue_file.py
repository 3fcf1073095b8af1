"""Reads a catalogue file and reports everything that is wrong with it, with file and line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from placement.catalogue import (
    ANY_COUNTRY,
    Catalogue,
    DataClassEntry,
    LawRow,
    ModelEntry,
    ModelOffer,
    PhaseEntry,
    Price,
    Probe,
    PromptRouter,
    Readiness,
    RoundTrip,
    Routing,
    TierEntry,
    Weights,
)
from placement.forms import narrowed_forms
from placement.yaml_document import Document, Location
from telecom.errors import PolicyError, PolicyProblem
from telecom.workload import Home, LifecyclePhase, WorkloadProfile

REFERENCE_CATALOGUE = Path(__file__).parent / "reference" / "catalogue.yaml"

_UNITS = {
    "_ms": "milliseconds",
    "_gb": "gigabytes",
    "_b": "billions of parameters",
    "_usd": "US dollars",
    "_per_hour": "US dollars per hour",
    "_per_gb": "US dollars per gigabyte",
    "_tokens": "tokens",
    "p50": "milliseconds",
    "p95": "milliseconds",
    "p99": "milliseconds",
    "input": "US dollars per million tokens",
    "output": "US dollars per million tokens",
}
_ENTRIES: tuple[type[BaseModel], ...] = (
    Catalogue, DataClassEntry, LawRow, TierEntry, RoundTrip, PhaseEntry, Probe, Readiness, Weights,
    ModelEntry, ModelOffer, Price, Routing, PromptRouter, WorkloadProfile, Home,
)  # fmt: skip
_KEYS = sorted({name for entry in _ENTRIES for name in entry.model_fields})


def validate_catalogue(document: Document) -> Catalogue:
    """Turn a document into a catalogue.

    Raises:
        PolicyError: Lists every problem of the document.
    """
    problems = [*_cross_references(document)]
    catalogue = None
    try:
        catalogue = Catalogue.model_validate(document.content)
    except ValidationError as exc:
        details = exc.errors(include_url=False)
        problems[:0] = [_problem(document, detail) for detail in details]
    if problems or catalogue is None:
        raise PolicyError(sorted(problems, key=lambda problem: problem.line or 0))
    contradictions = [*_contradictions(document, catalogue)]
    if contradictions:
        raise PolicyError(contradictions)
    return catalogue


def _problem(document: Document, detail: ErrorDetails) -> PolicyProblem:
    """Say in the reader's words what pydantic found."""
    # Discriminators and dictionary-key marks are pydantic's, not the file's.
    location = tuple(part for part in detail["loc"] if part != "[key]")
    kind, last = detail["type"], str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(last, _KEYS, n=1, cutoff=0.5)
        cure = f"; did you mean {near[0]!r}?" if near else "; remove it"
        return document.problem(location, f"unknown key{cure}")
    if kind == "missing":
        return document.problem(location, "missing; give it a value")
    # The longest suffix says most: `_per_gb` is a price, `_gb` a size.
    suffixes = sorted((suffix for suffix in _UNITS if last.endswith(suffix)), key=len)
    unit = _UNITS[suffixes[-1]] if suffixes else None
    value = detail["input"]
    shown = repr(value) if isinstance(value, str | int | float | bool) else type(value).__name__
    if kind == "string_pattern_mismatch" and last == "country":
        return document.problem(
            location, f"must be ISO 3166-1 alpha-2, such as DE, or `home`, got {shown}"
        )
    if kind == "value_error":
        return document.problem(location, detail["msg"].removeprefix("Value error, "))
    if unit is not None:
        return document.problem(
            location, f"must be a plain number of {unit}, got {shown} ({detail['msg']})"
        )
    return document.problem(location, f"{detail['msg']}, got {shown}")


def _section(document: Document, name: str) -> dict[str, Any]:
    """Take a section as it is, or nothing if it is no mapping."""
    section = document.content.get(name)
    return section if isinstance(section, dict) else {}


def _names(entry: Any, key: str) -> list[tuple[int, str]]:
    """The strings of a list in an entry that may have any shape."""
    values = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(values, list):
        return []
    return [(index, value) for index, value in enumerate(values) if isinstance(value, str)]


def _cross_references(document: Document) -> Iterator[PolicyProblem]:
    """Find names that lead nowhere; works on any shape, so that nothing hides behind a typo."""
    yield from _unknown_capabilities(document)
    yield from _unknown_jurisdictions(document)
    yield from _unknown_classes(document)
    yield from _unknown_models(document)
    for phase in LifecyclePhase:
        if phase.value not in _section(document, "phases"):
            yield document.problem(("phases",), f"phase {phase.value!r} is missing; all ten belong")
    for tier_id in _section(document, "model_endpoints"):
        if tier_id in _section(document, "tiers"):
            yield document.problem(
                ("model_endpoints", tier_id), "also a tier: give it another name"
            )


def _unknown_capabilities(document: Document) -> Iterator[PolicyProblem]:
    known = _section(document, "capabilities")
    for section, key in (("phases", "needs"), ("tiers", "offers"), ("model_endpoints", "offers")):
        for entry_id, entry in _section(document, section).items():
            for index, name in _names(entry, key):
                if name not in known:
                    yield document.problem(
                        (section, entry_id, key, index),
                        f"{name!r} is not among `capabilities`{_nearest(name, known)}",
                    )


def _unknown_jurisdictions(document: Document) -> Iterator[PolicyProblem]:
    known = _section(document, "jurisdictions")
    for class_id, entry in _section(document, "classes").items():
        rows = entry.get("rows") if isinstance(entry, dict) else None
        for name in rows if isinstance(rows, dict) else ():
            if name not in known and name != ANY_COUNTRY:
                yield document.problem(
                    ("classes", class_id, "rows", name),
                    f"{name!r} is not among `jurisdictions`{_nearest(name, known)}",
                )


def _unknown_models(document: Document) -> Iterator[PolicyProblem]:
    known, routing = _section(document, "models"), _section(document, "routing")
    for key in ("light", "strong"):
        for index, name in _names(routing, key):
            if name not in known:
                yield document.problem(
                    ("routing", key, index),
                    f"{name!r} is not among `models`{_nearest(name, known)}",
                )


def _unknown_classes(document: Document) -> Iterator[PolicyProblem]:
    """Find data classes that workloads and probes name but nobody catalogued."""
    classes = _section(document, "classes")
    readers: list[tuple[Location, Any]] = [
        (("workloads", name), entry) for name, entry in _section(document, "workloads").items()
    ]
    for phase, entry in _section(document, "phases").items():
        for case in ("neutral", "edge"):
            probes = entry.get(case) if isinstance(entry, dict) else None
            readers += [
                (("phases", phase, case, index), probe)
                for index, probe in enumerate(probes if isinstance(probes, list) else ())
            ]
    for location, entry in readers:
        for index, name in _names(entry, "data_classes"):
            if name not in classes:
                yield document.problem(
                    (*location, "data_classes", index),
                    f"{name!r} is not among `classes`{_nearest(name, classes)}",
                )


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else "; add it there, or remove it here"


def _contradictions(document: Document, catalogue: Catalogue) -> Iterator[PolicyProblem]:
    """Find statements that cannot all be meant."""
    for class_id, entry in catalogue.classes.items():
        for form, boundary in narrowed_forms(entry.boundary, entry.once):
            yield document.problem(
                ("classes", class_id, "once", form.value),
                f"{boundary.value!r} is narrower than the same data with less done to it; "
                "widen it, or remove it",
            )
        for name, row in entry.rows.items():
            ladder = entry.once if row.once is None else row.once
            for form, boundary in narrowed_forms(row.boundary or entry.boundary, ladder):
                yield document.problem(
                    ("classes", class_id, "rows", name, "once", form.value),
                    f"{boundary.value!r} is narrower than the same data with less done to it; "
                    "widen it, or remove it",
                )
    listed: dict[str, str] = {}
    for geography, members in catalogue.geographies.items():
        for country in members:
            if country in listed:
                yield document.problem(
                    ("geographies", geography),
                    f"{country} is in {listed[country]!r} already; a country has one geography",
                )
            listed.setdefault(country, geography)
    for endpoint_id, tier in catalogue.model_endpoints.items():
        if tier.on_premises:
            yield document.problem(
                ("model_endpoints", endpoint_id), "is on premises: list it under `tiers`"
            )
