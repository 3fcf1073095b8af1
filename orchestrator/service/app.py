"""The HTTP application of `tierwise serve`: triggers, API, health and metrics.

The console mounts its page on the application that `build_app` returns; nothing here is under `/`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from orchestrator.incidents.overview import STATUSES
from orchestrator.service.running import RunningService
from orchestrator.service_settings import Principal, Scope
from orchestrator.triggers.routes import TriggerRoutes, problem, problem_of
from telecom.errors import InvalidArgumentError, StateUnavailableError, TierwiseError
from telecom.exposition import CONTENT_TYPE, Metric, exposition

Answer = Callable[[Request, Principal], Awaitable[Response]]

_MOST_INCIDENTS = 1000


def build_app(service: RunningService) -> Starlette:
    """Put the doors of a running service on one ASGI application."""
    triggers = TriggerRoutes(
        service.settings, service.callers, service.inbox, accepted=service.worker.wake
    )
    watchers = _Watchers(service, triggers)
    routes: list[BaseRoute] = [
        *triggers.routes(),
        *_Api(service).routes(),
        Route("/healthz", watchers.alive),
        Route("/readyz", watchers.ready),
        Route("/metrics", watchers.metrics),
    ]
    return Starlette(routes=routes)


class _Api:
    """`/api`: incidents and approvals, for principals with a token."""

    def __init__(self, service: RunningService) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        read: Scope = "incidents:read"
        return [
            Route("/api/incidents", self._for(read, self._incidents)),
            Route("/api/incidents/{id}", self._for(read, self._incident)),
            Route("/api/incidents/{id}/report", self._for(read, self._report)),
            Route(
                "/api/incidents/{id}/retry",
                self._for("incidents:write", self._retry),
                methods=["POST"],
            ),
            Route("/api/approvals", self._for(read, self._approvals)),
            Route(
                "/api/approvals/{id}/{decision:str}",
                self._for("approvals:decide", self._decide),
                methods=["POST"],
            ),
        ]

    def _for(self, scope: Scope, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def door(request: Request) -> Response:
            try:
                principal = self._service.callers.principal(scope, request.headers)
                return await answer(request, principal)
            except TierwiseError as exc:
                return problem_of(exc)

        return door

    async def _incidents(self, request: Request, _: Principal) -> Response:
        status = request.query_params.get("status")
        if status is not None and status not in STATUSES:
            raise InvalidArgumentError("status", f"status must be one of {', '.join(STATUSES)}")
        limit = request.query_params.get("limit", "100")
        if not limit.isdecimal() or not 1 <= int(limit) <= _MOST_INCIDENTS:
            raise InvalidArgumentError("limit", f"limit must be 1 to {_MOST_INCIDENTS}")
        found = await self._service.overview.incidents(status=status, limit=int(limit))
        return JSONResponse({"incidents": [asdict(one) for one in found]})

    async def _incident(self, request: Request, _: Principal) -> Response:
        found = await self._service.overview.incident(request.path_params["id"])
        return _unknown() if found is None else JSONResponse(asdict(found))

    async def _report(self, request: Request, _: Principal) -> Response:
        report = await self._service.overview.report(request.path_params["id"])
        return _unknown() if report is None else JSONResponse(report.model_dump(mode="json"))

    async def _retry(self, request: Request, _: Principal) -> Response:
        await self._service.overview.retry(request.path_params["id"])
        self._service.worker.wake()
        return JSONResponse({"status": "queued"}, status_code=202)

    async def _approvals(self, request: Request, _: Principal) -> Response:
        every = request.query_params.get("all") == "true"
        listed = await self._service.approvals.all(waiting_only=not every)
        on_sites = await self._service.approvals.on_sites()
        return JSONResponse(
            {
                "approvals": [asdict(one) for one in listed],
                "waiting_on_sites": [asdict(one) for one in on_sites],
            }
        )

    async def _decide(self, request: Request, principal: Principal) -> Response:
        decisions: Mapping[str, Any] = {"approve": "approved", "deny": "denied"}  # closed words
        word = request.path_params["decision"]
        if word not in decisions:
            raise InvalidArgumentError("decision", "decide with /approve or /deny")
        decided = await self._service.approvals.decide(
            request.path_params["id"], decisions[word], by=principal.name
        )
        return JSONResponse(asdict(decided))


class _Watchers:
    """Paths for those who watch the process; nothing of an incident is on them."""

    def __init__(self, service: RunningService, triggers: TriggerRoutes) -> None:
        self._service = service
        self._triggers = triggers

    async def alive(self, _: Request) -> Response:
        """The process serves."""
        return JSONResponse({"status": "alive"})

    async def ready(self, _: Request) -> Response:
        """Triggers can be stored and placed."""
        status = self._service.policies.status
        missing = ["policy"] if status.state == "closed" else []
        try:
            await self._service.overview.counts()
        except StateUnavailableError:
            missing.append("state")
        if missing:
            return JSONResponse({"status": "not ready", "missing": missing}, status_code=503)
        return JSONResponse({"status": "ready", "policy": status.state})

    async def metrics(self, _: Request) -> Response:
        """Figures for Prometheus."""
        try:
            return PlainTextResponse(exposition(await self._figures()), media_type=CONTENT_TYPE)
        except StateUnavailableError as exc:
            return problem_of(exc)

    async def _figures(self) -> Iterable[Metric]:
        service, down = self._service, self._service.sites.unreachable
        incidents = await service.overview.counts()
        deliveries = await service.overview.deliveries()
        return (
            Metric(
                "tierwise_triggers_total",
                "counter",
                "Triggers that this process answered.",
                [
                    ({"source": source, "outcome": outcome}, count)
                    for (source, outcome), count in self._triggers.counts.items()
                ],
            ),
            Metric(
                "tierwise_incidents",
                "gauge",
                "Incidents in the state.",
                [({"status": status}, count) for status, count in incidents.items()],
            ),
            Metric(
                "tierwise_deliveries",
                "gauge",
                "Deliveries to sinks in the state.",
                [({"status": status}, count) for status, count in deliveries.items()],
            ),
            Metric(
                "tierwise_investigations_running",
                "gauge",
                "Investigations that this process works on.",
                [({}, service.worker.running)],
            ),
            Metric(
                "tierwise_investigations_finished_total",
                "counter",
                "Investigations that this process brought to a report.",
                [({}, service.worker.finished)],
            ),
            Metric(
                "tierwise_investigation_failures_total",
                "counter",
                "Attempts of this process that ended without a report.",
                [({}, service.worker.failed_attempts)],
            ),
            Metric(
                "tierwise_site_reachable",
                "gauge",
                "1 when the site answered last, as far as this process knows.",
                [({"site": name}, name not in down) for name in service.sites.by_name],
            ),
        )


def _unknown() -> Response:
    return problem(404, "not_found", "no such incident, or it has no report yet")
