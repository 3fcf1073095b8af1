"""`IncidentTracker`: alarms live, incidents open, grow, merge, split and close, notice by notice.

Each notice touches the one alarm it is about and the incidents beside it in topology and time, so
its cost does not grow with the network or with what is open. The tracker is pure: it is told the
time, and hands over what changed to whoever keeps it.

Two alarms belong together when one names the other, or when their elements are the same or joined
and they happened within `QUIET`; two elements that only share a neighbour (which may be the silent
culprit) join, but never merge incidents that already stand.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from agents.alarm_notices import Notice
from agents.incident_places import IncidentPlaces
from agents.tracked_incidents import (
    FLAPS,
    MAX_IDS,
    SEVERITY_RANK,
    TrackedAlarm,
    TrackedChanges,
    TrackedIncident,
    leads,
)
from telecom.incident import IncidentStep
from telecom.topology import Topology

QUIET = 240.0
"""Seconds: trouble at joined elements within them is one incident, and an incident without active
alarms closes after them. The BGP hold timer (180 s, RFC 4271), and a minute for logs to arrive."""
STALE = 24 * 3600.0
"""Seconds after which an alarm that nobody repeats and nobody clears no longer keeps an incident
open: its clear was lost."""
RESYNC = 900.0
"""Seconds after a rebuilt alarm list (TS 28.532) in which its alarms are repeated; those that are
not have ended unheard."""

_STEP_RANK: dict[IncidentStep, int] = {
    "grew": 0, "eased": 1, "split": 2, "opened": 3, "merged": 4, "closed": 5,
}  # fmt: skip


class IncidentTracker:
    """Every open incident of a site. Not thread-safe."""

    def __init__(
        self,
        topology: Topology,
        *,
        next_number: int = 1,
        planned: Callable[[str, float], bool] = lambda _object, _time: False,
    ) -> None:
        """Begin with nothing open.

        Args:
            topology: Of the site; may be empty.
            next_number: Of the next incident that opens.
            planned: Whether an object is in a maintenance window at a time.
        """
        self._places = IncidentPlaces(topology)
        self._planned = planned
        self._next = next_number
        self.clock = float("-inf")
        """The time that was told last."""
        self.incidents: dict[int, TrackedIncident] = {}
        self._alarms: dict[str, TrackedAlarm] = {}
        self._by_id: dict[str, str] = {}
        self._due: list[tuple[float, int]] = []
        self._changes = TrackedChanges()

    def restore(self, incidents: Iterable[TrackedIncident]) -> None:
        """Take up open incidents where an earlier process left them."""
        for incident in incidents:
            self.incidents[incident.number] = incident
            self._next = max(self._next, incident.number + 1)
            alarms = list(incident.alarms.values())
            incident.alarms, incident.devices = {}, {}
            incident.active = Counter()
            incident.acknowledged = incident.unplanned = 0
            for alarm in sorted(alarms, key=lambda one: one.raised):
                self._enlist(incident, alarm)
                incident.devices[alarm.device] = max(
                    alarm.last, incident.devices.get(alarm.device, alarm.last)
                )
                self._places.mark(incident.number, alarm.device, alarm.last)
            self._look_again(incident, incident.last + QUIET)

    def alarms(self) -> Iterator[TrackedAlarm]:
        """Every alarm of an open incident, clear ones included."""
        return iter(self._alarms.values())

    def drain(self) -> TrackedChanges:
        """Hand over what changed since the last call."""
        changes, self._changes = self._changes, TrackedChanges()
        for incident, _ in changes.incidents.values():
            incident.revision += 1
        return changes

    def take(self, notice: Notice) -> None:
        """Follow one notice."""
        alarm = self._known(notice)
        match notice.effect:
            case "clear_all":
                for each in self._alarms_of(notice.device):
                    self._clear(each, notice.time)
            case "rebuild":
                for each in self._alarms_of(notice.device):
                    each.unconfirmed_since = notice.time
                    self._look_again(self.incidents[each.incident], notice.time + RESYNC)
            case "raise" | "change":
                if alarm is None:
                    self._open_alarm(notice)
                else:
                    self._report(alarm, notice)
            case _ if alarm is not None:
                self._belong(alarm, notice)
                self._end_or_mark(alarm, notice)

    def advance(self, now: float) -> None:
        """Close, split and age what the passing of time decides.

        History may be told after the present: an earlier time than the last decides nothing anew.
        """
        self.clock = now
        while self._due and self._due[0][0] <= self.clock:
            due, number = heapq.heappop(self._due)
            incident = self.incidents.get(number)
            if incident is not None and incident.due == due:
                incident.due = float("inf")
                self._settle(incident)

    # One alarm

    def _known(self, notice: Notice) -> TrackedAlarm | None:
        key = notice.key
        if notice.effect != "raise" and key not in self._alarms:
            key = self._by_id.get(notice.alarm_id, key)
        return self._alarms.get(key)

    def _alarms_of(self, device: str) -> list[TrackedAlarm]:
        """Active alarms of an element."""
        return [
            alarm
            for number in self._places.at(device)
            for alarm in self.incidents[number].alarms.values()
            if alarm.device == device and alarm.active
        ]

    def _end_or_mark(self, alarm: TrackedAlarm, notice: Notice) -> None:
        if notice.effect == "clear":
            self._clear(alarm, notice.time)
        elif notice.effect == "correlate":
            self._join_related(alarm, notice)
        else:
            self._acknowledge(alarm, notice.effect == "acknowledge")

    def _open_alarm(self, notice: Notice) -> None:
        incident = self._incident_of(notice)
        if incident is None:
            return
        alarm = TrackedAlarm(
            key=notice.key,
            incident=incident.number,
            device=notice.device,
            managed_object=notice.managed_object,
            alarm_type=notice.alarm_type,
            problem=notice.problem,
            cause=notice.cause,
            role=notice.role,
            severity=notice.severity,
            raised=notice.time,
            last=notice.time,
            alarm_ids=[notice.alarm_id],
            event=not notice.lasts,
            planned=self._planned(notice.managed_object, notice.time),
        )
        self._enlist(incident, alarm)
        self._belong(alarm, notice)
        self._live(incident, alarm.device, notice.time)
        self._touch(incident, "grew", notice.time, alarm)

    def _report(self, alarm: TrackedAlarm, notice: Notice) -> None:
        """The same problem said again: a repetition, a change of severity, or a return."""
        incident = self.incidents[alarm.incident]
        severity = notice.severity
        alarm.event = alarm.event and not notice.lasts
        returns = not alarm.active and notice.time >= (alarm.cleared or 0.0)
        if alarm.active or returns:
            if alarm.active:
                incident.active[alarm.severity] -= 1
            incident.active[severity] += 1
            alarm.severity = severity
            if SEVERITY_RANK[severity] > SEVERITY_RANK[incident.worst]:
                incident.worst = severity
        if returns:
            alarm.cleared = None
            alarm.flaps += 1
            alarm.returns = [*alarm.returns, notice.time][-FLAPS:]
        alarm.reports += 1
        alarm.unconfirmed_since = None
        if notice.alarm_id not in alarm.alarm_ids and len(alarm.alarm_ids) < MAX_IDS:
            alarm.alarm_ids.append(notice.alarm_id)
            self._by_id[notice.alarm_id] = alarm.key
        self._belong(alarm, notice)
        alarm.last = max(alarm.last, notice.time)
        if not returns:
            # A repetition is no news: a lamp that says every minute that it is red must not draw
            # whatever happens beside it into its incident.
            self._note(incident, "grew", alarm)
            return
        # What comes and goes all the time, or is left over from an earlier burst, draws nothing.
        if alarm.flaps < FLAPS and not incident.settled:
            incident = self._join_neighbors(alarm, notice)
            self._live(incident, alarm.device, notice.time)
        self._touch(incident, "grew", notice.time, alarm)

    def _clear(self, alarm: TrackedAlarm, time: float) -> None:
        incident = self.incidents[alarm.incident]
        if not alarm.active or time < alarm.raised:
            return
        alarm.cleared = time
        alarm.unconfirmed_since = None
        incident.active[alarm.severity] -= 1
        self._touch(incident, "eased", time, alarm)

    def _acknowledge(self, alarm: TrackedAlarm, acknowledged: bool) -> None:
        incident = self.incidents[alarm.incident]
        if alarm.acknowledged == acknowledged:
            return
        alarm.acknowledged = acknowledged
        incident.acknowledged += 1 if acknowledged else -1
        self._note(incident, "eased", alarm)

    def _belong(self, alarm: TrackedAlarm, notice: Notice) -> None:
        """The record is part of the alarm's incident."""
        self.incidents[alarm.incident].records += 1
        self._changes.records[notice.record] = alarm.incident

    def _enlist(self, incident: TrackedIncident, alarm: TrackedAlarm) -> None:
        alarm.incident = incident.number
        incident.alarms[alarm.key] = alarm
        self._alarms[alarm.key] = alarm
        for alarm_id in alarm.alarm_ids:
            self._by_id[alarm_id] = alarm.key
        if alarm.active:
            incident.active[alarm.severity] += 1
        incident.acknowledged += alarm.acknowledged
        incident.unplanned += not alarm.planned
        incident.worst = max(incident.worst, alarm.severity, key=SEVERITY_RANK.__getitem__)
        incident.devices.setdefault(alarm.device, alarm.last)
        if incident.leader is None or leads(alarm, incident.leader):
            incident.leader = alarm
        self._places.add(alarm.device, incident.number)
        self._changes.alarms[alarm.key] = alarm

    # Incidents

    def _incident_of(self, notice: Notice) -> TrackedIncident | None:
        """Where a new alarm belongs: an incident beside it, else one of its own."""
        beside = self._beside(notice)
        if beside:
            return self._merge(beside, notice.time)
        shared = [
            self.incidents[number]
            for number, time in self._places.sharing_a_neighbor(notice.device)
            if abs(notice.time - time) <= QUIET
        ]
        if shared:
            return min(shared, key=lambda incident: (incident.first, incident.number))
        return self._open(notice) if notice.opens else None

    def _beside(self, notice: Notice) -> list[TrackedIncident]:
        """Open incidents that a notice belongs to by its own words, or by place and time."""
        found = {
            self._alarms[key].incident
            for name in notice.related
            if (key := self._by_id.get(name)) is not None
        }
        for device in {notice.device, notice.peer} - {None}:
            assert device is not None  # taken out above
            for number in self._places.at(device):
                if abs(notice.time - self.incidents[number].devices[device]) <= QUIET:
                    found.add(number)
        for number, time in self._places.near(notice.device):
            if abs(notice.time - time) <= QUIET:
                found.add(number)
        return [self.incidents[number] for number in found]

    def _open(self, notice: Notice) -> TrackedIncident:
        incident = TrackedIncident(
            self._next, f"{notice.alarm_id}@{notice.time:.6f}", notice.time, notice.time
        )
        self._next += 1
        self.incidents[incident.number] = incident
        self._note(incident, "opened")
        return incident

    def _join_neighbors(self, alarm: TrackedAlarm, notice: Notice) -> TrackedIncident:
        """An alarm that comes back may find that its neighbours have an incident meanwhile."""
        own = self.incidents[alarm.incident]
        others = [each for each in self._beside(notice) if each is not own]
        return self._merge([own, *others], notice.time)

    def _join_related(self, alarm: TrackedAlarm, notice: Notice) -> None:
        named = {
            self._alarms[key].incident
            for name in notice.related
            if (key := self._by_id.get(name)) is not None
        }
        if named - {alarm.incident}:
            self._merge([self.incidents[n] for n in named | {alarm.incident}], notice.time)

    def _merge(self, incidents: list[TrackedIncident], time: float) -> TrackedIncident:
        """Make one incident of several: the oldest takes the others in."""
        incidents.sort(key=lambda incident: (incident.first, incident.number))
        oldest = incidents[0]
        for other in incidents[1:]:
            for alarm in list(other.alarms.values()):
                self._enlist(oldest, alarm)
            for device, last in other.devices.items():
                oldest.devices[device] = max(last, oldest.devices.get(device, last))
                self._places.mark(oldest.number, device, last)
            oldest.records += other.records
            oldest.last = max(oldest.last, other.last)
            other.state, other.merged_into, other.closed = "merged", oldest.number, time
            self._forget(other)
            self._changes.moved.append((other.number, oldest.number))
            for record, number in self._changes.records.items():
                if number == other.number:
                    self._changes.records[record] = oldest.number
            self._note(other, "merged")
            self._note(oldest, "grew")
        return oldest

    def _touch(
        self, incident: TrackedIncident, step: IncidentStep, time: float, alarm: TrackedAlarm
    ) -> None:
        """Something happened to an incident: its silence begins anew."""
        alarm.last = max(alarm.last, time)
        incident.first = min(incident.first, time)
        incident.last = max(incident.last, time)
        incident.settled = False
        self._look_again(incident, incident.last + QUIET)
        self._note(incident, step, alarm)

    def _look_again(self, incident: TrackedIncident, at: float) -> None:
        if at < incident.due:
            incident.due = at
            heapq.heappush(self._due, (at, incident.number))

    def _live(self, incident: TrackedIncident, device: str, time: float) -> None:
        """Trouble at an element: what happens near it within `QUIET` belongs to it."""
        incident.devices[device] = max(time, incident.devices.get(device, time))
        self._places.mark(incident.number, device, time)

    def _note(
        self, incident: TrackedIncident, step: IncidentStep, alarm: TrackedAlarm | None = None
    ) -> None:
        known = self._changes.incidents.get(incident.number)
        if known is None or _STEP_RANK[step] > _STEP_RANK[known[1]]:
            self._changes.incidents[incident.number] = (incident, step)
        if alarm is not None:
            self._changes.alarms[alarm.key] = alarm

    def _settle(self, incident: TrackedIncident) -> None:
        """Decide what the end of a burst decides: close, split, or wait until alarms are stale."""
        self._end_unconfirmed(incident)
        quiet_at = incident.last + QUIET
        if self.clock < quiet_at:
            self._look_again(incident, quiet_at)
            return
        for alarm in incident.alarms.values():
            if alarm.active and (alarm.event or self.clock - alarm.last >= STALE):
                alarm.cleared = alarm.last
                incident.active[alarm.severity] -= 1
                self._note(incident, "eased", alarm)
        if not incident.active_count:
            self._close(incident)
            return
        if not incident.settled:
            incident.settled = True
            self._split(incident)
        oldest = min(alarm.last for alarm in incident.alarms.values() if alarm.active)
        self._look_again(incident, oldest + STALE)

    def _close(self, incident: TrackedIncident) -> None:
        incident.state, incident.closed = "closed", incident.last
        self._note(incident, "closed")
        self._forget(incident)
        for key, alarm in incident.alarms.items():
            del self._alarms[key]
            for alarm_id in alarm.alarm_ids:
                self._by_id.pop(alarm_id, None)

    def _end_unconfirmed(self, incident: TrackedIncident) -> None:
        """End what a rebuilt alarm list no longer held, where the list came at all."""
        for alarm in incident.alarms.values():
            since = alarm.unconfirmed_since
            if since is None or self.clock < since + RESYNC:
                continue
            alarm.unconfirmed_since = None
            if any(
                other.device == alarm.device and other.last >= since
                for other in incident.alarms.values()
            ):
                alarm.cleared = since
                incident.active[alarm.severity] -= 1
                self._note(incident, "eased", alarm)

    def _split(self, incident: TrackedIncident) -> None:
        """Part what is left when the links between have healed."""
        parts = self._places.parts([alarm for alarm in incident.alarms.values() if alarm.active])
        for part in parts[1:]:
            first = min(part, key=lambda alarm: alarm.raised)
            own = TrackedIncident(
                self._next,
                f"{first.alarm_ids[0]}@{first.raised:.6f}/{self._next}",
                first.raised,
                max(alarm.last for alarm in part),
                split_from=incident.number,
                settled=True,
            )
            self._next += 1
            self.incidents[own.number] = own
            for alarm in part:
                del incident.alarms[alarm.key]
                incident.active[alarm.severity] -= 1
                incident.acknowledged -= alarm.acknowledged
                incident.unplanned -= not alarm.planned
                self._enlist(own, alarm)
                own.devices[alarm.device] = alarm.last
                own.records += alarm.reports
                incident.records -= alarm.reports
                self._places.mark(own.number, alarm.device, alarm.last)
                self._changes.parted.append((alarm.key, incident.number, own.number))
            self._look_again(own, own.last + STALE)
            self._note(own, "opened")
            self._note(incident, "split")
        if len(parts) > 1:
            self._regard(incident)

    def _regard(self, incident: TrackedIncident) -> None:
        """Work out elements and leader of an incident that lost a part."""
        left = {alarm.device for alarm in incident.alarms.values()}
        for device in incident.devices.keys() - left:
            del incident.devices[device]
            self._places.unmark(incident.number, device)
        for device, last in incident.devices.items():
            self._places.mark(incident.number, device, last)
        incident.leader = None
        for alarm in incident.alarms.values():
            if incident.leader is None or leads(alarm, incident.leader):
                incident.leader = alarm

    def _forget(self, incident: TrackedIncident) -> None:
        """Let nothing join it any more."""
        del self.incidents[incident.number]
        for device in incident.devices:
            self._places.unmark(incident.number, device)
