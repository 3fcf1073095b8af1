"""Who gets in: links that work once, sessions that nobody can plant, and no word from elsewhere."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.console.sign_in import within
from orchestrator.storage.database import stamp
from telecom.errors import SettingsError
from tests.orchestrator.console.conftest import ADA, BOB, LEA, ORIGIN, console_at

PAGE = {"Accept": "text/html"}


async def socket_answer(app, *, cookie="", origin=ORIGIN, query="EIO=4&transport=websocket"):
    """The first word of the console to whoever opens its socket."""
    headers = [(b"host", b"noc.test"), (b"cookie", cookie.encode())]
    headers += [(b"upgrade", b"websocket"), (b"connection", b"Upgrade")]
    headers += [] if origin is None else [(b"origin", origin.encode())]
    path = "/_nicegui_ws/socket.io/"
    scope = {"type": "websocket", "path": path, "raw_path": path.encode(), "root_path": ""}
    scope |= {"query_string": query.encode(), "headers": headers, "subprotocols": []}
    scope |= {"scheme": "ws", "server": ("noc.test", 80), "client": ("10.0.0.1", 1)}
    said: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    come = iter([{"type": "websocket.connect"}])

    async def receive():
        message = next(come, None)
        if message is None:
            await asyncio.Event().wait()
        return message

    async def send(message):
        if not said.done():
            said.set_result(message["type"])

    task = asyncio.create_task(app(scope, receive, send))
    try:
        async with asyncio.timeout(5):
            return await said
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_stranger_is_led_to_the_sign_in_and_sees_nothing_else(no_site):
    """Issue 10: pages, files and sockets are for who is signed in."""

    async def work():
        async with console_at(no_site) as noc:
            http = noc.stranger()
            board = await http.get("/")
            script = await http.get("/console-assets/console.js", headers={"Accept": "*/*"})
            polled = await http.get(
                "/_nicegui_ws/socket.io/?EIO=4&transport=polling", headers={"Accept": "*/*"}
            )
            return board, script, polled, await socket_answer(noc.app)

    board, script, polled, socket = asyncio.run(work())
    assert (board.status_code, board.headers["location"]) == (303, "/sign-in?back=%2F")
    assert (script.status_code, polled.status_code) == (401, 401)
    assert socket == "websocket.close"


def test_a_link_signs_in_once_and_looking_at_it_does_not_use_it_up(no_site):
    """Issue 10: a one-time bootstrap link, exchanged for a session of its own."""

    async def work():
        async with console_at(no_site) as noc:
            link = await noc.desk.sessions.issue_link(LEA)
            seen = await noc.stranger().get("/sign-in", params={"link": link})
            first, second = noc.stranger(), noc.stranger()
            used = await first.post("/sign-in", data={"link": link, "back": "/incidents/inc-1"})
            again = await second.post("/sign-in", data={"link": link})
            board = await first.get("/")
            await first.post("/sign-out")
            return seen, used, again, board, await first.get("/"), await socket_answer(noc.app)

    seen, used, again, board, after, _ = asyncio.run(work())
    assert "Lea Lead" in seen.text
    assert (used.status_code, used.headers["location"]) == (303, "/incidents/inc-1")
    cookie = used.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert again.status_code == 403
    assert board.status_code == 200
    assert after.status_code == 303


def test_a_session_id_that_was_planted_in_a_browser_is_worth_nothing(no_site):
    """Issue 10: no session fixation."""

    async def work():
        async with console_at(no_site) as noc:
            victim = noc.stranger()
            victim.cookies.set("tierwise", "planted", domain="noc.test")
            link = await noc.desk.sessions.issue_link(ADA)
            await victim.post("/sign-in", data={"link": link})
            own = [c.value for c in victim.cookies.jar if c.name == "tierwise"]
            attacker = noc.stranger()
            attacker.cookies.set("tierwise", "planted", domain="noc.test")
            return own, await attacker.get("/")

    own, attacker = asyncio.run(work())
    assert "planted" not in own
    assert attacker.status_code == 303


def test_links_and_sessions_end_and_the_state_does_not_tell_them(no_site):
    """Issue 10: a link expires, a session ends with the shift; only digests are kept."""

    async def work():
        async with console_at(no_site) as noc:
            http = await noc.browser(ADA)
            link = await noc.desk.sessions.issue_link(BOB)
            database = noc.desk.service.state.database
            kept = await database.fetch(
                "SELECT digest FROM console_sessions UNION SELECT digest FROM console_links"
            )
            past = stamp(datetime.now(UTC) - timedelta(seconds=1))
            await database.execute("UPDATE console_sessions SET ends_at = ?", past)
            await database.execute("UPDATE console_links SET ends_at = ?", past)
            late = await noc.stranger().post("/sign-in", data={"link": link})
            return kept, {link, http.cookies["tierwise"]}, late, await http.get("/")

    kept, secrets, late, board = asyncio.run(work())
    assert len(kept) == 2
    assert not secrets & {digest for (digest,) in kept}
    assert (late.status_code, board.status_code) == (403, 303)


def test_nothing_that_acts_is_taken_from_another_origin(no_site):
    """Issue 10: CSRF; the Origin of every unsafe request and of the socket is checked."""

    async def work():
        async with console_at(no_site) as noc:
            http = await noc.browser(ADA)
            cookie = f"tierwise={http.cookies['tierwise']}"
            elsewhere = {"Origin": "http://evil.test"}
            refused = [
                await http.post("/sign-out", headers=elsewhere),
                await http.post("/sign-in", data={"link": "x"}, headers={"Origin": "null"}),
                await http.post("/_nicegui_ws/socket.io/?EIO=4", headers=elsewhere),
            ]
            del http.headers["Origin"]
            refused.append(await http.post("/sign-out"))
            sockets = [
                await socket_answer(noc.app, cookie=cookie, origin=origin)
                for origin in (ORIGIN, "http://evil.test", None)
            ]
            return refused, sockets, await http.get("/")

    refused, sockets, board = asyncio.run(work())
    assert [answer.status_code for answer in refused] == [403] * 4
    assert sockets == ["websocket.accept", "websocket.close", "websocket.close"]
    assert board.status_code == 200


def test_nobody_opens_the_socket_of_somebody_elses_page(no_site):
    """Issue 10: what another engineer looks at is theirs, whoever knows its id."""

    async def work():
        async with console_at(no_site) as noc:
            ada, bob = await noc.user(ADA), await noc.browser(BOB)
            page = await ada.open("/")
            query = f"EIO=4&transport=websocket&client_id={page.id}"
            return [
                await socket_answer(
                    noc.app, cookie=f"tierwise={http.cookies['tierwise']}", query=query
                )
                for http in (ada.http_client, bob)
            ]

    assert asyncio.run(work()) == ["websocket.accept", "websocket.close"]


def test_every_answer_keeps_the_browser_at_home(no_site, site, settings_for):
    """Issue 10: CSP without any foreign origin but the sites' own frames."""

    async def work():
        async with console_at(settings_for(site)) as noc:
            http = await noc.browser(ADA)
            style = await http.get("/console-assets/console.css")
            return [await http.get("/"), style, await noc.stranger().get("/sign-in")]

    for answer in asyncio.run(work()):
        policy = dict(
            part.strip().split(" ", 1)
            for part in answer.headers["content-security-policy"].split(";")
        )
        assert answer.status_code == 200
        assert policy["default-src"] == policy["connect-src"] == "'self'"
        assert policy["form-action"] == "'self'"
        assert policy["frame-src"] == site.url
        assert policy["frame-ancestors"] == "'none'"
        assert policy["img-src"] == "'self' data:"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"


