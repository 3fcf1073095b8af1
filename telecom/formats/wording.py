"""What a structured alarm is about, told from its words by the grammar of log events."""

from __future__ import annotations

from telecom.alarm import Occurrence, OccurrenceKind, PerceivedSeverity
from telecom.formats.event_grammar import Meaning, understand
from telecom.formats.event_table import State
from telecom.formats.syslog_line import SyslogLine


def occurrence_in_words(
    cause: str | None,
    words: str,
    severity: PerceivedSeverity,
    *,
    interface: str | None = None,
    kind: OccurrenceKind | None = None,
) -> Occurrence:
    """Tell kind and parts of an alarm from its cause and words; its severity decides the state.

    Args:
        cause: Probable cause, alarm condition or event name.
        words: Specific problem and text.
        severity: As the payload gives it: CLEARED is `up`.
        interface: Where a field of the payload names the port.
        kind: Where a field of the payload decides it.
    """
    event = cause or ""
    meaning = understand(SyslogLine("words", f"{event} {words}".strip(), event=event or None))
    found = OccurrenceKind.OTHER if meaning is None else meaning.pattern.kind
    return Occurrence(
        kind=kind or found,
        state=_state(severity, meaning),
        interface=interface or (meaning.interface if meaning else None),
        neighbor=meaning.neighbor if meaning else None,
        neighbor_as=meaning.neighbor_as if meaning else None,
        vrf=meaning.vrf if meaning else None,
        reason=meaning.reason if meaning else None,
        initiator=meaning.initiator if meaning else None,
    )


def _state(severity: PerceivedSeverity, meaning: Meaning | None) -> State:
    if severity is PerceivedSeverity.CLEARED:
        return "up"
    if severity is PerceivedSeverity.INDETERMINATE:
        return meaning.state if meaning is not None else "noted"
    # An alarm that is raised is not up, whatever words describe it.
    if meaning is not None and meaning.state == "down":
        return "down"
    return "degraded"
