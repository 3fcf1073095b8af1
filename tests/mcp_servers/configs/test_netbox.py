"""NetBox over a local double of its REST API: there, slow to page, lying, refusing, gone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("pynetbox", reason="the extra netbox is not installed")

from mcp_servers.configs.netbox_client import fetch_netbox
from mcp_servers.configs.netbox_snapshot import keep_netbox, read_netbox
from mcp_servers.ownership.site_operations import OwnedSite
from mcp_servers.site_directory import NetBoxSettings, SiteDirectory
from telecom.errors import OperatorError, SettingsError
from telecom.topology import Link, ManagedObject, Topology
from tests.mcp_servers.small_site import SITE_YAML, make_site

TOKEN = "0123456789abcdef0123456789abcdef01234567"
Answer = Callable[[str, dict[str, list[str]]], tuple[int, object]]


def end(base: str, device: str, port: str, kind: str = "dcim.interface") -> dict[str, Any]:
    """One end of a cable as NetBox 4 writes it."""
    return {
        "object_type": kind,
        "object_id": 1,
        "object": {
            "id": 1,
            "url": f"{base}/api/dcim/interfaces/1/",
            "display": port,
            "device": {
                "id": 1,
                "url": f"{base}/api/dcim/devices/1/",
                "display": device,
                "name": device,
            },
            "name": port,
        },
    }


def cable(base: str, number: int, a: list[Any], b: list[Any]) -> dict[str, Any]:
    """One cable as NetBox 4 writes it."""
    return {
        "id": number,
        "url": f"{base}/api/dcim/cables/{number}/",
        "display": f"#{number}",
        "type": "smf",
        "a_terminations": a,
        "b_terminations": b,
        "status": {"value": "connected", "label": "Connected"},
    }


class NetBoxDouble:
    """`GET /api/dcim/cables/`, two to a page."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Answer = self.page
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                double.asked.append(self.path)
                status, content = 403, {"detail": "Invalid token"}
                if self.headers.get("Authorization", "").endswith(TOKEN):
                    parts = urlsplit(self.path)
                    status, content = double.answer(parts.path, parse_qs(parts.query))
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/api/dcim/cables/")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.cables = [
            cable(
                self.url,
                1,
                [end(self.url, "PE1", "Hu0/0/0/1")],
                [end(self.url, "pe2", "Hu0/0/0/1")],
            ),
            cable(self.url, 2, [end(self.url, "pe1", "Gi0/9")], []),
            cable(
                self.url,
                3,
                [end(self.url, "pe2", "Gi0/3")],
                [end(self.url, "panel", "7", "dcim.frontport")],
            ),
            cable(self.url, 4, [end(self.url, "pe3", "et1")], [end(self.url, "pe4", "et2")]),
        ]

    def page(self, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        """Two cables, and where the next two are."""
        assert path == "/api/dcim/cables/"
        offset = int(query.get("offset", ["0"])[0])
        more = offset + 2 < len(self.cables)
        return 200, {
            "count": len(self.cables),
            "next": f"{self.url}{path}?limit=2&offset={offset + 2}" if more else None,
            "previous": None,
            "results": self.cables[offset : offset + 2],
        }

    @contextmanager
    def listening(self) -> Iterator[NetBoxDouble]:
        """Answer until left."""
        thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            thread.join()
            self.server.server_close()


@pytest.fixture
def netbox() -> Iterator[NetBoxDouble]:
    """A NetBox that answers."""
    with NetBoxDouble().listening() as double:
        yield double


def settings(folder: Path, url: str) -> NetBoxSettings:
    """How a site names it."""
    (folder / "netbox.token").write_text(TOKEN)
    return NetBoxSettings(url=url, token_file=Path("netbox.token"))


def test_cables_between_interfaces_become_links(tmp_path: Path, netbox: NetBoxDouble) -> None:
    """Issue 7: NetBox (pynetbox, tested against a local HTTP double of its REST API)."""
    topology = Topology.of([Link(ManagedObject("pe1"), ManagedObject("pe9"))])
    keep_netbox(tmp_path, fetch_netbox(settings(tmp_path, netbox.url), tmp_path))
    reading = read_netbox(tmp_path, topology)
    assert [f"{each.link.a} {each.link.b}" for each in reading.links] == [
        "pe1:Hu0/0/0/1 pe2:Hu0/0/0/1",
        "pe3:et1 pe4:et2",
    ]
    assert {each.source for each in reading.links} == {"netbox"}
    assert reading.links[0].locator.startswith("netbox:cable/1@20")
    assert all(path.startswith("/api/dcim/cables/") for path in netbox.asked)


@pytest.mark.parametrize(
    "answer",
    [
        lambda _path, _query: (500, b"<html>oops " + TOKEN.encode()),
        lambda _path, _query: (200, b"<html>a login page</html>"),
        lambda _path, _query: (200, {"detail": "nothing like a list"}),
        lambda _path, _query: (302, {}),
        lambda _path, _query: (
            200,
            {"count": 9, "next": "http://127.0.0.1:1/x", "previous": None, "results": []},
        ),
        lambda _path, _query: (200, b"[" * (17 << 20)),
    ],
)
def test_what_is_no_netbox_is_refused_without_its_words(
    tmp_path: Path, netbox: NetBoxDouble, answer: Answer
) -> None:
    """Brief: every external call has an answer to down, huge, lying; no token in a message."""
    netbox.answer = answer
    with pytest.raises(OperatorError) as refused:
        fetch_netbox(settings(tmp_path, netbox.url), tmp_path)
    assert "cannot be read" in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_a_missing_token_is_named(tmp_path: Path) -> None:
    """STYLE, errors: a person must act; the message names the file."""
    wanted = NetBoxSettings(url="https://netbox.example.net", token_file=Path("no.token"))
    with pytest.raises(SettingsError, match=r"no\.token cannot be read"):
        fetch_netbox(wanted, tmp_path)


def test_the_site_asks_netbox_on_ingest_and_lives_without_it(
    tmp_path: Path, netbox: NetBoxDouble
) -> None:
    """Issue 7: conflicts between sources shown; an outage costs freshness, nothing else."""
    site = make_site(tmp_path / "site")
    settings(site, netbox.url)
    (site / "site.yaml").write_text(
        SITE_YAML + f"netbox: {{url: '{netbox.url}', token_file: netbox.token}}\n"
    )
    netbox.cables[0]["b_terminations"] = [end(netbox.url, "pe3", "Hu0/0/0/7")]
    opened = OwnedSite(SiteDirectory.open(site))
    with closing(opened):
        assert _ingest(opened)["rejected"] == 0
        netbox.answer = lambda _path, _query: (503, {})
        assert _ingest(opened)["rejected"] == 1
        assert "the last reading stays in use" in (site / "store" / "rejects.jsonl").read_text()
        question = {"managed_object": "pe1:Hu0/0/0/1", "hops": 1}
        shown = opened.operations["list_neighbors"](question, lambda *_: None)
    told = {link["b"]["managed_object"]: link for link in shown}
    assert told["pe3:Hu0/0/0/7"]["sources"] == ["netbox"]
    assert told["pe3:Hu0/0/0/7"]["conflicts"] == [
        "topology and descriptions joins pe1:Hu0/0/0/1 to pe2:Hu0/0/0/1"
    ]


def _ingest(opened: OwnedSite) -> dict[str, int]:
    counts = opened.operations["ingest"]({"corpora": ["configs"]}, lambda *_: None)
    found: dict[str, int] = counts["configs"]
    return found