def test_a_page_is_for_its_roles(no_site):
    """Issue 10: roles are checked where a page is asked for."""

    async def work():
        async with console_at(no_site) as noc:

            @noc.console.page_for("/secrets", title="Secrets", roles=("lead",), nav="x")
            def secrets():
                raise AssertionError("it was built for somebody else")

            http = await noc.browser(ADA)
            return await http.get("/secrets"), await http.get("/")

    refused, board = asyncio.run(work())
    assert refused.status_code == 403
    assert "Not your page" in refused.text
    assert "Secrets" not in board.text


@pytest.mark.parametrize(
    ("back", "goal"),
    [
        ("/incidents/inc-1?x=1", "/incidents/inc-1?x=1"),
        ("https://evil.test/", "/"),
        ("//evil.test", "/"),
        ("/\\evil.test", "/"),
        ("/sign-in?back=/", "/"),
        ("javascript:alert(1)", "/"),
        (None, "/"),
    ],
)
def test_a_sign_in_leads_nowhere_else(back, goal):
    """Issue 10: no open redirect."""
    assert within(back) == goal


def test_a_console_without_tls_stays_on_its_own_machine(settings_for):
    """Issue 10: sessions do not travel readable."""
    service = settings_for().service.model_copy(update={"host": "0.0.0.0"})

    async def work():
        async with console_at(settings_for(service=service)):
            raise AssertionError("it listens")

    with pytest.raises(SettingsError, match="public_url"):
        asyncio.run(work())
