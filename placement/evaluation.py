"""Puts one question to Cedar: a workload, a tier, and what is true of both.

Entities are built from the catalogue once: a handling for each data class, jurisdiction and form,
the demands that hold it, and the phases. A tier joins them when it is first asked about.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cedarpy

from placement.catalogue import ANY_COUNTRY, Boundary, Catalogue, Form, TierInstance, home_site
from placement.forms import boundary_under, form_of
from placement.rules import POLICY_FAILED, Rule, RuleSet
from telecom.errors import PolicyError, PolicyProblem
from telecom.workload import DataClass, WorkloadProfile

UNKNOWN_HANDLING = "unknown"
_REMEMBERED_TIERS = 512
_REMEMBERED_ROWS = 4096
_LARGEST = 10**15

VerdictKey = tuple[object, ...]
_FormKey = tuple[tuple[DataClass, ...], str | None, Form]


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a verdict depends on, apart from the policy."""

    workload: WorkloadProfile
    tier: TierInstance
    pseudonymized: bool
    anonymized: bool
    summarized: bool
    approved: bool = False
    available: bool = True
    model_params_b: float | None = None
    budget_ms: float | None = None
    """None means batch; the phase's default is already in here."""

    @property
    def form(self) -> Form:
        """The form in which the workload gets its data."""
        return form_of(
            pseudonymized=self.pseudonymized,
            anonymized=self.anonymized,
            summarized=self.summarized,
        )

    @property
    def key(self) -> VerdictKey:
        """Equal for questions that have the same verdict."""
        return verdict_key(
            self.workload,
            self.tier,
            self.budget_ms,
            pseudonymized=self.pseudonymized,
            anonymized=self.anonymized,
            summarized=self.summarized,
            approved=self.approved,
            available=self.available,
            model_params_b=self.model_params_b,
        )


def verdict_key(
    workload: WorkloadProfile,
    tier: TierInstance,
    budget_ms: float | None,
    *,
    pseudonymized: bool,
    anonymized: bool,
    summarized: bool,
    approved: bool,
    available: bool = True,
    model_params_b: float | None = None,
) -> VerdictKey:
    """Everything a verdict depends on; computed without a `Question`, which would cost as much."""
    home = workload.home
    return (
        tier_key(tier),
        workload.phase,
        workload.data_classes,
        home.site,
        home.country,
        home.on_premises,
        pseudonymized,
        anonymized,
        summarized,
        approved,
        available,
        model_params_b,
        budget_ms,
    )


def tier_key(tier: TierInstance) -> VerdictKey:
    """Every fact of a tier that a verdict depends on."""
    trip = tier.rtt_ms
    return (
        tier.id,
        tier.kind,
        tier.on_premises,
        tier.site,
        tier.country,
        tier.processing,
        tier.retention,
        tier.available,
        None if trip is None else trip.p95,
        None if trip is None else trip.basis,
        tier.offers,
        tier.max_model_params_b,
    )


class Evaluator:
    """A catalogue and its rules, ready to answer."""

    def __init__(self, catalogue: Catalogue, rules: RuleSet, *, name: str = "catalogue") -> None:
        """Build the entities.

        Raises:
            PolicyError: The catalogue's facts do not fit the Cedar schema.
        """
        self._catalogue = catalogue
        self._rules = rules
        self._demands = _demands_by_handling(catalogue)
        self._demanded: dict[_FormKey, frozenset[str]] = {}
        self._written: dict[_FormKey, str] = {}
        self._law: dict[tuple[DataClass, str | None], str] = {}
        self._tiers: dict[VerdictKey, cedarpy.Entities] = {}
        try:
            self._base = cedarpy.Entities.from_json_str(
                json.dumps(_base_entities(catalogue, self._demands)), rules.schema
            )
        except ValueError as exc:
            raise PolicyError(
                [PolicyProblem(name, None, f"does not fit the rules: {exc}")]
            ) from exc

    def handlings(
        self, classes: Iterable[DataClass], country: str | None, form: Form
    ) -> frozenset[str]:
        """Name the handlings of a workload's classes; no class at all counts as an unknown one."""
        return frozenset(self.handling(name, country, form) for name in classes) or frozenset(
            {UNKNOWN_HANDLING}
        )

    def handling(self, data_class: DataClass, country: str | None, form: Form) -> str:
        """Name how `data_class` is handled in `country`; without a row it is unknown: closed."""
        key = (data_class, country)
        prefix = self._law.get(key)
        if prefix is None:
            found = self._catalogue.law_row(data_class, country)
            prefix = UNKNOWN_HANDLING if found is None else f"{data_class}@{found[0]}"
            if len(self._law) >= _REMEMBERED_ROWS:
                self._law.clear()
            self._law[key] = prefix
        return prefix if prefix == UNKNOWN_HANDLING else f"{prefix}#{form.value}"

    def demands(
        self, classes: tuple[DataClass, ...], country: str | None, form: Form
    ) -> frozenset[str]:
        """Everything that a workload's classes demand together."""
        key = (classes, country, form)
        known = self._demanded.get(key)
        if known is None:
            known = frozenset().union(
                *(self._demands[handling] for handling in self.handlings(*key))
            )
            if len(self._demanded) >= _REMEMBERED_ROWS:
                self._demanded.clear()
            self._demanded[key] = known
        return known

    def violated(self, question: Question) -> tuple[Rule, ...]:
        """Evaluate one question; the rules that forbid, decisive first."""
        entities = self._entities(question.tier)
        if entities is None:
            return (POLICY_FAILED,)
        return self._rules.violated(self._request(question), entities)

    def _request(self, question: Question) -> dict[str, Any]:
        """Word a question in the schema's terms (JSON for Cedar, hence Any)."""
        workload, catalogue = question.workload, self._catalogue
        home = workload.home
        handlings = self._handlings_json(workload.data_classes, home.country, question.form)
        context: dict[str, Any] = {
            "phase": {"type": "Phase", "id": workload.phase.value},
            "home_site": home_site(home),
            "home_on_premises": home.on_premises,
            "derived": question.pseudonymized or question.anonymized,
            "approved": question.approved,
            "available": question.available and question.tier.available,
        }
        if home.country is not None:
            context["home_country"] = home.country
            if home.country in catalogue.geography_by_country:
                context["home_geography"] = catalogue.geography_by_country[home.country]
        if question.budget_ms is not None:
            context["budget_us"] = microseconds(question.budget_ms)
        if question.model_params_b is not None:
            context["model_params_m"] = _thousandfold(question.model_params_b, math.ceil)
        return {
            "principal": {"type": "Workload", "id": "workload"},
            "action": {"type": "Action", "id": "run"},
            "resource": {"type": "Tier", "id": question.tier.id},
            # As text: cedarpy would copy the request to turn a mapping into it.
            "context": f'{{"handlings":{handlings},{json.dumps(context)[1:]}',
        }

    def _handlings_json(
        self, classes: tuple[DataClass, ...], country: str | None, form: Form
    ) -> str:
        """The handlings of a workload's classes as Cedar reads them."""
        key = (classes, country, form)
        known = self._written.get(key)
        if known is None:
            known = json.dumps(
                [{"type": "Handling", "id": name} for name in sorted(self.handlings(*key))]
            )
            if len(self._written) >= _REMEMBERED_ROWS:
                self._written.clear()
            self._written[key] = known
        return known

    def _entities(self, tier: TierInstance) -> cedarpy.Entities | None:
        """The base entities with one tier, remembered by its facts; None for unusable text."""
        key = tier_key(tier)
        known = self._tiers.get(key)
        if known is None:
            try:
                known = self._base.with_added_json_str(
                    json.dumps([_tier_entity(tier, self._catalogue)]), self._rules.schema
                )
            except ValueError:
                return None
            if len(self._tiers) >= _REMEMBERED_TIERS:
                self._tiers.clear()
            self._tiers[key] = known
        return known


