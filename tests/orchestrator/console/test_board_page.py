"""The incident board: what is open, and two engineers who want the same incident."""

import asyncio

import pytest

from orchestrator.console.incident_table import IncidentTable
from orchestrator.incidents.board import Board, TakenError
from orchestrator.service.running import open_service
from telecom.errors import InvalidArgumentError
from tests.orchestrator.console.conftest import ADA, ARCHITECT, AUDIT, BOB, LEA, console_at


def test_of_two_who_take_an_incident_one_has_it_and_the_other_is_told_who(
    site, declared, state_address
):
    """Issue 10: two engineers on one incident, on both stores; a restart changes nothing."""
    settings = declared(site, state=state_address)

    async def work():
        async with open_service(settings) as service:
            await service.state.database.execute(
                "INSERT INTO incidents (incident_id, status, principal, opened_at, window_start,"
                " window_end, perceived_severity, attempts, not_before) VALUES ('inc-1', 'queued',"
                " 'x', ?, ?, ?, 'MAJOR', 0, ?)",
                *("2026-03-01T10:15:00.000+00:00",) * 4,
            )
            boards = [Board(service.state) for _ in range(2)]
            people = ({"principal": p, "name": p.title()} for p in ("ada", "bob"))
            tried = await asyncio.gather(
                *(board.take("inc-1", **who) for board, who in zip(boards, people, strict=True)),
                return_exceptions=True,
            )
        async with open_service(settings) as service:
            board = Board(service.state)
            [shown] = await board.open_incidents()
            await board.take("inc-1", principal=shown.taken_by, name="again")
            await board.release("inc-1", principal="somebody else")
            kept = await board.incident("inc-1")
            await board.close("inc-1", principal="ada")
            with pytest.raises(InvalidArgumentError, match="closed"):
                await board.take("inc-1", principal="ada", name="Ada")
            closed = await board.open_incidents()
            await board.reopen("inc-1")
            await board.assign("inc-1", principal="lea", name="Lea")
            return tried, shown, kept, closed, await board.incident("inc-1")

    tried, shown, kept, closed, given = asyncio.run(work())
    [refused] = [each for each in tried if each is not None]
    assert isinstance(refused, TakenError)
    assert refused.name == shown.taken_name
    assert kept.taken_by == shown.taken_by
    assert kept.taken_name == shown.taken_name
    assert closed == []
    assert given.taken_name == "Lea"


def test_the_board_shows_what_is_open_and_changes_in_front_of_everybody(site, declared):
    """Issue 10: severity, folded count, site, status, confidence, owner; live."""

    async def work():
        async with console_at(declared(site), working=True) as noc:
            ada, bob = await noc.user(ADA), await noc.user(BOB)
            await bob.open("/")
            await bob.should_see("All quiet")
            incident = await noc.finished_incident()
            noc.desk.open_incidents.forget()  # it may be a second old
            page = await ada.open("/")
            [row] = rows_of(page)
            ada.find(kind=IncidentTable).trigger("take", incident)
            await ada.should_see("1 open, all taken")
            await bob.should_see("1 open, all taken", retries=100)
            bob.find(kind=IncidentTable).trigger("take", incident)
            await bob.should_see("Ada Byron has taken", retries=100)
            return row, rows_of(bob.client)[0]

    row, theirs = asyncio.run(work())
    assert row["headline"] == "mtu mismatch at agg1:xe-0/0/1"
    assert (row["severity"], row["site"], row["alarms"]) == ("MAJOR", "site1", "14")
    assert (row["status"], row["whose"], row["owner"]) == ("confirmed", "free", "")
    assert row["confidence"].endswith("%")
    assert (theirs["whose"], theirs["owner"]) == ("other", "Ada Byron")


def test_who_only_reads_cannot_act_even_by_hand(site, declared):
    """Issue 10: roles; the check is in the action, not in the button."""

    async def work():
        async with console_at(declared(site), working=True) as noc:
            incident = await noc.finished_incident()
            told = []
            for engineer in (AUDIT, ARCHITECT):
                user = await noc.user(engineer)
                await user.open("/")
                for act in ("take", "assign", "acknowledge", "close"):
                    user.find(kind=IncidentTable).trigger(act, incident)
                    await asyncio.sleep(0)
                await user.should_see("this is for", retries=100)
                told.append(rows_of(user.client)[0]["acts"])
            tier1 = await noc.user(ADA)
            await tier1.open("/")
            tier1.find(kind=IncidentTable).trigger("assign", incident)
            await tier1.should_see("this is for lead", retries=100)
            return told, await noc.desk.board.incident(incident)

    told, incident = asyncio.run(work())
    assert told == [False, False]
    assert (incident.taken_by, incident.closed_at) == (None, None)


def test_an_acknowledgement_is_a_draft_until_somebody_approves_it(site, declared, sink):
    """Issue 10: the alarm acknowledgement goes through the approvals, once however often asked."""
    given = {"name": "fm", "kind": "tmf642_alarm", "url": f"{sink.url}/tmf"}

    async def work():
        async with console_at(declared(site, sinks=[given]), working=True) as noc:
            incident = await noc.finished_incident()
            user = await noc.user(LEA)
            await user.open(f"/incidents/{incident}")
            for _ in range(2):
                user.find(marker="Acknowledge").click()
                await user.should_see("Nothing is sent before", retries=100)
                user.find(marker="Ask for approval").click()
                await user.should_see("waits for approval", retries=100)
            return await noc.desk.service.approvals.all()

    drafts = [a.payload for a in asyncio.run(work()) if "ackState" in a.payload]
    assert drafts == [
        {
            "ackState": "acknowledged",
            "ackUserId": "lea@noc",
            "ackSystemId": "tierwise",
            "alarmedObject": {"id": "agg1:xe-0/0/1"},
        }
    ]
    assert sink.received == []


def rows_of(client):
    """What the board shows."""
    [table] = [e for e in client.elements.values() if isinstance(e, IncidentTable)]
    return table.props["rows"]
