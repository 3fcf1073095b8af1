"""Intake: who may report trouble, what is kept of it, and that each is investigated once."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.storage.database import read_rows
from telecom.alarm import PerceivedSeverity
from tests.orchestrator.service.conftest import ME, MOMENT, Talk, envelope, running

CANARY = "canary-491701234567"


def test_a_sites_envelope_becomes_a_report(site, declared, state_address):
    """R24: automated incident triggers start investigations."""
    settings = declared(site, state=state_address)

    async def work():
        async with running(settings) as talk:
            answer = await talk.envelope()
            await talk.settled()
            incident = answer.json()["investigation_id"]
            report = await talk.http.get(f"/api/incidents/{incident}/report", headers=ME)
            return answer, report.json()

    answer, report = asyncio.run(work())
    assert (answer.status_code, answer.json()["outcome"]) == (202, "accepted")
    assert report["incident_id"] == answer.json()["investigation_id"]
    assert report["root_causes"][0]["managed_object"] == "agg1:xe-0/0/1"


def test_the_same_trigger_fifty_times_through_two_workers_is_one_investigation(
    site, declared, state_address
):
    """R24, issue 9: idempotent on the source's own id, whichever worker it reaches."""
    settings = declared(site, state=state_address)

    async def work():
        async with running(settings) as one, running(settings) as other:
            answers = await asyncio.gather(*((one, other)[n % 2].envelope() for n in range(50)))
            await one.settled()
            return [answer.json() for answer in answers], await one.service.overview.incidents()

    answers, incidents = asyncio.run(work())
    outcomes = [answer["outcome"] for answer in answers]
    assert (outcomes.count("accepted"), outcomes.count("duplicate")) == (1, 49)
    assert {answer["investigation_id"] for answer in answers} == {incidents[0].incident_id}
    assert len(incidents) == 1
    assert [call.tool for call in site.calls].count("summarize_alarms") == 1


FOREIGN = {
    "alertmanager": {
        "version": "4",
        "receiver": CANARY,
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": CANARY, "severity": "critical", "instance": CANARY},
                "annotations": {"summary": CANARY},
                "startsAt": "2026-03-01T10:15:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "fingerprint": CANARY,
            }
        ],
    },
    "tmf642": {
        "eventId": CANARY,
        "eventType": "AlarmCreateEvent",
        "eventTime": "2026-03-01T10:15:00Z",
        "event": {
            "alarm": {
                "id": CANARY,
                "alarmType": "equipmentAlarm",
                "perceivedSeverity": "major",
                "probableCause": CANARY,
                "specificProblem": CANARY,
                "alarmRaisedTime": "2026-03-01T10:15:00Z",
                "alarmedObject": {"id": CANARY},
                "alarmDetails": CANARY,
            }
        },
    },
    "ves": {
        "event": {
            "commonEventHeader": {
                "domain": "fault",
                "eventId": CANARY,
                "eventName": CANARY,
                "sourceName": CANARY,
                "reportingEntityName": CANARY,
                "priority": "High",
                "sequence": 1,
                "startEpochMicrosec": 1772360100000000,
                "lastEpochMicrosec": 1772360100000000,
                "version": "4.1",
                "vesEventListenerVersion": "7.2.1",
            },
            "faultFields": {
                "faultFieldsVersion": "4.0",
                "alarmCondition": CANARY,
                "eventSeverity": "CRITICAL",
                "eventSourceType": "router",
                "specificProblem": CANARY,
                "vfStatus": "Active",
                "alarmAdditionalInformation": {"note": CANARY},
            },
        }
    },
    "eventbridge": {
        "version": "0",
        "id": CANARY,
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": CANARY,
        "time": "2026-03-01T10:15:00Z",
        "region": "eu-central-1",
        "resources": [f"arn:aws:cloudwatch:eu-central-1:1:alarm:{CANARY}"],
        "detail": {
            "alarmName": CANARY,
            "state": {
                "value": "ALARM",
                "reason": CANARY,
                "reasonData": "{}",
                "timestamp": "2026-03-01T10:15:00.000+0000",
            },
            "previousState": {"value": "OK"},
            "configuration": {"description": CANARY},
        },
    },
    "generic": {
        "id": CANARY,
        "time": "2026-03-01T10:15:00Z",
        "perceived_severity": "MAJOR",
        "text": CANARY,
    },
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_of_a_foreign_webhook_no_text_is_kept_anywhere(kind, site, declared, tmp_path, caplog):
    """R24, issue 9: allow-listed non-text fields only, before anything is stored."""
    settings = declared(site)
    caplog.set_level(logging.DEBUG)

    async def work():
        async with running(settings) as talk:
            answers = [await talk.foreign(kind, FOREIGN[kind]) for _ in range(2)]
            await talk.settled()
            return [answer.json() for answer in answers], await talk.http.get("/metrics")

    (first, again), metrics = asyncio.run(work())
    assert (first["accepted"], again["duplicate"]) == (1, 1)
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("state.sqlite*"))
    assert b"summarize_alarms" in kept  # the control: what is stored can be found
    for where in (kept.decode("latin-1"), caplog.text, metrics.text, json.dumps(again)):
        assert CANARY not in where
        assert "491701234567" not in where
    asked = [call.arguments for call in site.calls if call.tool == "summarize_alarms"]
    assert [one["from_time"] for one in asked] == ["2026-03-01T09:45:00Z"]


