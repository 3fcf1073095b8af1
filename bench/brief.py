"""Briefs of generated incidents: which decisive lines and true objects they keep, by family.

A decisive line counts when its words stand in the brief: the line itself or the message of it, for
JSON records the text field. A line that was said again and again with other figures counts once.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean, median
from time import process_time
from typing import Any

from agents.findings import AlarmSummary
from agents.folding import template_of
from mcp_servers import sample_site
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.sample_site.truth import Truth
from mcp_servers.site_directory import SiteDirectory
from telecom.alarm import Alarm
from telecom.times import Window
from telecom.topology import ManagedObject

SEEDS = tuple(range(301, 301 + int(os.environ.get("TIERWISE_BENCH_SEEDS", "2"))))
BUDGET = 2000


def run() -> list[dict[str, Any]]:
    """Generate, fold, write briefs; a row for each family and the totals with their limits."""
    kept: dict[str, Counter[str]] = defaultdict(Counter)
    fidelity, seconds, sizes = [], [], []
    for family in sample_site.FAMILIES:
        for seed in SEEDS:
            truth, summary, alarms, took = _case(family, seed)
            kept[family].update(_count(truth, summary.brief, alarms))
            fidelity.append(summary.fidelity.score)
            seconds.append(took)
            sizes.append((summary.tokens_before, summary.tokens_after))
    total = sum(kept.values(), Counter[str]())
    rows = [
        {
            "name": f"{family}: decisive messages kept",
            "value": count["lines kept"],
            "unit": f"of {count['lines']} (objects {count['objects kept']} of {count['objects']})",
        }
        for family, count in kept.items()
    ]
    large = [after / before for before, after in sizes if before > 15_000]
    others = [after / before for before, after in sizes if 3_000 < before <= 15_000]
    return [
        *rows,
        _share("incidents with a decisive line in the brief", total, "cases kept", "cases", 0.95),
        _share("true objects in the brief", total, "objects kept", "objects", 0.95),
        _share("decisive messages in the brief", total, "lines kept", "lines", None),
        {"name": "fidelity, mean", "value": mean(fidelity), "unit": f"of {len(fidelity)} briefs"},
        _at_most("size of a brief, largest", max(after for _, after in sizes), BUDGET, "tokens"),
        _at_most("of windows over 15,000 tokens, largest share", max(large), 0.10, "of the source"),
        _at_most("of windows over 3,000 tokens, largest share", max(others), 0.40, "of the source"),
        {"name": "fold, rank and brief, median", "value": median(seconds) * 1000, "unit": "CPU ms"},
    ]


def _case(family: str, seed: int) -> tuple[Truth, AlarmSummary, list[Alarm], float]:
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        truth = sample_site.generate(site, family=family, seed=seed)
        host = SiteHost(SiteDirectory.open(site))
        try:
            window = Window(*truth.window)
            host.alarms.refresh()
            host.configs.addresses()
            started = process_time()
            summary = host.alarms.summarize(window, BUDGET)
            took = process_time() - started
            alarms = host.alarms.store.between(window)
        finally:
            host.close()
    return truth, summary, alarms, took


def _count(truth: Truth, brief: str, alarms: list[Alarm]) -> Counter[str]:
    text = " ".join(brief.split())
    record = {alarm.source.raw.strip(): alarm for alarm in alarms}
    found: dict[tuple[str, str], bool] = {}
    for line in truth.decisive:
        alarm = record.get(line.strip())
        key = (alarm.device, template_of(alarm)) if alarm else ("configuration", line.strip())
        found[key] = found.get(key, False) or _stands(line, alarm, text)
    names = [cause.managed_object for cause in truth.root_causes]
    accepted = [name for name in truth.acceptable if ":" in name]
    lines = brief.splitlines()
    named = [any(_named(name, lines) for name in (wanted, *accepted)) for wanted in names]
    return Counter(
        {
            "lines": len(found),
            "lines kept": sum(found.values()),
            "cases": bool(found),
            "cases kept": any(found.values()),
            "objects": len(names),
            "objects kept": sum(named),
            "elements kept": sum(ManagedObject.parse(name).device in text for name in names),
        }
    )


def _named(name: str, lines: list[str]) -> bool:
    """Whether a line names the element and, where there is one, its port."""
    parts = [part for part in name.split(":", 1) if part]
    return any(all(part in line for part in parts) for line in lines)


def _stands(line: str, alarm: Alarm | None, text: str) -> bool:
    words = line
    if alarm is not None:
        words = alarm.additional_text
    elif line.lstrip().startswith("{"):
        words = str(json.loads(line).get("additionalText", line))
    return " ".join(words.split())[:240] in text


def _share(
    name: str, total: Counter[str], part: str, whole: str, least: float | None
) -> dict[str, Any]:
    value = total[part] / max(1, total[whole])
    row: dict[str, Any] = {"name": name, "value": value, "unit": f"of {total[whole]}"}
    if least is not None:
        row |= {"limit": f">= {least:g}", "ok": value >= least}
    return row


def _at_most(name: str, value: float, limit: float, unit: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "limit": f"<= {limit:g}",
        "ok": value <= limit,
    }
