"""Envelopes over a cloud half that is there, down, slow, refusing, lying, and back again."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_servers.egress.gate import EgressGate
from mcp_servers.egress.pseudonyms import Pseudonymizer
from mcp_servers.site_directory import CloudSettings, SiteSettings
from mcp_servers.watching.cloud_link import CloudLink
from mcp_servers.watching.envelope_queue import EnvelopeQueue
from mcp_servers.watching.notifier import LONGEST_SILENCE, LONGEST_WAIT, Notifier
from placement import ClosedPolicy
from telecom.envelope import EnvelopeReceipt, SiteEnvelope
from telecom.errors import PolicyError, PolicyProblem, SettingsError
from tests.mcp_servers.fixture_tools import Guard
from tests.mcp_servers.watching.cloud_double import SECRET, TOKEN, Behaviour, CloudDouble, says

MSISDN = "+491711234567"
NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


def envelope(incident: str, **other: object) -> SiteEnvelope:
    """One state of an incident, not queued yet."""
    return SiteEnvelope.model_validate(
        {
            "envelope_id": f"site:{incident}:1",
            "sequence": 1,
            "site": "site",
            "incident_id": incident,
            "event": "changed",
            "window": [NOW, NOW],
            "perceived_severity": "MAJOR",
            "probable_cause": "link down",
            "managed_objects": ["pe1:Hu0/0/0/1"],
            "counts": {"alarms": 7, "open_groups": 1, "groups": 2, "managed_objects": 1},
            "created_at": NOW,
            "ledger_head": "0" * 64,
            **other,
        }
    )


@dataclass
class Site:
    """The site's end, with a clock that a test turns."""

    queue: EnvelopeQueue
    notifier: Notifier
    guard: Guard
    received: list[tuple[str, str]]
    seconds: float = 0.0

    def send(self, after: float = 0.0) -> None:
        """Let time pass, and send what is due then."""
        self.seconds += after
        self.notifier.send_due(received=self._receive)

    def _receive(self, sent: SiteEnvelope, receipt: EnvelopeReceipt) -> None:
        self.received.append((sent.incident_id, receipt.outcome))


@contextmanager
def _site(
    tmp_path: Path,
    guard: Guard,
    url: str,
    *,
    gate: EgressGate | None = None,
    answer_seconds: float = 30.0,
) -> Iterator[Site]:
    (tmp_path / "cloud.token").write_text(TOKEN + "\n")
    (tmp_path / "cloud.secret").write_text(SECRET + "\n")
    settings = CloudSettings(
        url=url, token_file=Path("cloud.token"), secret_file=Path("cloud.secret")
    )
    queue = EnvelopeQueue.open(tmp_path / "store")
    link = CloudLink(settings, tmp_path, answer_seconds=answer_seconds)
    notifier = Notifier(
        queue, link, gate or guard.gate, guard.ledger, tier="region", clock=lambda: site.seconds
    )
    site = Site(queue, notifier, guard, [])
    yield site
    link.close()
    queue.close()


@pytest.fixture
def cloud() -> Iterator[CloudDouble]:
    """A cloud half that is there."""
    with CloudDouble().listening() as double:
        yield double


@pytest.fixture
def site(tmp_path: Path, guard: Guard, cloud: CloudDouble) -> Iterator[Site]:
    """A site that knows it."""
    with _site(tmp_path, guard, cloud.url) as opened:
        yield opened


def test_what_waits_is_sent_in_order_and_once(site: Site, cloud: CloudDouble) -> None:
    """Issue 9: drained in order, idempotent ids, the ledger has each before the wire does."""
    for number in range(5):
        site.queue.put(envelope(f"incident-{number}"), "open")
    site.send()
    site.send()
    assert [each.incident_id for each in cloud.stored.values()] == [
        f"incident-{number}" for number in range(5)
    ]
    sequences = [each.sequence for each in cloud.stored.values()]
    assert sequences == sorted(set(sequences))
    assert len(site.queue) == 0
    assert site.received == [(f"incident-{number}", "accepted") for number in range(5)]
    entries = site.guard.ledger.entries()
    assert [entry.tool for entry in entries] == ["notify"] * 5
    assert {entry.tier for entry in entries} == {"region"}
    # Each envelope anchors the ledger as it stood before it.
    heads = [each.ledger_head for each in cloud.stored.values()]
    assert heads[1:] == [entry.hash for entry in entries[:-1]]


def test_an_identifier_in_a_name_leaves_as_a_pseudonym(site: Site, cloud: CloudDouble) -> None:
    """Issue 9: never raw text; DESIGN: the gate is the only way out, envelopes included."""
    site.queue.put(envelope("incident-1", managed_objects=[f"sub {MSISDN}"]), "open")
    site.send()
    (body,) = cloud.bodies
    assert MSISDN.encode() not in body
    (stored,) = cloud.stored.values()
    assert stored.managed_objects[0] != f"sub {MSISDN}"


