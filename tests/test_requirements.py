"""The list of promises holds both ways: no promise without proof or debt, no proof of nothing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.requirements import PROMISES

TESTS = Path(__file__).resolve().parent


def _tests_of(path: Path) -> dict[str, str]:
    """Test functions of a file with their docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name: ast.get_docstring(node) or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


def test_every_promise_of_the_reference_is_listed() -> None:
    """REFERENCE: R1 to R24."""
    assert {f"R{number}" for number in range(1, 25)} <= set(PROMISES)


@pytest.mark.parametrize("promise", sorted(PROMISES))
def test_a_promise_has_proof_or_says_what_it_still_owes(promise: str) -> None:
    """STYLE rule 7: each promise is tied to the tests that prove it."""
    entry = PROMISES[promise]
    assert entry.proofs or entry.owed, f"{promise} has neither proof nor debt"
    for proof in entry.proofs:
        file, _, name = proof.partition("::")
        assert (TESTS / file).is_file(), f"{promise}: no file tests/{file}"
        assert name in _tests_of(TESTS / file), f"{promise}: no test {name} in tests/{file}"


def test_a_test_that_names_a_promise_is_listed_under_it() -> None:
    """STYLE rule 7: checked both ways."""
    missing = []
    for path in sorted(TESTS.rglob("test_*.py")):
        if path == Path(__file__).resolve():
            continue
        for name, docstring in _tests_of(path).items():
            for promise in set(re.findall(r"\bR(?:[1-9]|1\d|2[0-4])\b", docstring)):
                proof = f"{path.relative_to(TESTS).as_posix()}::{name}"
                if proof not in PROMISES[promise].proofs:
                    missing.append(f"{promise}: {proof}")
    assert missing == []


def test_every_test_says_who_demands_it() -> None:
    """STYLE rule 7: a test's docstring names the standard, the reference or us."""
    silent = [
        f"{path.relative_to(TESTS).as_posix()}::{name}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for name, docstring in _tests_of(path).items()
        if not docstring
    ]
    assert silent == []
