"""What an envelope says of an incident: the incident as folded, and the report made on the site.

Pure. Codes and names only: a cause that is not a short code is left out rather than cut, because
what a device or an operator wrote is not for an envelope.
"""

from __future__ import annotations

import re
from datetime import datetime

from agents.findings import AlarmSummary
from telecom.envelope import EnvelopeCounts, LocalCause, LocalReport, SiteEnvelope
from telecom.incident import Incident
from telecom.report import RootCauseReport

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/%-]{0,79}")
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,160}")
_MOST_OBJECTS, _MOST_CAUSES = 16, 8
_NO_LEDGER_YET = "0" * 64


def describe_incident(
    incident: Incident,
    *,
    site: str,
    now: datetime,
    summary: AlarmSummary | None,
    report: RootCauseReport | None,
) -> SiteEnvelope:
    """Write the envelope of an incident; the queue gives its place, the notifier the rest.

    Args:
        incident: As it stands.
        site: Id of the site.
        now: When this is written.
        summary: How triage folded it; None for one that is merged.
        report: The report made on the site; None for one that is merged.
    """
    suspects = [] if summary is None else summary.root_cause_candidates
    causes = () if report is None else report.root_causes
    objects = dict.fromkeys(
        name
        for name in (
            *(cause.managed_object for cause in causes),
            *(suspect.managed_object for suspect in suspects),
            incident.managed_object,
            *incident.managed_objects,
        )
        if _NAME.fullmatch(name)
    )
    event = "changed" if incident.state == "open" else incident.state
    cause = (
        _code(causes[0].probable_cause)
        if causes
        else _code(suspects[0].probable_cause)
        if suspects
        else _code(incident.probable_cause)
    )
    return SiteEnvelope.model_validate(
        {
            "envelope_id": f"{site}:{incident.incident_id}:{incident.revision}",
            "sequence": 1,
            "site": site,
            "incident_id": incident.incident_id,
            "event": event,
            "merged_into": incident.merged_into if event == "merged" else None,
            "window": (incident.first_time, max(incident.first_time, incident.last_time)),
            "perceived_severity": incident.severity,
            "probable_cause": cause,
            "verdict": None if summary is None else summary.verdict,
            "managed_objects": tuple(objects)[:_MOST_OBJECTS],
            "counts": EnvelopeCounts(
                alarms=incident.records,
                open_groups=0 if summary is None else sum(g.still_open for g in summary.groups),
                groups=0 if summary is None else len(summary.groups),
                managed_objects=incident.managed_objects_total,
            ),
            "local_report": None if report is None else _local_report(report, now),
            "created_at": now,
            "ledger_head": _NO_LEDGER_YET,
        }
    )


def essence(envelope: SiteEnvelope) -> str:
    """What of an envelope is worth telling again when it changes: state, severity, causes."""
    report = envelope.local_report
    causes = () if report is None else report.root_causes
    named = sorted(f"{cause.managed_object}={cause.probable_cause}" for cause in causes)
    ended = envelope.event if envelope.event in ("closed", "merged") else "open"
    status = None if report is None else report.status
    return "|".join([ended, envelope.perceived_severity, str(status), *named])


def _local_report(report: RootCauseReport, now: datetime) -> LocalReport:
    return LocalReport(
        report_id=report.incident_id,
        made_at=now,
        status=report.status,
        root_causes=tuple(
            LocalCause(managed_object=cause.managed_object, probable_cause=code)
            for cause in report.root_causes[:_MOST_CAUSES]
            if (code := _code(cause.probable_cause)) and _NAME.fullmatch(cause.managed_object)
        ),
        gaps=len(report.gaps),
    )


def _code(text: str | None) -> str | None:
    """A cause, if it is a short code or a few plain words."""
    return text if text is not None and _CODE.fullmatch(text) else None
