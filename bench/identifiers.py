"""Identifier detection: recall and precision on labelled sets, and throughput per core.

.venv/bin/python bench/identifiers.py
"""

from __future__ import annotations

import json
import os
import runpy
import time
from pathlib import Path
from typing import Any

from telecom.identifiers import Identifier, IdentifierDetector, mask

REPOSITORY = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TIERWISE_DATA", REPOSITORY.parent / "shared" / "data"))
LABELLED = REPOSITORY / "tests" / "telecom" / "identifiers" / "labelled_cases.py"

_PERSONAL = {"PHONE_NUMBER", "CREDIT_CARD", "EMAIL_ADDRESS", "US_SSN", "US_DRIVER_LICENSE"}
"""Classes of presidio_research that patterns can find; names without a label are harvested."""

_CLEAN = """\
Nov 21 10:11:12 leaf1 %LINK-3-UPDOWN: Interface HundredGigE0/0/0/1, changed state to down
Nov 21 10:11:13 leaf1 %ROUTING-BGP-5-ADJCHANGE : neighbor 172.31.21.0 Down - BGP Notification sent
Nov 21 10:11:14 spine2 %ROUTING-ISIS-5-ADJCHANGE : Adjacency to leaf1 (Hu0/0/0/3) (L2) Down
  5 minute input rate 1234000 bits/sec, 233 packets/sec
  123456789012 packets input, 9876543210 bytes, 0 total input drops
"""
_DENSE = """\
2026-03-01T10:15:00Z amf1 Registration reject SUPI imsi-262011234{:06d} cause #11 cell 0x01A2B3
2026-03-01T10:15:01Z smf1 PDU session release UE IP 10.45.{}.{} IMSI 262011234{:06d}
2026-03-01T10:15:02Z udm1 MSISDN 49170{:07d} barred, IMEI 35693803564{:04d}
"""


def run() -> list[dict[str, Any]]:
    """Measure; rows of {name, value, unit, ratio, limit, ok}."""
    detector = IdentifierDetector()
    return [
        *_labelled_set(detector),
        *_device_secrets(detector),
        *_people(detector),
        *_show_outputs(detector),
        *_configurations(detector),
        *_throughput(detector),
    ]


def _labelled_set(detector: IdentifierDetector) -> list[dict[str, Any]]:
    cases = runpy.run_path(str(LABELLED))
    positives, negatives = cases["positives"](), cases["negatives"]()
    found = wrong_kind = 0
    for text, value, kind in positives:
        start = text.index(value)
        hits = [hit for hit in detector.find(text) if _covers(hit, start, start + len(value))]
        found += bool(hits)
        wrong_kind += bool(hits) and hits[0].kind != kind
    alarms = sum(bool(detector.find(text)) for text in negatives)
    return [
        _row("labelled set: recall", found / len(positives), "of " + str(len(positives)), 0.99),
        _row("labelled set: right kind", 1 - wrong_kind / max(found, 1), "of found", 0.98),
        _row(
            "labelled set: precision",
            found / (found + alarms),
            f"with {len(negatives)} near misses",
            0.97,
        ),
    ]


def _device_secrets(detector: IdentifierDetector) -> list[dict[str, Any]]:
    file = DATA / "pii" / "netconan" / "sensitive_lines.json"
    if not file.is_file():
        return []
    pairs = [pair for group in json.loads(file.read_text()).values() for pair in group]
    lines = [
        (line.format(secret) if "{}" in line else line + secret, secret) for line, secret in pairs
    ]
    hidden = sum(secret not in mask(line, detector.find(line)) for line, secret in lines)
    return [_row("netconan lines: secrets hidden", hidden / len(lines), f"of {len(lines)}", 1.0)]


def _people(detector: IdentifierDetector) -> list[dict[str, Any]]:
    file = DATA / "pii" / "presidio_research" / "generated_small.json"
    if not file.is_file():
        return []
    wanted = found = hits = right = 0
    for record in json.loads(file.read_text(encoding="utf-8")):
        identifiers = detector.find(record["full_text"])
        spans = [(span["start_position"], span["end_position"]) for span in record["spans"]]
        for span, (start, end) in zip(record["spans"], spans, strict=True):
            if span["entity_type"] in _PERSONAL:
                wanted += 1
                found += any(_covers(hit, start, end) for hit in identifiers)
        hits += len(identifiers)
        right += sum(
            any(hit.start < end and start < hit.end for start, end in spans) for hit in identifiers
        )
    return [
        _row("presidio_research: recall of patterned classes", found / wanted, f"of {wanted}", 0.9),
        _row("presidio_research: precision", right / max(hits, 1), f"of {hits}", 0.95),
    ]


def _show_outputs(detector: IdentifierDetector) -> list[dict[str, Any]]:
    folder = DATA / "show_outputs_ntc"
    if not folder.is_dir():
        return []
    lines = alarms = 0
    for file in sorted(folder.rglob("*.raw")):
        text = file.read_text(encoding="utf-8", errors="replace")
        lines += text.count("\n")
        # E-mail and client MAC addresses stand there for real.
        alarms += sum(hit.kind not in ("EMAIL", "MAC") for hit in detector.find(text))
    return [
        _row("show outputs: lines without false alarm", 1 - alarms / lines, f"of {lines}", 0.9995)
    ]


def _configurations(detector: IdentifierDetector) -> list[dict[str, Any]]:
    folders = [DATA / "configs_batfish_example", DATA / "configs_lab_validation"]
    lines = alarms = 0
    for file in sorted(file for folder in folders for file in folder.rglob("*") if file.is_file()):
        text = file.read_text(encoding="utf-8", errors="replace")
        lines += text.count("\n")
        # Secrets and a vendor's export address stand there for real.
        alarms += sum(hit.kind not in ("SECRET", "EMAIL") for hit in detector.find(text))
    if not lines:
        return []
    return [
        _row("configurations: lines without false alarm", 1 - alarms / lines, f"of {lines}", 0.9995)
    ]


def _throughput(detector: IdentifierDetector) -> list[dict[str, Any]]:
    clean = _CLEAN * 40_000
    dense = "".join(
        _DENSE.format(n, n % 250, n % 249 + 1, n * 7 % 10**6, n * 13 % 10**7, n * 3 % 10**4)
        for n in range(6_000)
    )
    return [
        _row("throughput: clean text", _speed(detector, clean), "MB/s", 25.0),
        _row("throughput: identifier-dense text", _speed(detector, dense), "MB/s", 1.0),
    ]


def _speed(detector: IdentifierDetector, text: str) -> float:
    detector.find(text[:20_000])  # the automaton is built on first sight
    best = min(_seconds(detector, text) for _ in range(3))
    return len(text) / 1e6 / best


def _seconds(detector: IdentifierDetector, text: str) -> float:
    begin = time.process_time()
    detector.find(text)
    return max(time.process_time() - begin, 1e-6)


def _covers(hit: Identifier, start: int, end: int) -> bool:
    return hit.start <= start and hit.end >= end


def _row(name: str, value: float, unit: str, limit: float) -> dict[str, Any]:
    return {
        "name": f"identifiers: {name}",
        "value": round(value, 4),
        "unit": unit,
        "ratio": round(value / limit, 3),
        "limit": limit,
        "ok": value >= limit,
    }


if __name__ == "__main__":
    for row in run():
        print(f"{row['name']:60} {row['value']:>10} {row['unit']:28} >= {row['limit']} {row['ok']}")
