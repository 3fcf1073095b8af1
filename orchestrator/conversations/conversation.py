"""A conversation about incidents: questions answered from what is known, or looked up for them.

The same object stands behind `tierwise chat` and behind a page:

    async with open_chat(settings) as chat:
        conversation = await chat.begin()
        answer = await conversation.say("why are the cells down?")
        answer = await conversation.say("what if the uplink were fine?")

Words have to be the site's: whoever takes them in lets the site replace identifiers first
(`orchestrator.site_access.peoples_words`). What is looked up for an answer is placed, gated and
accounted for like everything else.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from agents.predictions import Sighting
from agents.runbooks import DocumentReview, Runbook, fitting, follow, read_runbook
from orchestrator.conversations import answers
from orchestrator.conversations.follow_ups import follow_ups
from orchestrator.conversations.intent import COMMANDS, Intent, read_intent
from orchestrator.conversations.store import Answer, ConversationStore, Turn
from orchestrator.investigating.case import Case, fitting_names, load_case, unknown_name
from orchestrator.investigating.delegation import Delegator
from orchestrator.investigating.gathering import Gatherer, Look
from orchestrator.investigating.investigation import Inquiry, Services, investigate
from orchestrator.investigating.reasoning import ModelFactory, make_model
from orchestrator.investigating.step_events import StepWatcher, unwatched
from orchestrator.rendering.briefing import to_concise
from orchestrator.settings import Settings
from orchestrator.site_access.site_client import Purpose
from orchestrator.site_access.site_desk import Neighborhood
from orchestrator.site_access.sites import open_sites
from orchestrator.storage.state import open_state
from placement.policy import load_policy
from telecom.errors import InvalidArgumentError
from telecom.report import RootCauseReport

MAX_WORDS = 2_000
"""Longest question, in characters."""
ASKED_ON = "asked-on:"
"""What the findings of an incident call the steps of conversations about it."""
_RUNBOOKS = 8
_OTHERS = 6
_NEARBY_HOPS = 4


@dataclass(frozen=True, slots=True)
class Chat:
    """What conversations work with."""

    services: Services
    store: ConversationStore

    async def begin(self, *, person: str | None = None) -> Conversation:
        """Begin a conversation; `person` is a pseudonym."""
        return Conversation(self, await self.store.begin(person=person), person)

    async def resume(self, conversation_id: str, *, person: str | None = None) -> Conversation:
        """Go on with a conversation.

        Raises:
            InvalidArgumentError: There is no such conversation.
        """
        if not await self.store.knows(conversation_id):
            raise InvalidArgumentError(
                "conversation", f"there is no conversation {conversation_id!r}; begin a new one"
            )
        conversation = Conversation(self, conversation_id, person)
        conversation.incident_id = await self.store.subject(conversation_id)
        for turn in await self.store.turns(conversation_id):
            conversation.incident_id = turn.answer.incident_id or conversation.incident_id
        return conversation


@asynccontextmanager
async def open_chat(
    settings: Settings, *, models: ModelFactory = make_model
) -> AsyncIterator[Chat]:
    """State, policy and sites for conversations.

    Args:
        settings: Of this process.
        models: Makes the model behind an executor.

    Raises:
        TierwiseError: One of them cannot be opened; the message says what helps.
    """
    policy = load_policy(settings.policy.catalogue, settings.policy.rules)
    async with (
        open_state(settings.state_address) as state,
        open_sites(settings, state.database) as sites,
    ):
        store = ConversationStore(state.database)
        await store.prepare()
        yield Chat(Services(settings, policy, sites, state, models), store)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question on its way to its answer."""

    words: str
    inquiry: Inquiry | None
    progress: Callable[[str], None]
    watch: StepWatcher
    question: str | None


def readable_words(words: str) -> str:
    """What somebody said, without the blanks around it.

    Raises:
        InvalidArgumentError: There is nothing, or too much.
    """
    words = words.strip()
    if not 0 < len(words) <= MAX_WORDS:
        raise InvalidArgumentError("words", f"say something, in at most {MAX_WORDS} characters")
    return words


