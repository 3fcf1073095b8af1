"""`FilterDesk`: the site's filter learns from its incidents, and proves itself before it counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from agents.findings import AlarmSummary
from agents.salience import HAND_SET
from mcp_servers.alarms.desk import AlarmDesk
from mcp_servers.briefs.filter_shelf import FilterShelf
from mcp_servers.briefs.filter_training import (
    Lesson,
    Progress,
    measure,
    prepare_lesson,
    split,
    train,
)
from mcp_servers.briefs.labelled_incidents import read_labelled
from mcp_servers.briefs.learned_filter import Embed, FilterArtifact, FilterMeasurement
from mcp_servers.egress.gate import EgressGate, Release
from mcp_servers.serving.identity import Caller
from mcp_servers.site_directory import SiteDirectory
from telecom.errors import BudgetExceededError, EgressRefusedError, FilterRefusedError

_EXPORTED_CLASSES = ("alarms_raw", "network_config", "tickets_raw")
_SYSTEM = (
    "You read the brief of a network incident and answer JSON: the managed objects at fault, the "
    "cause in a few words, and the lines that prove it."
)
_PROOF_CHARACTERS = 200
_PROOFS = 4


class FilterDesk:
    """Training, measuring, promotion and export."""

    def __init__(
        self,
        site: SiteDirectory,
        alarms: AlarmDesk,
        shelf: FilterShelf,
        *,
        embed: Embed,
        embedding: str,
    ) -> None:
        """Bring together what a filter learns from.

        Args:
            site: Where labelled incidents are.
            alarms: The site's alarms.
            shelf: Its filters.
            embed: The site's embedder.
            embedding: Its stamp.
        """
        self._site = site
        self._alarms = alarms
        self._shelf = shelf
        self._embed = embed
        self._embedding = embedding

    def train(self, progress: Progress) -> FilterArtifact:
        """Train a new filter and keep it; promotion is another step.

        Raises:
            InvalidArgumentError: Too few labelled incidents.
            MissingExtraError: scikit-learn is not installed.
        """
        artifact = train(
            self._lessons(progress),
            self._embed,
            embedding=self._embedding,
            version=self._shelf.next_version(),
            progress=progress,
        )
        self._shelf.add(artifact)
        return artifact

    def evaluate(self, progress: Progress) -> dict[str, FilterMeasurement]:
        """Measure the unlearned filter, the one in force and the newest on the newest incidents."""
        _, held_out = split(self._lessons(progress))
        names = [HAND_SET.name, self._shelf.promotions[-1], *self._shelf.versions()[-1:]]
        return {
            name: measure(self._shelf.load(name), held_out, progress)
            for name in dict.fromkeys(names)
        }

    def promote(
        self, version: str | None, progress: Progress
    ) -> tuple[str, FilterMeasurement, FilterMeasurement]:
        """Put a filter in force if it is better than the present one on the newest incidents.

        Returns:
            Its name, how it measures, and how the filter that it replaces does.

        Raises:
            FilterRefusedError: It is worse in something, or better in nothing.
            RecordNotFoundError: No such filter.
        """
        name = version or next(iter(self._shelf.versions()[-1:]), "newest")
        candidate = self._shelf.load(name)
        present = self._shelf.promotions[-1]
        if name == present:
            raise FilterRefusedError(f"{name} is in force already")
        _, held_out = split(self._lessons(progress))
        new = measure(candidate, held_out, progress)
        old = measure(self._shelf.load(present), held_out, progress)
        if new.worse_than(old) or not old.worse_than(new):
            raise FilterRefusedError(
                f"{name} is not better than {present} on {new.incidents} held-out incidents: "
                f"{_compared(new)} against {_compared(old)}; it stays as it is"
            )
        self._shelf.promote(name)
        return name, new, old

    def roll_back(self) -> str:
        """Put the filter before the present one in force; returns its name."""
        return self._shelf.roll_back()

    def export(
        self, gate: EgressGate, caller: Caller, target: Path, progress: Progress
    ) -> tuple[int, dict[str, int]]:
        """Write a training set for a small model, each example as the gate releases it.

        Args:
            gate: Masks each example, asks the policy and writes the ledger.
            caller: For whom it is meant; its tier decides what may go.
            target: JSON Lines of chat messages; made anew, readable by its owner only.
            progress: Told what is being done.

        Returns:
            How many examples were written, and how many were refused by rule.
        """
        written, refused = 0, dict[str, int]()
        lessons = self._lessons(progress)
        target.unlink(missing_ok=True)
        target.touch(mode=0o600)
        with target.open("w", encoding="utf-8") as lines:
            for number, lesson in enumerate(lessons):
                progress("releasing examples", number, len(lessons))
                release = Release(
                    caller=caller, tool="filter_export", data_classes=_EXPORTED_CLASSES
                )
                try:
                    released = gate.release(_example(lesson), release)
                except (EgressRefusedError, BudgetExceededError) as exc:
                    rule = exc.rule if isinstance(exc, EgressRefusedError) else exc.code
                    refused[rule] = refused.get(rule, 0) + 1
                    continue
                lines.write(json.dumps(released.value, ensure_ascii=False) + "\n")
                written += 1
        return written, refused

    def _lessons(self, progress: Progress) -> list[Lesson]:
        return list(self._prepared(progress))

    def _prepared(self, progress: Progress) -> Iterator[Lesson]:
        self._alarms.refresh()
        labelled = read_labelled(self._site)
        for number, incident in enumerate(labelled):
            progress("reading incidents", number, len(labelled))
            if not self._alarms.store.between(incident.window):
                continue
            found = self._alarms.material(incident.window)
            lesson = prepare_lesson(
                incident,
                alarms=found.alarms,
                before=found.before,
                changes=found.changes,
                topology=self._alarms.topology,
                addresses=found.addresses,
            )
            if lesson is not None:
                yield lesson


def _example(lesson: Lesson) -> dict[str, object]:
    """One example in the chat form that fine-tuning of small models takes."""
    summary: AlarmSummary = lesson.summarized(HAND_SET)
    proofs = [
        message.first.additional_text[:_PROOF_CHARACTERS]
        for message, tells in zip(lesson.messages, lesson.telling, strict=True)
        if tells
    ]
    answer = {
        "managed_objects": sorted(lesson.incident.elements),
        "cause": lesson.incident.cause,
        "proofs": proofs[:_PROOFS],
    }
    return {
        "messages": [
            {"role": "system", "content": _SYSTEM},
            {"role": "user", "content": summary.brief},
            {"role": "assistant", "content": json.dumps(answer, ensure_ascii=False)},
        ]
    }


def _compared(measured: FilterMeasurement) -> str:
    precision, proofs, told = measured.measures
    return f"precision {precision:.3f}, briefs with proof {proofs:.3f}, told {told:.3f}"
