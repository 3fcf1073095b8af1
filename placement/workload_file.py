"""Reads workloads as people write them: one for `place decide`, a list for the assessments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from placement.cost import AiFunction
from placement.yaml_document import Loader
from telecom.errors import InvalidArgumentError, SettingsError
from telecom.workload import WorkloadProfile

_NOT_READABLE = (yaml.YAMLError, ValueError, RecursionError)


def read_workload(text: str, *, name: str) -> WorkloadProfile:
    """Read one workload from JSON or YAML text.

    Raises:
        InvalidArgumentError: Not readable, or facts that do not fit; names every problem.
    """
    try:
        return WorkloadProfile.model_validate(_parse(text))
    except ValidationError as exc:
        raise InvalidArgumentError("workload", f"{name} is no workload: {_problems(exc)}") from exc
    except _NOT_READABLE as exc:
        raise InvalidArgumentError("workload", f"{name} is neither JSON nor YAML: {exc}") from exc


def read_functions(path: Path) -> tuple[AiFunction, ...]:
    """Read an operator's AI functions: a YAML or JSON list, or a mapping with `workloads`.

    Raises:
        SettingsError: Missing, not readable, or facts that do not fit; names every problem.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path} cannot be read: {exc}") from exc
    try:
        content = _parse(text)
    except _NOT_READABLE as exc:
        raise SettingsError(f"{path} is neither JSON nor YAML: {exc}") from exc
    entries = content.get("workloads") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise SettingsError(f"{path} must be a list of workloads, or have `workloads: [...]`")
    functions: list[AiFunction] = []
    problems: list[str] = []
    for index, entry in enumerate(entries):
        try:
            functions.append(AiFunction.model_validate(entry))
        except ValidationError as exc:
            label = entry.get("name", index) if isinstance(entry, dict) else index
            problems.append(f"{path}: workload {label!r}: {_problems(exc)}")
    if problems:
        raise SettingsError("\n".join(problems))
    return tuple(functions)


def _parse(text: str) -> Any:
    """Parse JSON, or else YAML; any shape, hence Any. Raises one of `_NOT_READABLE`."""
    try:
        return json.loads(text)
    except ValueError:
        pass  # YAML, then; JSON with tabs is not YAML, so JSON goes first
    return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader with stricter words


def _problems(exc: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, error['loc'])) or 'workload'}: {error['msg']}"
        for error in exc.errors(include_url=False, include_input=False)
    )
