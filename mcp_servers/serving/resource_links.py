"""Links in answers: what an answer names and does not hold whole, as addresses to read it by.

Links are made from what the gate released, like the text beside an answer: whoever follows one
asks the gate again, with `resources/read`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from telecom.resource_links import MOST_LINKS, knows_links, link

Json = Mapping[str, Any]
"""A JSON object, hence Any."""
Links = Callable[[Json], Iterable[tuple[str, str]]]
"""Names what to link to, from a released answer: scheme and id, best first."""

_PLACEHOLDER = frozenset("[]")
"""An id of which a part left as its kind alone leads nowhere."""


def linked(result: dict[str, Any], links: Links | None, protocol_version: str) -> dict[str, Any]:
    """Add a tool's links to its released result; an error and an older client get none."""
    answer = result.get("structuredContent")
    if links is None or not isinstance(answer, dict) or not knows_links(protocol_version):
        return result
    wanted = [pair for pair in dict.fromkeys(links(answer)) if not _PLACEHOLDER & set(pair[1])]
    return result | {
        "content": [*result["content"], *(link(*pair) for pair in wanted[:MOST_LINKS])]
    }


def decoded(asked: dict[str, Any]) -> dict[str, Any]:
    """What a request names, with its address as the resource will read it: `%32` hides nothing."""
    return asked | ({"uri": unquote(asked["uri"])} if isinstance(asked.get("uri"), str) else {})


def encoded(asked: dict[str, Any]) -> dict[str, Any]:
    """What a request names, with its address as an address again."""
    scheme, found, name = str(asked.get("uri")).partition("://")
    return asked | {"uri": link(scheme, name)["uri"]} if found else asked


def alarms_listed(answer: Json) -> Iterator[tuple[str, str]]:
    """The records of a list that does not quote them."""
    if not answer["evidence"]:
        yield from (("alarm", alarm["alarm_id"]) for alarm in answer["alarms"])


def alarms_cited(answer: Json) -> Iterator[tuple[str, str]]:
    """The records that speak for each suspect, where they are not quoted."""
    if answer["evidence"]:
        return
    for candidate in answer["root_cause_candidates"]:
        for key in candidate["evidence"]:
            scheme, _, alarm_id = key.partition(":")
            if scheme == "alarm":
                yield scheme, alarm_id.partition("#")[0]


def tickets_found(answer: Json) -> Iterator[tuple[str, str]]:
    """The whole tickets behind passages."""
    return (("ticket", passage["source"]) for passage in answer["passages"])


def tickets_alike(answer: Json) -> Iterator[tuple[str, str]]:
    """The whole tickets behind similar incidents."""
    return (("ticket", incident["ticket_id"]) for incident in answer["similar"]["incidents"])


def documents_found(answer: Json) -> Iterator[tuple[str, str]]:
    """The documents behind passages, from the passage on."""
    return (("doc", passage["id"]) for passage in answer["passages"])


def elements_changed(answer: Json) -> Iterator[tuple[str, str]]:
    """The configuration of what changed, as it is now."""
    return (("config", change["managed_object"]) for change in answer["changes"])


def blocks_listed(answer: Json) -> Iterator[tuple[str, str]]:
    """The configuration behind blocks that are named only."""
    if not answer["evidence"]:
        yield from (("config", block["managed_object"]) for block in answer["blocks"])


def elements_in_contradiction(answer: Json) -> Iterator[tuple[str, str]]:
    """The configuration of both sides, where their lines are not quoted."""
    if not answer["evidence"]:
        for finding in answer["findings"]:
            yield from (("config", each) for each in finding["managed_objects"])
