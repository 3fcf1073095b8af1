"""Rules that are wrong do not load; rules that fail deny."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cedarpy
import pytest

from placement import Policy, load_policy
from placement.rules import (
    DEFAULT_DENY,
    END_MARK,
    POLICY_FAILED,
    REFERENCE_RULES,
    SCHEMA_FILE,
    RuleSet,
    parse_rules,
)
from telecom.errors import PolicyError
from telecom.workload import Dimension, WorkloadProfile

Edit = Callable[[Path, str, str], None]
SCHEMA = SCHEMA_FILE.read_text(encoding="utf-8")
RULES = REFERENCE_RULES.read_text(encoding="utf-8")


def problems(text: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        parse_rules(text, SCHEMA, name="rules.cedar")
    return [str(problem) for problem in caught.value.problems]


def added(rule: str) -> str:
    return RULES.replace(END_MARK, f"{rule}\n{END_MARK}")


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)


def test_every_shipped_rule_explains_itself() -> None:
    """DESIGN section 3: forbid rules are annotated @id @dimension @because @remedy."""
    rules = parse_rules(RULES, SCHEMA, name="rules.cedar").rules.values()
    assert {rule.dimension for rule in rules} == set(Dimension)
    assert all(rule.because and rule.remedy for rule in rules)
    assert len({rule.id for rule in rules}) == len(rules)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ('@id("x") forbid (principal, action, resource);', "lacks @dimension @because @remedy"),
        (
            '@id("x") @dimension("speed") @because("b") @remedy("r")\n'
            "forbid (principal, action, resource);",
            "@dimension must be one of sovereignty, latency, data_gravity, operations",
        ),
        (
            '@id("site-boundary") @dimension("latency") @because("b") @remedy("r")\n'
            "forbid (principal, action, resource);",
            "is there twice",
        ),
        ("permit (principal, action, resource);", "there must be exactly one permit"),
        (
            '@id("x") @dimension("latency") @because("b") @remedy("r")\n'
            "forbid (principal, action, resource) when { resource.speed > 3 };",
            "attribute `speed`",
        ),
        (
            '@id("x") @dimension("latency") @because("b") @remedy("r")\n'
            "forbid (principal == ?principal, action, resource);",
            "templates are not supported",
        ),
    ],
)
def test_a_rule_that_cannot_be_trusted_is_refused_with_its_line(rule: str, words: str) -> None:
    """Issue: bad policy: closed, with an error that names file, line and cure."""
    found = problems(added(rule))
    assert any(words in problem for problem in found), found


def test_a_rule_over_an_optional_attribute_must_ask_whether_it_is_there() -> None:
    """FACTS, Cedar: a forbid with a missing attribute is skipped and would fail open."""
    text = added(
        '@id("x") @dimension("latency") @because("b") @remedy("r")\n'
        "forbid (principal, action, resource) when { resource.rtt_p95_us > 3 };"
    )
    found = problems(text)
    line = line_of(text, '@id("x")')
    assert found[0].startswith(f"rules.cedar:{line}: rule 'x': ")


def test_all_problems_of_a_rules_file_come_together() -> None:
    """Issue: all errors at once."""
    text = added(
        '@id("a") forbid (principal, action, resource);\n'
        '@id("b") forbid (principal, action, resource);'
    ).replace(END_MARK, "")
    assert len(problems(text)) == 3


def test_a_file_without_its_end_mark_is_taken_for_half_written() -> None:
    """Us: a rules file cut between two rules is valid Cedar with fewer locks."""
    cut = RULES[: RULES.index('@id("human-approval")')]
    assert any("half-written?" in problem for problem in problems(cut))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("permit (principal, action, resource);\nforbid (princpal, action, resource);", 2),
        ("permit (principal, action, resource);\n\nforbid (principal", 3),
    ],
)
def test_text_that_is_no_cedar_names_the_line(text: str, line: int) -> None:
    """Issue: an error that names file and line."""
    assert any(problem.startswith(f"rules.cedar:{line}: not Cedar") for problem in problems(text))


def test_a_rule_that_errors_denies(
    files: tuple[Path, Path], workload: Callable[..., WorkloadProfile]
) -> None:
    """FACTS, Cedar: a policy that errors is skipped; here any error is a denial."""
    catalogue, rules = files
    # Validates, and overflows when it is evaluated.
    rules.write_text(
        added(
            '@id("overflow") @dimension("latency") @because("b") @remedy("r")\n'
            'forbid (principal, action == Action::"run", resource)\n'
            "when { context has budget_us && context.budget_us * 9223372036854775807 > 0 };"
        ),
        encoding="utf-8",
    )
    policy = load_policy(catalogue, rules)
    decision = policy.decide(
        workload("agentic_orchestration", "vendor_docs", latency_budget_ms=1000)
    )
    assert decision.ranked == ()
    assert {tier.rule for tier in decision.eliminated} == {POLICY_FAILED.id}
    # Without a budget the rule is not reached.
    assert policy.decide(workload("agentic_orchestration", "vendor_docs")).ranked


def test_what_no_permit_covers_is_denied(
    policy: Policy, workload: Callable[..., WorkloadProfile]
) -> None:
    """Issue: default deny."""
    closed = RuleSet(
        policies=cedarpy.PolicySet.from_str(
            'permit (principal, action, resource == Tier::"nowhere");'
        ),
        schema=policy.rules.schema,
        rules={},
        sha256="test",
        text="",
    )
    decision = Policy(policy.catalogue, closed, catalogue_sha256="test").decide(
        workload("batch_inference", "vendor_docs")
    )
    assert decision.ranked == ()
    assert {tier.rule for tier in decision.eliminated} == {DEFAULT_DENY.id}


def test_a_request_that_does_not_fit_the_schema_is_denied(policy: Policy) -> None:
    """FACTS, Cedar: NoDecision is a denial."""
    request = {
        "principal": {"type": "Workload", "id": "w"},
        "action": {"type": "Action", "id": "run"},
        "resource": {"type": "Tier", "id": "t"},
        "context": {"handlings": "not a set"},
    }
    entities = cedarpy.Entities.from_json_str(json.dumps([]))
    assert policy.rules.violated(request, entities)[0] == POLICY_FAILED


def test_the_hash_of_the_policy_changes_with_its_rules(
    files: tuple[Path, Path], edit: Edit
) -> None:
    """Issue: hash-stamped."""
    catalogue, rules = files
    before = load_policy(catalogue, rules)
    edit(rules, "budget_us < 10000", "budget_us < 12000")
    after = load_policy(catalogue, rules)
    assert before.policy_sha256 != after.policy_sha256
    assert before.catalogue_sha256 == after.catalogue_sha256
