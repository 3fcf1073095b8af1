"""The placement table, and the explorer: every tier with its rank or what put it out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from nicegui import ui

from orchestrator.console.controls import button, choice, number, switch
from orchestrator.console.placement_question import FORMS, PATH, PlacementQuestion
from orchestrator.console.safe_text import heading, words
from orchestrator.console.tables import Bar, Cell, Row, table
from orchestrator.storage.state import kept_decisions
from placement.catalogue import Catalogue
from placement.decision import DecisionRecord
from placement.exploration import Exploration, Standing, countries, explore
from placement.policy import Policy
from placement.table import KIND_NAMES, PhaseRow, placement_table
from placement.what_if import WhatIf, policy_with, records_of_workloads, what_if
from telecom.errors import TierwiseError
from telecom.workload import Dimension

if TYPE_CHECKING:
    from orchestrator.console.registration import Console

_MOST_PAST = 2_000


def register(console: Console) -> None:
    """The page of the architect's questions; everybody may ask them."""

    @console.page_for(PATH, title="Placement", nav="p")
    def placement() -> None:
        policy = console.desk.services.policy
        query = dict(ui.context.client.request.query_params)
        heading("Where may work run, and where should it?")
        _Explorer(console, policy, PlacementQuestion.of(query, policy.catalogue))
        with ui.element("section").classes("card"):
            _phases(placement_table(policy))
        words(policy.catalogue.notice, classes="dim")


class _Explorer:
    """One page's explorer: the question, and what the policy answers."""

    def __init__(self, console: Console, policy: Policy, question: PlacementQuestion) -> None:
        self._console = console
        self._policy = policy
        self._question = question
        with ui.element("section").classes("explorer"):
            asked = ui.element("form").classes("card fields")
            asked.props["aria-label"] = "What is asked"
            self._form = asked.on("submit", js_handler="(e) => e.preventDefault()")
            with ui.element("div").classes("stack"):
                self._answer = ui.element("div").classes("card").props("aria-live=polite")
                self._past = ui.element("div").classes("card")
        self._ask()
        self._show()

    def _set(self, *, anew: bool = False, **keys: Any) -> None:  # the question's own fields
        self._question = replace(self._question, **keys)
        ui.navigate.history.replace(self._question.query)
        if anew:
            self._ask()
        self._show()

    def _ask(self) -> None:
        """The controls; those of a workload only where one is put together here."""
        asked, facts = self._question, self._policy.catalogue
        self._form.clear()
        with self._form:
            choice(
                "Workload",
                {"": "put one together"} | {name: _spoken(name) for name in facts.workloads},
                asked.workload,
                lambda value: self._set(anew=True, workload=value),
            )
            if not asked.workload:
                self._own(asked, facts)
            lands = {land: land for land in countries(self._policy)}
            choice("Data is in", lands, asked.country, lambda value: self._set(country=value))
            choice(
                "Caller, the cloud, is in",
                {"": "the same country"} | lands,
                asked.cloud,
                lambda value: self._set(cloud=value),
            )
            with ui.element("fieldset"):
                with ui.element("legend"):
                    words("What if")
                switch("WAN down", asked.wan_down, lambda on: self._set(wan_down=on))
                for tier_id, entry in facts.tiers.items():
                    switch(
                        f"{KIND_NAMES[entry.kind]} out of service",
                        tier_id in asked.out,
                        self._toggle(tier_id),
                    )

    def _own(self, asked: PlacementQuestion, facts: Catalogue) -> None:
        choice(
            "Phase",
            {phase.value: entry.title for phase, entry in facts.phases.items()},
            asked.phase,
            lambda value: self._set(phase=value),
        )
        choice(
            "Data class",
            {name: entry.title for name, entry in facts.classes.items()},
            asked.data_class,
            lambda value: self._set(data_class=value),
        )
        choice("Data leaves", FORMS, asked.form, lambda value: self._set(form=value))
        number(
            "Latency budget",
            asked.budget_ms,
            lambda value: self._set(budget_ms=_milliseconds(value)),
            hint="ms; 0 is the phase's own",
        )

    def _toggle(self, tier_id: str) -> Callable[[bool], None]:
        def toggled(on: bool) -> None:
            others = tuple(out for out in self._question.out if out != tier_id)
            self._set(out=(*others, tier_id) if on else others)

        return toggled

    def _show(self) -> None:
        profile = self._question.profile(self._policy.catalogue)
        seen = explore(self._policy, profile, self._question.scenario)
        self._answer.clear()
        with self._answer:
            _verdict(seen)
            table(
                "Every tier, best first",
                ("tier", "standing", "why", "scores"),
                (_standing(one, seen) for one in seen.standings),
            )
            for note in seen.decision.notes:
                words(f"note: {note}", classes="dim")
            words(
                f"decision {seen.decision.decision_id}, policy {seen.decision.policy_sha256[:12]}, "
                f"catalogue {seen.decision.catalogue_sha256[:12]}",
                classes="dim mono",
            )
        self._offer_past()

    def _offer_past(self) -> None:
        settings = self._question.scenario.settings(self._policy)
        self._past.clear()
        self._past.set_visibility(bool(settings))
        if settings:
            with self._past:
                words("Would past decisions have come out otherwise?", classes="title")
                button("Ask them again", self._ask_past)

    async def _ask_past(self) -> None:
        settings = self._question.scenario.settings(self._policy)
        try:
            outcome, past = await asyncio.to_thread(self._suppose, settings)
        except TierwiseError as exc:
            with self._past:
                words(str(exc), classes="dim")
            return
        self._past.clear()
        with self._past:
            words(_effect_in_words(outcome, past=past), classes="title")
            table(
                "Decisions that would have come out otherwise",
                ("workload", "effect", "before", "after", "rule"),
                _moved(outcome),
                empty="Not one would have come out otherwise.",
            )
            words(f"tierwise place what-if {' '.join(settings)}", classes="dim mono")

    def _suppose(self, settings: Sequence[str]) -> tuple[WhatIf, bool]:
        """The outcome, and whether it is about decisions that were really made."""
        files = self._console.desk.settings.policy
        changed = policy_with(settings, catalogue=files.catalogue, rules=files.rules)
        address = self._console.desk.settings.state_address
        past: tuple[DecisionRecord, ...] = tuple(islice(kept_decisions(address), _MOST_PAST))
        records = past or records_of_workloads(self._policy)
        return what_if(records, changed, settings=settings), bool(past)


