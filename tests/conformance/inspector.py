"""The Inspector's command line against the real servers of a sample site, with a token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.conformance.npm_tools import NpmTools

PROTOCOLS: Mapping[str, Literal["legacy", "modern"]] = {
    "2025-11-25": "legacy",
    "2026-07-28": "modern",
}
_CALL_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Inspected:
    """What the Inspector says about one tool, or about a server's list of tools."""

    server: str
    subject: str
    """A tool's name, or `tools/list`."""
    era: str
    problem: str | None


def inspect(
    tools: NpmTools, url: str, token: str, calls: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> list[Inspected]:
    """List and call every tool in both protocol eras.

    Args:
        tools: The installed Inspector.
        url: Base URL of a served site.
        token: A bearer token with every read scope.
        calls: Server -> tool -> arguments. A tool that is listed and not called here is a problem.
    """
    rows: list[Inspected] = []
    for server, wanted in calls.items():
        for era, protocol in PROTOCOLS.items():
            reach = [
                "--cli",
                *("--server-url", f"{url}/{server}/mcp"),
                *("--transport", "http", "--protocol-era", protocol),
                *("--header", f"Authorization: Bearer {token}", "--format", "json"),
            ]
            listed, problem = _asked(tools, [*reach, "--method", "tools/list", "--strict"])
            rows.append(Inspected(server, "tools/list", era, problem))
            names = {tool["name"] for tool in (listed or {}).get("tools", ())}
            rows += [
                Inspected(server, name, era, "listed, and not inspected")
                for name in sorted(names - wanted.keys())
            ]
            for name, arguments in wanted.items():
                call = ["--method", "tools/call", "--tool-name", name]
                given = ["--tool-args-json", json.dumps(arguments)]
                answer, problem = _asked(tools, [*reach, *call, *given])
                if problem is None and (answer or {}).get("isError"):
                    problem = str(answer)[:300]
                rows.append(Inspected(server, name, era, problem))
    return rows


def _asked(tools: NpmTools, arguments: list[str]) -> tuple[dict[str, Any] | None, str | None]:
    done = tools.run("mcp-inspector", arguments, timeout_s=_CALL_SECONDS)
    if done.returncode:
        return None, f"exit {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}"
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return None, f"no JSON: {done.stdout[:200]}"
    return answer.get("result", answer), None
