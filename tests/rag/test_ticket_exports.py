"""Ticket exports are read in our columns and in those of ServiceNow and Jira."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rag.ingest_counts import Reject
from rag.ticket_exports import TicketRecord, guess_mapping, read_tickets


def test_servicenow_csv_is_read_without_a_mapping(tmp_path: Path) -> None:
    """Issue: ServiceNow exports, sensible guesses."""
    file = tmp_path / "incident.csv"
    file.write_text(
        "number,short_description,description,cmdb_ci,priority,state,opened_at,closed_at,"
        "close_code,close_notes,assignment_group,vendor\n"
        "INC1,Link down,The link\nwent down,pe1,2 - High,Closed,2026-03-01 10:00:00,"
        "2026-03-01 12:00:00,Fibre cut,Spliced,NOC,Acme\n".replace(
            "The link\nwent down", '"The link\nwent down"'
        )
    )
    (record,) = read_tickets(file, name="tickets/incident.csv", zone=ZoneInfo("Europe/Berlin"))
    assert isinstance(record, TicketRecord)
    assert record.ticket.model_dump() == {
        "ticket_id": "INC1",
        "title": "Link down",
        "description": "The link\nwent down",
        "managed_object": "pe1",
        "severity": "2 - High",
        "status": "Closed",
        "opened_at": datetime(2026, 3, 1, 9, tzinfo=UTC),
        "closed_at": datetime(2026, 3, 1, 11, tzinfo=UTC),
        "cause": "Fibre cut",
        "close_note": "Spliced",
        "assigned_group": "NOC",
    }
    assert record.attributes == {"vendor": "Acme"}


def test_jira_exports_are_read_as_csv_and_as_json(tmp_path: Path) -> None:
    """Issue: Jira exports."""
    table = tmp_path / "jira.csv"
    table.write_text(
        "Issue key,Summary,Description,Status,Priority,Created,Resolved,"
        "Custom field (Root Cause),Component/s,Component/s\n"
        "NOC-7,Cell outage,All cells down,Done,High,01/Mar/26 10:15 AM,02/Mar/26 9:00 AM,"
        "Power,,gnb7\n"
    )
    answer = tmp_path / "jira.json"
    fields = {
        "summary": "Cell outage",
        "status": {"name": "Done"},
        "components": [{"name": "gnb7"}],
        "created": "2026-03-01T10:15:00.000+0000",
    }
    answer.write_text(json.dumps({"issues": [{"key": "NOC-7", "fields": fields}]}))
    (first,) = read_tickets(table, name="jira.csv")
    (second,) = read_tickets(answer, name="jira.json")
    assert isinstance(first, TicketRecord)
    assert isinstance(second, TicketRecord)
    assert (first.ticket.cause, first.ticket.managed_object) == ("Power", "gnb7")
    for record in (first, second):
        assert record.ticket.ticket_id == "NOC-7"
        assert record.ticket.status == "Done"
        assert record.ticket.opened_at == datetime(2026, 3, 1, 10, 15, tzinfo=UTC)


def test_a_mapping_overrides_the_guess(tmp_path: Path) -> None:
    """INTERFACES: exports through a mapping in site.yaml."""
    file = tmp_path / "export.csv"
    file.write_text("number;ref;what\n1;A-1;Fan failed\n")
    mapping = {"ticket_id": "ref", "title": "what"}
    (record,) = read_tickets(file, name="export.csv", mapping=mapping)
    assert isinstance(record, TicketRecord)
    assert (record.ticket.ticket_id, record.ticket.title) == ("A-1", "Fan failed")
    assert guess_mapping(["number", "Short description", "x"]) == {
        "ticket_id": "number",
        "title": "Short description",
    }


def test_what_cannot_be_read_is_rejected_with_its_line_and_the_rest_is_read(
    tmp_path: Path,
) -> None:
    """INTERFACES: rejects with file, line and reason."""
    file = tmp_path / "mixed.jsonl"
    good = '{"ticket_id": "T1", "title": "ok"}\n'
    file.write_bytes(
        b"\xef\xbb\xbf"
        + good.encode()
        + b'{"ticket_id": "T2", "tit\n'
        + b"\n"
        + b"\xff\xfe\n"
        + b'["no object"]\n'
        + b'{"title": "no id"}\n'
        + b'{"ticket_id": "T3"}\n'
        + b'{"ticket_id": "T4", "title": "x", "opened_at": "yesterday"}\n'
        + b'{"ticket_id": "T5", "title": "lone \\ud800 surrogate"}\n'
    )
    read = list(read_tickets(file, name="tickets/mixed.jsonl"))
    lines = [each.line for each in read if isinstance(each, Reject)]
    ids = [each.ticket.ticket_id for each in read if isinstance(each, TicketRecord)]
    assert (ids, lines) == (["T1", "T5"], [2, 4, 5, 6, 7, 8])
    assert not any("yesterday" in each.reason for each in read if isinstance(each, Reject))


def test_a_binary_file_is_one_reject(tmp_path: Path) -> None:
    """Issue: bad input gives a clear message."""
    for name in ("x.jsonl", "x.csv", "x.json"):
        file = tmp_path / name
        file.write_bytes(bytes(range(256)) * 10)
        (reject,) = read_tickets(file, name=name)
        assert isinstance(reject, Reject)
        assert reject.line is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("x.csv", b"sep=;\r\nnumber;summary\r\nT1;Fan; tray\r\nT2;ok\r\n", id="sep="),
        pytest.param("x.csv", "number\tsummary\r\nT2\tok\r\n".encode("utf-16"), id="Excel"),
        pytest.param("x.csv", b"\xef\xbb\xbfnumber,summary\r\nT2,ok\r\n", id="BOM"),
        pytest.param("x.jsonl", '{"id": "T2", "summary": "ok"}\r\n'.encode("utf-16"), id="shell"),
        pytest.param("x.json", '[{"id": "T2", "summary": "ok"}]'.encode("utf-16"), id="list"),
    ],
)
def test_exports_are_read_as_office_programs_write_them(
    tmp_path: Path, name: str, content: bytes
) -> None:
    """Issue 6: CSV and JSON exports, whatever the encoding; what is wrong has its line."""
    file = tmp_path / name
    file.write_bytes(content)
    read = list(read_tickets(file, name=name))
    tickets = [each.ticket for each in read if isinstance(each, TicketRecord)]
    assert [(ticket.ticket_id, ticket.title) for ticket in tickets] == [("T2", "ok")]
    # The one record that is wrong has a cell too many, and stands in the third line.
    assert [each.line for each in read if isinstance(each, Reject)] == [3] * (len(read) - 1)


def test_a_line_without_an_end_is_a_reject_and_the_rest_is_read(tmp_path: Path) -> None:
    """Us: a hostile or broken export may not fill the memory of a site."""
    file = tmp_path / "x.jsonl"
    long = json.dumps({"id": "T1", "summary": "x" * 9_000_000})
    file.write_text(f'{long}\n{{"id": "T2", "summary": "ok"}}\n{long}')
    first, record, last = read_tickets(file, name="x.jsonl")
    assert isinstance(record, TicketRecord)
    assert record.ticket.ticket_id == "T2"
    assert [first, last] == [Reject("x.jsonl", n, "is longer than 4 MiB") for n in (1, 3)]


def test_a_long_description_in_a_csv_export_is_read(tmp_path: Path) -> None:
    """Issue 6: a pasted log in a cell must not end the reading of an export."""
    file = tmp_path / "x.csv"
    pasted = "log line\n" * 50_000
    file.write_text(f'number,summary,description\nT1,ok,"{pasted}"\nT2,ok,\n')
    first, second = read_tickets(file, name="x.csv")
    assert isinstance(first, TicketRecord)
    assert isinstance(second, TicketRecord)
    assert len(first.ticket.description) > 400_000
    assert second.line == 50_003
