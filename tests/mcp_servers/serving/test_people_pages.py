"""The site's own pages: words are masked, pseudonyms are shown to few, and nothing is shared."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from mcp_servers.egress.guess_limit import GuessLimit
from mcp_servers.egress.ledger_entry import LedgerEntry
from mcp_servers.egress.peoples_words import release_words
from mcp_servers.serving.identity import STDIO_CALLER
from mcp_servers.serving.page_guard import LARGEST_BODY
from mcp_servers.serving.people_sessions import Sessions
from mcp_servers.site_directory import ServingSettings
from telecom.errors import BudgetExceededError
from tests.mcp_servers.served_people import People, served_people

IMSI = "262011234567890"
WORDS = f"Why does IMSI {IMSI} drop? snmp community is hunter2x"
CONSOLE = "https://console.example.net"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with served_people(tmp_path, CONSOLE, name="North <b>") as served:
        yield served


def csrf_in(page: httpx.Response) -> str:
    found = re.search(r'(?:name="csrf" value|data-csrf)="([^"]+)"', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


def logged_in(client: httpx.Client, page: str, token: str) -> httpx.Response:
    """Log in as a browser does, in a tab; gives the page behind the login."""
    tab = "/reveal" if page == "reveal" else "/compose/login"
    form = {"csrf": csrf_in(client.get(tab)), "token": token}
    answer = client.post(f"/{page}/login", data=form)
    assert answer.status_code == 303, answer.text
    return client.get(f"/{page}")


def test_words_are_masked_exactly_as_the_shell_does_it(people: People) -> None:
    """DESIGN section 4, people's words: one masking for every way; the ledger has it."""
    headers = {"Authorization": f"Bearer {people.token('tickets:read')}"}
    answer = httpx.post(f"{people.url}/pseudonymize", json={"text": WORDS}, headers=headers)
    caller = people.verifier.verify(people.token("tickets:read"))
    assert answer.json() == {
        "text": release_words(people.gate, WORDS, caller, tool="anonymize").text,
        "form": "pseudonymized",
        "masked": {"SUBSCRIBER": 1, "SECRET": 1},
    }
    assert people.pseudonyms.token("SUBSCRIBER", IMSI) in answer.text
    assert people.ledger.entries()[0].tool == "pseudonymize"


def test_a_caller_outside_gets_kinds_instead_of_pseudonyms(people: People) -> None:
    """DESIGN decision 7."""
    headers = {"Authorization": f"Bearer {people.token('tickets:read', caller='stranger')}"}
    answer = httpx.post(f"{people.url}/pseudonymize", json={"text": WORDS}, headers=headers)
    assert answer.json()["text"] == "Why does IMSI [SUBSCRIBER] drop? snmp community is [SECRET]"


@pytest.mark.parametrize("path", ["/pseudonymize", "/compose/mask"])
@pytest.mark.parametrize("token", [None, "nonsense"])
def test_without_a_credential_nothing_is_masked(
    people: People, path: str, token: str | None
) -> None:
    """Issue 4: a site credential; who can mask can test a guess."""
    headers = {"Origin": people.url} | ({"Authorization": f"Bearer {token}"} if token else {})
    answer = httpx.post(f"{people.url}{path}", json={"text": WORDS}, headers=headers)
    assert answer.status_code == 401
    assert people.ledger.entries() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"text": 5}', 400),
        (b"[" * 100_000, 400),
        (b'{"text": "' + b"x" * LARGEST_BODY + b'"}', 413),
    ],
)
def test_odd_words_are_refused(people: People, body: bytes, status: int) -> None:
    """Us: hostile bodies end in one clear status."""
    headers = {"Authorization": f"Bearer {people.token('tickets:read')}"}
    answer = httpx.post(f"{people.url}/pseudonymize", content=body, headers=headers)
    assert answer.status_code == status


def test_a_dictionary_of_numbers_is_not_masked(people: People) -> None:
    """Issue 4: whoever may have words masked can confirm a guess, so guesses are few an hour."""
    numbers = [f"26201123456{number:04}" for number in range(8)]

    def masked(*guesses: str, caller: str = "region") -> int:
        headers = {"Authorization": f"Bearer {people.token('tickets:read', caller=caller)}"}
        text = " ".join(f"IMSI {number}" for number in guesses)
        answer = httpx.post(f"{people.url}/pseudonymize", json={"text": text}, headers=headers)
        return answer.status_code

    assert [masked(number) for number in numbers] == [200] * 5 + [429] * 3
    assert masked(*numbers) == 429
    assert masked(numbers[0]) == 200  # asked before: it confirms nothing new
    assert masked(numbers[7], caller="desk") == 200
    assert [entry.tool for entry in people.ledger.entries()] == ["pseudonymize"] * 7


