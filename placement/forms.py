"""Which boundary holds data in a given form: the ladder of a data class.

Doing more to data never narrows where it may go: a form may go wherever any weaker form may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from placement.catalogue import Boundary, DataClassEntry, DerivedForm, Form, LawRow

_OPENNESS = {boundary: rank for rank, boundary in enumerate(Boundary)}
_STRENGTH = {"raw": 0, "pseudonymized": 1, "anonymized": 2}


_FORMS = {
    (pseudonymized, anonymized, summarized): Form(
        "+".join(
            [
                *(["anonymized"] if anonymized else ["pseudonymized"] if pseudonymized else []),
                *(["summarized"] if summarized else []),
            ]
        )
        or "raw"
    )
    for pseudonymized in (False, True)
    for anonymized in (False, True)
    for summarized in (False, True)
}


def form_of(*, pseudonymized: bool, anonymized: bool, summarized: bool) -> Form:
    """Name what was done; anonymized data is at least pseudonymized."""
    return _FORMS[pseudonymized, anonymized, summarized]


def includes(form: Form, weaker: Form) -> bool:
    """Tell whether everything `weaker` names was done to `form`, too."""
    return _identity(form) >= _identity(weaker) and _summarized(form) >= _summarized(weaker)


def widest_boundary(
    boundary: Boundary, once: Mapping[DerivedForm, Boundary], form: Form
) -> Boundary:
    """How far data in `form` may travel on this ladder."""
    reached = [boundary, *(wider for step, wider in once.items() if includes(form, step))]
    return max(reached, key=_OPENNESS.__getitem__)


def boundary_under(entry: DataClassEntry, row: LawRow, form: Form) -> Boundary:
    """How far data of a class may travel under one row of law.

    A grey area is closed until a person's legal review is on the row.
    """
    if entry.grey_area and row.legal_review == "required":
        return Boundary.SITE
    ladder = entry.once if row.once is None else row.once
    return widest_boundary(row.boundary or entry.boundary, ladder, form)


def narrowed_forms(
    boundary: Boundary, once: Mapping[DerivedForm, Boundary]
) -> Iterator[tuple[DerivedForm, Boundary]]:
    """Find steps of a ladder that claim less than a weaker form already has."""
    for form, stated in once.items():
        if _OPENNESS[stated] < _OPENNESS[widest_boundary(boundary, once, form)]:
            yield form, stated


def _identity(form: Form) -> int:
    return _STRENGTH.get(form.value.split("+")[0], 0)


def _summarized(form: Form) -> bool:
    return "summarized" in form.value.split("+")
