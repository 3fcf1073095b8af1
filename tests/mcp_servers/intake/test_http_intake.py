"""Live alarms over HTTP: who may deliver, what is answered, what becomes of it."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from mcp_servers.alarms.store import AlarmQuery
from mcp_servers.intake.http_routes import LARGEST_BODY
from mcp_servers.intake.journal import ReceivedJournal
from mcp_servers.intake.live_intake import LiveIntake
from mcp_servers.intake.seen_signatures import SeenSignatures
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.serving.http_app import build_app
from mcp_servers.serving.identity import TokenIssuer
from mcp_servers.site_directory import SiteDirectory
from telecom.errors import IntakeUnavailableError, SettingsError
from tests.mcp_servers.fixture_tools import serving as served

SECRET = b"a shared secret, long enough"
ALARM = {
    "alarmId": "A-1",
    "objectInstance": "SubNetwork=1,ManagedElement=gnb7",
    "notificationType": "notifyNewAlarm",
    "perceivedSeverity": "MAJOR",
    "probableCause": "lossOfSignal",
    "specificProblem": "X2 down",
    "eventTime": "2026-03-01T10:00:00Z",
}


@pytest.fixture
def site(tmp_path: Path) -> SiteDirectory:
    (tmp_path / "site.yaml").write_text(
        "site_id: live\ncountry: DE\nintake: {sources: [{name: prom, secret_file: prom.secret}]}\n"
    )
    (tmp_path / "prom.secret").write_bytes(SECRET)
    (tmp_path / "prom.secret").chmod(0o600)
    return SiteDirectory.open(tmp_path)


@contextmanager
def serving(site: SiteDirectory) -> Iterator[tuple[str, SiteHost]]:
    """A site's HTTP door; when it is left, everything accepted is stored."""
    host = SiteHost(site)
    app = build_app(
        {},
        host.verifier,
        site.settings.serving,
        missing=host.missing,
        policy=lambda: host.live_policy.status,
        intake=LiveIntake(site, host.alarms),
    )
    try:
        with served(app) as url:
            yield url, host
    finally:
        host.close()


def token(host: SiteHost, *scopes: str) -> dict[str, str]:
    issuer = TokenIssuer(host.site.settings.site_id, host.keys)
    issued = issuer.issue(scopes or ("alarms:write",), "probe", timedelta(hours=1))
    return {"Authorization": f"Bearer {issued}"}


def signed(body: bytes, at: float, *, source: str = "prom") -> dict[str, str]:
    stamp = str(int(at))
    mac = hmac.new(SECRET, stamp.encode() + b"." + body, "sha256").hexdigest()
    return {
        "X-Tierwise-Source": source,
        "X-Tierwise-Timestamp": stamp,
        "X-Tierwise-Signature": f"sha256={mac}",
    }


def test_what_is_accepted_is_on_disk_before_the_answer_and_stored_after_it(
    site: SiteDirectory,
) -> None:
    """DESIGN section 4: intake; issue 5: same code path for every source."""
    bodies = {
        "ts28532": json.dumps(ALARM),
        "syslog": "<187>Mar  1 10:00:00 r1 %LINK-3-UPDOWN: Interface Gi0/1, changed state to down",
        "generic": json.dumps({**ALARM, "alarmId": "A-2"}),
        "alertmanager": json.dumps(
            {
                "version": "4",
                "alerts": [
                    {
                        "status": "firing",
                        "labels": {"alertname": "Down", "instance": f"r{number}:9100"},
                        "startsAt": "2026-03-01T10:00:00Z",
                    }
                    for number in (2, 3)
                ],
            }
        ),
    }
    with serving(site) as (url, host), httpx.Client(headers=token(host), timeout=30) as client:
        for source, body in bodies.items():
            answer = client.post(f"{url}/intake/{source}", content=body)
            assert answer.status_code == 202, answer.text
            kept = "".join(f.read_text() for f in (site.alarms / "received").iterdir())
            assert json.dumps(body)[1:-1] in kept
    again = SiteHost(site)
    try:
        page = again.alarms.store.page(AlarmQuery(), limit=50)
        assert page.total == 5
        assert {alarm.device for alarm in page.alarms} == {"gnb7", "r1", "r2", "r3"}
        for alarm in page.alarms:
            assert alarm.source.path.startswith("alarms/received/")
            assert alarm.source.raw
        assert again.alarms.incidents.newest(10)
    finally:
        again.close()


def test_a_rebuilt_store_holds_the_same_received_alarms(site: SiteDirectory) -> None:
    """DESIGN: the store can always be rebuilt from files."""
    with serving(site) as (url, host), httpx.Client(headers=token(host), timeout=30) as client:
        for number in range(20):
            body = json.dumps({**ALARM, "alarmId": f"A-{number}"})
            assert client.post(f"{url}/intake/ts28532", content=body).status_code == 202
    host = SiteHost(site)
    try:
        before = host.alarms.store.page(AlarmQuery(), limit=50).alarms
        host.rebuild(("alarms", "configs"))
        counts = host.alarms.ingest()
        assert (counts.read, counts.added, counts.rejected) == (20, 20, 0)
        assert host.alarms.store.page(AlarmQuery(), limit=50).alarms == before
        assert host.alarms.ingest().unchanged == 20
    finally:
        host.close()


