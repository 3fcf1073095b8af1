"""The application that AgentCore Runtime starts: `/ping` and `/invocations` over the graph.

A call is an inquiry, its session an incident. The graph, the policy and the gates of the sites are
those of every other door; state is SQLite or PostgreSQL as everywhere, and AgentCore Memory is not
used: what an investigation remembers is kept where its operator decided.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bedrock_agentcore import BedrockAgentCoreApp
from bedrock_agentcore.runtime.context import RequestContext
from bedrock_agentcore.runtime.models import PingStatus
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response

from orchestrator.agentcore.invocation import LARGEST_INVOCATION_BYTES, Invocation, read_invocation
from orchestrator.agentcore.open_desk import OpenDesk
from orchestrator.agentcore.sessions import incident_of, session_of
from orchestrator.agentcore.size_limit import SizeLimit
from orchestrator.investigating.investigation import Inquiry
from orchestrator.investigating.reasoning import ModelFactory, make_model
from orchestrator.settings import Settings
from orchestrator.site_access.peoples_words import masked_words
from orchestrator.triggers.routes import problem
from telecom.errors import (
    BudgetExceededError,
    EgressRefusedError,
    InvalidArgumentError,
    OperatorError,
    PlacementRefusedError,
    RecordNotFoundError,
    TierwiseError,
    ToolRetry,
)
from telecom.report import RootCauseReport

log = logging.getLogger(__name__)

Event = dict[str, Any]  # a line of the stream: JSON


def build_app(settings: Settings, *, models: ModelFactory = make_model) -> BedrockAgentCoreApp:
    """Put the graph behind the two paths.

    Args:
        settings: Of this process.
        models: Makes language models.
    """
    opened = OpenDesk(settings, models)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await opened.close()

    app = BedrockAgentCoreApp(
        lifespan=lifespan, middleware=[Middleware(SizeLimit, limit=LARGEST_INVOCATION_BYTES)]
    )
    app.logger.handlers.clear()  # what is worth a line goes where this process logs
    app.logger.setLevel(logging.WARNING)

    @app.ping
    def busy() -> PingStatus:
        """A busy machine is kept, also when its caller has gone."""
        return PingStatus.HEALTHY_BUSY if opened.under_way else PingStatus.HEALTHY

    @app.entrypoint
    async def invoke(payload: Any, context: RequestContext) -> Response | AsyncGenerator[Event]:
        session_id = context.session_id
        incident_id = f"inc-{uuid.uuid4().hex[:12]}" if not session_id else incident_of(session_id)
        call = _Call(settings, opened, incident_id)
        try:
            invocation = read_invocation(payload)
            inquiry = await call.inquiry(invocation)
        except TierwiseError as exc:
            return _refusal(exc)
        if invocation.stream:
            return call.told(inquiry, session_id or session_of(incident_id))
        return await call.answered(inquiry)

    return app


class _Call:
    """One invocation: nothing but a report or a refusal of ours comes out of it."""

    def __init__(self, settings: Settings, opened: OpenDesk, incident_id: str) -> None:
        self._settings = settings
        self._opened = opened
        self._incident = incident_id

    async def inquiry(self, invocation: Invocation) -> Inquiry:
        """The inquiry, in words that name nobody."""
        question = invocation.question
        if question is not None:
            question = await asyncio.to_thread(masked_words, question, self._settings.sites)
        return invocation.inquiry(question)

    async def told(self, inquiry: Inquiry, session_id: str) -> AsyncGenerator[Event]:
        """The steps as they finish, then the report or why there is none."""
        yield {"event": "started", "incident_id": self._incident, "session_id": session_id}
        try:
            async for step in self._steps(inquiry):
                yield {"event": "step", "step": step}
            report = await self._report()
            yield {"event": "report", "report": report.model_dump(mode="json")}
        except TierwiseError as exc:
            yield {"event": "error", "error": exc.code, "message": str(exc)}
        except Exception as exc:  # noqa: BLE001 - the outermost handler: it tells nobody the words
            yield {"event": "error", "error": "internal", "message": self._broke(exc)}

    async def answered(self, inquiry: Inquiry) -> Response:
        """The report, or a refusal with its status."""
        try:
            async for _ in self._steps(inquiry):
                pass
            report = await self._report()
            return JSONResponse(report.model_dump(mode="json"))
        except TierwiseError as exc:
            return _refusal(exc)
        except Exception as exc:  # noqa: BLE001 - as above
            return problem(500, "internal", self._broke(exc))

    async def _steps(self, inquiry: Inquiry) -> AsyncGenerator[str]:
        """Begin or go on; a run that failed is forgotten, so that the next call starts afresh."""
        desk, state = await self._opened.get()
        await desk.start_once(inquiry, self._incident)
        try:
            async for step in desk.steps(self._incident):
                yield step
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the caller has gone; the investigation has not
            raise ToolRetry("this machine stops; the same session goes on elsewhere") from None
        except TierwiseError:
            await state.checkpointer.adelete_thread(self._incident)
            raise

    async def _report(self) -> RootCauseReport:
        desk, _ = await self._opened.get()
        report = await desk.report(self._incident)
        assert report is not None  # its steps ended without an error
        return report

    def _broke(self, exc: Exception) -> str:
        """Log kind and place of what nobody foresaw, and say only that."""
        place = traceback.extract_tb(exc.__traceback__)[-1]
        kind = type(exc).__name__
        log.error("%s broke with %s in %s:%s", self._incident, kind, place.name, place.lineno)
        return f"the investigation broke with {kind}; its log has the place"


def _refusal(exc: TierwiseError) -> Response:
    match exc:
        case InvalidArgumentError():
            status = 400
        case PlacementRefusedError() | EgressRefusedError():
            status = 403
        case BudgetExceededError():
            status = 429
        case RecordNotFoundError():
            status = 404
        case OperatorError() | ToolRetry():
            status = 503
        case _:
            status = 502
    return problem(status, exc.code, str(exc))