def test_a_token_that_may_not_read_has_no_words_masked(people: People) -> None:
    """Issue 4: a sender of alarms has no use for it."""
    headers = {"Authorization": f"Bearer {people.token('alarms:write')}"}
    answer = httpx.post(f"{people.url}/pseudonymize", json={"text": WORDS}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope")


def test_a_restart_gives_nobody_new_guesses() -> None:
    """Us: counts resume from the ledger and end with the hour."""
    clock = [datetime(2026, 3, 1, 10, tzinfo=UTC)]
    typed = LedgerEntry(
        time=clock[0] - timedelta(minutes=50),
        principal="noc",
        client="noc",
        tier="region",
        tool="compose",
        data_classes=("tickets_raw",),
        form="pseudonymized",
        decision_id="eg-1",
        masked={"SUBSCRIBER": 2},
        bytes=1,
        tokens=1,
        payload_sha256="",
    )
    limit = GuessLimit(3, [typed], now=lambda: clock[0])
    limit.count("noc", {("SUBSCRIBER", "1")})
    with pytest.raises(BudgetExceededError):
        limit.count("noc", {("SUBSCRIBER", "2")})
    clock[0] += timedelta(minutes=11)
    limit.count("noc", {("SUBSCRIBER", "2"), ("SUBSCRIBER", "3")})


def test_revealing_takes_a_login_with_the_scope_and_is_in_the_ledger(people: People) -> None:
    """Issue 4: scope pii:reveal, the site's own origin, each reveal in the ledger."""
    pseudonym = people.pseudonyms.token("SUBSCRIBER", f"{IMSI}<script>")
    with people.client() as client:
        page = logged_in(client, "reveal", people.token("pii:reveal", caller="desk"))
        answer = client.post("/reveal", data={"csrf": csrf_in(page), "pseudonyms": pseudonym})
        assert f"<td>{IMSI}&lt;script&gt;</td>" in answer.text
        assert "North &lt;b&gt;" in answer.text
        (entry,) = people.ledger.entries()
        assert (entry.event, entry.client, entry.records) == ("reveal", "desk", 1)
        unknown = {"csrf": csrf_in(answer), "pseudonyms": "SUBSCRIBER_k3f9x2mq7abc"}
        assert client.post("/reveal", data=unknown).status_code == 404
        client.post("/reveal/logout", data={"csrf": csrf_in(answer)})
        assert "Log in" in client.get("/reveal").text
    assert len(people.ledger.entries()) == 1


def test_a_token_without_the_scope_does_not_log_in_to_reveal(people: People) -> None:
    """Issue 4: `reveal` needs the scope `pii:reveal`."""
    with people.client() as client:
        form = {"csrf": csrf_in(client.get("/reveal")), "token": people.token("tickets:read")}
        assert client.post("/reveal/login", data=form).status_code == 403
        form["token"] = "forged"
        assert client.post("/reveal/login", data=form).status_code == 401
        assert "Log in" in client.get("/reveal").text


def test_a_form_of_another_page_or_session_changes_nothing(people: People) -> None:
    """OWASP, CSRF: a secret of the session, and the origin of the page."""
    pseudonym = people.pseudonyms.token("SUBSCRIBER", IMSI)
    with people.client() as client:
        logged_in(client, "reveal", people.token("pii:reveal"))
        for csrf in ("", "forged", csrf_in(httpx.get(f"{people.url}/reveal"))):
            answer = client.post("/reveal", data={"csrf": csrf, "pseudonyms": pseudonym})
            assert (answer.status_code, IMSI in answer.text) == (403, False)
        login = {"csrf": "guessed", "token": people.token("pii:reveal")}
        assert (
            httpx.post(
                f"{people.url}/reveal/login", data=login, headers={"Origin": people.url}
            ).status_code
            == 403
        )
    assert people.ledger.entries() == []


def test_other_hosts_and_origins_are_refused_before_anything_is_read(people: People) -> None:
    """Issue 4: DNS rebinding Host and Origin are refused; the console's origin is no exception."""
    foreign = (
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:8700"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": CONSOLE}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    )
    paths = ("/reveal", "/reveal/login", "/compose/login", "/compose/mask", "/reveal/logout")
    with people.client() as client:
        for path in paths:
            for headers, status in foreign:
                answer = client.post(path, data={"csrf": "x"}, headers=headers)
                assert (path, headers, answer.status_code) == (path, headers, status)
        for path in ("/reveal", "/compose"):
            assert client.get(path, headers={"Host": "evil.example"}).status_code == 421


