"""`EvidenceBook`: the records that an answer rests on, each with its id, group and quote."""

from __future__ import annotations

from collections.abc import Sequence

from agents.findings import AlarmGroup
from agents.folding import Group, Symptom, when
from agents.quoting import quote_of
from telecom.alarm import Alarm, PerceivedSeverity
from telecom.evidence import Quotation


class EvidenceBook:
    """Hands out evidence ids and handles, and keeps the quotation behind each."""

    def __init__(self, groups: Sequence[Group], symptoms: Sequence[Symptom]) -> None:
        self.quotations: dict[str, Quotation] = {}
        self.listed: set[str] = set()
        self._open = {alarm.alarm_id for s in symptoms if s.ended is None for alarm in s.alarms}
        self._handle_of: dict[str, str] = {
            alarm.alarm_id: f"group:{group.first.alarm_id}"
            for group in groups
            for alarm in group.alarms
        }

    def cite(self, alarm: Alarm) -> str:
        """The evidence id of a record, which is quoted from now on."""
        key = f"alarm:{alarm.alarm_id}"
        if key not in self.quotations:
            self.quotations[key] = Quotation(
                source="alarms",
                locator=alarm.source.locator,
                quote=quote_of(alarm),
                data_class="alarms_raw",
            )
        return key

    def handle(self, alarm: Alarm) -> str:
        """The handle of the group that holds a record."""
        return self._handle_of[alarm.alarm_id]

    def list_group(self, group: Group) -> AlarmGroup:
        """A group as the caller receives it."""
        worst = min(group.alarms, key=lambda a: _SEVERITY_ORDER.index(a.perceived_severity))
        handle = self.handle(group.first)
        self.listed.add(handle)
        return AlarmGroup(
            handle=handle,
            managed_object=group.managed_object,
            template=group.template,
            probable_cause=group.probable_cause,
            perceived_severity=worst.perceived_severity.value,
            count=group.count,
            first=when(group.first),
            last=when(group.last),
            still_open=any(alarm.alarm_id in self._open for alarm in group.alarms),
        )


_SEVERITY_ORDER = list(PerceivedSeverity)
