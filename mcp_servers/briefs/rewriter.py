"""`SiteRewriter`: the site's small model, reached through the gate, and what became of its answer.

A model server is a destination like any other: its tier instance is declared in `site.yaml`, the
gate decides in which form the brief may go there, and the ledger has it before the model does. The
brief never waits long: one deadline for everything, and after a failure some time without trying.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from agents.brief import token_limit
from agents.fidelity import Fact
from agents.findings import AlarmSummary
from agents.rewriting import (
    RewritingRejectedError,
    check_rewriting,
    proofs_of,
    rewrite,
    stands_extracted,
    stands_rewritten,
)
from mcp_servers.briefs.edge_server import PAUSE_SECONDS, edge_caller, edge_model
from mcp_servers.egress.gate import EgressGate, Release
from mcp_servers.site_directory import EdgeModelServer
from telecom.errors import BudgetExceededError, EgressRefusedError, ModelUnavailableError
from telecom.tokens import estimate_tokens

_BRIEF_CLASSES = ("alarms_raw", "network_config")
"""What a brief quotes."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Rewritten:
    text: str
    given: str


class SiteRewriter:
    """Rewrites summaries' briefs; safe to use from several threads."""

    def __init__(self, server: EdgeModelServer, site_id: str, gate: EgressGate) -> None:
        """Prepare; nothing is called.

        Args:
            server: The model server as `site.yaml` declares it.
            site_id: Whose brief it is, for the ledger.
            gate: The one way out.
        """
        self._server = server
        self._gate = gate
        self._caller = edge_caller(server, site_id)
        self._model = edge_model(server)
        self._silent_until = float("-inf")

    def rewritten(
        self, summary: AlarmSummary, facts: Sequence[Fact], budget_tokens: int
    ) -> AlarmSummary:
        """The summary with the better brief, or with its own and the reason; never raises.

        Args:
            summary: With the extracted brief.
            facts: The facts of its window.
            budget_tokens: What was asked for.
        """
        limit = token_limit(budget_tokens, summary.tokens_before)
        try:
            answer = self._ask(summary.brief, limit)
            asserted = summary.root_cause_candidates[: max(1, summary.causes)]
            fidelity = check_rewriting(
                answer.text,
                answer.given,
                facts=facts,
                proofs=proofs_of(asserted),
                limit_tokens=limit,
            )
        except (EgressRefusedError, BudgetExceededError) as exc:
            return self._extracted(summary, f"the gate refused it ({exc.code})")
        except ModelUnavailableError as exc:
            self._silent_until = time.monotonic() + PAUSE_SECONDS
            return self._extracted(summary, f"the model did not answer: {exc}")
        except RewritingRejectedError as exc:
            return self._extracted(summary, f"the model's text was rejected: {exc}")
        return summary.model_copy(
            update={
                "brief": answer.text,
                "tokens_after": estimate_tokens(answer.text),
                "fidelity": fidelity,
                "rewriting": stands_rewritten(self._server.model),
            }
        )

    def _ask(self, brief: str, limit: int) -> _Rewritten:
        if time.monotonic() < self._silent_until:
            raise ModelUnavailableError(self._server.model, "it failed a moment ago; not asked")
        if self._gate.tier_of(self._caller).id != self._server.tier:
            raise EgressRefusedError(
                "the model server of site.yaml is on no tier instance that the catalogue declares",
                rule="gate.undeclared_model",
                remedy="edge_slm.tier names the tier instance where the server runs",
            )
        released = self._gate.release_text(
            brief,
            Release(caller=self._caller, tool="rewrite_brief", data_classes=_BRIEF_CLASSES),
        )
        given = str(released.value)
        # The caller may be inside an event loop of its own.
        with ThreadPoolExecutor(1, thread_name_prefix="edge-slm") as pool:
            text = pool.submit(asyncio.run, self._within_time(given, limit)).result()
        return _Rewritten(text, given)

    async def _within_time(self, given: str, limit: int) -> str:
        try:
            async with asyncio.timeout(self._server.seconds):
                return await rewrite(self._model, given, limit)
        except TimeoutError as exc:
            raise ModelUnavailableError(
                self._server.model, f"no finished answer within {self._server.seconds:g} s"
            ) from exc

    def _extracted(self, summary: AlarmSummary, why: str) -> AlarmSummary:
        _logger.info("extracted brief stands", extra={"model": self._server.model})
        return summary.model_copy(update={"rewriting": stands_extracted(self._server.model, why)})
