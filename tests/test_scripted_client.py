"""A client that knows nothing but what the tools say of themselves finds the cause.

It reads the list of tools, starts where the server's instructions tell it to, takes arguments only
from earlier answers, and stops when what it was told is enough.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from telecom.tokens import estimate_tokens
from tests.mcp_servers.small_site import run

ERAS = ("legacy", "auto")
"""A handshake, and whatever is newest."""
CALLS = 12
RESULT_TOKENS = 12_000


class Scripted:
    """Calls tools and keeps count of what it read."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.calls = 0
        self.tokens = 0

    async def first_tool(self) -> str:
        """The tool that the instructions say to start with."""
        names = {tool.name for tool in (await self._client.list_tools()).tools}
        starts = re.findall(r"Start with\s+(\w+)", self._client.instructions or "")
        return next(name for name in starts if name in names and "alarm" in name)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """One call; its text counts, because that is what a model reads."""
        result = await self._client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        self.calls += 1
        self.tokens += sum(estimate_tokens(block.text) for block in result.content)
        assert result.structured_content is not None
        return result.structured_content


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample site, ingested."""
    folder = tmp_path_factory.mktemp("scripted") / "site"
    assert run("init", folder, "--sample").code == 0
    assert run("ingest", folder).code == 0
    return folder


@pytest.mark.parametrize("mode", ERAS)
def test_the_cause_is_found_by_the_tools_own_hints(sample: Path, mode: str) -> None:
    """Issue 11: within 12 calls and 12,000 tokens of tool results, in each era."""
    truth = json.loads((sample / "truth.json").read_text())
    wanted = {cause["managed_object"].partition(":")[0] for cause in truth["root_causes"]}

    async def investigate() -> tuple[str, Scripted]:
        command = StdioServerParameters(
            command=str(Path(sys.executable).with_name("tierwise-site")),
            args=["stdio", str(sample)],
        )
        with anyio.fail_after(120):
            async with Client(command, mode=mode) as client:
                script = Scripted(client)
                folded = await script.call(await script.first_tool())
                suspects = [each["managed_object"] for each in folded["root_cause_candidates"][:3]]
                begin, end = folded["window"]
                day_before = begin.replace(begin[8:10], f"{int(begin[8:10]) - 1:02d}", 1)
                changes = await script.call(
                    "list_changes", from_time=day_before, to_time=end, around=suspects, limit=3
                )
                similar = await script.call(
                    "find_similar_incidents",
                    symptoms=[group["template"] for group in folded["groups"][:5]],
                    managed_objects=suspects,
                )
                await script.call("get_neighbors", managed_object=suspects[0])
                changed = [change["managed_object"] for change in changes["changes"]]
                named = next((each for each in suspects if each.partition(":")[0] in changed), None)
                assert similar["similar"] is not None
                return (named or suspects[0]).partition(":")[0], script

    cause, script = anyio.run(investigate)
    assert cause in wanted
    assert script.calls <= CALLS
    assert script.tokens <= RESULT_TOKENS, script.tokens
