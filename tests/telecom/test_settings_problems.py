"""Settings that do not fit, as both halves tell whoever wrote them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_servers.site_directory import SiteDirectory
from orchestrator.settings import load_settings
from telecom.errors import TierwiseError


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("site_idd: x\n", "site_idd: unknown key; did you mean 'site_id'?"),
        ("name: x\n", "site_id: missing; give it a value"),
        ("site_id: x\nbudgets: {answer_token: 5}\n", "did you mean 'answer_tokens'?"),
        ("site_id: x\nqqqq: 1\n", "qqqq: unknown key; remove it"),
        ("site_id: x\n  bad: [\n", "cannot be read as YAML: line 2: mapping values"),
    ],
)
def test_a_site_says_what_its_settings_have_to_be(tmp_path: Path, content: str, said: str) -> None:
    """Issue 1: bad YAML with its line; a typing error must not open a door."""
    (tmp_path / "site.yaml").write_text(content)
    with pytest.raises(TierwiseError) as refused:
        SiteDirectory.open(tmp_path)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("site: []\n", "site: unknown key; did you mean 'sites'?"),
        ("sites:\n  - {name: a\n", "cannot be read as YAML: line 3: expected ',' or '}'"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_the_cloud_half_says_it_the_same_way(
    tmp_path: Path, content: str | None, said: str
) -> None:
    """Issue 1: one clear message, and what would work."""
    config = tmp_path / "tierwise.yaml"
    if content is not None:
        config.write_text(content)
    with pytest.raises(TierwiseError) as refused:
        load_settings(config, environment={})
    assert said in str(refused.value)


def test_a_value_that_does_not_fit_is_not_repeated(tmp_path: Path) -> None:
    """Us: a setting may be a secret."""
    (tmp_path / "site.yaml").write_text("site_id: x\ncountry: Sekret-4711\n")
    with pytest.raises(TierwiseError) as refused:
        SiteDirectory.open(tmp_path)
    assert "country" in str(refused.value)
    assert "4711" not in str(refused.value)
