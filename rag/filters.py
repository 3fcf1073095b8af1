"""Which sources a search may look at, by what their records say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SearchFilters:
    """Every condition given must hold; an empty one does not restrict."""

    opened_since: datetime | None = None
    opened_until: datetime | None = None
    managed_objects: tuple[str, ...] = ()
    """Any of these; a bare device includes its ports."""
    severities: tuple[str, ...] = ()
    resolved: bool | None = None
    """Tickets that were closed with a cause or a close note, or the others."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What an export or a document's front matter says beyond our columns: `vendor`, `site`..."""

    @property
    def restricts(self) -> bool:
        """Whether any condition is given."""
        return self != SearchFilters()


def where_clause(filters: SearchFilters | None) -> tuple[str, tuple[object, ...]]:
    """An SQL condition over the table `sources s`, with its arguments."""
    conditions: list[str] = ["1"]
    arguments: list[object] = []

    def require(condition: str, *values: object) -> None:
        conditions.append(condition)
        arguments.extend(values)

    if filters is None:
        return "1", ()
    if filters.opened_since is not None:
        require("s.opened_at >= ?", filters.opened_since.timestamp())
    if filters.opened_until is not None:
        require("s.opened_at <= ?", filters.opened_until.timestamp())
    if filters.managed_objects:
        names = [name.lower() for name in filters.managed_objects]
        require(
            *_any_of(
                {
                    "s.device": [each for each in names if ":" not in each],
                    "s.managed_object": [each for each in names if ":" in each],
                }
            )
        )
    if filters.severities:
        require(*_any_of({"s.severity": [name.upper() for name in filters.severities]}))
    if filters.resolved is not None:
        require("s.resolved = ?", filters.resolved)
    for name, value in filters.attributes.items():
        require(
            "lower(json_extract(s.attributes, ?)) = ?", f"$.{attribute_name(name)}", value.lower()
        )
    return " AND ".join(conditions), tuple(arguments)


def _any_of(columns: Mapping[str, list[str]]) -> tuple[str, ...]:
    """A condition that any of the columns has one of its values, and the values."""
    conditions = [
        f"{column} IN ({','.join('?' * len(values))})"
        for column, values in columns.items()
        if values
    ]
    values = [value for each in columns.values() for value in each]
    return f"({' OR '.join(conditions)})", *values


def attribute_name(name: str) -> str:
    """The form in which the names of attributes are stored: `Site Code` -> `site_code`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
