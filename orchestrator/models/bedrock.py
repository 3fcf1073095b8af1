"""`BedrockModel`: Amazon Bedrock's Converse API behind the `LanguageModel` port.

boto3 is synchronous, so each stream is read by a thread of a pool of its own. boto3 retries what
fails before the first byte of an answer; what breaks afterwards is retried here, as a whole turn.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import boto3
import urllib3.exceptions
from botocore.config import Config
from botocore.eventstream import ParserError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EventStreamError,
)

from agents.models.real_calls import check_call_allowed
from agents.ports import ModelRequest, ModelTurn, TextDelta
from orchestrator.models.converse import (
    PLAIN,
    Features,
    TokenPrice,
    TurnCollector,
    converse_parameters,
    features_of,
)
from telecom.errors import ModelUnavailableError

# What can come out of a stream after the 200: the service's own error, a broken or silent
# connection as botocore or urllib3 see it, and damaged framing.
_BROKEN_STREAM = (
    EventStreamError,
    BotoCoreError,
    urllib3.exceptions.HTTPError,
    ParserError,
    OSError,
)

_HOPELESS: Final = {
    "AccessDeniedException": "access is denied: enable the model for this account and role",
    "ResourceNotFoundException": "no such model in this Region",
    "ValidationException": "it refuses the request (an id that needs an inference profile, or "
    "a parameter it does not take)",
    "UnrecognizedClientException": "the AWS credentials are not valid",
    "ExpiredTokenException": "the AWS credentials have expired",
}


@dataclass(frozen=True, slots=True)
class BedrockSettings:
    """How Bedrock is reached."""

    model_id: str
    """Foundation model, inference profile or prompt router: id or ARN."""
    region: str | None = None
    """None takes boto3's own (`AWS_REGION`, profile)."""
    endpoint_url: str | None = None
    """None takes `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`, else the Region's endpoint."""
    first_token_s: float = 30.0
    """Longest wait for the first piece of an answer, and for each next one."""
    total_s: float = 120.0
    """Longest time for a turn, all attempts together."""
    attempts: int = 3
    """How often a turn is begun when its stream breaks."""
    features: Features | None = None
    """What the model takes; None goes by its family."""
    concurrency: int = 16
    """Calls in flight at once."""
    guardrail: str | None = None
    """ID:VERSION or ARN:VERSION of a guardrail that the service applies."""
    prices: Mapping[str, TokenPrice] = field(default_factory=dict)
    """Base model id -> price; without a row the cost stays unknown."""


_END: Final = object()


class _RequestRefusedError(ModelUnavailableError):
    """The service does not take the request as it is."""