def test_a_page_is_framed_by_nobody_and_the_frame_by_the_console_only(people: People) -> None:
    """Issue 4: CSP, frame-ancestors from site.yaml; no script of anybody else."""
    with people.client() as client:
        tabs = [client.get(path) for path in ("/reveal", "/compose/login")]
        frames = [client.get(path) for path in ("/compose", "/reveal/frame")]
        logged_in(client, "reveal", people.token("pii:reveal"))
        tabs += [client.get(path) for path in ("/reveal", "/compose/in")]
        frames += [client.get(path) for path in ("/compose", "/reveal/frame")]
    for page in tabs:
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cross-origin-opener-policy"] == "same-origin"
    for page in frames:
        assert f"frame-ancestors {CONSOLE}" in page.headers["content-security-policy"]
        assert "x-frame-options" not in page.headers
    for page in (*tabs, *frames):
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
    for page in tabs[:2]:
        assert re.search(r"HttpOnly; SameSite=Strict$", page.headers["set-cookie"])


def test_the_frame_masks_what_is_typed_and_names_its_parents(people: People) -> None:
    """DESIGN section 4: the input is a frame of the site's origin that hands over masked text."""
    with people.client() as client:
        page = logged_in(client, "compose", people.token("tickets:read"))
        assert f'data-parents="{CONSOLE}"' in page.text
        csrf = {"X-Tierwise-CSRF": csrf_in(page)}
        answer = client.post("/compose/mask", json={"text": WORDS}, headers=csrf)
        assert IMSI not in answer.text
        assert answer.json()["form"] == "pseudonymized"
        for wrong in ({}, {"X-Tierwise-CSRF": "forged"}):
            assert (
                client.post("/compose/mask", json={"text": "x"}, headers=wrong).status_code == 403
            )
        script = client.get("/compose.js").text
        assert script.count("postMessage(") == 1
    assert "postMessage(message, parent)" in script
    assert '"message"' not in script


def test_a_frame_has_no_login_of_its_own(people: People) -> None:
    """Issue 10: a page around could draw one that looks the same and keep the token."""
    with people.client() as client:
        for frame, tab in (("/compose", "/compose/login"), ("/reveal/frame", "/reveal")):
            page = client.get(frame).text
            assert "<input" not in page
            assert f'href="{tab}" target="_blank" rel="noopener"' in page
        logged_in(client, "compose", people.token("tickets:read"))
        assert "<textarea" in client.get("/compose").text
        assert "not logged in" in client.get("/reveal/frame").text


def test_a_frame_reveals_what_its_person_asks_for_and_nothing_unasked(people: People) -> None:
    """Issue 10: a chip opens the site's page; each reveal is in the ledger."""
    pseudonym = people.pseudonyms.token("SUBSCRIBER", IMSI)
    with people.client() as client:
        logged_in(client, "reveal", people.token("pii:reveal", caller="desk"))
        page = client.get("/reveal/frame", params={"pseudonym": pseudonym})
        assert (pseudonym in page.text, IMSI in page.text) == (True, False)
        assert people.ledger.entries() == []
        form = {"csrf": csrf_in(page), "pseudonyms": pseudonym}
        answer = client.post("/reveal/frame", data=form)
        assert f"<td>{IMSI}</td>" in answer.text
        assert f"frame-ancestors {CONSOLE}" in answer.headers["content-security-policy"]
        assert [entry.event for entry in people.ledger.entries()] == ["reveal"]
        odd = client.get("/reveal/frame", params={"pseudonym": '"><b>no pseudonym'})
        assert "no pseudonym" not in odd.text


def test_frames_are_closed_until_somebody_opens_them(people: People) -> None:
    """Issue 10: closed by default; a parent is one origin, as a browser writes it."""
    people.guard.parents = ServingSettings().page_parents
    for path in ("/compose", "/reveal/frame"):
        assert httpx.get(f"{people.url}{path}").status_code == 404
    for parent in ("*", "https://*.example.net", "http://a.example", "https://a.example/x", "null"):
        with pytest.raises(ValidationError):
            ServingSettings(page_parents=(parent,))


def test_logins_cannot_be_tried_without_end(people: People) -> None:
    """OWASP: who tries tokens is slowed down."""
    with people.client() as client:
        form = {"csrf": csrf_in(client.get("/reveal")), "token": "guess"}
        statuses = {client.post("/reveal/login", data=form).status_code for _ in range(25)}
    assert statuses == {401, 429}


def test_a_session_ends_with_its_token_or_after_half_an_hour() -> None:
    """Us: a forgotten browser is no open door."""
    clock = [1000.0]
    sessions = Sessions(now=lambda: clock[0])
    caller = STDIO_CALLER
    short, _ = sessions.begin(caller, token_ends_at=1060.0)
    long, _ = sessions.begin(caller, token_ends_at=1e12)
    clock[0] = 1061.0
    assert sessions.find(short) is None
    assert sessions.find(long) is not None
    clock[0] = 1000.0 + 30 * 60 + 1
    assert sessions.find(long) is None
