"""A cost estimate of each stack: resources counted in its template, prices from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ConfigDict, Field, model_validator

from telecom.schema import ProductModel

Template = Mapping[str, Any]

PRICE_FILE = Path(__file__).with_name("prices.yaml")
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "aws.md"
_BEGIN, _END = "<!-- costs -->\n", "\n<!-- end of costs -->"


class PricedLine(ProductModel):
    """One kind of cost."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    stack: str
    what: str
    count: str | None = None
    """A resource type, and `Property=value` where not every resource of it counts."""
    month: str | None = None
    """A quantity of the month, instead of resources."""
    per: float = 1.0
    """Units a month of each."""
    unit: str = ""
    price: float = 0.0
    """USD for a unit."""
    given: str | None = Field(default=None, alias="if")
    """A parameter without which there is nothing to pay."""
    note: str = ""
    source: str

    @model_validator(mode="after")
    def _counts_something(self) -> PricedLine:
        if not (self.count or self.month or self.note):
            raise ValueError(f"{self.what!r} needs count, month or note")
        return self


class Prices(ProductModel):
    """The price file."""

    region: str
    as_of: str
    checked: bool
    month: dict[str, float]
    lines: tuple[PricedLine, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """A line of the estimate."""

    stack: str
    what: str
    units: float
    unit: str
    price: float
    note: str

    @property
    def usd_per_month(self) -> float:
        """What a month costs."""
        return self.units * self.price


def read_prices(file: Path) -> Prices:
    """Read a price file."""
    return Prices.model_validate(yaml.safe_load(file.read_text("utf-8")))


PRICES = read_prices(PRICE_FILE)


def estimate(templates: Mapping[str, Template], prices: Prices) -> list[Cost]:
    """The cost of a month, line by line, in the order of the price file.

    Raises:
        KeyError: A line names a stack or a quantity that there is not.
    """
    return [_cost(line, templates[line.stack], prices) for line in prices.lines]


def _cost(line: PricedLine, template: Template, prices: Prices) -> Cost:
    number = 0.0
    if line.month is not None:
        number = prices.month[line.month]
    elif line.count is not None:
        number = _counted(template, line.count, optional=line.given is not None)
    note = f"with {line.given}" if line.given else line.note
    return Cost(line.stack, line.what, number * line.per, line.unit, line.price, note)


def _counted(template: Template, what: str, *, optional: bool) -> int:
    """Resources of a type; what stands behind a condition only where it was asked for."""
    kind, _, equals = what.partition(" ")
    key, _, value = equals.partition("=")
    return sum(
        one["Type"] == kind
        and ("Condition" in one) is optional
        and (not key or one["Properties"].get(key) == value)
        for one in template["Resources"].values()
    )


def totals(costs: list[Cost]) -> dict[str, float]:
    """USD a month by stack, without what is there with a parameter only."""
    found: dict[str, float] = {}
    for cost in costs:
        optional = cost.note.startswith("with ")
        found[cost.stack] = found.get(cost.stack, 0.0) + (0.0 if optional else cost.usd_per_month)
    return found


def table(costs: list[Cost], prices: Prices) -> str:
    """The estimate as Markdown."""
    lines = ["| stack | what | units a month | USD a month |", "|---|---|---|---|"]
    for stack, total in totals(costs).items():
        lines.append(f"| **{stack}** | | | **{total:,.0f}** |")
        for cost in costs:
            if cost.stack == stack:
                units = f"{_rounded(cost.units)} {cost.unit}" if cost.unit else ""
                usd = f"{cost.usd_per_month:,.2f}" if cost.unit else ""
                note = f" ({cost.note})" if cost.note else ""
                lines.append(f"| | {cost.what}{note} | {units} | {usd} |")
    month = ", ".join(
        f"{value:,.0f} {name.replace('_', ' ')}" for name, value in prices.month.items()
    )
    total = sum(totals(costs).values())
    return "\n".join(
        (
            *lines,
            f"| **all** | | | **{total:,.0f}** |",
            "",
            f"List prices of {prices.region} as known in {prices.as_of}, "
            f"{'checked' if prices.checked else 'not checked: verify in your account'}. "
            f"A month: {month}.",
        )
    )


def write_guide(costs: list[Cost], prices: Prices) -> None:
    """Put the estimate between its marks in the guide."""
    text = GUIDE.read_text("utf-8")
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END.lstrip())[2]
    GUIDE.write_text(f"{before}{_BEGIN}{table(costs, prices)}{_END}{after}", "utf-8")


def _rounded(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
