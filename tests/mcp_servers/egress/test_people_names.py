"""Names that tickets declare are known to the detector."""

from __future__ import annotations

import json
from pathlib import Path

from mcp_servers.egress.people_names import known_names, names_in_tickets
from mcp_servers.site_directory import SiteDirectory, SiteSettings
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


def test_names_are_read_again_only_when_an_export_changed(tmp_path: Path) -> None:
    """Us: a site with many tickets starts quickly, and never with yesterday's names."""
    site = SiteDirectory(tmp_path, SiteSettings(site_id="one"))
    site.store.mkdir()
    site.tickets.mkdir()
    assert known_names(site) == ()
    export = site.tickets / "a.jsonl"
    export.write_text(json.dumps({"ticket_id": "T1", "title": "x", "reporter": "Megan Payne"}))
    assert known_names(site) == ("Megan Payne",)
    (cache,) = site.store.iterdir()
    assert cache.stat().st_mode & 0o077 == 0
    cache.write_text(cache.read_text().replace("Megan", "Morag"))
    assert known_names(site) == ("Morag Payne",)  # the export itself was not read
    cache.write_text("damaged")
    assert known_names(site) == ("Megan Payne",)
    export.write_text(json.dumps({"ticket_id": "T1", "title": "x", "reporter": "Anna Payne"}))
    assert known_names(site) == ("Anna Payne",)
