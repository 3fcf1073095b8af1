"""`LocalModel`: the site's small model as an analyst of its own incidents, through the gate.

What it is given is released like any answer: masked as its tier asks, and in the ledger before the
model has it. It is asked once for an incident, without tools, and what it says is checked and
tested like everything else a model says.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

from anyio.to_thread import run_sync

from agents.ports import ModelRequest, ModelTurn, TextDelta
from agents.root_cause_analyst import PROFILE
from mcp_servers.briefs.edge_server import PAUSE_SECONDS, edge_caller, edge_model
from mcp_servers.egress.gate import EgressGate, Release
from mcp_servers.site_directory import EdgeModelServer
from telecom.errors import EgressRefusedError, ModelUnavailableError


class LocalModel:
    """A `LanguageModel` behind the site's gate."""

    def __init__(self, server: EdgeModelServer, site_id: str, gate: EgressGate) -> None:
        """Prepare; nothing is called.

        Args:
            server: The model server as `site.yaml` declares it.
            site_id: Whose incidents it reads, for the ledger.
            gate: The one way out.
        """
        self.model_id = server.model
        self.tier = server.tier
        """The tier instance where the server runs."""
        self._server = server
        self._gate = gate
        self._caller = edge_caller(server, site_id)
        self._model = edge_model(server)
        self._silent_until = float("-inf")

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelTurn]:
        """Ask with what the gate releases of the question; one deadline for everything.

        Raises:
            EgressRefusedError: The gate does not let the question out.
            ModelUnavailableError: It does not answer in time, or failed a moment ago.
        """
        if time.monotonic() < self._silent_until:
            raise ModelUnavailableError(self.model_id, "it failed a moment ago; not asked")
        if self._gate.tier_of(self._caller).id != self.tier:
            raise EgressRefusedError(
                "the model server of site.yaml is on no tier instance that the catalogue declares",
                rule="gate.undeclared_model",
                remedy="edge_slm.tier names the tier instance where the server runs",
            )
        incident_id = request.metadata.get("incident_id")
        release = Release(
            caller=self._caller,
            tool="reason",
            data_classes=PROFILE.data_classes,
            investigation=incident_id,
        )
        texts = [
            await run_sync(self._gate.release_text, message.text, release)
            for message in request.messages
        ]
        released = tuple(
            replace(message, text=str(text.value))
            for message, text in zip(request.messages, texts, strict=True)
        )
        try:
            async with asyncio.timeout(self._server.seconds):
                async for event in self._model.stream(replace(request, messages=released)):
                    yield event
        except (ModelUnavailableError, TimeoutError) as exc:
            self._silent_until = time.monotonic() + PAUSE_SECONDS
            if isinstance(exc, ModelUnavailableError):
                raise
            raise ModelUnavailableError(
                self.model_id, f"no finished answer within {self._server.seconds:g} s"
            ) from exc
