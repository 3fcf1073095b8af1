"""`BudgetedModel`: any model, until an investigation's tokens or money are used up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from agents.ports import LanguageModel, ModelRequest, ModelTurn, ModelUsage, TextDelta
from telecom.errors import BudgetExceededError
from telecom.tokens import estimate_tokens


@dataclass(slots=True)
class Purse:
    """What an investigation may still spend on models."""

    tokens: int
    usd: float

    def pay(self, usage: ModelUsage) -> None:
        """Take what a turn used, by the service's own counts."""
        self.tokens -= usage.input_tokens + usage.output_tokens
        self.tokens -= usage.cache_read_tokens + usage.cache_write_tokens
        self.usd -= usage.cost_usd or 0.0


class BudgetedModel:
    """A language model that is not asked what can no longer be paid for."""

    def __init__(self, model: LanguageModel, purse: Purse) -> None:
        self.model_id = model.model_id
        self._model = model
        self._purse = purse

    async def stream(self, request: ModelRequest) -> AsyncIterator[TextDelta | ModelTurn]:
        """As the model's own.

        Raises:
            BudgetExceededError: The request does not fit into what is left.
            ModelUnavailableError: As the model's own.
        """
        purse = self._purse
        if sum(map(estimate_tokens, _texts(request))) > purse.tokens:
            raise _spent("model_tokens", "its next turn does not fit into the tokens left")
        if purse.usd <= 0:
            raise _spent("model_usd", "the money for models is spent")
        async for event in self._model.stream(request):
            if isinstance(event, ModelTurn):
                purse.pay(event.usage)
            yield event


def _spent(budget: str, why: str) -> BudgetExceededError:
    return BudgetExceededError(budget, f"budgets.{budget}: {why}")


def _texts(request: ModelRequest) -> Iterator[str]:
    """What of a request a model reads."""
    yield request.system
    for message in request.messages:
        yield message.text
        yield from (outcome.text for outcome in message.tool_outcomes)
        yield from (str(call.arguments) for call in message.tool_calls)
    for tool in request.tools:
        yield f"{tool.name} {tool.description} {tool.input_schema}"
