"""The JSON Schema of a model's answer: strict, and as short as it can be said."""

from __future__ import annotations

from functools import cache
from typing import Any

from agents.findings import Proposal

_SAID_ELSEWHERE = frozenset({"title", "description", "default"})
"""The prompt says what the keys mean; a constrained decoder reads none of this."""


@cache
def proposal_schema() -> dict[str, Any]:
    """JSON Schema of `Proposal`, hence Any; built once, so do not change it."""
    lean = _lean(Proposal.model_json_schema())
    assert isinstance(lean, dict)
    return lean


def _lean(value: Any, *, names: bool = False) -> Any:  # any JSON
    """Leave out what says nothing; `names` marks a mapping whose keys are names of ours."""
    if isinstance(value, list):
        return [_lean(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _lean(item, names=key in {"properties", "$defs"})
        for key, item in value.items()
        if names or key not in _SAID_ELSEWHERE
    }
