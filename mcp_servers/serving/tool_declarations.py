"""What a tool has to declare before it may be served.

The egress gate decides by what a tool declares: which data classes its answer may hold, and where
a summary in it is measured. A tool that declares nothing cannot be judged, so it does not start.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from mcp.server.mcpserver import Context
from pydantic import BaseModel

from mcp_servers.serving.identity import CONFIRM_SCOPE, READ_SCOPES
from mcp_servers.serving.resource_links import Links
from telecom.errors import SettingsError
from telecom.workload import DataClass

LONGEST_NAME = 40
"""Gateways put a target's name in front of a tool's, and cut off at 64 characters."""

Twin = Callable[[dict[str, Any]], str]
"""Writes the text beside a structured answer, from the released JSON object (hence Any)."""


@dataclass(frozen=True, slots=True)
class DeclaredTool:
    """A tool function with what the gate has to know about its answer."""

    function: Callable[..., BaseModel]
    """Synchronous, run in a thread of its own; its docstring is what a model reads."""
    data_classes: tuple[DataClass, ...]
    """Every class that may occur in its answer."""
    scope: str
    """What a caller's token must carry."""
    twin: Twin
    title: str
    summary_field: str | None = None
    """Top-level field in which the summary obligation is measured; None is the whole answer."""
    records_a_decision: bool = False
    """Whether it writes down what a person decided; every other tool only reads."""
    links: Links | None = None
    """What an answer leads to, as resources that its server reads."""

    @property
    def name(self) -> str:
        """The function's name is the tool's."""
        return self.function.__name__

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of all that it takes."""
        return tuple(inspect.signature(self.function).parameters)

    @property
    def answer(self) -> type[BaseModel]:
        """The model that its answers follow."""
        hint = typing.get_type_hints(self.function).get("return")
        if not (inspect.isclass(hint) and issubclass(hint, BaseModel)):
            raise SettingsError(f"tool {self.name!r} must return a pydantic model, not {hint!r}")
        return hint


def check_declarations(tools: Sequence[object], *, known_classes: Collection[DataClass]) -> None:
    """Refuse to serve what is not fully declared.

    Args:
        tools: What somebody wants to serve; anything but a `DeclaredTool` is refused.
        known_classes: Data classes of the catalogue.

    Raises:
        SettingsError: Names every problem.
    """
    problems: list[str] = []
    names: set[str] = set()
    for tool in tools:
        if not isinstance(tool, DeclaredTool):
            name = getattr(tool, "__name__", type(tool).__name__)
            problems.append(f"{name!r} declares neither data classes nor a scope")
            continue
        problems += _problems(tool, known_classes)
        if tool.name in names:
            problems.append(f"{tool.name!r} is declared twice")
        names.add(tool.name)
    if problems:
        raise SettingsError("tools that cannot be served: " + "; ".join(problems))


def _problems(tool: DeclaredTool, known_classes: Collection[DataClass]) -> list[str]:
    problems = []
    if not tool.data_classes:
        problems.append(f"{tool.name!r} declares no data class")
    problems += [
        f"{tool.name!r} declares {name!r}, which the catalogue does not have"
        for name in tool.data_classes
        if name not in known_classes
    ]
    if tool.records_a_decision != (tool.scope == CONFIRM_SCOPE):
        problems.append(f"{tool.name!r} must record a decision exactly with {CONFIRM_SCOPE!r}")
    elif tool.scope not in {*READ_SCOPES, CONFIRM_SCOPE}:
        problems.append(f"{tool.name!r} asks for the scope {tool.scope!r}, which is no read scope")
    if len(tool.name) > LONGEST_NAME:
        problems.append(f"{tool.name!r} is longer than {LONGEST_NAME} characters")
    if not inspect.getdoc(tool.function):
        problems.append(f"{tool.name!r} has no docstring for a model to read")
    hints = typing.get_type_hints(tool.function)
    if any(inspect.isclass(hint) and issubclass(hint, Context) for hint in hints.values()):
        problems.append(f"{tool.name!r} asks for a Context, which leads past the gate")
    if tool.summary_field is not None and tool.summary_field not in tool.answer.model_fields:
        problems.append(f"{tool.name!r} measures {tool.summary_field!r}, which it does not answer")
    return problems
