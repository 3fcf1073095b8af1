"""The notifier: queued envelopes go to the cloud half, in order, through the egress gate.

Each attempt is released anew: the policy of that moment decides, and the ledger has the envelope
before the wire does. An outage costs no release, because a connection is tried first.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import ValidationError

from mcp_servers.egress.gate import EgressGate, Release
from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.serving.identity import Caller
from mcp_servers.watching.cloud_link import Answer, CloudLink
from mcp_servers.watching.envelope_queue import EnvelopeQueue, Waiting
from telecom.envelope import LARGEST_ENVELOPE_BYTES, EnvelopeReceipt, SiteEnvelope
from telecom.errors import BudgetExceededError, EgressRefusedError

FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0
"""Seconds between attempts that reached somebody and got no receipt."""
LONGEST_SILENCE = 4.0
"""Seconds between looks for a connection: what is queued moves within 10 s of its return."""
_CLASSES = ("alarms_raw", "network_config")
"""Counts and codes of alarms, names of elements: what rankings declare, too."""

_logger = logging.getLogger(__name__)


class Notifier:
    """Drains a queue to one cloud half. One thread calls it."""

    def __init__(
        self,
        queue: EnvelopeQueue,
        link: CloudLink,
        gate: EgressGate,
        ledger: EgressLedger,
        *,
        tier: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Join the parts.

        Args:
            queue: What waits.
            link: Where it goes.
            gate: Through what.
            ledger: Its head travels with each envelope.
            tier: Tier instance that the cloud half runs on, as `site.yaml` says; None is outside.
            clock: Seconds that never go back.
        """
        self._queue = queue
        self._link = link
        self._gate = gate
        self._ledger = ledger
        self._caller = Caller(
            principal="notifier",
            issuer="site.yaml",
            client="cloud",
            tier=tier,
            scopes=frozenset(),
            transport="http",
        )
        self._clock = clock
        self._failures = 0
        self._not_before = float("-inf")
        self.problem: str | None = None
        """Why the last attempt gave no receipt; None after one that did."""

    def send_due(
        self,
        *,
        received: Callable[[SiteEnvelope, EnvelopeReceipt], None],
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Send what waits until it is all received, something is in the way, or `stopping`."""
        while not stopping() and self._clock() >= self._not_before:
            waiting = self._queue.first()
            if waiting is None:
                return
            answer = self._try(waiting)
            if answer.receipt is not None:
                self._queue.delivered(waiting)
                self._recover()
                received(waiting.envelope, answer.receipt)
            elif answer.kind == "set_aside":
                self._queue.set_aside(waiting, answer.why)
                self._recover()
                _logger.error("an envelope was set aside: %s", answer.why)
            else:
                self._wait(answer)

    def _try(self, waiting: Waiting) -> Answer:
        if not self._link.is_reachable():
            return Answer("unreachable", "no connection")
        try:
            body = self._released(waiting)
        except BudgetExceededError as exc:
            return Answer("later", f"the site's own egress budget is used up ({exc.budget})")
        except EgressRefusedError as exc:
            return Answer("later", f"the site's policy lets no envelope out (rule {exc.rule})")
        except ValidationError:
            return Answer("set_aside", "what the gate leaves of it is no envelope")
        self._queue.tried(waiting)
        return self._link.send(waiting.envelope.envelope_id, body)

    def _released(self, waiting: Waiting) -> bytes:
        since = self._queue.unreachable_since
        envelope = waiting.envelope.model_copy(
            update={
                "ledger_head": self._ledger.head,
                "unreachable_since": since,
                "second_look": waiting.envelope.second_look or since is not None,
            }
        )
        released = self._gate.release(
            envelope.model_dump(mode="json"),
            Release(self._caller, "notify", _CLASSES, investigation=envelope.incident_id),
        )
        checked = SiteEnvelope.model_validate(released.value)
        body = json.dumps(released.value, ensure_ascii=False, separators=(",", ":")).encode()
        if len(body) > LARGEST_ENVELOPE_BYTES or checked.envelope_id != envelope.envelope_id:
            raise EgressRefusedError(
                "an envelope that lost its id or its size", rule="gate.envelope"
            )
        return body

    def _recover(self) -> None:
        self._failures = 0
        self.problem = None
        if self._queue.unreachable_since is not None:
            self._queue.unreachable_since = None

    def _wait(self, answer: Answer) -> None:
        """Come back later: soon where nobody answers, slower and slower where somebody refuses."""
        self.problem = answer.why
        self._failures += 1
        longest = LONGEST_SILENCE if answer.kind == "unreachable" else LONGEST_WAIT
        wait = answer.wait_seconds
        if wait is None:
            # Sites that were cut off together must not come back in step.
            wait = min(longest, FIRST_WAIT * 2 ** min(self._failures - 1, 16))
            wait *= random.uniform(0.5, 1.0)  # noqa: S311 - no secret hangs on it
        self._not_before = self._clock() + wait
        if self._queue.unreachable_since is None:
            self._queue.unreachable_since = datetime.now(UTC)
