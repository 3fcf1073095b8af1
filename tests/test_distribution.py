"""The distribution as a stranger meets it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

OURS = ("telecom", "placement", "agents", "rag", "mcp_servers", "orchestrator")


@pytest.mark.parametrize("name", OURS)
def test_no_other_distribution_provides_our_import_names(name: str) -> None:
    """DESIGN section 1: generic names can collide, so a test looks for strangers."""
    assert set(packages_distributions().get(name, ["tierwise"])) == {"tierwise"}


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("orchestrator.cli", ("langgraph", "boto3", "mcp")),
        ("mcp_servers.cli", ("torch", "chromadb", "onnxruntime", "mcp", "dulwich")),
    ],
)
def test_a_command_shows_its_help_without_its_heavy_half(
    module: str, heavy: tuple[str, ...]
) -> None:
    """DESIGN: start-up is quick because heavy libraries are imported where they are used."""
    code = (
        f"import sys, {module}; "
        f"print(*sorted({set(heavy)!r} & {{name.partition('.')[0] for name in sys.modules}}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


def test_no_text_of_the_product_names_a_machine_path() -> None:
    """Us: a public product that anyone may clone."""
    root = Path(__file__).resolve().parent.parent
    listed = subprocess.run(
        ["git", "ls-files"], cwd=root, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    forbidden = ("/" + "work/", "/root" + "/.", "far" + "m-")
    found = [
        name
        for name in listed.stdout.splitlines()
        if (root / name).is_file()
        and any(word in (root / name).read_text(errors="ignore") for word in forbidden)
    ]
    assert found == []
