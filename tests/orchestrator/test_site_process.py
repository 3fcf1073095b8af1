"""Starting the site half as a process that gets nothing of ours."""

from __future__ import annotations

import stat
import sys

import pytest

from orchestrator.site_access import site_process as module
from orchestrator.site_access.peoples_words import without_identifiers
from orchestrator.site_access.site_process import find_command, site_process
from telecom.errors import (
    InvalidArgumentError,
    MissingExtraError,
    SiteDirectoryError,
    SiteUnavailableError,
)

SUBSCRIBER = "Why did subscriber with IMSI 262019876543210 lose service?"


@pytest.fixture
def cloud_only(monkeypatch):
    """An environment without the site half."""
    monkeypatch.setattr(module, "find_spec", lambda name: None)


def command(folder, script):
    file = folder / "tierwise-site"
    file.write_text(f"#!{sys.executable}\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def test_the_child_gets_a_few_variables_and_no_credentials(tmp_path):
    """INTERFACES: no AWS variables reach that child."""
    ours = {"AWS_SECRET_ACCESS_KEY": "x", "TIERWISE_STATE": "x", "TZ": "UTC", "HF_HUB_OFFLINE": "1"}
    command(tmp_path, "")
    target = site_process(tmp_path, environment=ours | {"PATH": str(tmp_path)})
    assert dict(target.environment) == {"TZ": "UTC", "HF_HUB_OFFLINE": "1"}
    assert target.arguments == ("stdio", str(tmp_path), "--server", "all")


def test_a_cloud_only_install_says_which_extra_is_missing(cloud_only, tmp_path):
    """INTERFACES: a cloud-only install says which extra is missing."""
    with pytest.raises(MissingExtraError, match=r"tierwise\[site\]") as caught:
        site_process(tmp_path, environment={"PATH": ""})
    assert caught.value.extra == "site"


def test_a_site_half_elsewhere_on_the_path_is_used(cloud_only, tmp_path):
    """Us: the two halves may live in two environments of one machine."""
    file = command(tmp_path, "")
    assert find_command({"PATH": str(tmp_path)}) == file


def test_a_directory_that_is_none_is_named(tmp_path):
    """Bad input."""
    with pytest.raises(SiteDirectoryError, match="tierwise-site init"):
        site_process(tmp_path / "none")


def test_a_question_without_identifiers_passes_as_it_is():
    """Us: the site is not asked when there is nothing to mask."""
    text = "Why did the BGP sessions of agg1 drop at 10:15?"
    assert without_identifiers(text, site_dir=None) == text


def test_a_question_with_an_identifier_is_refused_without_a_site_at_hand():
    """DESIGN 4: with the site out of reach, such text is refused; the value is not repeated."""
    with pytest.raises(InvalidArgumentError) as caught:
        without_identifiers(SUBSCRIBER, site_dir=None)
    assert "262019876543210" not in str(caught.value)


def test_a_question_with_an_identifier_is_masked_by_the_site(cloud_only, tmp_path, monkeypatch):
    """DESIGN 4: the site replaces it before the cloud half uses it."""
    command(tmp_path, "import sys\nprint(sys.stdin.read().replace('262019876543210', '[X]'))")
    monkeypatch.setenv("PATH", str(tmp_path))
    masked = without_identifiers(SUBSCRIBER, site_dir=tmp_path)
    assert masked == "Why did subscriber with IMSI [X] lose service?"


def test_a_site_that_cannot_mask_is_unavailable(cloud_only, tmp_path, monkeypatch):
    """Bad input: the question is not sent on unmasked."""
    command(tmp_path, "raise SystemExit(1)")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SiteUnavailableError):
        without_identifiers(SUBSCRIBER, site_dir=tmp_path)
