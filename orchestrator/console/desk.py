"""`ConsoleDesk`: what the pages read and do, and nothing else.

A page keeps nothing: what it shows is read from here and what it does is done here, so that a
reload, another engineer and a restart all see the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.console.live import Live
from orchestrator.console.questions import Questions
from orchestrator.console.sessions import Engineer, Sessions
from orchestrator.conversations.conversation import Chat
from orchestrator.conversations.store import ConversationStore
from orchestrator.incidents.acknowledging import Acknowledgements
from orchestrator.incidents.board import Board, BoardIncident
from orchestrator.investigating.investigation import Services
from orchestrator.service.running import RunningService
from orchestrator.settings import Settings


@dataclass(frozen=True, slots=True)
class ConsoleDesk:
    """The running service, and what is kept for the people at it."""

    service: RunningService
    """Incidents, approvals, policy, sites."""
    conversations: ConversationStore
    questions: Questions
    """What is being answered."""
    sessions: Sessions
    board: Board
    """Who has taken which incident."""
    open_incidents: Live[list[BoardIncident]]
    """The board as it is now, read once for everybody."""
    acknowledgements: Acknowledgements

    @property
    def settings(self) -> Settings:
        """The settings of this process."""
        return self.service.settings

    def person(self, engineer: Engineer) -> str:
        """What an engineer is called in conversations and towards sites: a pseudonym.

        Raises:
            IdentityError: The key that vouches for people cannot be used.
        """
        return self.service.sites.people.pseudonym(engineer.principal)

    @property
    def services(self) -> Services:
        """What an investigation works with, under the policy that is in force now."""
        return services_of(self.service)

    @property
    def chat(self) -> Chat:
        """Conversations, under the policy that is in force now."""
        return Chat(self.services, self.conversations)


def services_of(service: RunningService) -> Services:
    """What an investigation works with, under the policy that is in force now."""
    return Services(service.settings, service.policies.current(), service.sites, service.state)


async def open_desk(service: RunningService) -> ConsoleDesk:
    """Prepare the tables of the console beside those of a running service."""
    database = service.state.database
    board = Board(service.state)
    conversations = ConversationStore(database)
    desk = ConsoleDesk(
        service=service,
        conversations=conversations,
        questions=Questions(
            database,
            lambda: Chat(services_of(service), conversations),
            waiting=service.people.waiting,
        ),
        sessions=Sessions(database),
        board=board,
        open_incidents=Live(board.open_incidents),
        acknowledgements=Acknowledgements(database, service.settings),
    )
    await desk.conversations.prepare()
    await desk.sessions.prepare()
    return desk
