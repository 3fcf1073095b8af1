"""Secrets: none survives, equal ones stay equal, what is no secret stays readable."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_servers.configs.block_tree import read_tree
from mcp_servers.configs.secret_stripping import SecretStripper, fingerprint_key
from tests.mcp_servers.configs import secret_corpus as corpus
from tests.mcp_servers.configs.vendor_configs import XML

KEY = b"k" * 32


@pytest.mark.parametrize(("vendor", "line", "found"), corpus.secret_lines())
def test_no_secret_of_the_corpus_survives(vendor: str, line: str, found: tuple[str, ...]) -> None:
    """Us: at least 150 lines over all vendors."""
    stripped = SecretStripper(KEY).strip(line)
    assert found
    for secret in found:
        assert secret not in stripped
    assert "<secret:" in stripped


def test_the_corpus_is_as_large_as_promised() -> None:
    """Us: at least 150 lines, eleven families of syntax."""
    lines = corpus.secret_lines()
    assert len(lines) >= 150
    assert len({vendor for vendor, _, _ in lines}) == 11


@pytest.mark.parametrize("line", corpus.HARMLESS)
def test_what_is_no_secret_stays_as_it_is(line: str) -> None:
    """Us: a configuration must stay readable, BGP communities above all."""
    assert SecretStripper(KEY).strip(line) == line


def test_every_netconan_case_is_stripped(shared_data: Callable[[str], Path]) -> None:
    """Us: the lines that netconan's own tests name."""
    cases = json.loads((shared_data("pii") / "netconan" / "sensitive_lines.json").read_text())
    stripper = SecretStripper(KEY)
    for group in cases.values():
        for template, secret in group:
            line = template.format(secret) if "{}" in template else template + secret
            assert secret not in stripper.strip(line)


def test_real_configurations_lose_their_secrets_and_nothing_else(
    shared_data: Callable[[str], Path],
) -> None:
    """Us: on the labs only user passwords are secret; every other line stays verbatim."""
    without_secrets = SecretStripper(KEY)
    for file in shared_data("configs_lab_validation").rglob("show_running-config.txt"):
        text = file.read_text()
        stripped = without_secrets.strip(text)
        for before, after in zip(text.split("\n"), stripped.split("\n"), strict=True):
            if before != after:
                assert before.strip().startswith(("username ", "secret "))


def test_an_equal_secret_has_an_equal_fingerprint_and_a_changed_one_shows() -> None:
    """Us: "the community changed" without the community."""
    strip = SecretStripper(KEY).strip
    assert strip("snmp-server community alpha RO") == strip("snmp-server community alpha RO")
    assert strip("snmp-server community alpha RO") != strip("snmp-server community beta RO")
    other_site = SecretStripper(b"o" * 32)
    assert other_site.fingerprint("alpha") != SecretStripper(KEY).fingerprint("alpha")


def test_stripping_twice_changes_nothing_more() -> None:
    """Us: stripped text may pass again, for instance in a commit message."""
    strip = SecretStripper(KEY).strip
    for _, line, _ in corpus.secret_lines():
        assert strip(strip(line)) == strip(line)


def test_key_material_over_several_lines_keeps_its_line_count() -> None:
    """Us: line numbers stay exact below a certificate."""
    text = (
        "crypto pki certificate chain SELF\n certificate self-signed 01\n"
        "  30820330 30820218 A0030201 02020101\n  quit\n"
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKC\nshort\n-----END RSA PRIVATE KEY-----\n"
        "interface Loopback0\n"
    )
    lines = SecretStripper(KEY).strip(text).split("\n")
    assert len(lines) == len(text.split("\n"))
    assert not {"MIIEpAIBAAKC", "short"} & {*lines}
    assert "30820330" not in "\n".join(lines)
    assert lines[8] == "interface Loopback0"


def test_a_community_is_secret_under_snmp_and_readable_under_policy() -> None:
    """Us: the same statement means two things, told by what encloses it."""
    text = (
        "snmp {\n    community public77 {\n        authorization read-only;\n    }\n}\n"
        "policy-options {\n    community BLUE members 65000:1;\n    policy-statement P {\n"
        "        then {\n            community add BLUE;\n        }\n    }\n}\n"
    )
    stripped = SecretStripper(KEY).strip(text)
    assert "public77" not in stripped
    assert stripped.count("BLUE") == 2


@pytest.mark.parametrize(
    "text",
    [
        'config system snmp community\n    edit 1\n        set name "Hidden77"\n    next\nend\n',
        "/snmp community\nset [ find default=yes ] name=Hidden77\n",
        '/user\nadd password=\\\n    "Hidden77 and more" name=kim\n',
    ],
)
def test_a_secret_told_only_by_where_it_stands_is_stripped(text: str) -> None:
    """Us: FortiOS and RouterOS name a community in its block, and break lines in a password."""
    stripped = SecretStripper(KEY).strip(text)
    assert "Hidden77" not in stripped
    assert "<secret:" in stripped


def test_a_stripped_document_is_still_well_formed() -> None:
    """Us: what stands for a secret is no tag."""
    text = XML.replace("<mtu>", "<password>Hidden77</password>\n<mtu>", 1)
    tree = read_tree(SecretStripper(KEY).strip(text))
    assert tree.problem is None
    assert any("password <secret:" in placed.flat for placed in tree.placed)


def test_a_community_set_that_the_configuration_defines_is_a_name() -> None:
    """Us: IOS-XR sets communities by the name of a set."""
    text = (
        "community-set CUST\n  65000:1\nend-set\nroute-policy P\n  set community CUST\nend-policy"
    )
    assert SecretStripper(KEY).strip(text) == text


def test_the_fingerprint_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    """Us: fingerprints stay stable over restarts; the key is readable by its owner only."""
    first = fingerprint_key(tmp_path / "keys")
    assert fingerprint_key(tmp_path / "keys") == first
    assert len(first) == 32
    file = tmp_path / "keys" / "config_fingerprint.key"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_hostile_line_is_stripped_in_linear_time() -> None:
    """Us: RE2 does not backtrack; this would take an ordinary engine for ever."""
    line = "snmp-server host " + "a " * 50_000 + "password x" + " 7" * 50_000 + "!"
    assert "<secret:" in SecretStripper(KEY).strip(line)