def test_only_who_may_write_is_heard(site: SiteDirectory) -> None:
    """Issue 5: bearer with scope alarms:write, or an HMAC secret per source; closed by default."""
    body = json.dumps(ALARM).encode()
    now = time.time()
    with serving(site) as (url, host), httpx.Client(timeout=30) as client:

        def post(headers: dict[str, str], path: str = "/intake/ts28532") -> int:
            return client.post(url + path, content=body, headers=headers).status_code

        assert post({}) == 401
        assert post({"Authorization": "Bearer nonsense"}) == 401
        assert post(token(host, "alarms:read")) == 403
        assert post(token(host), "/intake/other") == 404
        assert post(signed(body, now)) == 202
        assert post(signed(body, now)) == 401, "the same delivery again"
        assert post(signed(body, now - 900)) == 401
        assert post(signed(body, now, source="other")) == 401
        assert post(signed(body + b" ", now + 1)) == 401
        assert client.get(url + "/intake/ts28532").status_code == 405
    lines = [
        line
        for file in (site.alarms / "received").iterdir()
        for line in file.read_bytes().split(b"\n")
    ]
    assert len([line for line in lines if line]) == 1


def test_what_cannot_be_read_is_answered_kept_and_quarantined(site: SiteDirectory) -> None:
    """Issue 5: quarantine with the reason, counted, never stopping the stream."""
    with serving(site) as (url, host), httpx.Client(headers=token(host), timeout=30) as client:
        broken = client.post(f"{url}/intake/ves", content=b'{"event": {')
        assert broken.status_code == 400
        assert broken.json()["reasons"] == [
            "cut off: Expecting property name enclosed in double quotes"
        ]
        assert client.post(f"{url}/intake/generic", content=b"[1, 2]").json()["rejected"] == 2
        assert client.post(f"{url}/intake/generic", content=b"  ").status_code == 400
        deep = b'{"a":' * 100_000
        assert client.post(f"{url}/intake/generic", content=deep).status_code == 400
        large = client.post(f"{url}/intake/generic", content=b" " * (LARGEST_BODY + 1))
        assert large.status_code == 413
        good = client.post(f"{url}/intake/ts28532", content=json.dumps(ALARM))
        assert good.json() == {"alarms": 1, "not_alarms": 0, "rejected": 0, "reasons": []}
    host = SiteHost(site)
    try:
        host.alarms.ingest()
        assert host.alarms.store.count() == 1
        assert host.alarms.store.unread() == 4
        assert "cut off" in (site.store / "rejects.jsonl").read_text()
    finally:
        host.close()


def test_a_subscription_is_kept_and_not_followed(site: SiteDirectory) -> None:
    """Issue 5: SNS asks to fetch an address of its choosing; a site calls nobody it was told to."""
    body = json.dumps(
        {
            "Type": "SubscriptionConfirmation",
            "MessageId": "1",
            "Token": "t",
            "TopicArn": "arn:aws:sns:eu-central-1:1:alarms",
            "SubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription",
            "Timestamp": "2026-03-01T10:00:00Z",
        }
    )
    with serving(site) as (url, host), httpx.Client(headers=token(host), timeout=30) as client:
        answer = client.post(f"{url}/intake/eventbridge", content=body)
        assert answer.status_code == 202
        assert answer.json()["not_alarms"] == 1
        assert "not followed" in answer.json()["reasons"][0]


def test_a_secret_that_others_may_read_or_guess_stops_the_start(site: SiteDirectory) -> None:
    """Security is structural: a weak secret is no secret."""
    host = SiteHost(site)
    try:
        (site.path / "prom.secret").chmod(0o644)
        with pytest.raises(SettingsError, match="chmod 600"):
            LiveIntake(site, host.alarms)
        (site.path / "prom.secret").chmod(0o600)
        (site.path / "prom.secret").write_bytes(b"short")
        with pytest.raises(SettingsError, match="16 bytes"):
            LiveIntake(site, host.alarms)
    finally:
        host.close()


def test_a_recorded_delivery_is_refused_by_a_process_that_has_just_begun(
    site: SiteDirectory,
) -> None:
    """Issue 5: a restart must not open the five minutes in which a signature holds once more."""
    body = json.dumps(ALARM).encode()
    headers = signed(body, time.time())
    statuses = []
    for _ in range(2):
        with serving(site) as (url, _):
            answer = httpx.post(f"{url}/intake/ts28532", content=body, headers=headers)
            statuses.append(answer.status_code)
    assert statuses == [202, 401]


def test_a_delivery_that_could_not_be_kept_may_come_again_as_it_is(
    site: SiteDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 5: 503 means "send it again", and a sender that signs once must not lose it by that."""
    body = json.dumps(ALARM).encode()
    headers = signed(body, time.time())
    append = ReceivedJournal.append

    def full(_journal: ReceivedJournal, _deliveries: object) -> None:
        monkeypatch.setattr(ReceivedJournal, "append", append)
        raise IntakeUnavailableError("No space left on device")

    monkeypatch.setattr(ReceivedJournal, "append", full)
    statuses = []
    for _ in range(2):
        with serving(site) as (url, _):
            for _ in range(2):
                answer = httpx.post(f"{url}/intake/ts28532", content=body, headers=headers)
                statuses.append(answer.status_code)
    assert statuses == [503, 202, 401, 401]


def test_old_signatures_go_with_their_window(tmp_path: Path) -> None:
    """Us: what is kept is bounded, and damage in it keeps nobody out."""
    seen = SeenSignatures(tmp_path / "seen", window_s=600)
    for hour in range(5):
        seen.add(f"signature-{hour}", 3600.0 * hour)
    seen.add("taken", 3600.0 * 4 + 1)
    seen.take_back("signature-4", 3600.0 * 4 + 2)
    [file] = (tmp_path / "seen").iterdir()
    file.write_text(file.read_text() + "damage\nmore damage\n")
    assert list(seen.read(3600.0 * 4 + 3)) == ["taken"]
    assert seen.read(3600.0 * 9) == {}