@pytest.mark.parametrize(
    ("behaviour", "problem"),
    [
        (says(503), "status 503"),
        (says(404), "status 404"),
        (says(401), "the credential is refused (status 401)"),
        (says(307, Location="http://elsewhere.example/"), "status 307"),
        (says(202), "status 202 without a receipt"),
        (says(200, {"ok": True}), "status 200 without a receipt"),
        (says(202, b"{" * 100_000), "an answer of more than 65536 bytes"),
        (says(202, b"packed", Content_Encoding="zstd"), "a packed answer"),
        (
            says(
                202,
                {
                    "envelope_id": "site:other:1",
                    "outcome": "accepted",
                    "received_at": "2026-03-01T10:00:00Z",
                },
            ),
            "a receipt for another envelope",
        ),
    ],
)
def test_without_a_receipt_nothing_is_given_up(
    site: Site, cloud: CloudDouble, behaviour: Behaviour, problem: str
) -> None:
    """Issue 9: refusing, lying, failing; what waits is kept, and why is known."""
    cloud.behave = behaviour
    site.queue.put(envelope("incident-1"), "open")
    site.queue.put(envelope("incident-2"), "open")
    site.send()
    assert len(cloud.bodies) == 1  # the second waits behind the first
    assert site.notifier.problem == problem
    assert site.queue.unreachable_since is not None
    cloud.behave = cloud.take
    site.send(after=LONGEST_WAIT)
    assert [each.incident_id for each in cloud.stored.values()] == ["incident-1", "incident-2"]
    assert site.notifier.problem is None
    assert site.queue.unreachable_since is None


def test_what_was_queued_in_an_outage_asks_for_a_second_look(
    site: Site, cloud: CloudDouble
) -> None:
    """Issue 9: local report, queued for a second look, deepened on return."""
    cloud.behave = says(503)
    site.queue.put(envelope("incident-1"), "open")
    site.send()
    since = site.queue.unreachable_since
    cloud.behave = cloud.take
    site.send(after=LONGEST_WAIT)
    site.queue.put(envelope("incident-2"), "open")
    site.send()
    first, second = cloud.stored.values()
    assert (first.second_look, first.unreachable_since) == (True, since)
    assert (second.second_look, second.unreachable_since) == (False, None)


def test_an_answer_that_comes_too_late_costs_no_second_investigation(
    tmp_path: Path, guard: Guard, cloud: CloudDouble
) -> None:
    """Issue 9: a silent cut behind the request; the same id again is the same trigger."""
    with _site(tmp_path, guard, cloud.url, answer_seconds=1.0) as site:
        cloud.behave = cloud.take_silently
        site.queue.put(envelope("incident-1"), "open")
        site.send()
        assert site.notifier.problem == "no answer within 1 s"
        cloud.behave = cloud.take
        site.send(after=LONGEST_SILENCE)
        assert len(cloud.bodies) == 2
        assert len(cloud.stored) == 1
        assert site.received == [("incident-1", "duplicate")]


def test_a_refused_envelope_makes_way_for_the_others(site: Site, cloud: CloudDouble) -> None:
    """Issue 9: nothing dropped silently: set aside, named, and taken up again at a restart."""
    refuse = says(422)
    cloud.behave = lambda sent: (refuse if sent.incident_id == "incident-1" else cloud.take)(sent)
    site.queue.put(envelope("incident-1"), "open")
    site.queue.put(envelope("incident-2"), "open")
    site.send()
    assert [each.incident_id for each in cloud.stored.values()] == ["incident-2"]
    ((aside, why),) = site.queue.aside()
    assert (aside.incident_id, why) == ("incident-1", "refused with status 422")
    cloud.behave = cloud.take
    assert site.queue.take_up_again() == 1
    site.send()
    assert len(cloud.stored) == 2
    assert site.queue.aside() == []


