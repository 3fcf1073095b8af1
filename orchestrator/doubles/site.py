"""`SiteDouble`: a site half on loopback that answers what it was given.

It serves the tools that an investigation uses, at the paths of a real site and with the metadata of
a real gate, so that the cloud half can be tested without a knowledge base::

    with SiteDouble(summary, changes=review, tickets=[ticket]) as site:
        declaration = SiteDeclaration(name="core", url=site.url)
"""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from agents import ticket_historian
from agents.findings import AlarmSummary, ChangeReview, Contradictions
from telecom.errors import RecordNotFoundError, TierwiseError
from telecom.identifiers import DetectorSettings, IdentifierDetector
from telecom.ticket import Citation, Ticket
from telecom.tokens import estimate_tokens

Form = Literal["raw", "pseudonymized", "anonymized"]
Answer = BaseModel | dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReceivedCall:
    """One tool call as it came."""

    tool: str
    arguments: dict[str, Any]
    meta: dict[str, Any]


class SiteDouble:
    """A site's three tool servers for the length of a `with` block."""

    def __init__(
        self,
        summary: AlarmSummary,
        *,
        changes: ChangeReview | None = None,
        tickets: Sequence[Ticket] = (),
        documents: Mapping[str, str] | None = None,
        form: Form | None = "anonymized",
        says: Mapping[str, Any] | None = None,
        token: str | None = None,
        faults: Mapping[str, Callable[[], Answer]] | None = None,
    ) -> None:
        """Prepare the answers.

        Args:
            summary: What `summarize_alarms` answers, whatever the window.
            changes: What `list_changes` answers.
            tickets: What ticket tools search.
            documents: Path -> passage, for the tool that searches documents.
            form: What the gate says it did; None leaves the receipts out.
            says: What it says about itself with each answer: `home` and `tier`.
            token: The bearer token it asks for; None takes anybody.
            faults: Tool -> called instead of it: raises, blocks, or answers something else.
        """
        self.summary = summary
        self.changes = changes or ChangeReview(changes=(), evidence={})
        self.tickets = tuple(tickets)
        self.documents = dict(documents or {})
        self.form = form
        self.says = dict(says or {})
        self.token = token
        self.faults = dict(faults or {})
        self.readiness: dict[str, Any] = {}
        """What `/readyz` says beside its status; JSON, hence Any."""
        self.calls: list[ReceivedCall] = []
        """Every call, in order of arrival."""
        self._port = 0
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL; the three servers are under it."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serve; after a `stop`, on the same port again."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        started = threading.Event()
        config = uvicorn.Config(
            _application(self, started.set), log_level="critical", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="site-double", daemon=True
        )
        self._thread.start()
        started.wait(10)

    def stop(self) -> None:
        """Stop serving: connections are closed, further ones refused."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(10)
            self._server = self._thread = None

    def tools(self) -> MCPServer[Any]:
        """All tools on one server, for HTTP here and for in-memory or stdio clients."""
        server: MCPServer[Any] = MCPServer("site-double", log_level="CRITICAL")

        @server.tool()
        async def summarize_alarms(
            ctx: Context[Any],
            from_time: str | None = None,
            to_time: str | None = None,
            budget_tokens: int = 2000,
        ) -> Annotated[CallToolResult, dict[str, Any]]:
            """Fold the alarms."""
            arguments = {"from_time": from_time, "to_time": to_time, "budget": budget_tokens}
            return self._answer("summarize_alarms", arguments, ctx, lambda: self.summary)

        @server.tool()
        async def list_alarms(
            ctx: Context[Any],
            *,
            managed_object: str | None = None,
            from_time: str | None = None,
            to_time: str | None = None,
            handle: str | None = None,
            limit: int = 50,
        ) -> Annotated[CallToolResult, dict[str, Any]]:
            """List alarm records."""
            arguments: dict[str, Any] = {"managed_object": managed_object, "handle": handle}
            arguments |= {"from_time": from_time, "to_time": to_time, "limit": limit}
            return self._answer(
                "list_alarms", arguments, ctx, lambda: self._records(managed_object, handle)
            )

        @server.tool()
        async def get_alarm(
            ctx: Context[Any], alarm_id: str
        ) -> Annotated[CallToolResult, dict[str, Any]]:
            """Read an alarm."""
            return self._answer(
                "get_alarm", {"alarm_id": alarm_id}, ctx, lambda: self._alarm(alarm_id)
            )

        @server.tool()
        async def list_changes(
            ctx: Context[Any],
            from_time: str,
            to_time: str,
            *,
            around: list[str] | None = None,
            hops: int = 1,
            limit: int = 20,
        ) -> Annotated[CallToolResult, dict[str, Any]]:
            """List changes."""
            arguments: dict[str, Any] = {"from_time": from_time, "to_time": to_time}
            arguments |= {"around": around, "hops": hops, "limit": limit}
            return self._answer("list_changes", arguments, ctx, lambda: self.changes)

        @server.tool()
        async def get_neighbors(
            ctx: Context[Any], managed_object: str, hops: int = 1
        ) -> Annotated[CallToolResult, dict[str, Any]]:
            """List the links around an element."""
            arguments = {"managed_object": managed_object, "hops": hops}
            nothing = {"managed_object": managed_object, "links": [], "left_out": 0}
            return self._answer("get_neighbors", arguments, ctx, lambda: nothing)

        @server.tool()
        async def check_consistency(
            ctx: Context[Any], around: list[str] | None = None
        ) -> Annotated[CallToolResult, dict[str, Any]]:
            """Find contradictions."""
            nothing = Contradictions(findings=(), left_out=0, evidence={})
            return self._answer("check_consistency", {"around": around}, ctx, lambda: nothing)

        @server.tool()
        async def search_tickets(
            ctx: Context[Any], query: str, limit: int = 10
        ) -> Annotated[CallToolResult, dict[str, Any]]:
            """Search tickets."""
            return self._answer(
                "search_tickets", {"query": query, "limit": limit}, ctx, self._passages
            )

        @server.tool()
        async def search_documents(
            ctx: Context[Any], query: str, limit: int = 10
        ) -> Annotated[CallToolResult, dict[str, Any]]:
            """Search documents."""
            arguments = {"query": query, "limit": limit}
            return self._answer("search_documents", arguments, ctx, self._documents)

        @server.tool()
        async def get_ticket(
            ctx: Context[Any], ticket_id: str
        ) -> Annotated[CallToolResult, dict[str, Any]]:
            """Read a ticket."""
            arguments = {"ticket_id": ticket_id}
            return self._answer("get_ticket", arguments, ctx, lambda: self._ticket(ticket_id))

        @server.tool()
        async def find_similar_incidents(  # noqa: PLR0917 - as the site has it
            ctx: Context[Any],
            symptoms: list[str],
            managed_objects: list[str],
            probable_cause: str | None = None,
            done: list[str] = [],  # noqa: B006 - never changed
            limit: int = 5,
        ) -> Annotated[CallToolResult, dict[str, Any]]:
            """Find similar incidents."""
            review = await ticket_historian.review(
                _Shelf(self.tickets),
                symptoms=symptoms,
                managed_objects=managed_objects,
                probable_cause=probable_cause,
                done=done,
                limit=limit,
            )
            arguments = {"symptoms": symptoms, "managed_objects": managed_objects, "done": done}
            return self._answer("find_similar_incidents", arguments, ctx, lambda: review)

        @server.tool()
        async def confirm_cause(  # noqa: PLR0917 - a tool is called by name
            ctx: Context[Any],
            incident_id: str,
            symptoms: list[str],
            cause: str,
            reviewer: str,
            note: str = "",
            managed_object: str | None = None,
            proposed_cause: str | None = None,
            similar_tickets: list[str] = [],  # noqa: B006 - never changed
        ) -> Annotated[CallToolResult, dict[str, Any]]:
            """Record a cause."""
            arguments = {
                "incident_id": incident_id,
                "symptoms": symptoms,
                "cause": cause,
                "reviewer": reviewer,
                "note": note,
                "managed_object": managed_object,
                "proposed_cause": proposed_cause,
                "similar_tickets": similar_tickets,
            }
            decision = "confirmed" if proposed_cause == cause else "corrected"
            recorded = {"ticket_id": f"CAUSE-{incident_id}", "decision": decision}
            return self._answer("confirm_cause", arguments, ctx, lambda: recorded)

        return server

    def _answer(
        self, tool: str, arguments: dict[str, Any], ctx: Context[Any], work: Callable[[], Answer]
    ) -> CallToolResult:
        meta = dict(ctx.request_context.meta or {})
        self.calls.append(ReceivedCall(tool, arguments, meta))
        try:
            answer = self.faults.get(tool, work)()
        except TierwiseError as exc:
            told = {"code": exc.code, "rule": getattr(exc, "rule", None)}
            return CallToolResult(
                content=[TextContent(type="text", text=f"{exc.code}: {exc}")],
                is_error=True,
                _meta={"tierwise/error": told},
            )
        content = answer.model_dump(mode="json") if isinstance(answer, BaseModel) else answer
        return CallToolResult(content=[], structured_content=content, _meta=self._receipt(content))

    def _receipt(self, content: dict[str, Any]) -> dict[str, Any]:
        if self.form is None:
            return {}
        text = str(content)
        return {
            "tierwise/egress": {
                "decision_id": "site-double",
                "form": self.form,
                "masked": {},
                "tokens": estimate_tokens(text),
                "bytes": len(text.encode()),
                **self.says,
            }
        }

    def _records(self, managed_object: str | None, handle: str | None) -> Answer:
        """The first record of each group that is asked for."""
        lines = []
        evidence = {}
        for group in self.summary.groups:
            mine = managed_object in (None, group.managed_object.partition(":")[0])
            if not mine or handle not in (None, group.handle):
                continue
            key = f"alarm:{group.handle.removeprefix('group:')}"
            lines.append(
                {
                    "alarm_id": key,
                    "time": group.first.isoformat(),
                    "managed_object": group.managed_object,
                    "probable_cause": group.probable_cause,
                    "evidence_id": key,
                }
            )
            quoted = self.summary.evidence.get(key)
            if quoted is not None:
                evidence[key] = quoted.model_dump(mode="json")
        return {"total": len(lines), "left_out": 0, "alarms": lines, "evidence": evidence}

    def _alarm(self, alarm_id: str) -> Answer:
        for group in self.summary.groups:
            if group.handle.removeprefix("group:") == alarm_id:
                return {"records": [{"alarmRaisedTime": group.first.isoformat()}]}
        raise RecordNotFoundError("alarm", alarm_id, hint="list_alarms names them")

    def _ticket(self, ticket_id: str) -> Answer:
        for ticket in self.tickets:
            if ticket.ticket_id == ticket_id:
                return {"ticket": ticket.model_dump(mode="json")}
        raise RecordNotFoundError("ticket", ticket_id, hint="search_tickets names them")

    def _documents(self) -> Answer:
        passages = [
            {
                "id": f"{source}#checklist",
                "score": 1.0,
                "text": text,
                "source": source,
                "locator": "#checklist",
                "corpus": "docs",
            }
            for source, text in self.documents.items()
        ]
        return {"passages": passages, "left_out": 0, "evidence": {}}

    def _passages(self) -> Answer:
        passages = [_passage(ticket).model_dump(mode="json") for ticket in self.tickets]
        return {"passages": passages, "left_out": 0, "evidence": {}}


class _Shelf:
    """`TicketSearch` over a list: every ticket matches."""

    def __init__(self, tickets: Sequence[Ticket]) -> None:
        self._tickets = {ticket.ticket_id: ticket for ticket in tickets}

    async def search_tickets(self, query: str, *, limit: int = 10) -> Sequence[Citation]:
        return [_passage(ticket) for ticket in self._tickets.values()][:limit]

    async def get_ticket(self, ticket_id: str) -> Ticket:
        return self._tickets[ticket_id]


def _passage(ticket: Ticket) -> Citation:
    return Citation(
        id=f"{ticket.ticket_id}#close_note",
        score=1.0,
        text=ticket.close_note or ticket.title,
        source=ticket.ticket_id,
        locator="close_note",
        corpus="tickets",
    )


_ANY_HOST = TransportSecuritySettings(enable_dns_rebinding_protection=False)
"""A double is reached through lines that have addresses of their own."""


def _application(double: SiteDouble, started: Callable[[], None]) -> ASGIApp:
    servers = {name: double.tools() for name in ("alarms", "tickets", "configs")}
    routes: list[BaseRoute] = [
        route
        for name, server in servers.items()
        for route in server.streamable_http_app(
            streamable_http_path=f"/{name}/mcp",
            stateless_http=True,
            transport_security=_ANY_HOST,
        ).routes
    ]

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(_: Request) -> Response:
        return JSONResponse({"status": "ready"} | double.readiness)

    async def pseudonymize(request: Request) -> Response:
        words = (await request.json())["text"]
        for found in reversed(IdentifierDetector(DetectorSettings()).find(words)):
            words = f"{words[: found.start]}SUBSCRIBER_aaaaaaaaaaaa{words[found.end :]}"
        return JSONResponse({"text": words, "form": "pseudonymized", "masked": {}})

    routes += [
        Route("/healthz", alive),
        Route("/readyz", ready),
        Route("/pseudonymize", pseudonymize, methods=["POST"]),
    ]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with (
            servers["alarms"].session_manager.run(),
            servers["tickets"].session_manager.run(),
            servers["configs"].session_manager.run(),
        ):
            started()
            yield

    return _Guarded(Starlette(routes=routes, lifespan=lifespan), double)


_FOR_WATCHERS = ("/healthz", "/readyz")


class _Guarded:
    """Answers 401 to whoever lacks the token."""

    def __init__(self, app: ASGIApp, double: SiteDouble) -> None:
        self._app = app
        self._double = double

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        wanted = self._double.token
        if (
            scope["type"] == "http"
            and scope["path"] not in _FOR_WATCHERS
            and wanted is not None
            and headers.get(b"authorization") != f"Bearer {wanted}".encode()
        ):
            await PlainTextResponse("", status_code=401)(scope, receive, send)
            return
        await self._app(scope, receive, send)
