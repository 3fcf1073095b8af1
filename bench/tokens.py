"""The token estimate against a real tokenizer, where one's vocabulary is at hand.

The vocabulary is for calibration and never a dependency: `TIERWISE_O200K` names a file in
tiktoken's format (one base64 piece and its rank a line) with o200k_base, as some packages carry it.
"""

from __future__ import annotations

import base64
import os
import tempfile
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from mcp_servers import sample_site
from telecom.tokens import estimate_tokens

DATA = Path(
    os.environ.get("TIERWISE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)
LIMIT = 0.10
SAMPLE = 60_000
"""Characters of each kind of text."""
REAL_TEXTS = {
    "Cisco syslog": "cisco_clos_syslog_events/3/logfiles/*.log",
    "vendor syslog and its JSON": "syslog_napalm_logs/**/*.json",
    "VES payloads": "alarm_payloads/onap_ves/*.json",
    "TMF642 document": "alarm_payloads/tmf642/*.json",
    "CloudWatch events": "alarm_payloads/aws_events/*.json",
    "router configurations": "configs_batfish_example/**/*.cfg",
    "show outputs": "show_outputs_ntc/**/*.txt",
}


def run() -> list[dict[str, Any]]:
    """One row per kind of text; without a vocabulary there is nothing to compare with."""
    named = os.environ.get("TIERWISE_O200K", "")
    if not named or not Path(named).is_file():
        return [{"name": "skipped: TIERWISE_O200K names no o200k_base vocabulary"}]
    pairs = BytePairs(Path(named))
    return [_row(kind, text, pairs) for kind, text in _texts().items() if text]


def _row(kind: str, text: str, pairs: BytePairs) -> dict[str, Any]:
    counted, estimated = pairs.count(text), estimate_tokens(text)
    quarter = len(text) / 4 / counted - 1
    return {
        "name": f"{kind}: estimate of {counted} tokens (characters / 4: {quarter:+.0%})",
        "value": estimated,
        "unit": "tokens",
        "ratio": estimated / counted,
        "limit": f"1 +- {LIMIT:.2f}",
        "ok": abs(estimated / counted - 1) <= LIMIT,
    }


def _texts() -> dict[str, str]:
    texts = {
        kind: "\n".join(
            path.read_text(encoding="utf-8", errors="replace")[: SAMPLE // 4]
            for path in sorted(DATA.glob(pattern))[:12]
        )[:SAMPLE]
        for kind, pattern in REAL_TEXTS.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        sample_site.generate(site, seed=101)
        for kind, pattern in {
            "sample syslog": "alarms/*.syslog",
            "sample alarms (JSON)": "alarms/*.jsonl",
            "sample tickets": "tickets/*.jsonl",
        }.items():
            files = sorted(site.glob(pattern))
            texts[kind] = "\n".join(file.read_text()[:SAMPLE] for file in files)[:SAMPLE]
    return texts


class BytePairs:
    """Counts tokens exactly."""

    def __init__(self, file: Path) -> None:
        import regex  # noqa: PLC0415 - of the site's extras, and only the calibration needs it

        cased, small = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
        suffix = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        self._pieces = regex.compile(
            rf"[^\r\n\p{{L}}\p{{N}}]?{cased}*{small}+{suffix}"
            rf"|[^\r\n\p{{L}}\p{{N}}]?{cased}+{small}*{suffix}"
            r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        )
        lines = (line.split() for line in file.read_bytes().splitlines())
        self._ranks = {base64.b64decode(piece): int(rank) for piece, rank in lines}
        self._tokens = lru_cache(maxsize=200_000)(self._count)

    def count(self, text: str) -> int:
        """How many tokens `text` has."""
        return sum(self._tokens(piece.encode()) for piece in self._pieces.findall(text))

    def _count(self, piece: bytes) -> int:
        """Join the pair of lowest rank until no pair has one."""
        if piece in self._ranks:
            return 1
        parts = [piece[at : at + 1] for at in range(len(piece))]
        none = len(self._ranks)
        while len(parts) > 1:
            ranks = [self._ranks.get(a + b, none) for a, b in pairwise(parts)]
            best = min(ranks)
            if best == none:
                break
            at = ranks.index(best)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return len(parts)
