"""Figures of a process as Prometheus reads them: what `/metrics` of both halves answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric with its samples."""

    name: str
    kind: str
    """`counter` or `gauge`."""
    help: str
    samples: Iterable[tuple[Mapping[str, str], float]] = field(default_factory=tuple)


def exposition(metrics: Iterable[Metric]) -> str:
    """The text of a scrape.

    Source: Prometheus text-based exposition format, version 0.0.4.
    """
    lines: list[str] = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        for labels, value in metric.samples:
            shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
            lines.append(
                f"{metric.name}{{{shown}}} {value:g}" if shown else f"{metric.name} {value:g}"
            )
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
