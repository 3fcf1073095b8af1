"""Sinks and approvals: told by code, once, to configured addresses; writes wait for a person."""

import asyncio
import socketserver
import threading
from datetime import UTC, datetime

import pytest

from orchestrator.doubles.sink import Reply
from orchestrator.doubles.site import SiteDouble
from orchestrator.sinks.payloads import message
from orchestrator.sinks.pinned_http import DeliveryError, PinnedHttp, checked
from telecom.errors import EgressRefusedError, IdentityError
from telecom.report import RootCauseReport
from telecom.webhook_signature import SIGNATURE_HEADER, check_webhook
from tests.orchestrator.service.conftest import ME, running

EVE = {"Authorization": "Bearer eves-token"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let deliveries be tried again at once."""
    monkeypatch.setattr("orchestrator.incidents.outbox._FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("orchestrator.incidents.dispatcher._POLL_S", 0.02)


@pytest.fixture
def told(declared, site, sink, file):
    """Settings with one sink of a kind."""

    def settings(kind, **keys):
        given = {"name": "noc", "kind": kind, "url": f"{sink.url}/hook"}
        if kind == "webhook":
            given["secret_file"] = file("hook-secret", b"hush")
        return declared(site, sinks=[given | keys])

    return settings


async def delivered(settings, *, sent=1, approve=False):
    """Run one incident to the end of its deliveries."""
    async with running(settings) as talk:
        await talk.envelope()
        await talk.settled()
        if approve:
            [asked] = (await talk.http.get("/api/approvals", headers=ME)).json()["approvals"]
            path = f"/api/approvals/{asked['effect_key']}/approve"
            assert (await talk.http.post(path, headers=ME)).status_code == 200
        await talk.settled(sent=sent)


def test_a_webhook_is_signed_versioned_and_sent_again_under_one_key(told, sink):
    """R24, issue 9: versioned schema, signed; a receiver that keeps the key takes it once."""
    sink.replies = [Reply(503), Reply(200)]
    asyncio.run(delivered(told("webhook")))
    first, second = sink.received
    check_webhook(b"hush", second.body, second.headers[SIGNATURE_HEADER.lower()], now=_now())
    assert second.json["schema"] == "tierwise.report/1"
    report = RootCauseReport.model_validate(second.json["report"])
    assert report.root_causes[0].managed_object == "agg1:xe-0/0/1"
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert second.json["id"] == second.headers["idempotency-key"]


def _now():
    return datetime.now(UTC)


def test_a_redirect_is_not_followed(told, sink):
    """Issue 9: callbacks go to configured addresses only."""
    sink.replies = [Reply(302, {"Location": f"{sink.url}/elsewhere"})]

    async def work():
        async with running(told("webhook")) as talk:
            await talk.envelope()
            await talk.settled()
            await talk.settled(failed=1)

    asyncio.run(work())
    assert [request.path for request in sink.received] == ["/hook"]


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_chat_message_is_plain_text(kind, told, sink):
    """Us: what a device wrote is data; it mentions nobody and links nowhere."""
    asyncio.run(delivered(told(kind)))
    [request] = sink.received
    if kind == "slack":
        [block] = request.json["blocks"]
        assert block["text"]["type"] == "plain_text"
        shown = block["text"]["text"]
    else:
        [attachment] = request.json["attachments"]
        shown = attachment["content"]["body"][0]["text"].replace("\\", "")
    assert "agg1:xe-0/0/1: OSPF adjacency lost on xe-0/0/1" in shown


def test_hostile_words_stay_words_in_a_chat():
    """Us: text from the network is escaped where it is shown."""
    hostile = RootCauseReport(
        incident_id="inc-1",
        headline="down\x1b[2J <!channel> [x](http://evil)",
        status="inconclusive",
    )
    assert "\x1b" not in message(hostile)


@pytest.mark.parametrize(
    ("kind", "url", "found", "created"),
    [
        ("servicenow", "/api/now/table/incident", {"result": [{"sys_id": "1"}]}, "correlation_id"),
        ("jira", "/rest/api/2/issue", {"issues": [{"key": "NOC-1"}]}, "fields"),
    ],
)
def test_a_ticket_is_created_once_after_approval(kind, url, found, created, told, sink, file):
    """Issue 9: a ticket draft waits for a person; a lost answer makes no second ticket."""
    sink.replies = [Reply(500), Reply(200, body=found)]  # it was created; the search finds it
    settings = told(
        kind, url=f"{sink.url}{url}", project="NOC", token_file=file("basic", b"user:pass")
    )
    asyncio.run(delivered(settings, approve=True))
    post, search = sink.received
    assert (post.method, post.path, search.method) == ("POST", url, "GET")
    assert created in post.json
    assert post.headers["authorization"] == "Basic dXNlcjpwYXNz"
    assert post.headers["idempotency-key"] in search.path


def test_the_alarm_patch_goes_to_the_raised_alarms_of_the_cause(told, sink):
    """TMF642: PATCH of the alarm resource as a merge patch, after approval."""
    sink.replies = [Reply(200, body=[{"id": "a/1"}, {"id": "2"}])]
    asyncio.run(delivered(told("tmf642_alarm", url=f"{sink.url}/v4"), approve=True))
    search, *patches = sink.received
    assert "alarmedObject.id=agg1%3Axe-0%2F0%2F1" in search.path
    assert [(one.method, one.path) for one in patches] == [
        ("PATCH", "/v4/alarm/a%2F1"),
        ("PATCH", "/v4/alarm/2"),
    ]
    assert patches[0].headers["content-type"] == "application/merge-patch+json"
    assert patches[0].json["isRootCause"] is True


class _Mail(socketserver.StreamRequestHandler):
    """As much SMTP as one message needs."""

    def handle(self):
        lines = self.server.lines = []
        self.wfile.write(b"220 double\r\n")
        in_data = False
        for raw in self.rfile:
            line = raw.decode().rstrip("\r\n")
            lines.append(line)
            if in_data:
                in_data = line != "."
                if not in_data:
                    self.wfile.write(b"250 taken\r\n")
                    self.server.taken.set()
            elif line.upper() == "DATA":
                in_data = True
                self.wfile.write(b"354 go on\r\n")
            elif line.upper() == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 fine\r\n")


def test_a_report_goes_out_as_e_mail(told):
    """Issue 9: e-mail by SMTP; its Message-ID is the effect's key."""
    with socketserver.TCPServer(("127.0.0.1", 0), _Mail) as server:
        server.taken = threading.Event()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"smtp://127.0.0.1:{server.server_address[1]}"
        settings = told("email", url=address, sender="tw@noc.example", recipients=["a@noc.example"])
        asyncio.run(delivered(settings))
        server.shutdown()
        thread.join(5)
    text = "\n".join(server.lines)
    assert "RCPT TO:<a@noc.example>" in text.replace("rcpt", "RCPT")
    assert "Message-ID: <" in text
    assert "agg1:xe-0/0/1" in text


# ----------------------------------------------------------------------------------- approvals


def test_a_write_is_asked_once_decided_by_scope_and_executed_once(told, sink):
    """Issue 9: any write outside waits for approval by a principal with the scope."""

    async def work():
        async with running(told("servicenow")) as talk:
            await talk.envelope()
            await talk.settled()
            [asked] = (await talk.http.get("/api/approvals", headers=EVE)).json()["approvals"]
            path = f"/api/approvals/{asked['effect_key']}"
            before = list(sink.received)
            eve = await talk.http.post(f"{path}/approve", headers=EVE)
            ada = await talk.http.post(f"{path}/approve", headers=ME)
            again = await talk.http.post(f"{path}/deny", headers=ME)
            await talk.settled(sent=1)
            return asked, before, eve, ada, again

    asked, before, eve, ada, again = asyncio.run(work())
    assert before == []
    assert (asked["status"], asked["delivery"]) == ("waiting", "approval")
    assert (eve.status_code, eve.json()["message"]) == (
        401,
        "eve lacks the scope approvals:decide",
    )
    assert (ada.json()["status"], ada.json()["decided_by"]) == ("approved", "ada")
    assert "approved already by ada" in again.json()["message"]
    assert [request.json for request in sink.received] == [asked["payload"]]


@pytest.mark.parametrize("ending", ["denied", "expired"])
def test_a_write_that_nobody_wants_is_never_made(ending, told, sink):
    """Issue 9: it expires; a denial is final."""
    settings = told("jira", project="NOC")
    if ending == "expired":
        hours = settings.service.model_copy(update={"approval_hours": 1e-9})
        settings = settings.model_copy(update={"service": hours})

    async def work():
        async with running(settings) as talk:
            await talk.envelope()
            await talk.settled()
            approvals = talk.service.approvals
            [asked] = await approvals.all(waiting_only=False)
            if ending == "denied":
                await approvals.decide(asked.effect_key[:8], "denied", by="ada")
            return await approvals.all(waiting_only=False), await approvals.all()

    [[ended], waiting] = asyncio.run(work())
    assert (ended.status, ended.delivery, waiting) == (ending, ending, [])
    assert sink.received == []


def test_what_waits_on_a_site_is_shown_and_not_decided(summary, changes, declared):
    """Issue 9: `tierwise approvals` shows egress that waits on a site."""

    def waits():
        raise EgressRefusedError(
            "it waits for a named person's approval",
            rule="gate.approval_pending",
            remedy="at the site: tierwise-site approvals approve DIR a1",
        )

    with SiteDouble(summary, changes=changes, faults={"list_changes": waits}) as site:

        async def work():
            async with running(declared(site)) as talk:
                answer = await talk.envelope()
                await talk.settled()
                listed = (await talk.http.get("/api/approvals", headers=ME)).json()
                return answer.json()["investigation_id"], listed

        incident_id, listed = asyncio.run(work())
    [waiting] = listed["waiting_on_sites"]
    assert (listed["approvals"], waiting["incident_id"]) == ([], incident_id)
    assert "tierwise-site approvals approve DIR a1" in waiting["why"]


def test_a_principal_is_known_by_its_token_alone(declared, site):
    """Closed by default: no token, no answer."""

    async def work():
        async with running(declared(site), working=False) as talk:
            paths = ("/api/incidents", "/api/approvals", "/api/incidents/x/report")
            return [(await talk.http.get(path)).json()["error"] for path in paths]

    assert set(asyncio.run(work())) == {IdentityError.code}


# ------------------------------------------------------------------------------- where to


@pytest.mark.parametrize(
    "addresses",
    [
        ["169.254.169.254"],
        ["10.0.0.1", "127.0.0.1"],
        ["::ffff:169.254.169.254"],
        ["fe80::1%eth0"],
        ["fd00:ec2::254"],
        ["100.100.100.200"],
        ["64:ff9b::a9fe:a9fe"],
        ["::169.254.169.254"],
        ["2002:a9fe:a9fe::1"],
        ["10.0.0.1", "64:ff9b::7f00:1"],
        ["0.0.0.0"],
        [],
    ],
)
def test_a_name_that_leads_where_no_sink_may_be_is_not_called(addresses):
    """Issue 9: resolve, check, then pin: not to link-local, loopback or nowhere."""
    with pytest.raises(DeliveryError):
        checked("tickets.example", addresses)


def test_the_address_that_was_checked_is_the_one_that_is_called(sink):
    """Issue 9: a name that resolves otherwise a moment later changes nothing."""
    asked = []

    async def resolver(host, port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    async def send():
        url = sink.url.replace("127.0.0.1", "localhost")
        return await PinnedHttp(resolver).send("POST", f"{url}/a", body=b"{}", headers={})

    assert asyncio.run(send()).status == 200
    assert asked == ["localhost"]
    assert sink.received[0].headers["host"].startswith("localhost:")


def test_a_sink_that_answers_without_end_is_cut_off(sink):
    """Every external call has a size limit."""
    sink.found = "x" * 300_000
    with pytest.raises(DeliveryError, match="262144 bytes"):
        asyncio.run(PinnedHttp().send("GET", sink.url, headers={}))


def test_a_packed_answer_counts_by_its_status_and_is_never_unpacked(sink):
    """Every external call has a size limit: some kilobytes of zstd are gigabytes."""
    sink.replies = [Reply(status=201, headers={"Content-Encoding": "zstd"}, body="0" * 1000)]
    answer = asyncio.run(PinnedHttp().send("GET", sink.url, headers={}))
    assert (answer.status, answer.body) == (201, b"")
    assert sink.received[0].headers["accept-encoding"] == "identity"
