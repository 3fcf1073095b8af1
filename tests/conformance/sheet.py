"""The conformance sheet in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from tests.conformance.fixture_server import RULES
from tests.conformance.inspector import Inspected
from tests.conformance.npm_tools import PACKAGES
from tests.conformance.suite import ERAS, NO_SITE_CLIENT, Era, Judged

_SUITE = PACKAGES["@modelcontextprotocol/conformance"]

Rows = Mapping[Era, Sequence[Judged]]


def totals(*parts: Rows) -> dict[Era, dict[str, int]]:
    """Checks that passed, failed for a stated reason, and failed, by era."""
    return {
        era: {
            "passed": sum(row.passed for part in parts for row in part[era]),
            "expected": _failed(parts, era, "expected"),
            "unexpected": _failed(parts, era, "unexpected"),
        }
        for era in ERAS
    }


def _failed(parts: Sequence[Rows], era: Era, verdict: str) -> int:
    return sum(row.failed for part in parts for row in part[era] if row.verdict == verdict)


def write(factory: Rows, servers: Rows, client: Rows, inspected: Sequence[Inspected]) -> str:
    """Write the sheet."""
    return "\n".join(_lines(factory, servers, client, inspected)) + "\n"


def _lines(
    factory: Rows, servers: Rows, client: Rows, inspected: Sequence[Inspected]
) -> Iterator[str]:
    yield "# Conformance with the Model Context Protocol"
    yield ""
    yield (
        "Written by `make conformance`, which installs the public suite "
        f"(`@modelcontextprotocol/conformance` {_SUITE}) and "
        f"the Inspector ({PACKAGES['@modelcontextprotocol/inspector']}) from npm and runs them "
        f"against this product on `mcp` {version('mcp')}. Both protocol eras are spoken on the "
        "same port: 2025-11-25 with a handshake, 2026-07-28 without."
    )
    yield ""
    yield "| checks | " + " | ".join(ERAS) + " |"
    yield "|---|" + "---|" * len(ERAS)
    counted = totals(factory, servers, client)
    for name in ("passed", "expected", "unexpected"):
        yield f"| {name} | " + " | ".join(str(counted[era][name]) for era in ERAS) + " |"
    yield ""
    yield (
        "*Expected* are checks that a server of ours fails as shipped because one of its rules "
        "forbids what the check asks for. Each of these scenarios passes when that rule, and no "
        "other, is let go; the sheet is made only of such runs."
    )
    yield ""
    for rule, meaning in RULES.items():
        yield f"- **{rule}**: {meaning}."
    yield ""
    yield "## The server factory with the suite's fixtures"
    yield ""
    yield from _table(factory)
    yield ""
    yield "## The three servers of a sample site"
    yield ""
    yield "The scenarios that need no fixture tool, with a bearer token."
    yield ""
    yield from _table(servers)
    yield ""
    yield "## The orchestrator's site client"
    yield ""
    yield from _table(client)
    yield ""
    yield "Not run, because the client does not do it:"
    yield ""
    for prefix, why in NO_SITE_CLIENT.items():
        yield f"- `{prefix}{'*' if prefix.endswith(('/', '-')) else ''}`: {why}."
    yield ""
    yield "## The Inspector on every tool"
    yield ""
    yield (
        "`tools/list --strict` and a call of each tool, with a token. A call that answers an "
        "error, or a tool that is listed and was not called, is a problem."
    )
    yield ""
    yield from _inspector_table(inspected)


def _table(rows: Rows) -> Iterator[str]:
    yield "| scenario | " + " | ".join(ERAS) + " |"
    yield "|---|" + "---|" * len(ERAS)
    by_era = {era: {row.scenario: row for row in rows[era]} for era in ERAS}
    names = dict.fromkeys(row.scenario for era in ERAS for row in rows[era])
    for name in names:
        cells = (_cell(by_era[era].get(name)) for era in ERAS)
        yield f"| {name} | " + " | ".join(cells) + " |"


def _cell(row: Judged | None) -> str:
    if row is None:
        return ""
    if row.verdict == "passed":
        return f"{row.passed} passed" if row.passed else "does not apply"
    if row.verdict == "expected":
        return f"{row.passed} passed, {row.failed} by the rule {row.why}"
    return f"**{row.failed} failed**: {row.why}".replace("|", "/").replace("\n", " ")


def _inspector_table(inspected: Sequence[Inspected]) -> Iterator[str]:
    yield "| server | subject | " + " | ".join(ERAS) + " |"
    yield "|---|---|" + "---|" * len(ERAS)
    found = {(row.server, row.subject, row.era): row.problem for row in inspected}
    for server, subject in dict.fromkeys((row.server, row.subject) for row in inspected):
        cells = []
        for era in ERAS:
            if (server, subject, era) not in found:
                cells.append("")
                continue
            problem = found[server, subject, era]
            cells.append("ok" if problem is None else f"**{problem}**".replace("|", "/"))
        yield f"| {server} | {subject} | " + " | ".join(cells) + " |"
