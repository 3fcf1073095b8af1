"""What is made elsewhere and decides on a site: signed, promoted, refused, rolled back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from typer.testing import CliRunner

from mcp_servers.artifacts.in_force import open_trusted_embedder, shelf_of
from mcp_servers.artifacts.signed_files import TrustedKeys, sign_file
from mcp_servers.cli import app
from mcp_servers.commands.opening import open_site
from mcp_servers.egress.gate import Release
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.ownership.site_operations import OwnedSite
from mcp_servers.serving.identity import READ_SCOPES, Caller
from mcp_servers.site_directory import SiteDirectory
from placement.catalogue_file import REFERENCE_CATALOGUE
from placement.rules import REFERENCE_RULES
from rag.model_artifact import ensure_artifact
from telecom.errors import (
    EgressRefusedError,
    PolicyError,
    SignatureRefusedError,
)

REGION = Caller("test/region", "test", "region", "region", READ_SCOPES, "http")
RELEASE = Release(REGION, "search_documents", ("vendor_docs",))
RELEASE_KEY, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def typed(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site that trusts one key."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "site.yaml").write_text(
        "site_id: north\ncountry: DE\nartifacts: {trusted_keys: [release.pub]}\n"
    )
    (folder / "release.pub").write_bytes(public_pem(RELEASE_KEY))
    return folder


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A policy that keeps vendor documents on the site, not signed yet."""
    folder = tmp_path / "released"
    folder.mkdir()
    text = REFERENCE_CATALOGUE.read_text(encoding="utf-8")
    begin = text.index("  vendor_docs:")
    closed = text[begin:].replace("boundary: any", "boundary: site", 1)
    (folder / "catalogue.yaml").write_text(text[:begin] + closed, encoding="utf-8")
    shutil.copyfile(REFERENCE_RULES, folder / "rules.cedar")
    return folder


def policy_in(folder: Path) -> list[Path]:
    return [folder / "catalogue.yaml", folder / "rules.cedar"]


def sign(folder: Path, version: str = "2026.1", key: Ed25519PrivateKey = RELEASE_KEY) -> None:
    for file in policy_in(folder):
        sign_file(file, kind="policy", version=version, key=key)


@contextmanager
def owned(folder: Path) -> Iterator[SiteHost]:
    with open_site(folder) as access:
        owner = access.own_or_fail()
        assert isinstance(owner.opened, OwnedSite)
        yield owner.opened.host


def test_a_signed_policy_decides_at_once_and_is_rolled_back(
    site: Path, released: Path, tmp_path: Path
) -> None:
    """Issue 12: promotion by version with a signature that is verified on the site before load."""
    pem = tmp_path / "release.pem"
    pem.write_bytes(RELEASE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files = policy_in(released)
    signed = typed("artifact", "sign", "policy", *files, "--version", "2026.1", "--key", pem)
    assert signed.exit_code == 0, signed.exception
    with owned(site) as host:
        host.gate.release({"text": "guide"}, RELEASE)
        promoted = typed("artifact", "promote", site, "policy", *files, "--json")
        assert json.loads(promoted.stdout) == {"kind": "policy", "in_force": "2026.1"}
        with pytest.raises(EgressRefusedError):
            host.gate.release({"text": "guide"}, RELEASE)
        verified = json.loads(typed("artifact", "verify", site, "--json").stdout)
        assert {(each["version"], each["refused"]) for each in verified[:2]} == {("2026.1", None)}
        again = typed("artifact", "promote", site, "policy", *files)
        assert "promoted before" in str(again.exception)
        back = typed("artifact", "rollback", site, "policy", "--json")
        assert json.loads(back.stdout)["in_force"] is None
        host.gate.release({"text": "guide"}, RELEASE)


def test_a_promoted_policy_outlives_a_restart(site: Path, released: Path) -> None:
    """Issue 12: promotion by version."""
    sign(released)
    assert typed("artifact", "promote", site, "policy", *policy_in(released)).exit_code == 0
    with owned(site) as host, pytest.raises(EgressRefusedError):
        host.gate.release({"text": "guide"}, RELEASE)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda folder: (folder / "rules.cedar.sig").unlink(), "not signed"),
        (lambda folder: _append(folder / "catalogue.yaml"), "altered since"),
        (lambda folder: sign(folder, key=STRANGER), "does not trust"),
        (lambda folder: _reword(folder / "rules.cedar.sig", "2026.1", "2026.2"), "was altered"),
        (
            lambda folder: sign_file(
                folder / "rules.cedar", kind="policy", version="2025.9", key=RELEASE_KEY
            ),
            "another version",
        ),
        (
            lambda folder: sign_file(
                folder / "rules.cedar", kind="filter", version="2026.1", key=RELEASE_KEY
            ),
            "signed as filter",
        ),
    ],
    ids=["unsigned", "altered", "stranger", "other name", "mixed", "other kind"],
)
def test_what_no_trusted_key_signed_as_it_is_changes_nothing(
    site: Path, released: Path, spoil, why: str
) -> None:
    """Issue 12: tampered artifact or policy: refused, last good stays."""
    sign(released)
    spoil(released)
    with owned(site) as host:
        refused = typed("artifact", "promote", site, "policy", *policy_in(released))
        assert why in str(refused.exception)
        assert host.gate.release({"text": "guide"}, RELEASE).value == {"text": "guide"}
    assert shelf_of(SiteDirectory.open(site), "policy").promotions == []


