"""Generated incidents: how often the deterministic analyst is right, and how sure it may be.

One network with its history is taken in once; each incident adds its alarms and its change, is
triaged, reasoned over, verified and reported as an investigation does it, and goes again. Scoring
is that of `tierwise evaluate`, with the same two naive baselines. No weight was set on this network
or on these seeds. `--full` runs 500 incidents instead of 60.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import Any

from agents import config_auditor, grounding, planner
from agents.findings import AlarmSummary, ChangeReview, Contradictions, EvidencePack
from agents.report import assemble
from agents.root_cause_analyst import RulesAnalyst
from mcp_servers import sample_site
from mcp_servers.configs.quotations import contradictions_of, review_of
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.sample_site.config_history import build_history
from mcp_servers.sample_site.incidents import files_of
from mcp_servers.sample_site.network import rng_for
from mcp_servers.sample_site.people import People
from mcp_servers.sample_site.repository import SampleRepository
from mcp_servers.sample_site.site_writer import records_before, site_settings, topology_table
from mcp_servers.sample_site.tickets import build_tickets
from mcp_servers.sample_site.truth import Truth
from mcp_servers.site_directory import SiteDirectory
from orchestrator.assessments.case_scoring import CaseScore, score_report
from orchestrator.assessments.case_scoring import Truth as ScoredTruth
from orchestrator.assessments.evaluation import by_family, rates
from telecom.evidence import Evidence
from telecom.report import RootCauseReport
from telecom.times import Window

NETWORK = 901
FIRST_SEED = 9001
WITHOUT_ONE_CAUSE = ("no_cause", "recovered", "missing_data")
SHARE_WITHOUT = 13 / 60
BINS = (0.0, 0.7, 0.9, 1.0)
"""Confidences that the reliability table tells apart."""


def run() -> list[dict[str, Any]]:
    """Investigate every incident; a row per family, the sums, the baselines, the reliability."""
    count = 500 if os.environ.get("TIERWISE_BENCH_FULL") else 60
    with tempfile.TemporaryDirectory() as folder:
        network = SampleNetwork(Path(folder) / "site", seed=NETWORK)
        try:
            scores = [
                network.score(family, FIRST_SEED + number)
                for number, family in enumerate(schedule(count))
            ]
        finally:
            network.close()
    return [*_rows(scores), *_reliability(scores)]


def schedule(count: int) -> Iterator[str]:
    """All families, about a fifth of the cases without a single cause that is still there."""
    without = round(count * SHARE_WITHOUT)
    others = [family for family in sample_site.FAMILIES if family not in WITHOUT_ONE_CAUSE]
    yield from islice(cycle(WITHOUT_ONE_CAUSE), without)
    yield from islice(cycle(others), count - without)


class SampleNetwork:
    """A site directory with one network, into which one incident after the other is put."""

    def __init__(self, path: Path, *, seed: int) -> None:
        self._path = path
        self._network = sample_site.build_network(seed=seed)
        self._history = build_history(self._network)
        people = People(rng_for(seed, "people"))
        path.mkdir()
        (path / "site.yaml").write_text(site_settings(self._network), encoding="utf-8")
        (path / "topology.csv").write_text(topology_table(self._network), encoding="utf-8")
        self._put("history", files_of(records_before(self._network, self._history, people)))
        self._repository = SampleRepository(path / "configs", self._history.commits)
        self.tickets = build_tickets(self._network, people)
        """What the site remembers of earlier incidents."""
        self.host = SiteHost(SiteDirectory.open(path))
        """The site's tools."""

    def close(self) -> None:
        self.host.close()

    def _put(self, folder: str, files: dict[str, str]) -> None:
        place = self._path / "alarms" / folder
        shutil.rmtree(place, ignore_errors=True)
        for name, text in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text, encoding="utf-8")

    def happen(self, family: str, seed: int) -> Truth:
        """Put one incident in, in the place of the one before."""
        incident = sample_site.generate_incident(self._network, family, seed, history=self._history)
        self._put("incident", incident.alarm_files())
        self._repository.continue_with(incident.commits)
        self.host.alarms.ingest()
        return incident.truth

    def score(self, family: str, seed: int) -> CaseScore:
        """Put one incident in, investigate it and compare."""
        truth = self.happen(family, seed)
        started = time.perf_counter()
        report, summary = asyncio.run(self._investigate(truth))
        return score_report(
            f"{family}-{seed}",
            ScoredTruth.model_validate(truth.as_json()),
            report,
            [summary],
            seconds=time.perf_counter() - started,
        )

    async def look(self, truth: Truth) -> tuple[AlarmSummary, ChangeReview]:
        """What the site finds in an incident's alarms and in its configurations."""
        window = Window(*truth.window)
        summary = self.host.alarms.summarize(window, 2_000)
        step = next(s for s in planner.plan(summary) if s.agent == "config_auditor")
        return summary, await config_auditor.review(self, window, around=step.around)

    async def _investigate(self, truth: Truth) -> tuple[RootCauseReport, AlarmSummary]:
        """What the graph does, without the wire and without tickets."""
        summary, changes = await self.look(truth)
        evidence = {
            key: Evidence.received(quotation)
            for finding in (summary, changes)
            for key, quotation in finding.evidence.items()
        }
        pack = EvidencePack(
            window=truth.window,
            sites=("site",),
            alarms=(summary,),
            changes=(changes,),
            evidence=evidence,
        )
        verified = grounding.verify(await RulesAnalyst().analyse(pack), pack)
        return assemble(verified, pack, incident_id="bench", provenance=()), summary

    async def list_changes(
        self, window: Window, *, around: Sequence[str] = (), hops: int = 1, limit: int = 20
    ) -> ChangeReview:
        """The site's configuration history, as its tool answers."""
        found = self.host.configs.list_changes(window, around=around, hops=hops, limit=limit)
        return review_of(found, self.host.configs.gaps())

    async def check_consistency(self, *, around: Sequence[str] = ()) -> Contradictions:
        """What the site's configurations contradict, as its tool answers."""
        found = self.host.configs.check_consistency(tuple(around))
        return contradictions_of(found, self.host.configs.gaps())


