"""The worked example comes out as it is told."""

from __future__ import annotations

import re
from pathlib import Path

from placement import load_policy
from placement.catalogue import Catalogue

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_tutorials_code_runs_as_it_stands() -> None:
    """REFERENCE R11, R12, R13, R14: the worked example, dimension by dimension."""
    text = (DOCS / "placement-tutorial.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.M | re.S)
    assert len(blocks) >= 10
    names: dict[str, object] = {}
    for block in blocks:
        line = text[: text.index(block)].count("\n")
        exec(compile("\n" * line + block, "docs/placement-tutorial.md", "exec"), names)


def test_the_guide_explains_every_rule_setting_and_section() -> None:
    """STYLE: a test that every rule and every section of the catalogue appears in the docs."""
    guide = (DOCS / "placement.md").read_text(encoding="utf-8")
    policy = load_policy()
    missing = [
        *(rule.id for rule in policy.rules.rules.values() if f"`{rule.id}`" not in guide),
        *(name for name in Catalogue.model_fields if f"`{name}`" not in guide),
        *(name for name in policy.catalogue.classes if f"`{name}`" not in guide),
    ]
    assert missing == []
