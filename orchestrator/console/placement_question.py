"""`PlacementQuestion`: what the placement explorer is asked, as the address of its page has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from placement.catalogue import Catalogue
from placement.exploration import Scenario
from telecom.workload import Home, LifecyclePhase, WorkloadProfile

FORMS = {
    "raw": "as it is",
    "summarized": "summarized",
    "pseudonymized": "pseudonymized",
    "pseudonymized+summarized": "pseudonymized and summarized",
    "anonymized": "anonymized",
    "anonymized+summarized": "anonymized and summarized",
}
"""What was done to the data, in words."""
PATH = "/placement"
_LONGEST_BUDGET_MS = 60_000.0


@dataclass(frozen=True, slots=True)
class PlacementQuestion:
    """What the explorer is asked; its fields are the page's query, so that a link repeats it."""

    workload: str = ""
    """One of the catalogue's; empty is one that is put together from what follows."""
    phase: str = LifecyclePhase.BATCH_INFERENCE.value
    data_class: str = "alarms_raw"
    form: str = "pseudonymized+summarized"
    country: str = ""
    """Where the data is."""
    cloud: str = ""
    """Where the tiers off premises are; empty is where the data is."""
    budget_ms: float = 0.0
    """0 is what the phase says."""
    wan_down: bool = False
    out: tuple[str, ...] = ()

    @classmethod
    def of(cls, query: Mapping[str, str], catalogue: Catalogue) -> PlacementQuestion:
        """Read a query; what the catalogue does not know is left at its default."""
        asked = cls(country=catalogue.reference_home.country or "")
        known: Mapping[str, Sequence[str]] = {
            "workload": tuple(catalogue.workloads),
            "phase": tuple(catalogue.phases),
            "data_class": tuple(catalogue.classes),
            "form": tuple(FORMS),
        }
        given: dict[str, Any] = {
            key: query[key] for key, values in known.items() if query.get(key) in values
        }
        for key in ("country", "cloud"):
            if len(query.get(key, "")) == 2:
                given[key] = query[key].upper()
        budget = query.get("budget_ms", "")
        if budget.replace(".", "", 1).isdigit():
            given["budget_ms"] = min(float(budget), _LONGEST_BUDGET_MS)
        given["wan_down"] = query.get("wan_down") == "yes"
        given["out"] = tuple(t for t in query.get("out", "").split(",") if t in catalogue.tiers)
        return replace(asked, **given)

    @property
    def query(self) -> str:
        """The page's address for this question."""
        fields = {
            "workload": self.workload,
            "phase": self.phase,
            "data_class": self.data_class,
            "form": self.form,
            "country": self.country,
            "cloud": self.cloud,
            "budget_ms": f"{self.budget_ms:g}" if self.budget_ms else "",
            "wan_down": "yes" if self.wan_down else "",
            "out": ",".join(self.out),
        }
        return f"{PATH}?{urlencode({key: value for key, value in fields.items() if value})}"

    def profile(self, catalogue: Catalogue) -> WorkloadProfile:
        """The workload that is asked about."""
        home = Home(
            site=catalogue.reference_home.site,
            country=self.country or None,
            on_premises=catalogue.reference_home.on_premises,
        )
        named = catalogue.workloads.get(self.workload)
        if named is not None:
            return named.model_copy(update={"home": home})
        return WorkloadProfile(
            name="explored",
            phase=LifecyclePhase(self.phase),
            data_classes=(self.data_class,),
            home=home,
            latency_budget_ms=self.budget_ms or None,
            pseudonymized="pseudonymized" in self.form,
            anonymized="anonymized" in self.form,
            summarized="summarized" in self.form,
        )

    @property
    def scenario(self) -> Scenario:
        """What is supposed."""
        return Scenario(
            wan_down=self.wan_down, unavailable=self.out, cloud_country=self.cloud or None
        )
