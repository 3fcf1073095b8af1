"""The policy and the data catalogue as resources: why an answer looks as it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mcp_servers.serving.resource_declarations import DeclaredResource
from placement.policy import Policy


class PolicyResources:
    """What the gate decides by, for whoever wonders."""

    def __init__(self, policy: Callable[[], Policy], country: str | None) -> None:
        """Read a policy.

        Args:
            policy: The version in force.
            country: Where the site is; None is unknown.
        """
        self._policy = policy
        self._country = country

    def declared(self, scope: str) -> tuple[DeclaredResource, ...]:
        """Both resources, for callers with a scope."""
        free = ("vendor_docs",)  # rules and law in our own words; nothing of the site
        return (
            DeclaredResource("policy://placement", self.rules, free, scope, "Placement rules"),
            DeclaredResource("catalogue://data", self.data_catalogue, free, scope, "Data classes"),
        )

    def rules(self) -> str:
        """Read the hard rules that decide where data may go, with the reason for each."""
        policy = self._policy()
        lines = [f"policy {policy.policy_sha256}", f"catalogue {policy.catalogue_sha256}", ""]
        for rule in sorted(policy.rules.rules.values(), key=lambda rule: rule.order):
            lines.append(f"{rule.id} ({rule.dimension}): {rule.because}. Remedy: {rule.remedy}")
        return "\n".join(lines)

    def data_catalogue(self) -> str:
        """Read the data classes: how far each may travel here, in which form, under which law."""
        return "\n".join(self._classes())

    def _classes(self) -> Iterator[str]:
        yield f"country {self._country or 'unknown, so everything that law binds is closed'}"
        for name, entry in sorted(self._policy().catalogue.classes.items()):
            row = entry.rows.get(self._country or "")
            boundary = (row and row.boundary) or entry.boundary
            once = entry.once if row is None or row.once is None else row.once
            forms = ", ".join(f"{form}: {reach}" for form, reach in once.items())
            law = f"{row.framework} (checked {row.checked})" if row else "no row for this country"
            yield f"{name}: {entry.title}. As it is: {boundary}. {forms or 'no other form'}. {law}"
