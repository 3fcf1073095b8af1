"""Resources and prompts beside the tools: declared like them, judged by the same gate.

A resource is a record that an answer may link to instead of quoting it whole. A prompt is a
question put well, which a client offers to the person in front of it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from mcp_servers.serving.identity import READ_SCOPES
from telecom.errors import SettingsError
from telecom.workload import DataClass

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://\S+")


@dataclass(frozen=True, slots=True)
class DeclaredResource:
    """A function that reads one record by its address."""

    uri: str
    """`scheme://name`, or a template such as `ticket://{ticket_id}` with the function's parameters.
    A server has one resource for each scheme."""
    function: Callable[..., str]
    """Synchronous, run in a thread of its own; its docstring is what a model reads."""
    data_classes: tuple[DataClass, ...]
    """Every class that may occur in it."""
    scope: str
    """What a caller's token must carry."""
    title: str
    mime_type: str = "text/plain"

    @property
    def scheme(self) -> str:
        """What its addresses begin with; empty when `uri` is none."""
        match = _SCHEME.fullmatch(self.uri)
        return match[1] if match else ""


@dataclass(frozen=True, slots=True)
class DeclaredPrompt:
    """A function that words a question; it knows nothing of the site but its arguments."""

    function: Callable[..., str]
    title: str

    @property
    def name(self) -> str:
        """The function's name is the prompt's."""
        return self.function.__name__


def check_resources(
    resources: Sequence[DeclaredResource],
    prompts: Sequence[DeclaredPrompt],
    *,
    known_classes: Collection[DataClass],
) -> None:
    """Refuse to serve what is not fully declared.

    Raises:
        SettingsError: Names every problem.
    """
    problems = [problem for resource in resources for problem in _problems(resource, known_classes)]
    schemes = [resource.scheme for resource in resources]
    problems += [
        f"two resources begin with {scheme}://"
        for scheme in sorted(set(schemes))
        if schemes.count(scheme) > 1
    ]
    problems += [
        f"prompt {prompt.name!r} has no docstring for a person to read"
        for prompt in prompts
        if not inspect.getdoc(prompt.function)
    ]
    if problems:
        raise SettingsError("resources that cannot be served: " + "; ".join(problems))


def _problems(resource: DeclaredResource, known_classes: Collection[DataClass]) -> Iterator[str]:
    if not resource.scheme:
        yield f"{resource.uri!r} is no address such as ticket://{{ticket_id}}"
    if not resource.data_classes:
        yield f"{resource.uri!r} declares no data class"
    for name in resource.data_classes:
        if name not in known_classes:
            yield f"{resource.uri!r} declares {name!r}, which the catalogue does not have"
    if resource.scope not in READ_SCOPES:
        yield f"{resource.uri!r} asks for the scope {resource.scope!r}, which is no read scope"
    if not inspect.getdoc(resource.function):
        yield f"{resource.uri!r} has no docstring for a model to read"
