"""What people decide about incidents becomes tickets and judgements, and nothing else does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rag.confirmed_causes import (
    FILE_NAME,
    decide,
    own_evaluation_set,
    read_decisions,
    record_decision,
)
from rag.evaluation import compare_modes
from rag.knowledge_base import KnowledgeBase
from telecom.errors import InvalidArgumentError, SiteDirectoryError

DECISION = {
    "incident_id": "INC-7",
    "symptoms": ["OSPF stuck in exstart on leaf4", "large packets lost"],
    "cause": "MTU mismatch",
    "reviewer": "j.doe",
    "proposed_cause": "fibre cut",
    "close_note": "Set 9000 on both ends.",
    "similar_tickets": ["INC0001"],
    "via": "python",
    "decided_at": datetime(2026, 4, 1, tzinfo=UTC),
}


def test_a_decision_is_found_after_the_next_ingest_with_its_provenance(
    base: KnowledgeBase, site: Path
) -> None:
    """Issue 6: a ticket-like record with provenance and reviewer, searchable after ingest."""
    decision = decide(DECISION)
    record_decision(site / "tickets", decision)
    assert base.ingest_tickets(site / "tickets").added == 1
    assert base.search("OSPF exstart leaf4")[0].source == "CAUSE-INC-7"
    ticket = base.get_ticket("CAUSE-INC-7")
    assert (ticket.cause, ticket.close_note) == ("MTU mismatch", "Set 9000 on both ends.")
    (row,) = read_decisions(site / "tickets")
    assert (row["reviewer"], row["decision"], row["proposed_cause"], row["via"]) == (
        "j.doe",
        "corrected",
        "fibre cut",
        "python",
    )


def test_deciding_again_corrects_and_repeating_changes_nothing(tmp_path: Path) -> None:
    """Issue 6: corrections are followed; BRIEF of every store: nothing is done twice."""
    file = record_decision(tmp_path, decide(DECISION))
    once = file.read_bytes()
    record_decision(tmp_path, decide({**DECISION, "decided_at": datetime.now(UTC)}))
    assert file.read_bytes() == once
    record_decision(tmp_path, decide({**DECISION, "cause": "software defect"}))
    assert [row["cause"] for row in read_decisions(tmp_path)] == ["software defect"]
    assert len(file.read_text().splitlines()) == 2


def test_a_decision_without_a_person_is_refused(tmp_path: Path) -> None:
    """Issue 6: nothing a model wrote enters without a person."""
    with pytest.raises(InvalidArgumentError, match="reviewer"):
        decide({**DECISION, "reviewer": " "})
    without = {name: value for name, value in DECISION.items() if name != "reviewer"}
    with pytest.raises(InvalidArgumentError, match="reviewer"):
        decide(without)
    assert read_decisions(tmp_path) == []


def test_a_line_cut_off_by_a_dying_process_stays_alone(tmp_path: Path) -> None:
    """Issue 6: nothing accepted is lost."""
    (tmp_path / FILE_NAME).write_text('{"ticket_id": "CAUSE-1", "descr')
    record_decision(tmp_path, decide(DECISION))
    assert [row["ticket_id"] for row in read_decisions(tmp_path)] == ["CAUSE-INC-7"]


def test_a_decision_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """Issue 6: disk full or not writable: a clean error."""
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(SiteDirectoryError, match="was not recorded"):
        record_decision(tmp_path, decide(DECISION))


def test_decisions_are_the_sites_own_evaluation_set(base: KnowledgeBase, site: Path) -> None:
    """Issue 6: an entry of the site's own evaluation set; the decision does not find itself."""
    record_decision(site / "tickets", decide(DECISION))
    base.ingest_tickets(site / "tickets")
    queries, qrels = own_evaluation_set(read_decisions(site / "tickets"), base.causes())
    assert json.loads(json.dumps(qrels)) == {"CAUSE-INC-7": {"INC0001": 2.0, "INC0002": 1.0}}
    scores = compare_modes(base, queries, qrels, corpus="tickets", leave_out_itself=True)
    assert set(scores) == {"lexical", "dense", "hybrid"}
    assert scores["hybrid"].queries == 1
    assert scores["hybrid"].recall.mean == 1.0
    assert scores["hybrid"].mrr.mean == 1.0
