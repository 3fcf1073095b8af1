"""YAML with the line of every part, and without YAML's two traps for country codes and copies.

`NO` is Norway here, not false. A document that does not end with `...` is taken for half-written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from telecom.errors import PolicyError, PolicyProblem

_LARGEST_FILE = 4_000_000
_DEEPEST = 100
_SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML has it: every start of either half reads the catalogue."""

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A YAML document and the line of each of its parts."""

    name: str
    content: dict[str, Any]
    """Any: it is not validated yet."""
    lines: Mapping[Location, int]
    sha256: str

    def line(self, location: Location) -> int | None:
        """Find the line of `location`, or of the nearest part around it."""
        for end in range(len(location), -1, -1):
            if location[:end] in self.lines:
                return self.lines[location[:end]]
        return None

    def problem(self, location: Location, message: str) -> PolicyProblem:
        """Say what is wrong at `location`."""
        where = ".".join(map(str, location))
        return PolicyProblem(self.name, self.line(location), f"{where}: {message}")


def read_document(path: Path) -> Document:
    """Read a YAML file without judging its content.

    Raises:
        PolicyError: Missing, unreadable, not YAML, ambiguous or half-written.
    """
    try:
        data = path.read_bytes()
    except OSError as exc:
        why = "is missing" if isinstance(exc, FileNotFoundError) else f"cannot be read: {exc}"
        raise PolicyError(
            [PolicyProblem(str(path), None, f"the file {why}; restore it or name another")]
        ) from exc
    return parse_document(data, name=str(path))


def parse_document(data: bytes, *, name: str) -> Document:
    """Parse YAML bytes, keeping the line of every key and item.

    Raises:
        PolicyError: As for `read_document`.
    """
    if len(data) > _LARGEST_FILE:
        raise PolicyError([PolicyProblem(name, None, "larger than 4 MB: this is no catalogue")])
    loader = None
    try:
        loader = Loader(data.decode("utf-8"))
        node = loader.get_single_node()
        complete = loader.ended_explicitly
    except UnicodeDecodeError as exc:
        raise PolicyError([PolicyProblem(name, None, f"not UTF-8: {exc.reason}")]) from exc
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else None
        why = f"not YAML, or half-written: {exc.problem}"
        raise PolicyError([PolicyProblem(name, line, why)]) from exc
    except (yaml.YAMLError, RecursionError) as exc:
        raise PolicyError([PolicyProblem(name, None, f"not YAML: {exc}")]) from exc
    finally:
        if loader is not None:
            loader.dispose()
    if not isinstance(node, yaml.MappingNode):
        raise PolicyError([PolicyProblem(name, 1, "must be a mapping that begins `version: 1`")])
    problems: list[PolicyProblem] = []
    lines: dict[Location, int] = {(): 1}
    content = _content(node, (), lines, problems, name)
    if not complete:
        problems.append(
            PolicyProblem(
                name,
                node.end_mark.line + 1,
                "half-written? The last line of the file must be `...`",
            )
        )
    if problems:
        raise PolicyError(problems)
    return Document(name, content, lines, hashlib.sha256(data).hexdigest())


class Loader(_SAFE_LOADER):  # type: ignore[misc,valid-type]
    """Safe YAML without the country code NO turning false, aware of the end mark."""

    def __init__(self, text: str) -> None:
        self.ended_explicitly = _ends_explicitly(text)
        super().__init__(text)


Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag != "tag:yaml.org,2002:bool" or first in "tTfF"
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _ends_explicitly(text: str) -> bool:
    """Whether the first document ends with `...`.

    Raises:
        MarkedYAMLError: Not YAML, nested too deeply, or with anchors, aliases or tags.
    """
    depth = 0
    for event in yaml.parse(text, _SAFE_LOADER):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) is not None:
            raise _refused("anchors, aliases and tags are not supported", event)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise _refused(f"nested more than {_DEEPEST} deep", event)
        if isinstance(event, yaml.DocumentEndEvent):
            return bool(event.explicit)
    return False


def _refused(problem: str, event: yaml.Event) -> yaml.MarkedYAMLError:
    return yaml.composer.ComposerError(
        problem=problem,
        problem_mark=event.start_mark,  # type: ignore[arg-type]  # any mark will do
    )


def _content(
    node: yaml.Node,
    location: Location,
    lines: dict[Location, int],
    problems: list[PolicyProblem],
    name: str,
) -> Any:
    """Build plain values from nodes, noting lines and refusing what is ambiguous."""
    line = node.start_mark.line + 1
    lines.setdefault(location, line)
    if isinstance(node, yaml.MappingNode):
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key_line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key == "<<":
                problems.append(PolicyProblem(name, key_line, "keys must be plain words"))
                continue
            if key in built:
                first = lines[(*location, key)]
                problems.append(
                    PolicyProblem(
                        name, key_line, f"{key!r} is already given in line {first}: keep one"
                    )
                )
            lines[(*location, key)] = key_line
            built[key] = _content(value_node, (*location, key), lines, problems, name)
        return built
    if isinstance(node, yaml.SequenceNode):
        return [
            _content(item, (*location, index), lines, problems, name)
            for index, item in enumerate(node.value)
        ]
    constructor = yaml.SafeLoader("")
    try:
        return constructor.construct_object(node)
    except (yaml.YAMLError, ValueError) as exc:
        problems.append(PolicyProblem(name, line, f"cannot be read: {exc}"))
        return None
    finally:
        constructor.dispose()
