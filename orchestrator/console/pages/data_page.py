"""The data catalogue: every class, how far it may travel, and the law behind it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nicegui import ui

from orchestrator.console.controls import choice
from orchestrator.console.placement_question import FORMS
from orchestrator.console.safe_text import heading, words
from orchestrator.console.tables import Cell, Row, table
from placement.catalogue import Boundary, Catalogue, DataClassEntry, Form, LawRow
from placement.exploration import countries
from placement.forms import boundary_under
from placement.policy import Policy

if TYPE_CHECKING:
    from orchestrator.console.registration import Console

_REACH = {
    Boundary.SITE: "stays on the site",
    Boundary.COUNTRY: "stays in the country",
    Boundary.GEOGRAPHY: "stays in the geography",
    Boundary.ANY: "may go anywhere",
}


def register(console: Console) -> None:
    """What data there is, for architects and auditors and everybody else."""

    @console.page_for("/data", title="Data catalogue", nav="d")
    def data() -> None:
        policy = console.desk.services.policy
        heading("What may travel how far?")
        words(policy.catalogue.notice, classes="dim")
        with ui.element("section").classes("card"):
            with ui.element("div").classes("fields across"):
                lands = {land: land for land in countries(policy)}
                home = policy.catalogue.reference_home.country or next(iter(lands), "")
                choice("Data is in", lands, home, lambda value: _shown(shelf, policy, value))
            shelf = ui.element("div").props("aria-live=polite")
        _shown(shelf, policy, home)


def _shown(shelf: ui.element, policy: Policy, country: str) -> None:
    shelf.clear()
    with shelf:
        table(
            f"Data classes in {country}",
            ("class", "as it is", "once something was done to it", "law", "review"),
            catalogue_rows(policy.catalogue, country),
        )


def catalogue_rows(catalogue: Catalogue, country: str) -> Iterable[Row]:
    """A row for each class: its boundary, its ladder and its law in one country."""
    for name, entry in catalogue.classes.items():
        found = catalogue.law_row(name, country)
        jurisdiction, row = found if found is not None else (None, None)
        raw = Boundary.SITE if row is None else boundary_under(entry, row, Form.RAW)
        yield Row(
            (
                Cell(entry.title, _known_as(name, entry)),
                Cell(_REACH[raw], "", f"reach {raw.value}"),
                Cell("; ".join(_wider(entry, row, raw)) or "no further", _further(entry)),
                Cell("none catalogued: closed", "")
                if row is None
                else Cell(row.framework, f"{jurisdiction}; {row.source}"),
                _review(row),
            ),
            names=name,
        )


def _wider(entry: DataClassEntry, row: LawRow | None, raw: Boundary) -> Iterable[str]:
    """What opens it further than it may go as it is; of each reach the least that is needed."""
    if row is None:
        return
    reached = {raw}
    for form in Form:
        boundary = boundary_under(entry, row, form)
        if boundary not in reached:
            reached.add(boundary)
            yield f"{FORMS[form.value]}: {_REACH[boundary]}"


def _further(entry: DataClassEntry) -> str:
    """Conditions beside the boundary."""
    told = [
        "never to a model" if entry.models == "never" else "",
        "a named person approves each release" if entry.human_approval else "",
        f"groups of at least {entry.k_anonymity}" if entry.k_anonymity else "",
        f"a summary has at most {entry.summary_tokens:,} tokens"
        if any("summarized" in form for form in entry.once)
        else "",
    ]
    return "; ".join(each for each in told if each)


def _known_as(name: str, entry: DataClassEntry) -> str:
    return f"{name}{f': {entry.examples}' if entry.examples else ''}"


def _review(row: LawRow | None) -> Cell:
    if row is None:
        return Cell("", "")
    if row.legal_review == "required":
        return Cell("required", f"{row.basis.replace('_', ' ')}, {row.checked}", "chip open")
    return Cell(row.legal_review.by, str(row.legal_review.on), "chip ranked")
