"""Which window a question without a window means."""

from __future__ import annotations

from mcp_servers.alarms.bursts import MINUTE, newest_burst

HOUR = 60 * MINUTE


def noise(hours: int, every: float = 5 * MINUTE) -> list[float]:
    """A background of one alarm every few minutes."""
    return [i * every for i in range(int(hours * HOUR / every))]


def test_no_times_have_no_burst() -> None:
    """Ours: an empty store has no incident."""
    assert newest_burst([]) is None


def test_the_newest_of_two_storms_is_the_incident() -> None:
    """INTERFACES: a question without a window means the newest incident in the store."""
    storms = [10 * HOUR + i for i in range(200)] + [20 * HOUR + i for i in range(150)]
    found = newest_burst(noise(30) + storms)
    assert found is not None
    assert found[0] <= 20 * HOUR
    assert 20 * HOUR + 150 <= found[1] <= 20 * HOUR + 15 * MINUTE


def test_a_blip_after_a_storm_is_not_the_incident() -> None:
    """Ours: five alarms an hour later are its tail."""
    storm = [10 * HOUR + i for i in range(300)]
    found = newest_burst([*noise(15), *storm, *(11 * HOUR + i for i in range(5))])
    assert found is not None
    assert found[0] <= 10 * HOUR <= found[1] < 11 * HOUR


def test_a_pause_as_long_as_a_hold_timer_does_not_split_a_storm() -> None:
    """RFC 4271: a BGP hold time of 180 seconds lies between a fault and its last effects."""
    found = newest_burst([*range(100), *(280 + i for i in range(100))])
    assert found is not None
    assert found[0] <= 0
    assert found[1] >= 380


def test_a_site_that_holds_nothing_but_a_storm_has_that_storm() -> None:
    """Ours: without a usual level nothing can stand out from it."""
    found = newest_burst([i * 2.0 for i in range(400)])
    assert found is not None
    assert found[0] <= 0
    assert found[1] >= 800


def test_a_single_alarm_is_better_than_nothing() -> None:
    """Ours: the newest stretch, however short."""
    found = newest_burst([5 * HOUR])
    assert found is not None
    assert found[0] <= 5 * HOUR <= found[1]