def test_what_ends_or_is_no_alarm_is_counted_and_starts_nothing(site, declared):
    """TMF642, Alertmanager: clears and heartbeats are no incidents, nor dropped silently."""
    settings = declared(site)
    ended = json.loads(json.dumps(FOREIGN["alertmanager"]))
    ended["alerts"][0] |= {"status": "resolved", "endsAt": "2026-03-01T10:20:00Z"}

    async def work():
        async with running(settings, working=False) as talk:
            answer = await talk.foreign("alertmanager", ended)
            closed = await talk.envelope(event="closed", perceived_severity="CLEARED")
            return answer.json(), closed.json(), await talk.service.overview.counts()

    answer, closed, counts = asyncio.run(work())
    assert answer == {"investigation_ids": [], "cleared": 1, "no_alarm": 0, "rejected": 0}
    assert (closed["outcome"], closed["investigation_id"]) == ("coalesced", None)
    assert sum(counts.values()) == 0


# ------------------------------------------------------------------------------- who may call


async def _unsigned(talk: Talk, body: bytes):
    return await talk.http.post("/triggers/site", content=body)


async def _stale(talk: Talk, body: bytes):
    return await talk.signed("/triggers/site", body, at=datetime.now(UTC) - timedelta(minutes=6))


async def _forged(talk: Talk, body: bytes):
    return await talk.signed("/triggers/site", body, secret=b"guessed")


async def _as_another_kind(talk: Talk, body: bytes):
    return await talk.signed("/triggers/generic", body)


async def _for_another_site(talk: Talk, body: bytes):
    return await talk.envelope(site="site2")


async def _without_a_source(talk: Talk, body: bytes):
    return await talk.foreign("ves", FOREIGN["ves"], token="nobody's")


@pytest.mark.parametrize(
    "call",
    [_unsigned, _stale, _forged, _as_another_kind, _for_another_site, _without_a_source],
)
def test_who_is_not_known_is_refused_and_nothing_is_stored(call, site, declared, tmp_path):
    """Issue 9: HMAC or bearer, a timestamp window, closed by default."""

    async def work():
        async with running(declared(site), working=False) as talk:
            return await call(talk, envelope().model_dump_json().encode())

    assert asyncio.run(work()).status_code == 401
    assert read_rows(tmp_path / "state.sqlite", "SELECT * FROM inbox") == []


@pytest.mark.parametrize(
    ("kind", "size", "status"),
    [("site", 16 * 1024 + 1, 413), ("generic", 1024 * 1024 + 1, 413), ("generic", 100, 400)],
)
def test_a_body_that_is_too_large_or_no_record_is_refused(kind, size, status, site, declared):
    """Issue 9: size caps; a body that cannot be read is the sender's error."""

    async def work():
        async with running(declared(site), working=False) as talk:
            if kind == "site":
                return await talk.signed("/triggers/site", b"x" * size)
            return await talk.foreign(kind, "x" * size)

    assert asyncio.run(work()).status_code == status


