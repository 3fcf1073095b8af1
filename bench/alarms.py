"""Alarms: reading, folding and briefs on real syslog."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from agents.alarm_triage import triage
from telecom.alarm import Alarm
from telecom.formats import read_records
from telecom.times import Window, parse_instant
from telecom.topology import read_topology_csv

DATA = Path(
    os.environ.get("TIERWISE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)
RUNS = 21
A_BRIEF_MS = 60
"""For a window of 20,000 tokens; the real windows are a little shorter or longer."""


def run() -> list[dict[str, Any]]:
    """Measure; without the real data there is nothing to measure on."""
    folder = DATA / "cisco_clos_syslog_events"
    if not folder.is_dir():
        return [{"name": "skipped: no cisco_clos_syslog_events in TIERWISE_DATA"}]
    rows, alarms = _reading(folder)
    topology = read_topology_csv((folder / "topology_links.csv").read_text())
    right = 0
    cases = json.loads((folder / "cases.json").read_text())
    for case in cases:
        window = Window(*(parse_instant(text) for text in case["window"]))
        before = [a for a in alarms if a.alarm_raised_time and a.alarm_raised_time < window.start]
        times = []
        for _ in range(RUNS):
            started = time.process_time()
            summary = triage(alarms, topology, window, before=before)
            times.append(time.process_time() - started)
        first = summary.root_cause_candidates[0].managed_object.partition(":")[0]
        right += first in case["root_cause_device"]
        large = summary.tokens_before > 15_000
        kept = summary.tokens_after / summary.tokens_before
        rows.append(
            {
                "name": f"brief of {case['id']} ({summary.tokens_before} tokens)",
                "value": summary.tokens_after,
                "unit": "tokens",
                "ratio": kept,
                "limit": "<= 0.10" if large else "<= 0.40",
                "ok": summary.tokens_after <= 2000 and kept <= (0.1 if large else 0.4),
            }
        )
        if 15_000 < summary.tokens_before < 25_000:
            p95 = quantiles(times, n=20, method="inclusive")[18] * 1000
            allowed = A_BRIEF_MS * summary.tokens_before / 20_000
            rows.append(
                {
                    "name": f"window of {summary.tokens_before} tokens to brief, p95",
                    "value": p95,
                    "unit": "CPU ms",
                    "limit": f"<= {allowed:.0f} ({A_BRIEF_MS} for 20,000 tokens)",
                    "ok": p95 <= allowed,
                }
            )
    rows.append(
        {
            "name": "Cisco cases with a true device first",
            "value": right,
            "unit": f"of {len(cases)}",
            "limit": "all",
            "ok": right == len(cases),
        }
    )
    return rows


def _reading(folder: Path) -> tuple[list[dict[str, Any]], list[Alarm]]:
    files = [(path, path.read_bytes()) for path in sorted(folder.glob("3/logfiles/*.log"))]
    alarms: list[Alarm] = []
    rates = []
    for _ in range(RUNS):
        started = time.process_time()
        alarms = [
            record
            for path, data in files
            for record in read_records(data, path=f"alarms/{path.name}", year=2017)
            if isinstance(record, Alarm)
        ]
        rates.append(len(alarms) / (time.process_time() - started))
    row = {"name": "syslog lines to alarms", "value": median(rates), "unit": "lines per CPU second"}
    return [row], alarms
