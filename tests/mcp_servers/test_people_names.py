"""Names that tickets declare are known to the detector."""

from __future__ import annotations

import json
from pathlib import Path

from mcp_servers.people_names import names_in_tickets
from telecom.identifiers import IdentifierDetector, mask


def test_names_of_people_columns_are_masked_in_other_tickets(tmp_path: Path) -> None:
    """Us: a name in a reporter field comes back in a description."""
    (tmp_path / "a.csv").write_text(
        "ticket_id,title,reporter,assigned_group\nT1,link down,Megan Payne,Core Team\n",
        encoding="utf-8",
    )
    (tmp_path / "b.jsonl").write_text(
        json.dumps({"ticket_id": "T2", "title": "fan", "assignee": "Jürgen Müller"}) + "\n{\n",
        encoding="utf-8",
    )
    (tmp_path / "note.txt").write_text("no export", encoding="utf-8")
    names = names_in_tickets(tmp_path)
    assert names == ("Jürgen Müller", "Megan Payne")
    detector = IdentifierDetector().with_names(names)
    text = "megan payne rang, J. Müller took over"
    assert mask(text, detector.find(text)) == "[PERSON] rang, [PERSON] took over"


def test_a_site_without_tickets_has_no_names(tmp_path: Path) -> None:
    """INTERFACES: every folder may be missing."""
    assert names_in_tickets(tmp_path / "tickets") == ()