@pytest.mark.parametrize("stated", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_that_no_clock_shows_is_the_time_of_its_arrival(stated, site, declared):
    """Issue 9: a sender's mistake loses no trigger, and sent again it is the same one."""

    async def work():
        async with running(declared(site), working=False) as talk:
            bodies = [{"id": "a", "time": stated}] * 2
            answers = [await talk.foreign("generic", body) for body in bodies]
            [incident] = await talk.service.overview.incidents(limit=10)
            moments = (stated, stated)
            refused = await talk.envelope(window=moments, created_at=stated)
            return [answer.status_code for answer in (*answers, refused)], incident

    statuses, incident = asyncio.run(work())
    assert statuses == [202, 200, 400]
    begin = datetime.fromisoformat(incident.window_start)
    assert abs(begin - datetime.now(UTC)) < timedelta(hours=1)


# ------------------------------------------------------------------------- storms and budgets


def test_triggers_of_one_incident_join_it_and_a_worse_one_is_looked_into_again(site, declared):
    """Issue 9: coalescing of triggers that belong to an open incident."""
    settings = declared(site)

    async def work():
        async with running(settings, working=False) as talk:
            near = {"id": "1", "time": MOMENT.isoformat(), "perceived_severity": "MINOR"}
            first = await talk.foreign("generic", near)
            joins = await talk.foreign("generic", near | {"id": "2"})
            own = await talk.envelope(1)
            other = await talk.envelope(2)
            far = (MOMENT + timedelta(hours=3)).isoformat()
            apart = await talk.foreign("generic", near | {"id": "3", "time": far})
            queued = await talk.service.overview.incidents()
        async with running(settings) as talk:
            await talk.settled()
            again = await talk.envelope(3, incident_id="site-inc-1", event="changed")
            worse = await talk.envelope(
                4, incident_id="site-inc-1", event="changed", perceived_severity="CRITICAL"
            )
            await talk.settled()
            followed = await talk.service.overview.incident(worse.json()["investigation_id"])
        answers = [answer.json() for answer in (first, joins, own, other, apart, again, worse)]
        return answers, queued, followed

    (first, joins, own, other, apart, again, worse), queued, followed = asyncio.run(work())
    assert (first["accepted"], joins["coalesced"], apart["accepted"]) == (1, 1, 1)
    assert own["outcome"] == "coalesced"
    assert own["investigation_id"] == first["investigation_ids"][0]
    assert other["outcome"] == "accepted"  # the site itself keeps the two apart
    assert len(queued) == 3
    assert queued[-1].perceived_severity == PerceivedSeverity.MAJOR
    assert again["outcome"] == "coalesced"
    assert worse["outcome"] == "accepted"
    assert followed.follows == first["investigation_ids"][0]


def test_an_incident_of_neighboring_sites_is_one(summary, site, declared, settings_for):
    """Issue 9: an incident may span sites."""
    settings = declared(site, site)
    sites = [one.model_dump(exclude_unset=True) for one in settings.sites]
    sites[0]["neighbors"] = ["site2"]
    sites[1]["neighbors"] = ["site1"]
    settings = settings.model_validate(settings.model_dump(exclude_unset=True) | {"sites": sites})

    async def work():
        async with running(settings, working=False) as talk:
            one = await talk.envelope(1)
            body = envelope(2, site="site2").model_dump_json().encode()
            other = await talk.signed("/triggers/site", body, secret=b"site2")
            return one.json(), other.json(), await talk.service.overview.incidents()

    one, other, incidents = asyncio.run(work())
    assert other["outcome"] == "coalesced"
    assert other["investigation_id"] == one["investigation_id"]
    assert [incident.sites for incident in incidents] == [("site1", "site2")]


def test_a_storm_is_told_when_to_come_again_and_nothing_is_dropped(site, declared):
    """Issue 9: rate and queue limits answer 429 with Retry-After; what came before is kept."""
    settings = declared(site, service={"waiting_per_site": 3, "coalesce_seconds": 0})

    async def work():
        async with running(settings, working=False) as talk:
            answers = [await talk.envelope(number) for number in range(1, 6)]
            known = await talk.envelope(1)
            return answers, known, await talk.service.overview.counts()

    answers, known, counts = asyncio.run(work())
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert known.json()["outcome"] == "duplicate"
    assert counts["queued"] == 3


def test_a_source_that_calls_too_often_waits(site, declared):
    """Issue 9: a rate for each source."""
    settings = declared(site)
    slow = [source.model_dump(exclude_unset=True) for source in settings.triggers]
    slow[0]["per_minute"] = 2
    settings = settings.model_validate(settings.model_dump(exclude_unset=True) | {"triggers": slow})

    async def work():
        async with running(settings, working=False) as talk:
            return [await talk.envelope() for _ in range(3)]

    answers = asyncio.run(work())
    assert [answer.status_code for answer in answers] == [202, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 31


def test_the_state_that_cannot_be_written_is_no_202(site, declared, monkeypatch):
    """Issue 9: 202 only after the row is committed."""
    from telecom.errors import StateUnavailableError  # noqa: PLC0415

    async def work():
        async with running(declared(site), working=False) as talk:

            def full(*_args, **_keys):
                raise StateUnavailableError("disk full")

            monkeypatch.setattr(talk.service.state.database, "transaction", full)
            return await talk.envelope()

    answer = asyncio.run(work())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
