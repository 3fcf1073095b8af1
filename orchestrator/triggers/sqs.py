"""`QueueConsumer`: EventBridge events from an SQS queue, stored before they are deleted.

A message that cannot be read is moved to the dead-letter queue with the reason, at once: the
queue's own redrive policy would move it without one, after having it read again and again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from orchestrator.incidents.inbox import Inbox, StormError
from orchestrator.service_settings import TriggerQueue, TriggerSource
from orchestrator.triggers.foreign import read_delivery
from orchestrator.triggers.sources import KnownSource
from telecom.errors import InvalidArgumentError, StateUnavailableError

log = logging.getLogger(__name__)

_LONG_POLL_S = 20
_BATCH = 10
"""Most messages of one receive."""
_PAUSE_S = 5.0
_REASON = "tierwise_reason"


class QueueConsumer:
    """Reads one queue until it is told to stop."""

    def __init__(
        self,
        queue: TriggerQueue,
        inbox: Inbox,
        *,
        accepted: Callable[[], None],
        long_poll_s: int = _LONG_POLL_S,
    ) -> None:
        """Prepare a consumer.

        Args:
            queue: The queue; credentials and endpoint are AWS's usual settings.
            inbox: Where triggers are stored.
            accepted: Called when one was stored.
            long_poll_s: How long a receive waits for the first message.
        """
        self._queue = queue
        self._inbox = inbox
        self._accepted = accepted
        self._long_poll_s = long_poll_s
        declared = TriggerSource.model_construct(
            name=queue.name, kind="eventbridge", sites=queue.sites
        )
        # Whoever may write to the queue is known to AWS; its URL keys the digests.
        self._source = KnownSource(declared, queue.url.encode(), None)
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix=f"sqs-{queue.name}")
        self._sqs: Any = None  # boto3's clients have no type

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until `stopping` is set."""
        while not stopping.is_set():
            try:
                await self.consume()
            except (BotoCoreError, ClientError) as exc:
                log.warning("queue %s: %s", self._queue.name, type(exc).__name__)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_PAUSE_S):
                        await stopping.wait()

    async def consume(self) -> int:
        """Receive once and deal with every message; how many there were."""
        received = await self._call(
            "receive_message",
            MaxNumberOfMessages=_BATCH,
            WaitTimeSeconds=self._long_poll_s,
            VisibilityTimeout=self._queue.visibility_seconds,
        )
        messages = received.get("Messages", [])
        await asyncio.gather(*(self._deal_with(message) for message in messages))
        return len(messages)

    @asynccontextmanager
    async def _hidden(self, message: Mapping[str, Any]) -> AsyncIterator[None]:
        """Keep a message from other consumers for the length of a block, however long it takes."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(self._queue.visibility_seconds / 2)
                with suppress(BotoCoreError, ClientError):  # it appears again: it is known then
                    await self._again_in(message, self._queue.visibility_seconds)

        beat = asyncio.create_task(keep())
        try:
            yield
        finally:
            beat.cancel()
            with suppress(asyncio.CancelledError):
                await beat

    async def _deal_with(self, message: Mapping[str, Any]) -> None:
        body = message["Body"].encode(errors="replace")
        try:
            reading = read_delivery("eventbridge", body, self._source)
            async with self._hidden(message):
                stored = [await self._inbox.accept(trigger) for trigger in reading.triggers]
        except InvalidArgumentError as exc:
            await self._bury(message, str(exc))
        except StormError as exc:
            await self._again_in(message, exc.retry_after_s)
        except StateUnavailableError as exc:
            log.warning("%s", exc)  # it appears again
        else:
            await self._call("delete_message", ReceiptHandle=message["ReceiptHandle"])
            if any(one.outcome == "accepted" for one in stored):
                self._accepted()

    async def _bury(self, message: Mapping[str, Any], reason: str) -> None:
        """Move a message to the dead-letter queue; it is there before it is gone here."""
        await self._call(
            "send_message",
            QueueUrl=self._queue.dead_letter_url,
            MessageBody=message["Body"],
            MessageAttributes={_REASON: {"DataType": "String", "StringValue": reason}},
        )
        await self._call("delete_message", ReceiptHandle=message["ReceiptHandle"])
        log.warning("queue %s: a message was moved to the dead letters", self._queue.name)

    async def _again_in(self, message: Mapping[str, Any], seconds: int) -> None:
        await self._call(
            "change_message_visibility",
            ReceiptHandle=message["ReceiptHandle"],
            VisibilityTimeout=min(seconds, 43_200),
        )

    async def _call(self, operation: str, **arguments: Any) -> Any:
        if self._sqs is None:
            config = Config(connect_timeout=5, read_timeout=self._long_poll_s + 10)
            self._sqs = boto3.client("sqs", config=config)
        arguments.setdefault("QueueUrl", self._queue.url)
        call = partial(getattr(self._sqs, operation), **arguments)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
