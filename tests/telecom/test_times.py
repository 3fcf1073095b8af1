"""Instants and windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from telecom.errors import InvalidArgumentError, SettingsError
from telecom.times import Window, format_instant, parse_instant, site_timezone


def test_a_time_without_a_zone_is_in_the_sites_timezone() -> None:
    """INTERFACES: without a zone times are in the site's timezone."""
    moment = parse_instant("2026-07-01T12:00:00", zone=site_timezone("Europe/Berlin"))
    assert moment == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_an_instant_survives_printing_and_reading() -> None:
    """INTERFACES: times are ISO 8601."""
    assert format_instant(parse_instant("2026-07-01T12:00:00.250Z")) == "2026-07-01T12:00:00.250Z"


def test_a_word_is_no_time_and_the_error_shows_one() -> None:
    """STYLE rule 4: what was refused, then what would work."""
    with pytest.raises(InvalidArgumentError, match=r"from must be ISO 8601 .* got 'yesterday'"):
        parse_instant("yesterday", argument="from")


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    """Us: swapped flags are the usual mistake."""
    with pytest.raises(InvalidArgumentError, match="must not end before it begins"):
        Window(parse_instant("2026-01-02"), parse_instant("2026-01-01"))


def test_an_unknown_timezone_is_refused_with_an_example() -> None:
    """STYLE rule 4: an error says what would work."""
    with pytest.raises(SettingsError, match="Europe/Berlin"):
        site_timezone("Mars/Olympus")


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "0001-01-01", "1900-01-01"]
)
def test_since_ever_leaves_room_to_look_before_it(text: str) -> None:
    """Us: clients write "no lower limit" as the first date there is; nothing overflows then."""
    moment = parse_instant(text, zone=site_timezone("Europe/Berlin"))
    assert moment - timedelta(days=400) < moment < parse_instant("1970-01-01")


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"])
def test_without_end_leaves_room_to_look_behind_it(text: str) -> None:
    """Us: the same for "no upper limit"."""
    moment = parse_instant(text, zone=site_timezone("Europe/Berlin"))
    assert moment + timedelta(days=400) > moment > parse_instant("2100-01-01")
