"""The bundle that a desktop client installs, run as the client would run it."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

from tests.command import served
from tests.heavy import heavy
from tests.mcp_servers.small_site import IMSI, MSISDN, make_site, run

ERAS = ("legacy", "2026-07-28")


@dataclass(frozen=True)
class Installed:
    """A served site, and its bundle unpacked where a client would have put it."""

    folder: Path
    url: str
    token: str

    @property
    def manifest(self) -> dict[str, Any]:
        """What the client reads."""
        content: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text())
        return content

    def started(self, *, url: str | None = None, token: str | None = None) -> StdioServerParameters:
        """How the client starts it, with the person's settings filled in."""
        config = self.manifest["server"]["mcp_config"]
        filled = {
            "${user_config.url}": url or self.url,
            "${user_config.token}": token or self.token,
            "${user_config.ca_file}": "",
        }
        return StdioServerParameters(
            command=sys.executable,  # what `python3` is on this machine
            args=["-I", *(arg.replace("${__dirname}", str(self.folder)) for arg in config["args"])],
            env={name: filled[value] for name, value in config["env"].items()},
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Serve a small site, bundle it, unpack the bundle."""
    root = tmp_path_factory.mktemp("desktop")
    site = make_site(root / "site")
    assert run("ingest", site).code == 0
    scopes = "alarms:read,tickets:read,configs:read"
    token = run("token", site, "--caller", "mcp-client", "--scopes", scopes).out.strip()
    with served(site) as url:
        address = f"{url}/all/mcp"
        done = run("bundle", site, "--url", address, "-o", root / "site.mcpb")
        assert done.code == 0, done.err
        with zipfile.ZipFile(root / "site.mcpb") as bundle:
            bundle.extractall(root / "unpacked")
        yield Installed(root / "unpacked", address, token)


def use(parameters: StdioServerParameters, mode: str, tool: str, **arguments: Any) -> Any:
    """List the tools, then call one."""

    async def run_client() -> Any:
        with anyio.fail_after(60):
            async with Client(parameters, mode=mode) as client:
                names = {tool.name for tool in (await client.list_tools()).tools}
                assert tool in names
                return await client.call_tool(tool, arguments)

    return anyio.run(run_client)


def refusal(parameters: StdioServerParameters) -> str:
    """Why a client cannot connect."""

    async def connect() -> None:
        with anyio.fail_after(60):
            async with Client(parameters, mode="legacy"):
                raise AssertionError("it connected")

    with pytest.RaisesGroup(pytest.RaisesExc(MCPError), flatten_subgroups=True) as heard:
        anyio.run(connect)
    return str(heard.value.exceptions)


@heavy
@pytest.mark.parametrize("mode", ERAS)
def test_a_desktop_client_gets_answers_that_passed_the_gate(
    installed: Installed, mode: str
) -> None:
    """R23: MCP clients such as Claude Desktop use the servers; to the gate they are outside."""
    result = use(installed.started(), mode, "get_ticket", ticket_id="INC001")
    assert not result.is_error
    wire = result.model_dump_json()
    assert IMSI not in wire
    assert MSISDN not in wire
    assert result.meta["tierwise/egress"]["form"] == "anonymized"


def test_the_bundle_asks_for_the_token_and_holds_no_secret(installed: Installed) -> None:
    """Issue 11: the token comes from the client's key store."""
    assert installed.manifest["user_config"]["token"]["sensitive"] is True
    files = [file.read_text() for file in installed.folder.rglob("*") if file.is_file()]
    assert not any(installed.token in text for text in files)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"token": "not-a-token"}, "tierwise-site token"),
        ({"url": "http://127.0.0.1:9/all/mcp"}, "gave no answer"),
    ],
)
def test_what_goes_wrong_is_said_in_words_that_help(
    installed: Installed, settings: dict[str, str], said: str
) -> None:
    """Issue 11: errors that teach what to do."""

    assert said in refusal(installed.started(**settings))


def test_a_token_does_not_travel_in_the_clear(installed: Installed) -> None:
    """Ours: http is for this machine itself."""

    assert refusal(installed.started(url="http://noc.example.net:8700/all/mcp"))
