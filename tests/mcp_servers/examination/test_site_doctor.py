"""`tierwise-site doctor`: a planted fault of each kind is found, and what to do is said."""

from __future__ import annotations

import json
import shutil
import socket
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from mcp_servers.cli import app
from mcp_servers.commands.opening import open_site
from tests.canned_server import canned
from tests.mcp_servers.artifacts.test_promotion import RELEASE_KEY, public_pem
from tests.mcp_servers.small_site import IMSI
from tests.mcp_servers.test_site_keys_commands import certificate


def typed(*arguments: str | Path, stdin: str = "") -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], input=stdin)


SITE = {
    "site_id": "small",
    "country": "DE",
    "callers": [{"issuer": "tierwise-site:small", "client": "region", "tier": "region"}],
}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with a ledger, a vault and two tickets."""
    folder = tmp_path_factory.mktemp("doctor") / "site"
    (folder / "tickets").mkdir(parents=True)
    (folder / "topology.csv").write_text(
        "device,port,remote_device,remote_port\npe1,Hu0/0,pe2,Hu0/0\n"
    )
    tickets = [{"ticket_id": f"INC{n}", "title": "fan failure"} for n in (1, 2)]
    (folder / "tickets" / "t.jsonl").write_text("".join(json.dumps(t) + "\n" for t in tickets))
    configure(folder)
    assert typed("ingest", folder).exit_code == 0
    assert typed("anonymize", folder, stdin=f"IMSI {IMSI}\n").exit_code == 0
    assert typed("backup", folder, "--to", folder.parent / "kept.tar.gz").exit_code == 0
    return folder


@pytest.fixture
def site(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "site")


def configure(folder: Path, **more: object) -> None:
    (folder / "site.yaml").write_text(yaml.safe_dump(SITE | more))


def examined(site: Path, *, code: int) -> dict[str, dict[str, str]]:
    shown = typed("doctor", site, "--json")
    assert shown.exit_code == code, shown.stdout + str(shown.exception)
    return {check["what"]: check for check in json.loads(shown.stdout)}


def test_a_sound_site_is_found_sound_also_while_it_is_served(site: Path) -> None:
    """Issue 12: disk, policy versions, index health, ledger, vault, backup; exit code 0."""
    with open_site(site) as owner:
        owner.own()
        checks = examined(site, code=0)
    checks.pop("disk of the store")
    assert {check["verdict"] for check in checks.values()} == {"ok"}
    assert checks["knowledge base"]["says"].startswith("2 passages; 2 of 2")
    assert "doctor" not in typed("doctor", site).stderr


def _other_bytes(file: Path, old: bytes, new: bytes) -> None:
    file.write_bytes(file.read_bytes().replace(old, new, 1))


FAULTS = {
    "ledger": lambda site: _other_bytes(site / "store" / "egress.jsonl", b'"region"', b'"nobody"'),
    "vault": lambda site: (site / "store" / "keys" / "epochs" / "epoch-1.key").unlink(),
    "keys": lambda site: (site / "store" / "keys" / "site_ed25519.pem").chmod(0o644),
    "policy": lambda site: configure(site, policy={"catalogue": "nowhere.yaml"}),
    "callers": lambda site: configure(
        site, callers=[{"issuer": "i", "client": "c", "tier": "moon"}]
    ),
    "topology": lambda site: (site / "topology.csv").write_text("device\n"),
    "certificate": lambda site: configure(
        site, serving={"tls": certificate(site).model_dump(mode="json", exclude_none=True)}
    ),
    "secret of prom": lambda site: (
        configure(site, intake={"sources": [{"name": "prom", "secret_file": "prom.secret"}]}),
        (site / "prom.secret").write_text("a secret that is long enough"),
        (site / "prom.secret").chmod(0o644),
    ),
}


@pytest.mark.parametrize("what", FAULTS)
def test_what_is_broken_fails_and_has_a_cure(site: Path, what: str) -> None:
    """Issue 12: certificates, keys, policy, ledger and vault; exit code 1, and what to do next."""
    FAULTS[what](site)
    check = examined(site, code=1)[what]
    assert (check["verdict"], bool(check["next"])) == ("fail", True)


def test_a_damaged_index_is_a_warning_because_words_are_still_found(site: Path) -> None:
    """Issue 12: index health."""
    for folder in (site / "store" / "knowledge").glob("chroma-*"):
        shutil.rmtree(folder)
    check = examined(site, code=0)["knowledge base"]
    assert (check["verdict"], "knowledge rebuild" in check["next"]) == ("warn", True)


def test_what_is_out_of_reach_is_a_warning_and_its_clock_is_not_checked(site: Path) -> None:
    """Issue 12: reach and clocks; a site that is cut off says `not checked`, not `ok`."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    (site / "cloud.secret").write_text("a shared secret of the two halves")
    configure(
        site,
        cloud={"url": nobody, "secret_file": "cloud.secret"},
        edge_slm={"base_url": f"{nobody}/v1", "model": "m", "tier": "outposts"},
        netbox={"url": nobody, "token_file": "t"},
    )
    checks = examined(site, code=0)
    verdicts = {what: checks[what]["verdict"] for what in ("cloud half", "small model", "NetBox")}
    assert verdicts == dict.fromkeys(verdicts, "warn")
    assert checks["clock"]["verdict"] == "not checked"


def test_a_clock_that_is_off_and_a_model_that_is_missing_are_found(site: Path) -> None:
    """Issue 12: clocks and model access."""
    answers = {"/healthz": (200, {}), "/v1/models": (200, {"data": [{"id": "other"}]})}
    (site / "cloud.secret").write_text("a shared secret of the two halves")
    with canned(answers, clock_off=timedelta(minutes=4)) as url:
        configure(
            site,
            cloud={"url": url, "secret_file": "cloud.secret"},
            edge_slm={"base_url": f"{url}/v1", "model": "wanted", "tier": "outposts"},
        )
        checks = examined(site, code=1)
    assert (checks["clock"]["verdict"], "NTP" in checks["clock"]["next"]) == ("fail", True)
    assert "wanted is not among the 1" in checks["small model"]["says"]


def test_a_tampered_artifact_is_found(site: Path) -> None:
    """Issue 12: artifact signatures; without any trusted key nothing has to be signed."""
    (site / "release.pub").write_bytes(public_pem(RELEASE_KEY))
    configure(site, artifacts={"trusted_keys": ["release.pub"]})
    checks = examined(site, code=1)
    assert "not signed" in checks["artifact: embedding"]["says"]
