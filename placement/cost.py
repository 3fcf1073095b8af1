"""What AI functions cost in the cloud, raw and filtered at the edge, and what the edge costs.

Amounts are USD per hour. An unknown price is no price: the caller has to name one.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from telecom.schema import ProductModel
from telecom.workload import DataClass, Home, LifecyclePhase, WorkloadProfile

FLOOR = 0.60
"""Compression that any edge filter has to reach."""
TARGET = 0.90
"""Compression that a tuned small model is expected to reach."""
_MILLION = 1_000_000


class AiFunction(ProductModel):
    """An AI function of the operator, as its cost sees it."""

    name: str
    phase: LifecyclePhase
    data_classes: tuple[DataClass, ...]
    home: Home = Home()
    events_per_hour: float = Field(ge=0)
    tokens_per_event: float = Field(ge=0)
    """Raw input tokens."""
    output_tokens_per_event: float = Field(default=0.0, ge=0)
    agent_loops: int = Field(default=1, ge=1)
    """How often an agent sends the same input again while it works on an event."""
    cached_share: float = Field(default=0.0, ge=0, le=1)
    """Share of the repeated input that the service reads from its cache."""
    model_params_b: float | None = Field(default=None, gt=0)
    """Size of the model that would serve it at the edge; None is unknown."""
    latency_budget_ms: float | None = Field(default=None, gt=0)
    data_gb: float = Field(default=0.0, ge=0)
    pseudonymized: bool = False
    """What was done to its data before it reads it, as `WorkloadProfile` has it."""
    anonymized: bool = False
    summarized: bool = False

    @property
    def workload(self) -> WorkloadProfile:
        """The function as the policy sees it."""
        return WorkloadProfile(
            name=self.name,
            phase=self.phase,
            data_classes=self.data_classes,
            home=self.home,
            latency_budget_ms=self.latency_budget_ms,
            data_gb=self.data_gb,
            pseudonymized=self.pseudonymized,
            anonymized=self.anonymized,
            summarized=self.summarized,
        )


class TokenPrice(ProductModel):
    """USD per million tokens, with where it was read and when."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    """None when caching makes nothing cheaper."""
    source: str
    date: str


ARTICLE_PRICE = TokenPrice(
    input=2.60,
    output=0.0,
    source="implied by $52/h at 1,000 events/h of 20,000 tokens",
    date="2025",
)
ARTICLE_FUNCTION = AiFunction(
    name="alarm events straight to the cloud",
    phase=LifecyclePhase.BATCH_INFERENCE,
    data_classes=("alarms_raw",),
    events_per_hour=1000,
    tokens_per_event=20_000,
)


class HourlyCost(ProductModel):
    """Tokens and money of one hour at one compression."""

    compression: float
    label: str
    """`raw`, `floor`, `target` or `measured`."""
    input_tokens: float
    output_tokens: float
    cost_usd: float


def hourly_cost(
    function: AiFunction, price: TokenPrice, compression: float, *, label: str = ""
) -> HourlyCost:
    """Cost of `function` when `compression` of its input never reaches the model.

    Every loop sends the input again; the cached share of the repeated input costs the cache's
    price.
    """
    once = function.events_per_hour * function.tokens_per_event * (1.0 - compression)
    repeated = once * (function.agent_loops - 1)
    cached = repeated * function.cached_share if price.cached_input is not None else 0.0
    output = function.events_per_hour * function.output_tokens_per_event * function.agent_loops
    cost = (
        (once + repeated - cached) * price.input
        + cached * (price.cached_input or 0.0)
        + output * price.output
    ) / _MILLION
    return HourlyCost(
        compression=compression,
        label=label or f"{compression:.0%}",
        input_tokens=once + repeated,
        output_tokens=output,
        cost_usd=round(cost, 6),
    )


class FunctionCost(ProductModel):
    """One function at every compression of interest."""

    name: str
    costs: tuple[HourlyCost, ...]


class CostAssessment(ProductModel):
    """Cloud inference raw and filtered, against the price of the edge that filters."""

    price: TokenPrice
    functions: tuple[FunctionCost, ...]
    totals: tuple[HourlyCost, ...]
    edge_usd_per_hour: float
    measured_compression: float | None
    saved_usd_per_hour: float
    """Raw minus filtered, before the edge is paid for; filtered as measured, else at the target."""
    net_usd_per_hour: float
    """What is left of that after the edge."""
    break_even_events_per_hour: float | None
    """Events per hour of all functions together from which the edge pays; None is never."""
    edge_justified_by_cost: bool
    statement: str


def assess_cost(
    functions: Sequence[AiFunction],
    price: TokenPrice,
    *,
    edge_usd_per_hour: float,
    measured_compression: float | None = None,
) -> CostAssessment:
    """Weigh what filtering saves against what the edge costs, and say honestly which is more."""
    points = _points(measured_compression)
    per_function = tuple(
        FunctionCost(
            name=function.name,
            costs=tuple(
                hourly_cost(function, price, compression, label=label)
                for label, compression in points
            ),
        )
        for function in functions
    )
    totals = tuple(
        _total(per_function, index, label, compression)
        for index, (label, compression) in enumerate(points)
    )
    saved = totals[0].cost_usd - totals[-1].cost_usd
    events = sum(function.events_per_hour for function in functions)
    break_even = edge_usd_per_hour * events / saved if saved > 0 else None
    net = saved - edge_usd_per_hour
    return CostAssessment(
        price=price,
        functions=per_function,
        totals=totals,
        edge_usd_per_hour=edge_usd_per_hour,
        measured_compression=measured_compression,
        saved_usd_per_hour=round(saved, 6),
        net_usd_per_hour=round(net, 6),
        break_even_events_per_hour=None if break_even is None else round(break_even, 2),
        edge_justified_by_cost=net > 0,
        statement=_statement(saved, edge_usd_per_hour, totals[-1], break_even),
    )


def article_preset() -> CostAssessment:
    """The article's figures: $52 an hour raw, $20.80 at the floor, $5.20 at the target."""
    return assess_cost((ARTICLE_FUNCTION,), ARTICLE_PRICE, edge_usd_per_hour=0.0)