class Conversation:
    """One conversation: its incident, and whatever is asked about it."""

    def __init__(self, chat: Chat, conversation_id: str, person: str | None) -> None:
        self.conversation_id = conversation_id
        self.incident_id: str | None = None
        """What is talked about; None until something was investigated."""
        self._chat = chat
        self._person = person

    async def about(self, incident_id: str) -> None:
        """Talk about an investigation that was made elsewhere.

        Raises:
            InvalidArgumentError: There is none of that id, or it is not finished.
        """
        try:
            await load_case(self._chat.services.state, incident_id)
        except KeyError as exc:
            raise InvalidArgumentError(
                "incident", f"there is no finished investigation {incident_id!r}"
            ) from exc
        self.incident_id = incident_id
        await self._chat.store.set_subject(self.conversation_id, incident_id)

    async def say(
        self,
        words: str,
        *,
        inquiry: Inquiry | None = None,
        progress: Callable[[str], None] = lambda step: None,
        watch: StepWatcher = unwatched,
        question: str | None = None,
    ) -> Answer:
        """Answer, and keep both.

        Args:
            words: As the site released them.
            inquiry: What to investigate if the words need an investigation; by default the
                newest incident with the words as question.
            progress: Called with the name of each finished step of an investigation.
            watch: Told of each delegation as it is placed and as it ends.
            question: Id of the open question that this answers. An investigation that it needs has
                the same id, so that a process that takes it up goes on with what was found.

        Raises:
            InvalidArgumentError: The words are empty or too long.
            TierwiseError: An investigation is needed and nothing could be looked at.
        """
        words = readable_words(words)
        asked = _Asked(words, inquiry, progress, watch, question)
        answer = await self._answered(asked)
        if answer.incident_id is not None:
            answer = await self._with_follow_ups(answer, words)
        await self.keep(words, answer, question=question)
        return answer

    async def keep(self, words: str, answer: Answer, *, question: str | None = None) -> None:
        """Keep what was said, an answer or why there is none."""
        self.incident_id = answer.incident_id or self.incident_id
        turn = Turn(words=words, answer=answer, at=datetime.now(UTC))
        await self._chat.store.add(self.conversation_id, turn, question=question)

    async def history(self) -> Sequence[Turn]:
        """Everything that was said, oldest first."""
        return await self._chat.store.turns(self.conversation_id)

    async def _answered(self, asked: _Asked) -> Answer:
        intent = read_intent(asked.words)
        if intent.kind == "help":
            return Answer(text=help_text())
        if self.incident_id is None or intent.kind == "new":
            question = intent.about if intent.kind == "new" else asked.words
            inquiry = asked.inquiry or Inquiry(question=question or None)
            return await self._investigated(inquiry, asked)
        try:
            case = await load_case(self._chat.services.state, self.incident_id)
        except KeyError as exc:
            raise InvalidArgumentError(
                "incident",
                f"what was found about {self.incident_id} is kept no longer (service.keep_days);"
                " /new QUESTION begins another investigation",
            ) from exc
        return await self._about(case, intent, asked)

    async def _with_follow_ups(self, answer: Answer, words: str) -> Answer:
        state = self._chat.services.state
        report = answer.report or await state.get(
            answer.incident_id or "", "report", RootCauseReport
        )
        said = None if answer.report is not None else read_intent(words).kind
        return answer.model_copy(update={"follow_ups": follow_ups(report, said=said)})

    async def _investigated(self, inquiry: Inquiry, asked: _Asked) -> Answer:
        report = await self._reported(asked.question) or await investigate(
            inquiry,
            self._chat.services,
            incident_id=asked.question,
            on_behalf_of=self._person,
            progress=asked.progress,
            watch=asked.watch,
        )
        cited = {key for cause in report.root_causes for key in cause.evidence_ids}
        return Answer(
            text=to_concise(report).rstrip(),
            incident_id=report.incident_id,
            evidence={key: item for key, item in report.evidence.items() if key in cited},
            report=report,
        )

    async def _reported(self, incident_id: str | None) -> RootCauseReport | None:
        """The report of an investigation that was finished before its answer was kept."""
        if incident_id is None:
            return None
        try:
            return await self._chat.services.state.get(incident_id, "report", RootCauseReport)
        except KeyError:
            return None

    async def _about(self, case: Case, intent: Intent, asked: _Asked) -> Answer:
        """A question about the incident that is talked about."""
        looking = self._gatherer(case, asked.watch)
        names = case.meant(intent.about) or await self._named_nearby(case, intent, looking)
        if intent.kind in answers.FROM_THE_FINDINGS:
            return answers.FROM_THE_FINDINGS[intent.kind](case, names)
        if intent.kind in {"why_not", "what_if"}:
            return await self._of_element(case, intent, names, looking)
        if intent.kind == "show":
            shown = answers.show(case, intent.about, names)
            return shown or await self._looked_up(case, intent.about, names, looking)
        if intent.kind == "runbook":
            return await self._runbook(case, intent.about, looking)
        return await self._else(case, asked, looking)

    async def _of_element(
        self, case: Case, intent: Intent, names: Sequence[str], looking: Gatherer
    ) -> Answer:
        """Why not, or what if: about an element that the findings know, or one to look up."""
        if not names:
            return await self._looked_up(case, intent.about, names, looking)
        name = names[0]
        told = answers.what_if if intent.kind == "what_if" else answers.why_not
        answer = told(case, name)
        if answers.is_unseen(case, name):
            found = await self._looked_up(case, name, [name], looking)
            answer = answers.together(answer, found)
        if len(names) > 1:
            others = ", ".join(names[1:_OTHERS])
            answer = answer.model_copy(
                update={"text": f"{answer.text}\n\nThe words fit {others} as well."}
            )
        return answer

    async def _else(self, case: Case, asked: _Asked, looking: Gatherer) -> Answer:
        """Words that ask for nothing in particular: an element's lines, or another reading."""
        words = asked.words
        if self._chat.services.settings.analyst != "rules":
            window = (case.window.start, case.window.end)
            return await self._investigated(Inquiry(question=words, window=window), asked)
        names = case.meant(words)
        shown = answers.show(case, words, names) if names else None
        if shown is not None:
            return shown
        if unknown_name(words) is not None:
            return await self._looked_up(case, words, names, looking)
        told = answers.why(case, ())
        return told.model_copy(update={"text": f"{told.text}\n\n{_ASK_LIKE_THIS}"})

    async def _named_nearby(self, case: Case, intent: Intent, looking: Gatherer) -> Sequence[str]:
        """Elements around the suspect that fit a name which the findings do not have."""
        name = unknown_name(intent.about)
        if intent.kind not in {"why_not", "what_if", "show"} or name is None or not case.leading:
            return ()
        found: list[str] = []
        looks = []
        for site in self._sites(case):
            look = await looking.neighborhood(site, case.leading, hops=_NEARBY_HOPS)
            looks.append(look)
            if isinstance(look.finding, Neighborhood):
                found += fitting_names(name, look.finding.devices)
        await self._account(case, looks)
        return tuple(dict.fromkeys(found))

    async def _looked_up(
        self, case: Case, about: str, names: Sequence[str], looking: Gatherer
    ) -> Answer:
        """Read an element's alarms at the sites, where the policy lets it."""
        name = names[0] if names else unknown_name(about)
        if name is None:
            known = ", ".join(case.names()[:12])
            return Answer(
                text=f"Which element do you mean? The findings know {known}.",
                incident_id=case.report.incident_id,
            )
        looks = [await looking.sighting(site, name, case.window) for site in self._sites(case)]
        await self._account(case, looks)
        found = [look for look in looks if isinstance(look.finding, Sighting)]
        best = max(found, key=lambda look: len(_times(look)), default=None)
        steps = tuple(look.step for look in looks)
        if best is None or not isinstance(best.finding, Sighting):
            why = "; ".join(dict.fromkeys(str(look.error) for look in looks))
            why = why or f"{', '.join(case.alarms)} is no site of this process"
            text = f"{name} could not be looked up: {why}"
            return Answer(text=text, incident_id=case.report.incident_id, steps=steps)
        return answers.sighted(case, best.finding).model_copy(update={"steps": steps})

    async def _runbook(self, case: Case, about: str, looking: Gatherer) -> Answer:
        """Find the operator's runbook for this incident and follow it as a checklist."""
        cause = case.report.root_causes[0] if case.report.root_causes else None
        words = about or (
            f"{cause.probable_cause} {cause.specific_problem}"
            if cause is not None
            else case.report.headline
        )
        found: list[Runbook] = []
        looks: list[Look] = []
        for site in self._sites(case):
            look = await looking.documents(site, f"when steps expected: {words}", limit=_RUNBOOKS)
            looks.append(look)
            review = look.finding
            for passage in review.passages if isinstance(review, DocumentReview) else ():
                runbook = read_runbook(passage.source, passage.text)
                found += [] if runbook is None else [runbook]
        await self._account(case, looks)
        best = next(iter(fitting(found, words)), None)
        steps = tuple(look.step for look in looks)
        if best is None:
            refused = [str(look.error) for look in looks if look.error is not None]
            text = "No runbook of the site fits" + (f" ({refused[0]})" if refused else "") + "."
            return Answer(text=text, incident_id=case.report.incident_id, steps=steps)
        followed = follow(best, case.evidence)
        return answers.checklist(case, followed).model_copy(update={"steps": steps})

    def _sites(self, case: Case) -> list[str]:
        """The sites of a case that this process can ask; a later one may know others."""
        return [site for site in case.alarms if site in self._chat.services.sites.by_name]

    def _gatherer(self, case: Case, watch: StepWatcher) -> Gatherer:
        services = self._chat.services
        incident_id = case.report.incident_id
        delegator = Delegator(
            services.settings,
            services.policy,
            keep=lambda record: services.state.note_decision(incident_id, record),
            outages=services.sites.outages,
        )
        purpose = Purpose(incident_id, self._person)
        return Gatherer(services.sites, delegator, purpose, watch=watch)

    async def _account(self, case: Case, looks: Sequence[Look]) -> None:
        state = self._chat.services.state
        incident_id = case.report.incident_id
        for look in looks:
            state.note_calls(incident_id, look.calls)
            await state.put(incident_id, f"{ASKED_ON}{uuid.uuid4().hex}", look.step)
        await state.write_notes()


_ASK_LIKE_THIS = (
    "Ask on like this: why not the UPF? · what if the uplink were fine? · show me the line · "
    "what changed? · have we seen this before? · /help"
)


def help_text() -> str:
    """What can be said."""
    return "\n".join(f"- `{command}`: {gives}" for command, gives in COMMANDS.items())


def _times(look: Look) -> Sequence[datetime]:
    return look.finding.times if isinstance(look.finding, Sighting) else ()