def microseconds(milliseconds: float) -> int:
    """Whole microseconds, rounded down; what no clock can show becomes a very long time."""
    return _thousandfold(milliseconds, math.floor)


def _thousandfold(value: float, to_whole: Callable[[float], int]) -> int:
    """A thousand times `value` as an integer that Cedar can hold."""
    scaled = value * 1000
    if not math.isfinite(scaled) or abs(scaled) > _LARGEST:
        return _LARGEST
    # Rounding first keeps 0.29 ms at 290 us, not 289.
    return to_whole(round(scaled, 6))


def _demands_by_handling(catalogue: Catalogue) -> dict[str, frozenset[str]]:
    """What each data class demands under each jurisdiction in each form."""
    demands = {UNKNOWN_HANDLING: frozenset({Boundary.SITE.value})}
    for name, entry in catalogue.classes.items():
        for jurisdiction, row in entry.rows.items():
            for form in Form:
                boundary = boundary_under(entry, row, form)
                demands[f"{name}@{jurisdiction}#{form.value}"] = frozenset(
                    [
                        *([boundary.value] if boundary is not Boundary.ANY else []),
                        *(["no_model"] if entry.models == "never" else []),
                        *(["human_approval"] if entry.human_approval else []),
                    ]
                )
    return demands


def _base_entities(
    catalogue: Catalogue, demands: Mapping[str, frozenset[str]]
) -> list[dict[str, Any]]:
    """Handlings, demands and phases in Cedar's JSON."""
    names = ("site", "country", "geography", "no_model", "human_approval")
    return [
        *(_entity("Handling", handling) for handling in demands),
        *(
            _entity(
                "Demand",
                demand,
                parents=[
                    {"type": "Handling", "id": handling}
                    for handling, demanded in demands.items()
                    if demand in demanded
                ],
            )
            for demand in names
        ),
        *(
            _entity(
                "Phase",
                phase.value,
                {
                    "at_source": entry.at_source,
                    "follows_data": entry.follows_data,
                    "needs": list(entry.needs),
                    "uses_model": entry.uses_model,
                },
            )
            for phase, entry in catalogue.phases.items()
        ),
    ]


def _tier_entity(tier: TierInstance, catalogue: Catalogue) -> dict[str, Any]:
    """A tier in Cedar's JSON; what is unknown is left out."""
    facts: dict[str, Any] = {
        "kind": tier.kind.value,
        "on_premises": tier.on_premises,
        "site": tier.site,
        "country": tier.country,
        "geography": catalogue.geography_by_country.get(tier.country or ANY_COUNTRY),
        "processing": tier.processing,
        "retention": tier.retention,
        "offers": list(tier.offers),
        "rtt_p95_us": None if tier.rtt_ms is None else _thousandfold(tier.rtt_ms.p95, math.ceil),
        "max_model_params_m": (
            None
            if tier.max_model_params_b is None
            else _thousandfold(tier.max_model_params_b, math.floor)
        ),
    }
    return _entity(
        "Tier", tier.id, {key: value for key, value in facts.items() if value is not None}
    )


def _entity(
    kind: str,
    name: str,
    attributes: dict[str, Any] | None = None,
    parents: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    return {"uid": {"type": kind, "id": name}, "attrs": attributes or {}, "parents": parents or []}