def _verdict(seen: Exploration) -> None:
    if seen.tier is None:
        words("No tier is left: this work may run nowhere.", classes="title refused")
    elif seen.tier == seen.usual_tier:
        words(f"It runs on {_named(seen, seen.tier)}.", classes="title")
    else:
        before = "nowhere" if seen.usual_tier is None else _named(seen, seen.usual_tier)
        words(
            f"It moves to {_named(seen, seen.tier)}; without the supposition it runs "
            f"{'' if seen.usual_tier is None else 'on '}{before}.",
            classes="title moved",
        )


def _named(seen: Exploration, tier_id: str) -> str:
    return next((KIND_NAMES[one.kind] for one in seen.standings if one.tier == tier_id), tier_id)


def _standing(one: Standing, seen: Exploration) -> Row:
    where = "on premises" if one.on_premises else one.country or "unknown country"
    tier = Cell(KIND_NAMES[one.kind], f"{one.tier}, {where}")
    was = "" if not one.changed else f"was {_rank(one.usual_rank)}"
    if one.place is not None:
        obligations = ", ".join(one.place.obligations) or "nothing has to be done first"
        style = "best" if one.rank == 1 else ""
        return Row(
            (
                tier,
                Cell(_rank(one.rank), was, "chip ranked"),
                obligations,
                Bar(one.place.score, _scores(one)),
            ),
            style,
            names=one.tier,
        )
    assert one.refusal is not None
    more = len(one.refusal.violations) - 1
    also = f" It breaks {more} more rule{'s' if more > 1 else ''}." if more else ""
    return Row(
        (
            tier,
            Cell("out", was or one.refusal.dimension.value.replace("_", " "), "chip refused"),
            Cell(f"{one.refusal.because}.{also}", f"would help: {one.refusal.remedy}"),
            Cell("", one.refusal.rule),
        ),
        "out",
        names=one.tier,
    )


def _scores(one: Standing) -> str:
    assert one.place is not None
    return ", ".join(
        f"{dimension.value.replace('_', ' ')} {one.place.scores[dimension]:.2f}"
        for dimension in Dimension
        if dimension in one.place.scores
    )


def _rank(rank: int | None) -> str:
    return "out" if rank is None else f"no. {rank}"


def _moved(outcome: WhatIf) -> Iterable[tuple[str, ...]]:
    for row in outcome.rows:
        if row.effect != "unchanged":
            yield (
                row.workload,
                row.effect,
                row.tier_before or "nowhere",
                row.tier_after or "nowhere",
                row.rule or "",
            )


def _effect_in_words(outcome: WhatIf, *, past: bool) -> str:
    about = "past decisions" if past else "of the catalogue's workloads (nothing was decided yet)"
    return (
        f"{len(outcome.rows)} {about}: {outcome.moved} move, {outcome.refused} would be refused, "
        f"{outcome.placed} newly placed."
    )


def _phases(rows: Sequence[PhaseRow]) -> None:
    table(
        "The ten phases, as the policy places them",
        ("phase", "primary tier", "at the edge", "goes to"),
        (
            (
                Cell(row.title, ", ".join(row.services)),
                row.primary_tier,
                row.edge_condition,
                _goes_to(row),
            )
            for row in rows
        ),
    )


def _goes_to(row: PhaseRow) -> str:
    parts = len(row.placements) > 1
    placed = row.placements if parts else row.edge_placements
    return "; ".join(
        f"{label}: {each.tiers}" if (label := each.part if parts else each.when) else each.tiers
        for each in placed
    )


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _milliseconds(value: str) -> float:
    try:
        return max(0.0, min(float(value), 60_000.0))
    except ValueError:
        return 0.0