def _append(file: Path) -> None:
    file.write_text(file.read_text() + "\n# one more line\n")


def _reword(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new))


def test_a_policy_tampered_with_on_the_sites_disk_leaves_the_last_good_one(
    site: Path, released: Path
) -> None:
    """Issue 12: refused, last good stays; at the next start nothing is served."""
    sign(released)
    with owned(site) as host:
        assert typed("artifact", "promote", site, "policy", *policy_in(released)).exit_code == 0
        catalogue = site / "store" / "artifacts" / "policy" / "2026.1" / "catalogue.yaml"
        catalogue.write_bytes(REFERENCE_CATALOGUE.read_bytes())
        with pytest.raises(EgressRefusedError):
            host.gate.release({"text": "guide"}, RELEASE)
        assert host.live_policy.status.state == "last_good"
        assert typed("artifact", "verify", site).exit_code == 1
    host = SiteHost(SiteDirectory.open(site))
    with pytest.raises(PolicyError, match="altered since it was signed"):
        host.check()
    host.close()


def test_an_unsigned_policy_of_site_yaml_is_refused_once_a_key_is_trusted(
    site: Path, released: Path
) -> None:
    """Issue 12: a laptop without a trusted key goes on; with one, a signature is required."""
    text = "site_id: north\ncountry: DE\npolicy: {catalogue: ../released/catalogue.yaml}\n"
    (site / "site.yaml").write_text(text)
    with owned(site) as host:
        host.check()
        unsigned = typed("artifact", "promote", site, "policy", released / "rules.cedar", "--json")
        assert json.loads(unsigned.stdout)["in_force"].startswith("unsigned-")
    (site / "site.yaml").write_text(text + "artifacts: {trusted_keys: [release.pub]}\n")
    host = SiteHost(SiteDirectory.open(site))
    with pytest.raises(PolicyError, match="not signed"):
        host.check()
    host.close()


def test_an_embedding_model_is_opened_only_as_it_was_signed(site: Path, tmp_path: Path) -> None:
    """Issue 12: the embedding artifact by version, its signature verified before load."""
    opened = SiteDirectory.open(site)
    trust = TrustedKeys.of(opened)
    folder = shutil.copytree(
        ensure_artifact().folder, tmp_path / "built" / ensure_artifact().folder.name
    )
    (folder / "manifest.json.sig").unlink(missing_ok=True)
    refused = typed("artifact", "promote", site, "embedding", folder)
    assert isinstance(refused.exception, SignatureRefusedError)
    sign_file(folder / "manifest.json", kind="embedding", version="e1", key=RELEASE_KEY)
    assert typed("artifact", "promote", site, "embedding", folder).exit_code == 0
    assert open_trusted_embedder(opened, trust).embed(["link down"]).shape == (1, 384)
    promoted = opened.store / "artifacts" / "embedding" / "e1" / folder.name
    _append(promoted / "manifest.json.sig")
    _reword(promoted / "manifest.json.sig", '"e1"', '"e2"')
    with pytest.raises(SignatureRefusedError):
        open_trusted_embedder(opened, trust)
