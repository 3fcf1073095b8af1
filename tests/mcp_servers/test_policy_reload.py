"""The gate follows its policy files without a restart: whole, or not at all."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from mcp.server.mcpserver import MCPServer

from mcp_servers.egress.gate import Release, detector_of
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.serving.http_app import build_app
from mcp_servers.serving.identity import READ_SCOPES, Caller
from mcp_servers.serving.log_output import MaskingFormatter
from mcp_servers.site_directory import SiteDirectory
from placement.catalogue_file import REFERENCE_CATALOGUE
from telecom.errors import EgressRefusedError, PolicyError
from tests.mcp_servers.fixture_tools import serving
from tests.mcp_servers.small_site import run

REGION = Caller("test/region", "test", "region", "region", READ_SCOPES, "http")
RELEASE = Release(REGION, "search_documents", ("vendor_docs",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A site with a catalogue of its own."""
    (tmp_path / "site.yaml").write_text(
        "site_id: north\ncountry: DE\npolicy: {catalogue: catalogue.yaml}\n"
    )
    (tmp_path / "catalogue.yaml").write_bytes(REFERENCE_CATALOGUE.read_bytes())
    return tmp_path


@contextmanager
def opened(folder: Path) -> Iterator[SiteHost]:
    host = SiteHost(SiteDirectory.open(folder))
    try:
        yield host
    finally:
        host.close()


def close_documents(folder: Path) -> str:
    """The catalogue with vendor documents bound to the site."""
    text = REFERENCE_CATALOGUE.read_text(encoding="utf-8")
    begin = text.index("  vendor_docs:")
    open_class, closed = "boundary: any", "boundary: site"
    assert open_class in text[begin:]
    return text[:begin] + text[begin:].replace(open_class, closed, 1)


def test_an_edited_catalogue_decides_the_next_release(folder: Path) -> None:
    """R2: routing changes without a restart."""
    with opened(folder) as host:
        before = host.gate.release({"text": "guide"}, RELEASE)
        (folder / "catalogue.yaml").write_text(close_documents(folder), encoding="utf-8")
        with pytest.raises(EgressRefusedError) as refused:
            host.gate.release({"text": "guide"}, RELEASE)
        assert refused.value.rule == "site-boundary"
        (folder / "catalogue.yaml").write_bytes(REFERENCE_CATALOGUE.read_bytes())
        after = host.gate.release({"text": "guide"}, RELEASE)
    assert before.decision_id == after.decision_id


def test_a_half_written_catalogue_leaves_the_last_good_one_in_force(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Issue: atomic; otherwise the last good one stays, and the log names file, line and cure."""
    whole = close_documents(folder)
    with opened(folder) as host:
        before = host.gate.release({"text": "guide"}, RELEASE)
        (folder / "catalogue.yaml").write_text(whole[: len(whole) * 2 // 3], encoding="utf-8")
        with caplog.at_level(logging.ERROR, logger="placement.live"):
            after = host.gate.release({"text": "guide"}, RELEASE)
        assert host.live_policy.status.state == "last_good"
        (folder / "catalogue.yaml").write_text(whole, encoding="utf-8")
        with pytest.raises(EgressRefusedError):
            host.gate.release({"text": "guide"}, RELEASE)
    assert before.decision_id == after.decision_id
    formatter = MaskingFormatter(detector_of(SiteDirectory.open(folder).settings))
    line = formatter.format(caplog.records[0])
    assert "policy not reloaded" in line
    assert "catalogue.yaml:" in line


def test_a_policy_that_never_validated_serves_nothing(folder: Path) -> None:
    """Issue: missing at start = closed, with an error that names the file."""
    (folder / "catalogue.yaml").unlink()
    with opened(folder) as host, pytest.raises(PolicyError, match=r"catalogue\.yaml"):
        host.check()


def test_readiness_says_which_policy_decides(folder: Path) -> None:
    """Issue: `/readyz` says so; a site with its last good policy goes on, so it stays ready."""
    with opened(folder) as host:
        application = build_app(
            {"none": MCPServer("none")},
            host.verifier,
            host.site.settings.serving,
            missing=host.missing,
            policy=lambda: host.live_policy.status,
        )
        with serving(application) as url:
            good = httpx.get(f"{url}/readyz")
            (folder / "catalogue.yaml").write_text("version: 1\n")
            broken = httpx.get(f"{url}/readyz")
    assert (good.status_code, good.json()["policy"]["state"]) == (200, "current")
    assert (broken.status_code, broken.json()["policy"]["state"]) == (200, "last_good")
    assert broken.json()["policy"]["problems"] > 0
    assert broken.json()["policy"]["loaded_at"] == good.json()["policy"]["loaded_at"]
    assert str(folder) not in broken.text


@pytest.mark.parametrize("bound", [False, True])
def test_the_gateways_rules_follow_the_sites_policy(folder: Path, bound: bool) -> None:
    """Issue: from the tool declarations a forbid for each tool that may never reach the Region."""
    if bound:
        (folder / "catalogue.yaml").write_text(close_documents(folder), encoding="utf-8")
    shown = run("gateway-policy", folder, "--gateway-arn", "arn:aws:x:gateway/noc")
    assert shown.code == 0, shown.err
    assert shown.out.count("permit (") == 1
    forbidden = shown.out.partition("forbid (")[2]
    assert ("tickets___search_documents" in forbidden) is bound
    assert not (folder / "store" / "vault.sqlite").exists()
