"""Prometheus Alertmanager: the webhook, the API's alerts, and Prometheus' own alert list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from telecom.alarm import Alarm, PerceivedSeverity
from telecom.formats.payloads import (
    Payload,
    PayloadFormat,
    Place,
    first_text,
    instant,
    leftovers,
    mapping,
    text,
    with_port,
)
from telecom.formats.reading import NotAnAlarm, Record, Rejected
from telecom.formats.severities import severity_named
from telecom.formats.wording import occurrence_in_words

_OBJECT_LABELS = (
    "managed_object", "managedObject", "device", "device_name", "hostname", "host", "router",
    "switch", "target", "sysName", "node", "nodename", "instance", "exported_instance", "vm", "pod",
    "container", "service", "namespace", "cluster", "job",
)  # fmt: skip
_PORT_LABELS = ("interface", "ifName", "ifname", "ifDescr", "port", "interface_name")
_SCRAPE_PORT = re.compile(r"^(\[[0-9A-Fa-f:]+\]|[^:\s]+):\d{1,5}$")


def _recognises(payload: Payload) -> bool:
    if isinstance(payload.get("alerts"), list):
        return True
    return isinstance(payload.get("labels"), dict) and (
        "startsAt" in payload
        or "endsAt" in payload
        or "activeAt" in payload
        or "annotations" in payload
        or "alertname" in payload["labels"]
    )


def _read(payload: Payload, place: Place) -> Iterator[Record]:
    alerts = payload.get("alerts")
    if not isinstance(alerts, list):
        yield _alarm(payload, {}, place)
        return
    if not alerts:
        yield NotAnAlarm(place.number, "Alertmanager: a notification without alerts")
    for entry in alerts:
        yield _alarm(mapping(entry), payload, place)


def _alarm(alert: Payload, group: Payload, place: Place) -> Record:
    labels = {**mapping(group.get("commonLabels")), **mapping(alert.get("labels"))}
    annotations = {**mapping(group.get("commonAnnotations")), **mapping(alert.get("annotations"))}
    name = first_text(labels, "alertname") or first_text(
        mapping(group.get("groupLabels")), "alertname"
    )
    if not labels and not annotations:
        return Rejected(place.number, "Alertmanager: an alert without labels and annotations")
    started = instant(alert.get("startsAt")) or instant(alert.get("activeAt"))
    ended = instant(alert.get("endsAt"))
    severity = _severity(alert, group, labels, place)
    summary = first_text(annotations, "summary", "title")
    description = first_text(annotations, "description", "message")
    words = description or summary or name or ""
    port = first_text(labels, *_PORT_LABELS)
    cleared = severity is PerceivedSeverity.CLEARED
    return Alarm(
        alarm_id=first_text(alert, "fingerprint") or _identity(labels) or place.assigned_id,
        managed_object=with_port(_object(labels, place), port),
        perceived_severity=severity,
        probable_cause=name,
        specific_problem=summary or name,
        alarm_raised_time=started or place.time,
        alarm_cleared_time=(ended or place.time) if cleared else None,
        additional_text=words,
        additional_information={
            **leftovers(alert, "labels", "annotations", "startsAt", "endsAt", "fingerprint"),
            **leftovers(
                group, "alerts", "commonLabels", "commonAnnotations", "groupLabels", "status"
            ),
            "labels": labels,
            "annotations": annotations,
        },
        occurrence=occurrence_in_words(name, f"{summary or ''} {words}", severity, interface=port),
        source=place.source("alertmanager"),
    )


def _object(labels: Payload, place: Place) -> str:
    name = first_text(labels, *_OBJECT_LABELS)
    if name is None:
        return place.context.device
    scraped = _SCRAPE_PORT.match(name)
    return scraped.group(1).strip("[]") if scraped else name


def _severity(
    alert: Payload, group: Payload, labels: dict[str, Any], place: Place
) -> PerceivedSeverity:
    status = alert.get("status")
    state = text(mapping(status).get("state")) or text(status) or text(alert.get("state"))
    if state is None:
        # A client of the API posts alerts without a status: past their end they are over.
        ended = instant(alert.get("endsAt"))
        if ended is not None and place.context.received and ended <= place.context.received:
            state = "resolved"
        else:
            state = text(group.get("status")) or "firing"
    if state.lower() in {"resolved", "inactive", "expired"}:
        return PerceivedSeverity.CLEARED
    named = severity_named(first_text(labels, "severity", "priority", "level"))
    if named is None or named is PerceivedSeverity.CLEARED:
        return PerceivedSeverity.WARNING
    return named


def _identity(labels: dict[str, Any]) -> str | None:
    """Name an alert as Prometheus does, by its labels: `alertname{device="r1"}`."""
    if not labels:
        return None
    pairs = ",".join(f'{key}="{labels[key]}"' for key in sorted(labels) if key != "alertname")
    return f"{labels.get('alertname', '')}{{{pairs}}}"


ALERTMANAGER = PayloadFormat("alertmanager", _recognises, _read)
