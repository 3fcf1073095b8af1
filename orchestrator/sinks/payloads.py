"""What each kind of sink is told: built once, with the report, and kept until it is delivered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from agents.plain_text import plain
from agents.report_markdown import to_markdown
from orchestrator.service_settings import Sink, SinkKind
from orchestrator.storage.database import stamp
from telecom.report import RootCauseReport

REPORT_SCHEMA = "tierwise.report/1"
"""Version of a webhook's body; raised when a receiver could misread it."""

_LONGEST_MESSAGE = 2800
"""Characters: a chat message is a pointer to the report. Slack takes 3,000 in one block."""
_LONGEST_SUMMARY = 160

JsonObject = dict[str, Any]  # bodies of other systems


def payload_for(sink: Sink, report: RootCauseReport, *, key: str, at: datetime) -> str | None:
    """The body for a sink, as JSON; None when the report has nothing for it.

    Args:
        sink: Who is told.
        report: What was found.
        key: The effect's key; systems that cannot take it as a header find it in the body.
        at: When the report was made.
    """
    body = _BODIES[sink.kind](sink, report, key, at)
    return None if body is None else json.dumps(body, ensure_ascii=False)


def message(report: RootCauseReport) -> str:
    """A report as a few plain lines: nothing in them is markup or a mention."""
    lines = [f"{report.headline} ({report.status})"]
    lines += [
        f"- {cause.managed_object}: {cause.specific_problem} ({cause.confidence:.0%})"
        for cause in report.root_causes
    ]
    lines += [f"next: {action.action}" for action in report.next_actions[:3]]
    if report.gaps:
        lines.append(f"{len(report.gaps)} gaps, first: {report.gaps[0].what}")
    lines.append(report.incident_id)
    return "\n".join(plain(line) for line in lines)[:_LONGEST_MESSAGE]


def _event(_sink: Sink, report: RootCauseReport, key: str, at: datetime) -> JsonObject:
    return {
        "schema": REPORT_SCHEMA,
        "id": key,
        "created_at": stamp(at),
        "incident_id": report.incident_id,
        "report": report.model_dump(mode="json"),
    }


def _blocks(_sink: Sink, report: RootCauseReport, _key: str, _at: datetime) -> JsonObject:
    block = {"type": "section", "text": {"type": "plain_text", "text": message(report)}}
    return {"text": _summary(report), "blocks": [block]}


def _adaptive_card(_sink: Sink, report: RootCauseReport, _key: str, _at: datetime) -> JsonObject:
    card = {
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "TextBlock", "wrap": True, "text": _not_markdown(message(report))}],
    }
    content_type = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": content_type, "content": card}]}


def _not_markdown(text: str) -> str:
    """Text that a card shows as it is: cards read Markdown, and links in data are not ours."""
    return "".join(f"\\{char}" if char in r"\`*_[]()<>#" else char for char in text)


def _servicenow(_sink: Sink, report: RootCauseReport, key: str, _at: datetime) -> JsonObject | None:
    draft = report.drafts.ticket
    if draft is None:
        return None
    return {
        "short_description": _summary(report),
        "description": draft["description"],
        "work_notes": message(report),
        "correlation_id": key,
        "correlation_display": "tierwise",
    }


def _jira(sink: Sink, report: RootCauseReport, key: str, _at: datetime) -> JsonObject | None:
    draft = report.drafts.ticket
    if draft is None:
        return None
    fields = {
        "project": {"key": sink.project},
        "issuetype": {"name": "Incident"},
        "summary": _summary(report),
        "description": f"{draft['description']}\n\n{message(report)}",
        "labels": ["tierwise", jira_label(key)],
    }
    return {"fields": fields}


def _alarm_patch(
    _sink: Sink, report: RootCauseReport, _key: str, _at: datetime
) -> JsonObject | None:
    return report.drafts.alarm_patch


def _mail(_sink: Sink, report: RootCauseReport, _key: str, _at: datetime) -> JsonObject:
    return {"subject": _summary(report), "text": to_markdown(report)}


def _notification(sink: Sink, report: RootCauseReport, key: str, at: datetime) -> JsonObject:
    event = json.dumps(_event(sink, report, key, at))
    return {"subject": _summary(report), "message": event}


def jira_label(key: str) -> str:
    """The label by which an issue of ours is found again."""
    return f"tierwise-{key}"


def _summary(report: RootCauseReport) -> str:
    """One line for subjects, whatever the headline holds."""
    return " ".join(plain(report.headline).split())[:_LONGEST_SUMMARY]


Body = Callable[[Sink, RootCauseReport, str, datetime], JsonObject | None]

_BODIES: Mapping[SinkKind, Body] = {
    "webhook": _event,
    "slack": _blocks,
    "teams": _adaptive_card,
    "servicenow": _servicenow,
    "jira": _jira,
    "tmf642_alarm": _alarm_patch,
    "email": _mail,
    "sns": _notification,
}
