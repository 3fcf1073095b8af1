"""`EvidenceDesk`: opens what a statement rests on, at the site that has it.

The answer of a site that refuses is an answer, too: whoever asked sees which rule refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agents.findings import AlarmSummary, ChangeReview, TicketReview
from orchestrator.investigating.delegation import Delegator
from orchestrator.investigating.gathering import Gatherer, Look
from orchestrator.investigating.investigation import Services
from orchestrator.site_access.site_client import Purpose
from orchestrator.site_access.site_excerpts import Excerpt
from telecom.evidence import Gap
from telecom.report import ProvenanceStep, RootCauseReport

_SHAPES: Mapping[str, type[AlarmSummary | ChangeReview | TicketReview]] = {
    "alarms": AlarmSummary,
    "changes": ChangeReview,
    "tickets": TicketReview,
}


@dataclass(frozen=True, slots=True)
class Opened:
    """What a site gave, or why it gave nothing."""

    site: str | None
    """None when no site of this process has it."""
    excerpt: Excerpt | None
    refusal: Gap | None
    step: ProvenanceStep | None
    """Where it ran, under which decision, and what left."""


class EvidenceDesk:
    """Reads evidence of finished investigations again."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def open(self, report: RootCauseReport, key: str, *, on_behalf_of: str | None) -> Opened:
        """Read one piece of evidence at its site.

        Args:
            report: What cites it.
            key: The evidence id.
            on_behalf_of: Pseudonym of who asks.

        Raises:
            KeyError: The report has no such evidence.
        """
        item = report.evidence[key]
        sites = await self._sites(report.incident_id, key)
        if not sites:
            gap = Gap(what=key, why="no site of this process has it")
            return Opened(None, None, gap, None)
        made = [change.time for change in report.changes_before_onset if key in change.evidence_ids]
        looks: list[tuple[str, Look]] = []
        for site in sites:
            look = await self._gatherer(report.incident_id, on_behalf_of).excerpt(
                site, key, item, at=made[0] if made else None
            )
            looks.append((site, look))
            self._services.state.note_calls(report.incident_id, look.calls)
            if look.finding is not None:
                break
        await self._services.state.write_notes()
        site, look = looks[-1]
        excerpt = look.finding if isinstance(look.finding, Excerpt) else None
        return Opened(site, excerpt, look.gap, look.step)

    async def _sites(self, incident_id: str, key: str) -> list[str]:
        """The sites that may have it: the one whose finding quotes it, or every one asked."""
        state = self._services.state
        known = self._services.sites.by_name
        asked: dict[str, None] = {}
        for name in await state.names(incident_id):
            kind, _, site = name.partition(":")
            if kind not in _SHAPES or site not in known:
                continue
            asked[site] = None
            finding = await state.get(incident_id, name, _SHAPES[kind])
            if key in finding.evidence:
                return [site]
        return list(asked)

    def _gatherer(self, incident_id: str, on_behalf_of: str | None) -> Gatherer:
        services = self._services
        delegator = Delegator(
            services.settings,
            services.policy,
            keep=lambda record: services.state.note_decision(incident_id, record),
        )
        return Gatherer(services.sites, delegator, Purpose(incident_id, on_behalf_of))
