"""Feeds measured round trips into an operator's catalogue file: bounded, visible, all or nothing.

Only the `rtt_ms` lines change, so the file keeps its comments and its order. The new file is
validated as a whole and then takes the place of the old one in one step, so that whoever follows
it reads either one or the other.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from placement.catalogue import RoundTrip
from placement.catalogue_file import REFERENCE_CATALOGUE, validate_catalogue
from placement.latency import RoundTripUpdate
from placement.yaml_document import Document, parse_document, read_document
from telecom.errors import PolicyError, PolicyProblem

_SECTIONS = {"tier": "tiers", "endpoint": "model_endpoints"}
_LINE = re.compile(r"^(?P<head>\s*rtt_ms:\s*)(?:\{[^{}]*\}|null|~)?(?P<tail>\s*(?:#.*)?)$")


def write_round_trips(path: Path, updates: Sequence[RoundTripUpdate]) -> tuple[str, ...]:
    """Put proposed round trips into the catalogue at `path`.

    Returns:
        The changed lines as a reader of a difference sees them: `-` the old, `+` the new.

    Raises:
        PolicyError: The catalogue does not validate before or after, is the shipped one, or states
            a round trip in a way that cannot be replaced line by line.
    """
    if path.resolve() == REFERENCE_CATALOGUE.resolve():
        why = "this is the shipped reference; copy it and name the copy"
        raise PolicyError([PolicyProblem(str(path), None, why)])
    document = read_document(path)
    lines = path.read_text(encoding="utf-8").splitlines()
    shown: list[str] = []
    added = 0
    for update in sorted(updates, key=lambda each: _line_of(document, each) or 0):
        if update.proposed is None:
            continue
        number = _line_of(document, update)
        if number is None:
            why = f"has no {update.section} {update.tier!r} with a line of its own"
            raise PolicyError([PolicyProblem(str(path), None, why)])
        index = number - 1 + added
        stated = (_SECTIONS[update.section], update.tier, "rtt_ms") in document.lines
        old = lines[index]
        if stated:
            found = _LINE.match(old)
            if found is None:
                why = "write rtt_ms on one line, as {p50: ..., p95: ..., p99: ..., basis: ...}"
                raise PolicyError([PolicyProblem(str(path), number, why)])
            lines[index] = f"{found['head'].rstrip()} {_worded(update.proposed)}{found['tail']}"
            shown += [f"-{number}: {old.strip()}", f"+{number}: {lines[index].strip()}"]
        else:
            indent = " " * (len(old) - len(old.lstrip()) + 2)
            lines.insert(index + 1, f"{indent}rtt_ms: {_worded(update.proposed)}")
            added += 1
            shown.append(f"+{number + 1}: {lines[index + 1].strip()}")
    if shown:
        data = ("\n".join(lines) + "\n").encode()
        validate_catalogue(parse_document(data, name=str(path)))
        _replace(path, data)
    return tuple(shown)


def _line_of(document: Document, update: RoundTripUpdate) -> int | None:
    """The line of a tier's round trip, else of the tier."""
    tier = (_SECTIONS[update.section], update.tier)
    return document.lines.get((*tier, "rtt_ms")) or document.lines.get(tier)


def _worded(trip: RoundTrip) -> str:
    return f"{{p50: {trip.p50:.3f}, p95: {trip.p95:.3f}, p99: {trip.p99:.3f}, basis: {trip.basis}}}"


def _replace(path: Path, data: bytes) -> None:
    """Write beside the file, then rename over it: nobody ever reads half a catalogue."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(path.stat().st_mode & 0o777)
        Path(name).replace(path)
    except OSError as exc:
        Path(name).unlink(missing_ok=True)
        raise PolicyError(
            [PolicyProblem(str(path), None, f"cannot be written: {exc.strerror}")]
        ) from exc
