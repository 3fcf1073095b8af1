"""`approvals` and `epochs` as an operator types them, and certificates of the served site."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import sleep

import httpx
import pytest
import uvicorn
from click.testing import Result
from starlette.applications import Starlette
from typer.testing import CliRunner

from mcp_servers.cli import app
from mcp_servers.egress.approvals import new_request
from mcp_servers.egress.ledger import read_entries
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.serving.http_server import tls_options
from mcp_servers.site_directory import ServingSettings, SiteDirectory, SiteSettings, TlsSettings
from telecom.errors import RecordNotFoundError, SettingsError
from tests.mcp_servers.own_certificate import certificate


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "site.yaml").write_text("site_id: small\ncountry: DE\n")
    return folder


def typed(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def wait_in(site: Path) -> str:
    """Let one release wait, as the gate does."""
    host = SiteHost(SiteDirectory.open(site))
    request = new_request(
        principal="idp/u1",
        client="region",
        tier="region",
        tool="export",
        data_classes=("grey_area",),
        form="anonymized",
        tokens=3,
        payload='{"text":"what would leave"}',
        payload_sha256="ab" * 32,
        investigation="inc-1",
    )
    host.approval_desk.approvals.ask(request)
    host.close()
    return request.id


def test_an_operator_lists_reads_and_decides_what_waits(site: Path) -> None:
    """Issue 4: `tierwise-site approvals list|approve|deny DIR`; the ledger names who decided."""
    first, second = wait_in(site), wait_in(site)
    listed = json.loads(typed("approvals", "list", site, "--json").stdout)
    assert {each["id"] for each in listed} == {first, second}
    table = typed("approvals", "list", site).stdout
    assert all(word in table for word in (first, "export", "grey_area", "region on region"))
    assert typed("approvals", "show", site, first).stdout == '{"text":"what would leave"}\n'
    said = typed("approvals", "approve", site, first, "--by", "A. Keller")
    assert said.stdout == f"{first} approved by A. Keller\n"
    denied = json.loads(typed("approvals", "deny", site, second, "--json").stdout)
    assert denied["state"] == "denied"
    assert json.loads(typed("approvals", "list", site, "--json").stdout) == []
    events = [(entry.event, entry.note) for entry in read_entries(site / "store")]
    assert events[0] == ("approval_given", f"{first} by A. Keller")
    assert events[1][0] == "approval_denied"
    assert "approval given" in typed("ledger", "show", site).stdout


def test_a_request_that_does_not_exist_is_named(site: Path) -> None:
    """House style, errors: what was refused, then what would work."""
    for command in ("approve", "show"):
        failed = typed("approvals", command, site, "ap-000000000000")
        assert "ap-000000000000" in str(failed.exception)


def test_an_epoch_is_begun_and_forgotten_by_command(site: Path) -> None:
    """Issue 4: keys rotate by epoch, an epoch is forgotten by destroying its key."""
    assert json.loads(typed("epochs", "list", site, "--json").stdout) == {
        "epochs": [1],
        "current": 1,
    }
    assert "epoch 2" in typed("epochs", "start", site).stdout
    assert typed("epochs", "forget", site, "1", "--yes").exit_code == 0
    assert json.loads(typed("epochs", "list", site, "--json").stdout)["epochs"] == [2]
    assert not (site / "store" / "keys" / "epochs" / "epoch-1.key").exists()
    failed = typed("epochs", "forget", site, "1", "--yes")
    assert isinstance(failed.exception, RecordNotFoundError)


@contextmanager
def https(site: SiteDirectory) -> Iterator[str]:
    options = tls_options(site, "127.0.0.1")
    server = uvicorn.Server(uvicorn.Config(Starlette(), port=0, log_config=None, **options))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        sleep(0.01)
    try:
        yield f"https://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def served(folder: Path, tls: TlsSettings | None) -> SiteDirectory:
    settings = SiteSettings(site_id="small", serving=ServingSettings(tls=tls))
    return SiteDirectory(folder, settings)


def test_a_site_serves_https_with_its_certificate(tmp_path: Path) -> None:
    """Issue 4: TLS settings for both ends; a client that does not know the authority refuses."""
    site = served(tmp_path, certificate(tmp_path))
    trusted = ssl.create_default_context(cafile=str(tmp_path / "site.pem"))
    with https(site) as url:
        assert httpx.get(url, verify=trusted, timeout=20).status_code == 404
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, timeout=20)


def test_a_certificate_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    """Us: a site never falls back to plain HTTP."""
    tls = certificate(tmp_path)
    (tmp_path / "site.key").write_text("no key")
    with pytest.raises(SettingsError, match=r"serving\.tls"):
        tls_options(served(tmp_path, tls), "127.0.0.1")
