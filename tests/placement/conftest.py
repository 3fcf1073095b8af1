"""The shipped policy, loaded once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from placement import Policy, load_policy
from placement.catalogue_file import REFERENCE_CATALOGUE
from placement.rules import REFERENCE_RULES
from telecom.workload import Home, LifecyclePhase, WorkloadProfile

MUNICH = Home(site="munich-1", country="DE", on_premises=True)


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The reference policy."""
    return load_policy()


@pytest.fixture
def home() -> Home:
    """An operator's site in Germany."""
    return MUNICH


@pytest.fixture
def workload() -> Callable[..., WorkloadProfile]:
    """Build a workload at the site in Munich."""

    def build(phase: str, *classes: str, **facts: object) -> WorkloadProfile:
        return WorkloadProfile.model_validate(
            {
                "name": phase,
                "phase": LifecyclePhase(phase),
                "data_classes": classes,
                "home": MUNICH,
                **facts,
            }
        )

    return build


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A catalogue and rules of the operator's own: copies of the reference."""
    catalogue, rules = tmp_path / "catalogue.yaml", tmp_path / "rules.cedar"
    catalogue.write_bytes(REFERENCE_CATALOGUE.read_bytes())
    rules.write_bytes(REFERENCE_RULES.read_bytes())
    return catalogue, rules


@pytest.fixture
def edit() -> Callable[[Path, str, str], None]:
    """Replace a piece of text that must be there once or more."""

    def replace(path: Path, old: str, new: str) -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace
