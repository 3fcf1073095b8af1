"""Incidents open, grow, merge, split and close, notice by notice."""

from __future__ import annotations

from agents.alarm_notices import Effect, Notice
from agents.incident_places import IncidentPlaces
from agents.incident_tracking import QUIET, RESYNC, STALE, IncidentTracker
from telecom.alarm import PerceivedSeverity
from telecom.topology import Link, ManagedObject, Topology

LINE = Topology.of(
    Link(ManagedObject(a), ManagedObject(b))
    for a, b in (("r1", "r2"), ("r2", "r3"), ("r3", "r4"), ("r4", "r5"), ("r5", "r6"))
)
"""r1 - r2 - r3 - r4 - r5 - r6"""


class Story:
    """Tells a tracker one thing after another."""

    def __init__(self, topology: Topology = LINE) -> None:
        self.tracker = IncidentTracker(topology, planned=lambda name, _: name.startswith("planned"))
        self._record = 0

    def tell(
        self,
        time: float,
        device: str,
        problem: str = "link down",
        effect: Effect = "raise",
        severity: str = "MAJOR",
        *,
        alarm_id: str | None = None,
        related: tuple[str, ...] = (),
        opens: bool = True,
        lasts: bool = True,
    ) -> None:
        self._record += 1
        self.tracker.advance(time)
        self.tracker.take(
            Notice(
                record=self._record,
                alarm_id=alarm_id or f"id-{self._record}",
                time=time,
                effect=effect,
                device=device,
                managed_object=device,
                alarm_type="EQUIPMENT_ALARM",
                problem=problem,
                severity=PerceivedSeverity(severity),
                cause="cause",
                role="error",
                opens=opens,
                lasts=lasts,
                peer=None,
                related=related,
                key=f"{device}/{problem}",
            )
        )

    @property
    def devices(self) -> list[list[str]]:
        """The elements of each open incident."""
        return [list(incident.devices) for incident in self.tracker.incidents.values()]


def test_an_incident_grows_along_links_and_leaves_the_rest_alone() -> None:
    """Issue 5: correlation over topology and time."""
    story = Story()
    story.tell(0, "r1")
    story.tell(30, "r2")
    story.tell(60, "r5")
    assert story.devices == [["r1", "r2"], ["r5"]]


def test_two_neighbours_of_a_silent_element_are_one_incident() -> None:
    """Issue 5: the culprit may say nothing at all."""
    story = Story()
    story.tell(0, "r1")
    story.tell(10, "r3")
    assert story.devices == [["r1", "r3"]]


def test_trouble_much_later_is_another_incident() -> None:
    """Issue 5: correlation over time, too."""
    story = Story()
    story.tell(0, "r1")
    story.tell(2 * QUIET, "r2")
    assert story.devices == [["r1"], ["r2"]]


def test_an_alarm_between_two_incidents_makes_them_one() -> None:
    """Issue 5: incidents merge; the older one stays."""
    story = Story()
    story.tell(0, "r1")
    story.tell(10, "r4")
    story.tell(20, "r3", "fan failed")
    # r3 is next to r4 and shares r2 with r1, which joins but does not merge.
    assert story.devices == [["r1"], ["r4", "r3"]]
    story.tell(30, "r2")
    assert len(story.devices) == 1
    steps = {number: step for number, (_, step) in story.tracker.drain().incidents.items()}
    assert steps == {1: "opened", 2: "merged"}


def test_an_alarm_that_names_another_joins_its_incident_over_any_distance() -> None:
    """X.733 correlatedNotifications."""
    story = Story()
    story.tell(0, "r1", alarm_id="A")
    story.tell(3 * QUIET, "r6", related=("A",))
    assert story.devices == [["r1", "r6"]]


def test_many_reports_of_one_problem_are_one_alarm() -> None:
    """Issue 5: dedupe by managed object, type and specific problem."""
    story = Story()
    for second in range(5):
        story.tell(second, "r1")
    (alarm,) = story.tracker.alarms()
    assert (alarm.reports, alarm.flaps) == (5, 0)


def test_an_alarm_that_keeps_coming_back_flaps_and_keeps_one_incident() -> None:
    """Issue 5: flap detection with counts."""
    story = Story()
    for round_ in range(5):
        story.tell(60 * round_, "r1")
        story.tell(60 * round_ + 30, "r1", effect="clear", severity="CLEARED")
    (alarm,) = story.tracker.alarms()
    assert alarm.flapping
    assert alarm.flaps == 4
    assert len(story.devices) == 1


def test_an_incident_closes_when_all_is_clear_and_stays_so() -> None:
    """Issue 5: incidents close; a relapse within the silence keeps them open."""
    story = Story()
    story.tell(0, "r1")
    story.tell(10, "r1", effect="clear", severity="CLEARED")
    story.tracker.advance(10 + QUIET - 1)
    assert story.devices == [["r1"]]
    story.tracker.advance(10 + QUIET)
    assert story.devices == []
    incident, step = story.tracker.drain().incidents[1]
    assert (step, incident.state, incident.severity) == (
        "closed",
        "closed",
        PerceivedSeverity.CLEARED,
    )


def test_what_is_left_apart_after_the_links_healed_is_split() -> None:
    """Issue 5: incidents split."""
    story = Story()
    for second, device in enumerate(("r1", "r2", "r3", "r4", "r5", "r6")):
        story.tell(second, device)
    for device in ("r2", "r3", "r4", "r5"):
        story.tell(20, device, effect="clear", severity="CLEARED")
    story.tracker.drain()
    story.tracker.advance(20 + QUIET)
    changes = story.tracker.drain()
    assert [step for _, step in changes.incidents.values()] == ["opened", "split"] or [
        step for _, step in changes.incidents.values()
    ] == ["split", "opened"]
    assert sorted(story.devices, key=len)[0] == ["r6"]
    assert story.tracker.incidents[2].split_from == 1


def test_a_lamp_that_repeats_itself_draws_nothing_into_its_incident() -> None:
    """A chronic alarm said every minute is no news."""
    story = Story()
    story.tell(0, "r1")
    for minute in range(1, 30):
        story.tell(60 * minute, "r1")
    story.tell(1800, "r2")
    assert story.devices == [["r1"], ["r2"]]


def test_an_alarm_without_a_clear_goes_stale() -> None:
    """A lost clear must not keep an incident open for ever."""
    story = Story()
    story.tell(0, "r1")
    story.tracker.advance(STALE)
    assert story.devices == []


def test_a_lone_warning_opens_nothing_but_joins() -> None:
    """Noise opens no incident."""
    story = Story()
    story.tell(0, "r1", "login refused", severity="WARNING", opens=False, lasts=False)
    assert story.devices == []
    story.tell(1, "r1")
    story.tell(2, "r1", "login refused", severity="WARNING", opens=False, lasts=False)
    story.tell(3, "r1", effect="clear", severity="CLEARED")
    story.tracker.advance(3 + QUIET)
    assert story.devices == []
    assert len(story.tracker.drain().incidents[1][0].alarms) == 2


def test_acknowledgement_and_change_find_the_alarm_by_its_id() -> None:
    """X.733 life cycle: raise, change, acknowledge, clear."""
    story = Story()
    story.tell(0, "r1", alarm_id="A", severity="MINOR")
    story.tell(1, "r1", "?", effect="change", severity="CRITICAL", alarm_id="A")
    story.tell(2, "r1", "?", effect="acknowledge", alarm_id="A")
    incident = story.tracker.incidents[1]
    assert incident.severity is PerceivedSeverity.CRITICAL
    assert incident.acknowledged == 1
    story.tell(3, "r1", "?", effect="clear", severity="CLEARED", alarm_id="A")
    assert incident.active_count == 0


def test_a_rebuilt_alarm_list_ends_what_it_no_longer_holds() -> None:
    """TS 28.532 notifyAlarmListRebuilt: the alarms are sent again, and what is not has ended."""
    story = Story()
    story.tell(0, "r1", "one")
    story.tell(0, "r1", "two")
    story.tell(60, "r1", effect="rebuild")
    story.tell(61, "r1", "one")
    story.tracker.advance(60 + RESYNC)
    assert {alarm.problem: alarm.active for alarm in story.tracker.alarms()} == {
        "one": True,
        "two": False,
    }


def test_a_rebuild_after_which_nothing_is_sent_ends_nothing() -> None:
    """Losing alarms because a source went silent would be worse than keeping old ones."""
    story = Story()
    story.tell(0, "r1", "one")
    story.tell(60, "r1", effect="rebuild")
    story.tracker.advance(60 + RESYNC)
    assert [alarm.active for alarm in story.tracker.alarms()] == [True]


def test_planned_work_is_marked_and_one_unplanned_alarm_is_enough_to_matter() -> None:
    """Issue 5: maintenance windows."""
    story = Story(Topology.of([Link(ManagedObject("planned1"), ManagedObject("r1"))]))
    story.tell(0, "planned1")
    assert story.tracker.incidents[1].unplanned == 0
    story.tell(1, "r1")
    assert story.tracker.incidents[1].unplanned == 1


def test_a_tracker_takes_up_where_another_left_off() -> None:
    """A restarted site goes on with its open incidents."""
    story = Story()
    story.tell(0, "r1", alarm_id="A")
    again = Story()
    again.tracker.restore(story.tracker.incidents.values())
    again.tell(5, "r2")
    again.tell(6, "r1", "?", effect="clear", severity="CLEARED", alarm_id="A")
    assert again.devices == [["r1", "r2"]]
    assert again.tracker.incidents[1].active_count == 1


def test_an_alarm_that_returns_for_days_draws_no_storm_into_its_old_incident() -> None:
    """A storm keeps its own beginning: a lamp that flickers must not give it another."""
    story = Story()
    for hour in range(5):
        story.tell(3600 * hour, "r1")
        story.tell(3600 * hour + 1, "r2", "steady")
        story.tell(3600 * hour + 900, "r1", effect="clear", severity="CLEARED")
    story.tell(5 * 3600, "r1")
    story.tell(5 * 3600 + 1, "r3")
    assert story.devices == [["r1", "r2"], ["r3"]]


def test_history_told_late_finds_no_incident_that_is_over() -> None:
    """Ours: a file that arrives late tells of a time when a closed incident was near."""
    story = Story()
    for second, device in enumerate(("r1", "r2", "r3", "r4", "r5")):
        story.tell(second, device, alarm_id=device)
    for device in ("r2", "r3", "r4"):
        story.tell(20, device, effect="clear", severity="CLEARED", alarm_id=device)
    story.tracker.advance(20 + QUIET)  # r1 and r5 are two incidents now
    story.tell(30 + QUIET, "r1", effect="clear", severity="CLEARED", alarm_id="r1")
    story.tracker.advance(40 + 3 * QUIET)
    assert story.devices == [["r5"]]
    story.tell(6, "r6", "told late")
    assert story.devices == [["r5", "r6"]]


def test_the_parts_of_an_incident_come_in_order_of_its_alarms() -> None:
    """Issue 5: a rebuilt store tells the same story, whatever order sets have in its process."""
    leaves = [f"leaf-{number}" for number in range(12)]
    star = Topology.of(Link(ManagedObject("hub"), ManagedObject(leaf)) for leaf in leaves)
    story = Story(star)
    for second, leaf in enumerate(leaves):
        story.tell(second, leaf)
    alarms = list(story.tracker.alarms())
    (part,) = IncidentPlaces(star).parts(alarms)
    assert [alarm.device for alarm in part] == leaves