def _points(measured: float | None) -> list[tuple[str, float]]:
    """Compressions to show; the one that counts is last."""
    points = [("raw", 0.0), ("floor", FLOOR), ("target", TARGET)]
    return points if measured is None else [*points, ("measured", measured)]


def _total(
    functions: Sequence[FunctionCost], index: int, label: str, compression: float
) -> HourlyCost:
    costs = [function.costs[index] for function in functions]
    return HourlyCost(
        compression=compression,
        label=label,
        input_tokens=sum(cost.input_tokens for cost in costs),
        output_tokens=sum(cost.output_tokens for cost in costs),
        cost_usd=round(sum(cost.cost_usd for cost in costs), 6),
    )


def _statement(
    saved: float, edge_usd_per_hour: float, filtered: HourlyCost, break_even: float | None
) -> str:
    reached = (
        "below the 60 % floor"
        if filtered.compression < FLOOR
        else "at or above the 60 % floor"
        if filtered.compression < TARGET
        else "at or above the 90 % target"
    )
    basis = f"{filtered.compression:.0%} compression ({filtered.label}, {reached})"
    amounts = (
        f"filtering saves ${saved:,.2f} an hour at {basis}; "
        f"the edge costs ${edge_usd_per_hour:,.2f}"
    )
    if saved > edge_usd_per_hour:
        return f"{amounts}: cost alone justifies the edge."
    when = (
        "at no volume"
        if break_even is None
        else f"from {break_even:,.0f} events an hour with the same mix"
    )
    return (
        f"{amounts}: cost alone does not justify the edge (it would {when}). "
        "Sovereignty, latency or data gravity may."
    )
