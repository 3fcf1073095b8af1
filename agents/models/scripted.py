"""`ScriptedModel`: the shipped double of a language model.

It answers from a script or from a function of the request, keeps every request, and never opens a
connection. Use it to test agents, graphs and pages without a model.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

from agents.ports import ModelRequest, ModelTurn, ModelUsage, TextDelta, ToolCall
from telecom.errors import ModelUnavailableError
from telecom.tokens import estimate_tokens

Reply = str | tuple[ToolCall, ...] | ModelTurn | ModelUnavailableError
"""Text ends the turn, calls ask for tools, a turn is given as it is, an error is raised."""

Brain = Callable[[ModelRequest], Reply]
"""Answers a request; called once per turn."""


@dataclass
class ScriptedModel:
    """A `LanguageModel` that says what it was told to say."""

    script: Iterable[Reply] | Brain
    model_id: str = "scripted"
    requests: list[ModelRequest] = field(default_factory=list)
    """Every request, in order."""

    def __post_init__(self) -> None:
        self._brain = self.script if callable(self.script) else _reader(self.script, self.model_id)

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelTurn]:
        """Yield the scripted text word by word, then the turn.

        Raises:
            ModelUnavailableError: The script says so, or has come to its end.
        """
        self.requests.append(request)
        reply = self._brain(request)
        if isinstance(reply, ModelUnavailableError):
            raise reply
        turn = reply if isinstance(reply, ModelTurn) else self._turn(request, reply)
        for word in turn.text.split(" ") if turn.text else ():
            yield TextDelta(word + " ")
        yield turn

    def _turn(self, request: ModelRequest, reply: str | tuple[ToolCall, ...]) -> ModelTurn:
        text, calls = (reply, ()) if isinstance(reply, str) else ("", reply)
        read = [request.system, *(message.text for message in request.messages)]
        return ModelTurn(
            text=text,
            tool_calls=calls,
            stop_reason="tool_use" if calls else "end_turn",
            model_id=self.model_id,
            usage=ModelUsage(
                input_tokens=sum(map(estimate_tokens, read)), output_tokens=estimate_tokens(text)
            ),
        )


def _reader(script: Iterable[Reply], model_id: str) -> Brain:
    replies = deque(script)

    def read(_request: ModelRequest) -> Reply:
        if not replies:
            return ModelUnavailableError(model_id, "its script has come to its end")
        return replies.popleft()

    return read