class BedrockModel:
    """A `LanguageModel` on Amazon Bedrock; close it to end its threads."""

    def __init__(self, settings: BedrockSettings) -> None:
        self._settings = settings
        self._features = settings.features or features_of(settings.model_id)
        self.model_id = settings.model_id
        self._threads = ThreadPoolExecutor(settings.concurrency, thread_name_prefix="bedrock")
        try:
            self._client = boto3.session.Session().client(
                "bedrock-runtime",
                region_name=settings.region,
                endpoint_url=settings.endpoint_url,
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": 3},
                    max_pool_connections=settings.concurrency,
                    connect_timeout=min(10.0, settings.first_token_s),
                    read_timeout=settings.first_token_s,
                ),
            )
        except (BotoCoreError, ValueError) as exc:
            raise ModelUnavailableError(settings.model_id, f"boto3 says: {exc}") from exc
        check_call_allowed(settings.model_id, self._client.meta.endpoint_url)

    def close(self) -> None:
        """Close connections and end idle threads; a stream being read ends at its next event."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelTurn]:
        """Yield text as it comes and the finished turn last; a broken stream is repeated whole.

        Raises:
            ModelUnavailableError: Unreachable, refusing, too slow or broken at every attempt.
        """
        settings = self._settings
        deadline = time.monotonic() + settings.total_s
        attempt = 0
        while True:
            attempt += 1
            try:
                async for event in self._attempt(request, deadline):
                    yield event
            except _RequestRefusedError:
                if self._features == PLAIN:
                    raise
                # A family gains and loses features; the prompt alone says what is wanted, too.
                self._features = PLAIN
                attempt -= 1
            except ModelUnavailableError as exc:
                if not exc.retryable or attempt == settings.attempts:
                    raise
            else:
                return

    async def _attempt(
        self, request: ModelRequest, deadline: float
    ) -> AsyncIterator[TextDelta | ModelTurn]:
        """Read one stream from its thread, within the deadlines."""
        collector = TurnCollector(self.model_id)
        reader = _StreamReader(self._client, self._parameters(request), self.model_id)
        started = time.monotonic()
        loop = asyncio.get_running_loop()
        loop.run_in_executor(self._threads, reader.read, loop)
        try:
            while True:
                event = await self._next(reader, deadline)
                if event is _END:
                    break
                if isinstance(event, ModelUnavailableError):
                    raise event
                if collector.ttft_ms is None and "messageStart" not in event:
                    collector.ttft_ms = (time.monotonic() - started) * 1000
                if text := collector.take(event):
                    yield TextDelta(text)
        finally:
            reader.abandon()
        yield collector.turn(self._settings.prices)

    def _parameters(self, request: ModelRequest) -> dict[str, Any]:
        return converse_parameters(
            request, self.model_id, features=self._features, guardrail=self._settings.guardrail
        )

    async def _next(self, reader: _StreamReader, deadline: float) -> Any:  # boto3's event dicts
        left = deadline - time.monotonic()
        patience = min(self._settings.first_token_s, left)
        try:
            async with asyncio.timeout(max(0.0, patience)):
                return await reader.events.get()
        except TimeoutError as exc:
            if left <= self._settings.first_token_s:
                why, again = f"no finished answer within {self._settings.total_s:g} s", False
            else:
                why, again = f"silent for {self._settings.first_token_s:g} s", True
            raise ModelUnavailableError(self.model_id, why, retryable=again) from exc


class _StreamReader:
    """Reads one response in a thread and hands its events to the event loop."""

    def __init__(self, client: Any, parameters: dict[str, Any], model_id: str) -> None:
        self._client = client
        self._parameters = parameters
        self._model_id = model_id
        self._abandoned = threading.Event()
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        """Event dicts, then `_END` or the `ModelUnavailableError` that ended it."""

    def abandon(self) -> None:
        """Nobody reads on: let the thread go at the next event."""
        self._abandoned.set()

    def read(self, loop: asyncio.AbstractEventLoop) -> None:
        """Runs in the thread, to the end of the stream."""
        outcome: object = _END
        try:
            with _mapped(self._model_id, begun=False):
                stream = self._client.converse_stream(**self._parameters)["stream"]
            with _mapped(self._model_id, begun=True):
                try:
                    for event in stream:
                        if self._abandoned.is_set():
                            return
                        self._hand_over(loop, event)
                finally:
                    stream.close()
        except ModelUnavailableError as exc:
            outcome = exc
        self._hand_over(loop, outcome)

    def _hand_over(self, loop: asyncio.AbstractEventLoop, item: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(self.events.put_nowait, item)


@contextmanager
def _mapped(model_id: str, *, begun: bool) -> Iterator[None]:
    """Turn everything boto3 and its transport can raise into one error.

    boto3 has retried what failed before an answer `begun`; what breaks after that nobody has.
    """
    try:
        yield
    except EventStreamError as exc:
        code = exc.response.get("Error", {}).get("Code", "")
        raise ModelUnavailableError(
            model_id, f"the stream broke off ({code})", retryable=code != "validationException"
        ) from exc
    except ClientError as exc:
        error = exc.response.get("Error", {})
        code = error.get("Code", "")
        why = _HOPELESS.get(code, f"the service answered {code} after boto3's own retries")
        if code == "ValidationException" and "on-demand" not in error.get("Message", ""):
            raise _RequestRefusedError(model_id, why) from exc
        raise ModelUnavailableError(model_id, why) from exc
    except _BROKEN_STREAM as exc:
        name = type(exc).__name__
        why = {
            "NoCredentialsError": "there are no AWS credentials",
            "ParamValidationError": "boto3 refuses the request",
        }.get(name, f"the connection failed ({name})")
        raise ModelUnavailableError(model_id, why, retryable=begun) from exc
