"""Measures what alarm text costs before and after folding, at the site that holds it."""

from __future__ import annotations

import time
from datetime import timedelta

from mcp_servers.alarms.alarm_rows import event_time
from mcp_servers.alarms.desk import AlarmDesk
from mcp_servers.alarms.store import AlarmQuery
from placement.site_data import AlarmVolume
from telecom.times import Window

LOOKED_BACK = timedelta(days=7)
"""How far back the rate of alarms is counted; longer would average away how the site is today."""
_BRIEF_TOKENS = 2000
_SECONDS_PER_HOUR = 3600.0


def measure_alarms(desk: AlarmDesk) -> AlarmVolume | None:
    """Fold the newest incident and count the hours before it; None without alarms that have a time.

    An event, in the sense of cost per event, is the newest incident; events per hour is how many
    portions of that size the site's alarms make in an hour.
    """
    desk.refresh()
    burst = desk.store.newest_burst()
    if burst is None:
        return None
    begun = time.monotonic()
    summary = desk.summarize(burst, _BRIEF_TOKENS)
    fold_ms = (time.monotonic() - begun) * 1000
    if not summary.alarms_total or not summary.tokens_before:
        return None
    week = Window(burst.end - LOOKED_BACK, burst.end)
    page = desk.store.page(AlarmQuery(window=week), limit=1)
    first = event_time(page.alarms[0]) if page.alarms else None
    hours = (burst.end - (first or burst.start)).total_seconds() / _SECONDS_PER_HOUR
    hours = max(hours, (burst.end - burst.start).total_seconds() / _SECONDS_PER_HOUR)
    return AlarmVolume(
        records=page.total,
        hours=round(hours, 3),
        incident_records=summary.alarms_total,
        incident_tokens=summary.tokens_before,
        brief_tokens=summary.tokens_after,
        fold_ms=round(fold_ms, 1),
        compression=round(1 - summary.tokens_after / summary.tokens_before, 4),
        events_per_hour=round(page.total / hours / summary.alarms_total, 4),
    )
