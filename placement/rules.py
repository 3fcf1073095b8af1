"""The hard rules: Cedar policies, parsed once, that name every rule a placement breaks.

Cedar skips a policy that errors while it is evaluated, so a forbid could fail open: any diagnostics
error and any outcome but a plain Allow is a denial here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cedarpy

from telecom.errors import PolicyError, PolicyProblem
from telecom.workload import Dimension

REFERENCE_RULES = Path(__file__).parent / "reference" / "rules.cedar"
SCHEMA_FILE = Path(__file__).parent / "reference" / "placement.cedarschema"

END_MARK = "// end of rules"
PRECEDENCE = {dimension: rank for rank, dimension in enumerate(Dimension)}

_ANNOTATIONS = ("id", "dimension", "because", "remedy")
_ID_LINE = re.compile(r'^\s*@id\(\s*"([^"]*)"\s*\)')


@dataclass(frozen=True, slots=True)
class Rule:
    """A forbid rule as its annotations describe it."""

    id: str
    dimension: Dimension
    because: str
    remedy: str

    @property
    def order(self) -> tuple[int, str]:
        """Decisive rules sort first: by dimension, then by name."""
        return PRECEDENCE[self.dimension], self.id


POLICY_FAILED = Rule(
    id="policy-failed",
    dimension=Dimension.SOVEREIGNTY,
    because="the policy could not be evaluated for this request, so nothing is permitted",
    remedy="correct the rule or the fact that it names; `tierwise doctor` shows the error",
)
DEFAULT_DENY = Rule(
    id="not-permitted",
    dimension=Dimension.SOVEREIGNTY,
    because="no rule permits this placement",
    remedy="restore the permit rule of the policy",
)


@dataclass(frozen=True)
class RuleSet:
    """Validated rules with their handles."""

    policies: cedarpy.PolicySet
    schema: cedarpy.Schema
    rules: Mapping[str, Rule]
    """By the id that Cedar gave the policy."""
    sha256: str
    text: str = field(repr=False)

    def violated(self, request: Mapping[str, Any], entities: cedarpy.Entities) -> tuple[Rule, ...]:
        """Evaluate once; the rules that forbid, decisive first, empty when it is permitted."""
        answer = cedarpy.is_authorized(dict(request), self.policies, entities, self.schema)
        diagnostics = answer.diagnostics
        # The permit is among the reasons of an Allow only.
        broken = [self.rules[reason] for reason in diagnostics.reasons if reason in self.rules]
        if diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
            return (POLICY_FAILED, *sorted(broken, key=lambda rule: rule.order))
        if answer.decision is cedarpy.Decision.Allow:
            return ()
        return tuple(sorted(broken, key=lambda rule: rule.order)) or (DEFAULT_DENY,)


def load_rules(path: Path) -> RuleSet:
    """Read and validate a rules file.

    Raises:
        PolicyError: Missing, half-written or invalid; lists every problem.
    """
    try:
        text = path.read_text(encoding="utf-8")
        schema = SCHEMA_FILE.read_text(encoding="utf-8")
    except FileNotFoundError as exc:
        raise PolicyError(
            [PolicyProblem(str(exc.filename), None, "the file is missing; restore it")]
        ) from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise PolicyError([PolicyProblem(str(path), None, f"cannot be read: {exc}")]) from exc
    return parse_rules(text, schema, name=str(path))


def parse_rules(text: str, schema: str, *, name: str) -> RuleSet:
    """Validate the text of a rules file.

    Raises:
        PolicyError: Half-written or invalid; lists every problem with its line.
    """
    problems: list[PolicyProblem] = []
    lines = text.rstrip().splitlines()
    if not lines or lines[-1].strip() != END_MARK:
        problems.append(
            PolicyProblem(
                name, max(1, len(lines)), f"half-written? The last line must be `{END_MARK}`"
            )
        )
    try:
        policies = cedarpy.PolicySet.from_str(text)
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as exc:
        line = _line_of_error(text, str(exc))
        raise PolicyError([*problems, PolicyProblem(name, line, f"not Cedar: {exc}")]) from exc
    where = _Lines(text, name)
    problems += _annotation_problems(parsed, where)
    validation = cedarpy.validate_policies(text, schema)
    for error in validation.errors:
        rule_id = validation.id_annotations_by_policy_id.get(error.policy_id, error.policy_id)
        problems.append(where.problem(rule_id, f"rule {rule_id!r}: {error.error}"))
    if problems:
        raise PolicyError(sorted(problems, key=lambda problem: problem.line or 0))
    rules = {
        policy_id: Rule(
            id=policy["annotations"]["id"],
            dimension=Dimension(policy["annotations"]["dimension"]),
            because=policy["annotations"]["because"],
            remedy=policy["annotations"]["remedy"],
        )
        for policy_id, policy in parsed["staticPolicies"].items()
        if policy["effect"] == "forbid"
    }
    digest = hashlib.sha256(f"{text}\0{schema}".encode()).hexdigest()
    return RuleSet(policies, cedarpy.Schema.from_str(schema), rules, digest, text)


@dataclass(frozen=True)
class _Lines:
    """Where each rule stands in the file."""

    text: str
    name: str

    def problem(self, rule_id: str, message: str) -> PolicyProblem:
        for number, line in enumerate(self.text.splitlines(), start=1):
            match = _ID_LINE.match(line)
            if match is not None and match[1] == rule_id:
                return PolicyProblem(self.name, number, message)
        return PolicyProblem(self.name, None, message)


def _annotation_problems(parsed: dict[str, Any], where: _Lines) -> list[PolicyProblem]:
    """Check what Cedar does not: the annotations, one plain permit, no templates."""
    problems: list[PolicyProblem] = []
    seen: set[str] = set()
    permits = []
    if parsed["templates"]:
        problems.append(PolicyProblem(where.name, None, "templates are not supported; write rules"))
    for policy_id, policy in parsed["staticPolicies"].items():
        annotations = policy.get("annotations", {})
        rule_id = annotations.get("id") or policy_id
        if rule_id in seen:
            problems.append(where.problem(rule_id, f"rule {rule_id!r} is there twice; rename one"))
        seen.add(rule_id)
        if policy["effect"] == "permit":
            permits.append(policy)
            continue
        missing = [key for key in _ANNOTATIONS if not annotations.get(key)]
        if missing:
            wanted = " ".join(f"@{key}" for key in missing)
            problems.append(where.problem(rule_id, f"rule {rule_id!r} lacks {wanted}"))
        dimension = annotations.get("dimension")
        if dimension and dimension not in set(Dimension):
            problems.append(
                where.problem(
                    rule_id,
                    f"rule {rule_id!r}: @dimension must be one of {', '.join(Dimension)}, "
                    f"got {dimension!r}",
                )
            )
    if len(permits) != 1 or permits[0]["conditions"]:
        problems.append(
            PolicyProblem(
                where.name, None, "there must be exactly one permit, without conditions; use forbid"
            )
        )
    return problems


def _line_of_error(text: str, message: str) -> int | None:
    """Guess the line of a parse error from the word that Cedar quotes last."""
    if "end of input" in message:
        return text.count("\n") + 1
    word = message.rsplit(":", 1)[-1].strip(" `'")
    for number, line in enumerate(text.splitlines(), start=1):
        if word and word in line.split("//", 1)[0]:
            return number
    return None
