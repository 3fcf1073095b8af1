"""The catalogue's schema: data classes, tiers, phases, models, weights and the operator.

Facts are data here; rules over them are Cedar (`reference/rules.cedar`). Numbers are strict: a
string, a bool or a value out of range is an error that names its unit.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from telecom.schema import ProductModel
from telecom.workload import (
    DataClass,
    Home,
    LifecyclePhase,
    TierKind,
    WorkloadProfile,
)

HOME = "home"
"""Stands for the workload's own country or site in a tier that is a template."""

ANY_COUNTRY = "*"
"""A law row that holds whatever the country is."""

ON_PREMISES_KINDS = frozenset({TierKind.OUTPOSTS, TierKind.AI_FACTORY})

Milliseconds = Annotated[float, Field(strict=True, gt=0, le=60_000)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Dollars = Annotated[float, Field(strict=True, ge=0, le=1_000_000)]
Billions = Annotated[float, Field(strict=True, gt=0, le=100_000)]
Count = Annotated[int, Field(strict=True, ge=0)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Boundary(StrEnum):
    """How far data may travel; from closed to open."""

    SITE = "site"
    COUNTRY = "country"
    GEOGRAPHY = "geography"
    ANY = "any"


class Form(StrEnum):
    """What was done to data before it moves."""

    RAW = "raw"
    SUMMARIZED = "summarized"
    PSEUDONYMIZED = "pseudonymized"
    PSEUDONYMIZED_SUMMARIZED = "pseudonymized+summarized"
    ANONYMIZED = "anonymized"
    ANONYMIZED_SUMMARIZED = "anonymized+summarized"


DerivedForm = Literal[
    Form.SUMMARIZED,
    Form.PSEUDONYMIZED,
    Form.PSEUDONYMIZED_SUMMARIZED,
    Form.ANONYMIZED,
    Form.ANONYMIZED_SUMMARIZED,
]


class LegalReview(ProductModel):
    """Who looked at a row, and when."""

    by: Annotated[str, Field(min_length=1)]
    on: date


class LawRow(ProductModel):
    """What binds a data class under one jurisdiction. It is not legal advice."""

    framework: str
    source: str
    """Where the framework was read, or that it is general knowledge."""
    basis: Literal["read", "general_knowledge"]
    checked: date
    legal_review: Literal["required"] | LegalReview = "required"
    boundary: Boundary | None = None
    """Overrides the class's own boundary."""
    once: dict[DerivedForm, Boundary] | None = None
    """Overrides the class's own ladder."""


class DataClassEntry(ProductModel):
    """A kind of data, how sensitive it is and what the law says about it."""

    title: str
    examples: str = ""
    boundary: Boundary
    """How far it may travel as it is."""
    once: dict[DerivedForm, Boundary] = Field(default_factory=dict)
    """How far once something was done to it, such as `pseudonymized+summarized: country`."""
    summary_tokens: Annotated[int, Field(strict=True, ge=100, le=20_000)] = 2000
    """The longest text that counts as a summary of it."""
    models: Literal["allowed", "never"] = "allowed"
    human_approval: bool = False
    """A named person on the site approves each release."""
    grey_area: bool = False
    """Closed, whatever the rows say, until a row carries a named legal review."""
    k_anonymity: Annotated[int, Field(strict=True, ge=2)] | None = None
    """Smallest group over which a value counts as aggregated."""
    rows: dict[str, LawRow]


class RoundTrip(ProductModel):
    """Round trip between the site's users and a tier."""

    p50: Milliseconds
    p95: Milliseconds
    p99: Milliseconds
    basis: Literal["assumed", "measured"]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.p50 <= self.p95 <= self.p99:
            raise ValueError("percentiles must not fall: p50 <= p95 <= p99, in milliseconds")
        return self


class TierFacts(ProductModel):
    """What is known of a tier, apart from where it is."""

    kind: TierKind
    on_premises: bool
    """Follows from the kind unless stated."""
    processing: Literal["site", "in_region", "geography", "global"]
    """How far its model endpoints may carry a request."""
    retention: Literal["none", "default", "aws_review", "provider_data_share"] | None = None
    """The account's data-retention mode; None is unknown. Without meaning on premises."""
    available: bool = True
    rtt_ms: RoundTrip | None = None
    """None is unknown."""
    offers: tuple[str, ...]
    """Capabilities, by the names of the catalogue's `capabilities`."""
    services: tuple[str, ...] = ()
    accelerators: tuple[str, ...] = ()
    max_model_params_b: Billions | None = None
    """Largest model that fits, in billions of parameters; None is unknown."""
    operations_effort: Share
    """0 is fully managed, 1 is all the operator's own work."""
    cost_usd_per_hour: Dollars = 0.0
    """Capacity that costs whether it is used or not."""
    transfer_usd_per_gb: Dollars = 0.0
    """What moving a gigabyte there costs."""

    @model_validator(mode="before")
    @classmethod
    def _premises_follow_kind(cls, data: Any) -> Any:  # any shape: it is not validated yet
        if isinstance(data, dict) and "on_premises" not in data:
            return {**data, "on_premises": data.get("kind") in ON_PREMISES_KINDS}
        return data


class TierEntry(TierFacts):
    """A tier as the catalogue states it; country and site may be `home`."""

    country: Annotated[str, Field(pattern=r"^([A-Z]{2}|home)$")] | None = None
    site: str | None = None

    @model_validator(mode="after")
    def _site_of_premises(self) -> Self:
        if self.on_premises and self.site is None:
            raise ValueError("a tier on premises needs `site` (a site id, or `home`)")
        return self

    def resolve(self, tier_id: str, home: Home) -> TierInstance:
        """Put this tier into the home country, and to the home site, where it is a template."""
        return TierInstance.model_validate(
            {
                **self.model_dump(),
                "id": tier_id,
                "country": home.country if self.country == HOME else self.country,
                "site": home_site(home) if self.site == HOME else self.site,
            }
        )


class TierInstance(TierFacts):
    """A place a workload can run in."""

    id: str
    country: str | None = None
    """ISO 3166-1 alpha-2; None is unknown."""
    site: str | None = None

    def is_at(self, home: Home) -> bool:
        """Tell whether this is the operator's own place where the data lives."""
        return self.on_premises and self.site is not None and self.site == home_site(home)


def home_site(home: Home) -> str:
    """Name the home site; a home without a name is `home`."""
    return home.site if home.site is not None else HOME


class Probe(ProductModel):
    """A workload that stands for a phase in the placement table."""

    part: str = "workload"
    """What it is when a phase has more than one part."""
    when: str = ""
    """The condition it meets."""
    phase: LifecyclePhase | None = None
    """None is the phase it stands for."""
    data_classes: Annotated[tuple[DataClass, ...], Field(min_length=1)]
    home_on_premises: bool = True
    latency_budget_ms: Milliseconds | None = None
    pseudonymized: bool = False
    summarized: bool = False


class PhaseEntry(ProductModel):
    """A phase of the AI life cycle: what it needs and where it usually runs."""

    title: str
    needs: tuple[str, ...]
    """Capabilities a tier must offer."""
    at_source: bool = False
    """It runs where the data arises, always."""
    follows_data: bool = False
    """It runs where the data lives, if that is on premises."""
    uses_model: bool = True
    works_on_summary: bool
    """A summary of the data can do instead of the data."""
    latency_budget_ms: Milliseconds | None = None
    """For workloads that state none; None is batch."""
    edge_condition: str
    services: tuple[str, ...]
    neutral: Annotated[tuple[Probe, ...], Field(min_length=1)]
    """Workloads whose data nothing binds, one per part."""
    edge: Annotated[tuple[Probe, ...], Field(min_length=1)]
    """Workloads that meet the edge condition."""


Skill = Literal["none", "some", "strong"]


class Readiness(ProductModel):
    """What the operator can run by itself."""

    model_optimization: Skill
    distributed_operations: Skill
    fleet_management: Skill
    sites: Count
    """Edge sites to be run."""
    on_call: bool
    partner: str | None = None
    """Who runs the edge for the operator."""


class Weights(ProductModel):
    """How the soft factors count."""

    sovereignty: Share
    latency: Share
    data_gravity: Share
    operations: Share
    cost_share: Share
    """How much of operations is cost per hour instead of effort."""
    half_cost_usd_per_hour: Annotated[float, Field(strict=True, gt=0)]
    """The cost that halves the cost score."""
    half_transfer_usd: Annotated[float, Field(strict=True, gt=0)]
    """The cost of moving data that halves the data-gravity score."""
    pseudonymize: Share
    """What an obligation takes from the sovereignty score."""
    anonymize: Share
    summarize: Share
    human_approval: Share


class Price(ProductModel):
    """USD per million tokens."""

    input: Dollars
    output: Dollars
    cached_input: Dollars | None = None
    source: str
    date: date


class ModelOffer(ProductModel):
    """One id under which a model can be called, and how far a call may travel."""

    model_id: str
    residency: Literal["in_region", "geography", "global"]
    regions: tuple[str, ...]
    """AWS Regions it can be called from; `*` is every Region that has the model."""


class ModelEntry(ProductModel):
    """A model of the cloud tier."""

    strength: Literal["light", "strong"]
    price: Price
    context_tokens: Annotated[int, Field(strict=True, gt=0)]
    offers: Annotated[tuple[ModelOffer, ...], Field(min_length=1)]


class PromptRouter(ProductModel):
    """An Intelligent Prompt Routing router; its residency is its members' widest."""

    arn: str
    residency: Literal["in_region", "geography", "global"]
    regions: tuple[str, ...]


class Routing(ProductModel):
    """Which question gets which model."""

    light_up_to_tokens: Annotated[int, Field(strict=True, gt=0)]
    light_up_to_hypotheses: Count
    light: tuple[str, ...]
    """Models for simple questions, best first."""
    strong: tuple[str, ...]
    """Models for deep analysis, best first."""
    prompt_router: PromptRouter | None = None


class Jurisdiction(ProductModel):
    """Countries under one law."""

    name: str
    members: Annotated[tuple[Country, ...], Field(min_length=1)]


class Catalogue(ProductModel):
    """All facts of the policy. It is not legal advice."""

    version: Literal[1]
    notice: Annotated[str, Field(min_length=1)]
    reference_home: Home
    """Where the placement table's workloads live."""
    jurisdictions: dict[str, Jurisdiction]
    geographies: dict[str, tuple[Country, ...]]
    capabilities: dict[str, str]
    classes: dict[DataClass, DataClassEntry]
    tiers: dict[str, TierEntry]
    model_endpoints: dict[str, TierEntry]
    """Further residencies of the Region's models."""
    phases: dict[LifecyclePhase, PhaseEntry]
    workloads: dict[str, WorkloadProfile]
    """Profiles to ask about by name."""
    readiness: Readiness
    weights: Weights
    models: dict[str, ModelEntry]
    routing: Routing

    @cached_property
    def geography_by_country(self) -> dict[str, str]:
        """The geography of each listed country."""
        return {country: name for name, members in self.geographies.items() for country in members}

    @cached_property
    def jurisdictions_by_country(self) -> dict[str, tuple[str, ...]]:
        """The jurisdictions of each listed country, the narrowest first."""
        found: dict[str, list[str]] = {}
        for name, entry in sorted(
            self.jurisdictions.items(), key=lambda item: (len(item[1].members), item[0])
        ):
            for country in entry.members:
                found.setdefault(country, []).append(name)
        return {country: tuple(names) for country, names in found.items()}

    def law_row(self, data_class: DataClass, country: str | None) -> tuple[str, LawRow] | None:
        """Find the row that binds `data_class` in `country`, with the name of its jurisdiction."""
        entry = self.classes.get(data_class)
        if entry is None:
            return None
        names = self.jurisdictions_by_country.get(country, ()) if country is not None else ()
        for name in (*names, ANY_COUNTRY):
            if name in entry.rows:
                return name, entry.rows[name]
        return None
