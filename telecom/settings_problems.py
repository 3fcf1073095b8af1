"""What is wrong with a settings file, in the words of whoever wrote it.

No value is ever repeated: a setting may be a secret.
"""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import BaseModel, ValidationError


def unreadable(exc: Exception) -> str:
    """Why a YAML file cannot be read, with the line where its parser stopped.

    Args:
        exc: What opening, decoding or parsing it raised.
    """
    if isinstance(exc, OSError):
        return f"cannot be read: {exc.strerror}"
    # PyYAML's own, which knows where it was.
    mark = getattr(exc, "problem_mark", None)
    if mark is None:
        return f"cannot be read as YAML: {exc}"
    return f"cannot be read as YAML: line {mark.line + 1}: {getattr(exc, 'problem', None) or exc}"


def unfit(exc: ValidationError, model: type[BaseModel]) -> str:
    """Every setting that does not fit, by its path; a misspelt key with what it was meant to be.

    Args:
        exc: What `model` raised.
        model: The settings.
    """
    errors = exc.errors(include_input=False, include_url=False)
    problems = []
    for error in errors:
        path = tuple(map(str, error["loc"])) or ("settings",)
        problems.append(f"{'.'.join(path)}: {_said(error['type'], error['msg'], path[-1], model)}")
    return "; ".join(problems)


def _said(kind: str, message: str, last: str, model: type[BaseModel]) -> str:
    if kind == "missing":
        return "missing; give it a value"
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(last, sorted(_keys(model.model_json_schema())), n=1)
        return f"unknown key; did you mean {near[0]!r}?" if near else "unknown key; remove it"
    return message.removeprefix("Value error, ")


def _keys(schema: Any) -> set[str]:
    """Every name of a field in a JSON schema (of any shape, hence Any)."""
    if isinstance(schema, list):
        return set().union(*map(_keys, schema))
    if not isinstance(schema, dict):
        return set()
    own = set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
    return own.union(*map(_keys, schema.values()))
