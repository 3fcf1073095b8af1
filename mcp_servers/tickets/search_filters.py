"""Filters of a search as tools and commands take them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Annotated, Any

from pydantic import Field, ValidationError

from rag.filters import SearchFilters
from telecom.errors import InvalidArgumentError
from telecom.schema import ProductModel
from telecom.times import parse_instant

Words = Annotated[str, Field(min_length=1, max_length=128)]


class TicketFilters(ProductModel):
    """Which tickets or documents to look at; every condition given must hold."""

    opened_since: Words | None = None
    """ISO 8601; without a zone in the site's."""
    opened_until: Words | None = None
    managed_objects: tuple[Words, ...] = Field(default=(), max_length=40)
    """Any of these; a bare device includes its ports."""
    severities: tuple[Words, ...] = Field(default=(), max_length=10)
    resolved: bool | None = None
    """Closed with a cause or a close note, or not."""
    site: Words | None = None
    technology: Words | None = None
    vendor: Words | None = None
    attributes: dict[Words, Words] = Field(default_factory=dict, max_length=10)
    """Any other column of the export, or line of a document's front matter."""

    def search_filters(self, zone: tzinfo) -> SearchFilters | None:
        """As the knowledge base takes them; None where nothing is restricted.

        Raises:
            InvalidArgumentError: A time cannot be read.
        """
        named = {
            name: value
            for name in ("site", "technology", "vendor")
            if (value := getattr(self, name)) is not None
        }
        filters = SearchFilters(
            opened_since=_instant(self.opened_since, zone),
            opened_until=_instant(self.opened_until, zone),
            managed_objects=self.managed_objects,
            severities=self.severities,
            resolved=self.resolved,
            attributes={**self.attributes, **named},
        )
        return filters if filters.restricts else None


def _instant(text: str | None, zone: tzinfo) -> datetime | None:
    return None if text is None else parse_instant(text, zone=zone)


def filters_of(fields: Mapping[str, Any], zone: tzinfo) -> SearchFilters | None:
    """Read filters from JSON (hence Any).

    Raises:
        InvalidArgumentError: A condition is unknown or malformed; names it.
    """
    try:
        return TicketFilters.model_validate(fields).search_filters(zone)
    except ValidationError as exc:
        problem = exc.errors(include_input=False, include_url=False)[0]
        name = ".".join(map(str, problem["loc"]))
        known = ", ".join(TicketFilters.model_fields)
        raise InvalidArgumentError(name, f"{name}: {problem['msg']}; filters: {known}") from exc