def _rows(scores: Sequence[CaseScore]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {
            "name": f"{family}: exact",
            "value": share.exact,
            "unit": f"of {share.n} (any {share.any_correct:.2f}, grounded {share.grounded:.2f}, "
            f"abstained {share.abstained:.2f})",
        }
        for family, share in by_family(scores).items()
    ]
    caused = rates([score for score in scores if score.has_cause])
    single = rates([score for score in scores if score.kind in ("single", "recovered")])
    free = rates([score for score in scores if not score.has_cause])
    rows += [
        {
            "name": "one cause: exact",
            "value": single.exact,
            "unit": f"of {single.n}",
            "limit": ">= 0.85",
            "ok": single.exact >= 0.85,
        },
        {"name": "all with a cause: exact", "value": caused.exact, "unit": f"of {caused.n}"},
        {"name": "all with a cause: any right", "value": caused.any_correct, "unit": ""},
        {"name": "all with a cause: grounded", "value": caused.grounded, "unit": ""},
        {
            "name": "without a cause: convicted",
            "value": free.convicted_without_cause,
            "unit": f"of {free.n}",
            "limit": "<= 0.05",
            "ok": free.convicted_without_cause <= 0.05,
        },
        {"name": "one investigation, no wire", "value": caused.seconds, "unit": "s"},
    ]
    rows += [
        {"name": f"baseline {name}: any right", "value": share, "unit": f"of {caused.n}"}
        for name, share in caused.baselines.items()
    ]
    return rows


def _reliability(scores: Sequence[CaseScore]) -> list[dict[str, Any]]:
    """How often the first named cause is right, by how sure the report is of it."""
    named = [
        (score.confidence, score.any_correct and score.has_cause)
        for score in scores
        if score.confidence is not None
    ]
    rows, error = [], 0.0
    for low, high in pairwise(BINS):
        inside = [(sure, right) for sure, right in named if low < sure <= high]
        if not inside:
            continue
        mean = sum(sure for sure, _ in inside) / len(inside)
        share = sum(right for _, right in inside) / len(inside)
        error += abs(mean - share) * len(inside) / len(named)
        rows.append(
            {
                "name": f"confidence {low:.1f} to {high:.1f}: right",
                "value": share,
                "unit": f"of {len(inside)} (mean confidence {mean:.2f})",
            }
        )
    rows.append({"name": "expected calibration error", "value": error, "unit": "0 is perfect"})
    return rows