def test_an_outage_leaves_no_trace_in_ledger_and_budget_and_is_short_after_it_ends(
    tmp_path: Path, guard: Guard
) -> None:
    """Issue 9: an outage of any length; what waits moves within 10 s of the return."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"  # nobody listens there
        with _site(tmp_path, guard, url) as site:
            for number in range(20):
                site.queue.put(envelope(f"incident-{number}"), "open")
            for _ in range(100):
                site.send(after=LONGEST_SILENCE)
            assert site.notifier.problem == "no connection"
            assert guard.ledger.entries() == []
            assert site.queue.first().attempts == 0  # type: ignore[union-attr] - they wait
            assert LONGEST_SILENCE <= 10 - 2 - 2  # connect, and one pass of the watch


def test_asked_to_wait_the_site_waits(site: Site, cloud: CloudDouble) -> None:
    """Issue 9: 429 with Retry-After, nothing dropped."""
    cloud.behave = says(429, Retry_After="30")
    site.queue.put(envelope("incident-1"), "open")
    site.send()
    site.send(after=29)
    assert len(cloud.bodies) == 1
    cloud.behave = cloud.take
    site.send(after=1)
    assert len(cloud.stored) == 1


def test_a_newer_state_takes_the_place_of_one_that_waits(site: Site, cloud: CloudDouble) -> None:
    """Issue 9: bounded; a long outage queues incidents, not their histories."""
    site.queue.put(envelope("incident-1"), "a")
    site.queue.put(envelope("incident-2"), "a")
    newer = envelope("incident-1", envelope_id="site:incident-1:9", event="closed")
    site.queue.put(newer, "b")
    assert len(site.queue) == 2
    site.send()
    told = [(each.envelope_id, each.event) for each in cloud.stored.values()]
    # The cloud half has not heard of it, so it is still an opening; and it keeps its place.
    assert told == [("site:incident-1:9", "opened"), ("site:incident-2:1", "opened")]


def test_a_change_during_delivery_is_not_lost(site: Site, cloud: CloudDouble) -> None:
    """Issue 9: nothing accepted is lost."""

    def change_meanwhile(sent: SiteEnvelope) -> tuple[int, dict[str, str], bytes]:
        cloud.behave = cloud.take
        site.queue.put(envelope("incident-1", envelope_id="site:incident-1:2"), "b")
        return cloud.take(sent)

    cloud.behave = change_meanwhile
    site.queue.put(envelope("incident-1"), "a")
    site.send()
    assert [(each.envelope_id, each.event) for each in cloud.stored.values()] == [
        ("site:incident-1:1", "opened"),
        ("site:incident-1:2", "changed"),
    ]


def test_the_queue_survives_a_restart(tmp_path: Path) -> None:
    """Issue 9: persistent; a crash repeats work, it loses none."""
    queue = EnvelopeQueue.open(tmp_path)
    queued = [queue.put(envelope(f"incident-{n}"), "open") for n in range(3)]
    queue.note_change("incident-9", 5.0)
    queue.cursor = "epoch-7"
    queue.unreachable_since = NOW
    queue.close()
    again = EnvelopeQueue.open(tmp_path)
    assert again.waiting_incidents() == [each.incident_id for each in queued]
    assert again.put(envelope("incident-4"), "open").sequence > queued[-1].sequence
    assert [due.incident_id for due in again.due()] == ["incident-9"]
    assert (again.cursor, again.unreachable_since) == ("epoch-7", NOW)
    again.close()


def test_a_failed_transaction_leaves_nothing_behind(tmp_path: Path) -> None:
    """Issue 9: the place in the feed and what it asks for are one."""
    queue = EnvelopeQueue.open(tmp_path)

    def fail_half_way() -> None:
        with queue.transaction():
            queue.note_change("incident-1", 1.0)
            queue.cursor = "epoch-1"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert (queue.due(), queue.cursor) == ([], None)
    queue.close()


def test_a_policy_that_does_not_load_holds_envelopes_back(
    tmp_path: Path, guard: Guard, cloud: CloudDouble
) -> None:
    """DESIGN: fail closed; nothing is dropped for it, and an operator reads which rule it was."""
    closed = EgressGate(
        ClosedPolicy(PolicyError([PolicyProblem("rules.cedar", 3, "does not parse")])),
        guard.gate.home,
        SiteSettings(site_id="site"),
        guard.gate.detector,
        Pseudonymizer.open(tmp_path / "store"),
        guard.ledger,
    )
    with _site(tmp_path, guard, cloud.url, gate=closed) as site:
        site.queue.put(envelope("incident-1"), "open")
        site.send()
        assert cloud.bodies == []
        assert site.notifier.problem is not None
        assert site.notifier.problem.startswith("the site's policy lets no envelope out (rule ")
        assert len(site.queue) == 1


def test_no_credential_reaches_log_or_message(
    site: Site, cloud: CloudDouble, caplog: pytest.LogCaptureFixture
) -> None:
    """Brief: no secret in logs; what the other end wrote stays out, too."""
    caplog.set_level(logging.DEBUG)
    cloud.behave = says(422, {"detail": "your token cloud-token-1 is odd"})
    site.queue.put(envelope("incident-1"), "open")
    site.send()
    said = caplog.text + json.dumps([why for _, why in site.queue.aside()])
    assert TOKEN not in said
    assert SECRET not in said
    assert "odd" not in said


@pytest.mark.parametrize(
    ("settings", "says_what"),
    [
        ({"url": "http://cloud.example.net", "token_file": "t"}, "https://"),
        ({"url": "https://user:pw@cloud.example.net", "token_file": "t"}, "pattern"),
        ({"url": "https://cloud.example.net"}, "token_file, a secret_file"),
        ({"url": "ftp://cloud.example.net", "token_file": "t"}, "pattern"),
    ],
)
def test_an_unsafe_cloud_half_is_refused_when_the_site_is_opened(
    settings: dict[str, str], says_what: str
) -> None:
    """Brief: closed by default; errors say what would work."""
    with pytest.raises(ValueError, match=says_what):
        CloudSettings.model_validate(settings)


def test_a_missing_credential_file_is_named(tmp_path: Path) -> None:
    """STYLE, errors: a person must act; the message names the file."""
    settings = CloudSettings(url="https://cloud.example.net", token_file=Path("store/no.token"))
    with pytest.raises(SettingsError, match=r"store/no\.token cannot be read"):
        CloudLink(settings, tmp_path)
