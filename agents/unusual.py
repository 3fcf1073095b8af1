"""What is unusual: the window against the site's own time before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from agents.folding import when
from agents.messages import Message
from telecom.alarm import Alarm
from telecom.times import Window
from telecom.topology import Topology

_EXPECTED = 3.0
"""Records that an element would have said in the window if it went on as before; at fewer, saying
nothing happens by chance in more than one window of twenty (Poisson)."""
_LOUDER = 4.0
_NAMED = 6


def unusual_lines(
    window: Window,
    alarms: Sequence[Alarm],
    before: Sequence[Alarm],
    messages: Sequence[Message],
    topology: Topology,
) -> list[str]:
    """What differs from the time before the window; empty where nothing is known of it.

    Args:
        window: The time under investigation.
        alarms: Its records, in time order.
        before: Records ahead of it, in time order.
        messages: What the window says.
        topology: The site's elements.
    """
    lines = []
    speaking = {alarm.device for alarm in alarms}
    silent = [name for name in topology.devices if name not in speaking]
    if before:
        span = window.start - when(before[0])
        share = (window.end - window.start) / span if span else 0.0
        usual = Counter(alarm.device for alarm in before)
        now = Counter(alarm.device for alarm in alarms)
        new = sum(message.earlier == 0 for message in messages)
        lines.append(
            f"{new} of {len(messages)} messages were not said in the {_hours(span.total_seconds())}"
            f" before ({len(before)} records)"
        )
        fell = [
            name for name, count in usual.items() if not now[name] and count * share >= _EXPECTED
        ]
        if fell:
            lines.append(f"usually heard, silent now: {_some(fell)}")
        louder = [
            name
            for name, count in now.most_common()
            if usual[name] and count >= _EXPECTED + _LOUDER * usual[name] * share
        ]
        if louder:
            heard = [f"{name} ({now[name]}, usually {usual[name] * share:.1f})" for name in louder]
            lines.append(f"louder than usual: {_some(heard)}")
    if silent and alarms:
        lines.append(f"{len(silent)} of {len(topology.devices)} known elements say nothing")
    return lines


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.0f} h" if seconds >= 5400 else f"{seconds / 60:.0f} min"
