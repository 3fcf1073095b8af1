"""The chat's pages without a browser: whose they are, what they ask, what left the site."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import jwt

from orchestrator.conversations.store import Answer, Turn
from tests.orchestrator.console.conftest import ADA, AUDIT, BOB, console_at

HOSTILE = '<img src=x onerror="alert(1)"> [x](javascript:alert(1)) \x1b[31m'


async def begun_by(noc, engineer, text="an answer"):
    """A conversation in which one thing was said."""
    store = noc.desk.conversations
    conversation = await store.begin(person=noc.desk.person(engineer))
    turn = Turn(words=HOSTILE, answer=Answer(text=text), at=datetime.now(UTC))
    await store.add(conversation, turn)
    return conversation


def test_a_conversation_of_somebody_else_is_refused_until_it_is_shared(no_site):
    """Issue 10: other user's conversation by id: refused."""

    async def work():
        async with console_at(no_site) as noc:
            path = f"/chat/{await begun_by(noc, ADA)}"
            ada, bob = await noc.browser(ADA), await noc.browser(BOB)
            before = [await who.get(path) for who in (ada, bob)]
            unknown = await bob.get("/chat/chat-000000000000")
            await noc.desk.conversations.share(path.rpartition("/")[2], shared=True)
            return before, unknown, await bob.get(path), await noc.stranger().get(path)

    (own, refused), unknown, shared, stranger = asyncio.run(work())
    assert (own.status_code, refused.status_code, unknown.status_code) == (200, 404, 404)
    assert "an answer" in own.text
    assert "an answer" not in refused.text
    assert (shared.status_code, "an answer" in shared.text) == (200, True)
    assert "You read along here" in shared.text
    assert stranger.status_code == 303


def test_what_was_typed_and_answered_stays_inert(no_site):
    """Issue 10, point 8: HTML, ANSI and Markdown tricks of a ticket stay text."""

    async def work():
        async with console_at(no_site) as noc:
            conversation = await begun_by(noc, ADA, text=HOSTILE)
            return await (await noc.browser(ADA)).get(f"/chat/{conversation}")

    page = asyncio.run(work()).text
    assert "<img src=x" not in page
    assert "\x1b" not in page
    assert 'href=\\"javascript' not in page


def test_an_engineer_asks_beside_the_incident_and_finds_it_in_the_list(site, declared):
    """R22 and issue 10, point 3: the chat beside the incident; commands; history."""

    async def work():
        async with console_at(declared(site), working=True) as noc:
            incident = await noc.finished_incident()
            user = await noc.user(ADA)
            await user.open(f"/incidents/{incident}")
            await user.should_see("/placed", retries=200)
            user.find(marker="/placed").click()
            await user.should_see("Models cost", retries=200)
            again = await noc.user(ADA)
            await again.open(f"/incidents/{incident}")
            await again.should_see("Models cost", retries=200)
            await again.open("/chat")
            await again.should_see("Your conversations")
            other = await noc.user(BOB)
            await other.open(f"/incidents/{incident}")
            await other.should_see("/placed", retries=200)
            await other.should_not_see("Models cost")
            return [call.meta.get("tierwise/on_behalf_of") for call in site.calls]

    assert all(person is None for person in asyncio.run(work()))  # a trigger asked, nobody else


def test_a_site_is_told_a_pseudonym_of_who_asks_and_the_account_has_what_left(site, declared):
    """Issue 10, point 4: which step, which tier, which rule; chats count as well."""

    async def work():
        async with console_at(declared(site), working=True) as noc:
            incident = await noc.finished_incident()
            chat = noc.desk.chat
            person = noc.desk.person(ADA)
            conversation = await chat.begin(person=person)
            await conversation.about(incident)
            await conversation.say("show me the alarms of core9")
            user = await noc.user(AUDIT)
            await user.open(f"/incidents/{incident}/egress")
            for words in ("alarms of site site1", "20,000", "tierwise ledger --investigation"):
                await user.should_see(words)
            await user.should_see("asked in a conversation")
            await user.should_see("tiers closed")
            missing = await (await noc.browser(AUDIT)).get("/incidents/inc-none/egress")
            return person, site.calls[-1].meta["tierwise/on_behalf_of"], missing.status_code

    person, told, missing = asyncio.run(work())
    claims = jwt.decode(told, options={"verify_signature": False})
    assert claims["sub"] == person != ADA.principal
    assert missing == 404


def test_an_auditor_reads_and_asks_nothing(site, declared):
    """Issue 10, point 8: roles; a question is looked up at sites."""

    async def work():
        async with console_at(declared(site), working=True) as noc:
            incident = await noc.finished_incident()
            user = await noc.user(AUDIT)
            await user.open(f"/incidents/{incident}")
            await user.should_see("You read along here", retries=200)
            await user.should_not_see("/diff")

    asyncio.run(work())
