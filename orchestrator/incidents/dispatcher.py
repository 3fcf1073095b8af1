"""`Dispatcher`: hands what is in the outbox to the sinks; a dead sink delays nobody else's."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress

from orchestrator.incidents.outbox import Delivery, Outbox
from orchestrator.settings import Settings
from orchestrator.sinks.pinned_http import DeliveryError, PinnedHttp
from orchestrator.sinks.senders import deliver
from orchestrator.storage.state import State
from telecom.errors import SettingsError, StateUnavailableError

log = logging.getLogger(__name__)

_AT_ONCE = 2
"""Deliveries to one sink at the same time."""
_POLL_S = 1.0


class Dispatcher:
    """Delivers until it is told to stop."""

    def __init__(self, settings: Settings, state: State, *, http: PinnedHttp | None = None) -> None:
        self._sinks = {sink.name: sink for sink in settings.sinks}
        self._outbox = Outbox(state.database, settings)
        self._http = http or PinnedHttp()
        self._under_way: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until `stopping` is set; what is under way is finished."""
        while not stopping.is_set():
            if not await self.deliver_one():
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_S):
                        await stopping.wait()
        await asyncio.gather(*self._tasks)

    async def deliver_one(self) -> bool:
        """Start one delivery; False when none is due."""
        busy = [name for name, count in self._under_way.items() if count >= _AT_ONCE]
        try:
            delivery = await self._outbox.claim(busy=busy)
        except StateUnavailableError as exc:
            log.warning("%s", exc)
            return False
        if delivery is None:
            return False
        self._under_way[delivery.sink] += 1
        task = asyncio.create_task(self._hand_over(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _hand_over(self, delivery: Delivery) -> None:
        try:
            sink = self._sinks.get(delivery.sink)
            if sink is None:
                why = f"no sink is called {delivery.sink!r} any more"
                await self._outbox.failed(delivery, why, for_good=True)
                return
            await deliver(sink, delivery, self._http)
            await self._outbox.sent(delivery)
        except (DeliveryError, SettingsError) as exc:
            log.warning("delivery to %s failed: %s", delivery.sink, exc)
            hopeless = isinstance(exc, DeliveryError) and exc.for_good
            await self._outbox.failed(delivery, str(exc), for_good=hopeless)
        except StateUnavailableError as exc:
            log.warning("%s", exc)  # it is sent again under the same key
        finally:
            self._under_way[delivery.sink] -= 1
