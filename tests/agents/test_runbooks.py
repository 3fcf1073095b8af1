"""Runbooks: read as lists of things to look at, ticked by what was seen."""

from __future__ import annotations

from agents.runbooks import Runbook, fitting, follow, read_runbook
from telecom.evidence import Evidence

CUT = """when: both ends of a link report loss of light
steps:
  - read the receive power of both ends
  - check which management address answers over the DCN
expected:
  - receive power falls to the floor
"""


def quoted(quote, source="alarms"):
    return Evidence(
        source=source, locator="a:1", quote=quote, data_class="alarms_raw", sha256="0" * 64
    )


def test_front_matter_with_steps_is_a_runbook_and_nothing_else_is():
    """Issue 8, point 6: `docs/` with front matter: when, steps, expected."""
    runbook = read_runbook("docs/cut.md", CUT)
    assert runbook.when == "both ends of a link report loss of light"
    assert len(runbook.steps) == 2
    assert runbook.expected == ("receive power falls to the floor",)
    assert read_runbook("docs/x.md", "when: always\nSome prose - with a dash") is None


def test_a_step_is_ticked_by_a_record_and_not_by_the_names_of_fields():
    """Issue 8, point 6: with results, not as commands."""
    evidence = {
        "alarm:1": quoted("optics: receive power -40 dBm below threshold"),
        "alarm:2": quoted('{"managedObject":"x","managementAddress":"y","answers":"z"}'),
        "ticket:1": quoted("receive power of both ends was low", "tickets"),
    }
    done = follow(read_runbook("docs/cut.md", CUT), evidence)
    assert [item.evidence_ids for item in done.steps] == [("alarm:1",), ()]
    assert done.expected[0].evidence_ids == ("alarm:1",)


def test_the_runbook_whose_occasion_fits_is_taken_or_none():
    """Us: a checklist for something else sends people the wrong way."""
    cut = read_runbook("docs/cut.md", CUT)
    silent = Runbook("docs/silent.md", "a router says nothing", ("look",))
    assert fitting([silent, cut], "loss of light on the link")[0] is cut
    assert fitting([silent, cut], "diesel generator empty") == []
