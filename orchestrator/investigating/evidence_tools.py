"""`PlacedTools`: the read-only tools a model may use to ask back.

Each call is a delegation: the policy says where it may run, the site's gate says what may leave,
and before the model reads the answer the policy is asked whether the tier of the model may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from agents.answer_reading import reading_of
from agents.ports import ToolCall, ToolOutcome, ToolSpec
from orchestrator.executors import McpEndpoint, SiteTools
from orchestrator.investigating.delegation import Delegation, Delegator
from orchestrator.site_access.site_client import CallRecord, Purpose, SiteClient
from placement.catalogue import TierInstance
from placement.policy import Policy
from telecom.errors import EgressRefusedError, ToolRefused, ToolRetry
from telecom.evidence import Evidence, Quotation
from telecom.report import ProvenanceStep
from telecom.workload import LifecyclePhase, WorkloadProfile

_TEXT = {"type": "string"}
_TIME = {"type": "string", "description": "ISO 8601"}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": 20}

_TOOLS: Mapping[str, tuple[str, str, dict[str, Any], tuple[str, ...]]] = {
    "list_alarms": (
        "alarms_raw",
        "Read alarms of one managed object or one group handle of the brief, oldest first.",
        {
            "managed_object": _TEXT,
            "handle": _TEXT,
            "from_time": _TIME,
            "to_time": _TIME,
            "limit": _LIMIT,
        },
        (),
    ),
    "search_tickets": (
        "tickets_raw",
        "Search past trouble tickets in words.",
        {"query": _TEXT, "limit": _LIMIT},
        ("query",),
    ),
    "list_changes": (
        "network_config",
        "Configuration changes in a time span, those near the named objects first.",
        {
            "from_time": _TIME,
            "to_time": _TIME,
            "around": {"type": "array", "items": _TEXT},
            "limit": _LIMIT,
        },
        ("from_time", "to_time"),
    ),
    "lookup_config": (
        "network_config",
        "Read the configuration of a managed object, or one section of it.",
        {"managed_object": _TEXT, "section": _TEXT, "at": _TIME},
        ("managed_object",),
    ),
    "check_consistency": (
        "network_config",
        "Contradictions between configurations: link ends that disagree, references to nothing.",
        {"around": {"type": "array", "items": _TEXT}},
        ("around",),
    ),
    "get_neighbors": (
        "network_config",
        "What a managed object is linked to.",
        {"managed_object": _TEXT, "hops": {"type": "integer", "minimum": 1, "maximum": 3}},
        ("managed_object",),
    ),
}
"""Tool -> data class of its answers, description, arguments, required ones."""

MAX_ARGUMENT_CHARACTERS = 512
MAX_ANSWER_CHARACTERS = 8_000
"""What a model reads of one answer."""


class PlacedTools:
    """`EvidenceTools` over the sites of one investigation."""

    def __init__(
        self,
        sites: Mapping[str, SiteClient],
        *,
        delegator: Delegator,
        policy: Policy,
        reader: Mapping[str, TierInstance],
        purpose: Purpose,
    ) -> None:
        """Offer tools to a model.

        Args:
            sites: The sites whose data the model may ask for, by name.
            delegator: Decides where a call runs.
            policy: Decides whether the model's tier may read the answer.
            reader: Site name -> the tier the model runs on, as that site sees it.
            purpose: What the calls are made for.
        """
        self._sites = sites
        self._delegator = delegator
        self._policy = policy
        self._reader = reader
        self._purpose = purpose
        self.specs: Sequence[ToolSpec] = tuple(self._spec(name) for name in _TOOLS)
        self.steps: list[ProvenanceStep] = []
        """One entry per call that was made."""
        self._read: set[str] = set()
        """Evidence ids whose quotations the model has been given."""

    def _spec(self, name: str) -> ToolSpec:
        _, description, arguments, required = _TOOLS[name]
        if len(self._sites) > 1:
            site = {"type": "string", "enum": list(self._sites)}
            arguments, required = {"site": site, **arguments}, ("site", *required)
        schema = {
            "type": "object",
            "properties": arguments,
            "required": list(required),
            "additionalProperties": False,
        }
        return ToolSpec(name, description, schema)

    async def call(self, call: ToolCall) -> tuple[ToolOutcome, dict[str, Evidence]]:
        """Run one call; a refusal or failure comes back as a failed outcome."""
        try:
            content, evidence = await self._run(call)
        except (ToolRetry, ToolRefused) as exc:
            return ToolOutcome(call.call_id, f"{exc.code}: {exc}", failed=True), {}
        text = _cut(reading_of(content, known=frozenset(self._read)))
        self._read.update(evidence)
        return ToolOutcome(call.call_id, text), evidence

    async def _run(self, call: ToolCall) -> tuple[Any, dict[str, Evidence]]:
        if call.name not in _TOOLS:
            raise ToolRetry(f"there is no tool {call.name!r}; there are {', '.join(_TOOLS)}")
        data_class, _, known, required = _TOOLS[call.name]
        arguments = dict(call.arguments)
        site = self._site(arguments.pop("site", None))
        unknown = [name for name in arguments if name not in known]
        missing = [name for name in required if name not in arguments]
        if unknown or missing:
            raise ToolRetry(f"{call.name} takes {', '.join(known)}; required: {required or 'none'}")
        for name, value in arguments.items():
            _check_argument(name, value, known[name])
        workload = WorkloadProfile(
            name=call.name,
            phase=LifecyclePhase.CONTEXT_CREATION,
            data_classes=(data_class,),
            latency_budget_ms=5_000,
        )
        placed = self._delegator.place(workload, site.declaration, kinds=(SiteTools, McpEndpoint))
        content, record = await site.call(call.name, arguments, purpose=self._purpose)
        self._admit(workload, site, record)
        self.steps.append(_step(call.name, placed, record))
        return content, _evidence_in(content)

    def _site(self, name: object) -> SiteClient:
        if name is None and len(self._sites) == 1:
            return next(iter(self._sites.values()))
        if not isinstance(name, str) or name not in self._sites:
            raise ToolRetry(f"site must be one of {', '.join(self._sites)}")
        return self._sites[name]

    def _admit(self, workload: WorkloadProfile, site: SiteClient, record: CallRecord) -> None:
        """Let the model's tier read an answer only in the form in which it may."""
        receipt = record.receipt
        limit = self._policy.summary_limit(workload.data_classes)
        facts = workload.model_copy(
            update={
                "home": site.declaration.home,
                # The model reads an excerpt: reasoning over it is what is placed there.
                "phase": LifecyclePhase.BATCH_INFERENCE,
                "latency_budget_ms": None,
                "pseudonymized": receipt is not None and receipt.form != "raw",
                "anonymized": receipt is not None and receipt.form == "anonymized",
                "summarized": receipt is not None and receipt.tokens <= limit,
            }
        )
        decisive = self._policy.verdict(facts, self._reader[site.name]).decisive
        if decisive is not None:
            raise EgressRefusedError(
                f"the model may not read this answer of {record.tool}: {decisive.because}",
                rule=decisive.rule,
                remedy=decisive.remedy,
            )


def _check_argument(name: str, value: Any, schema: Mapping[str, Any]) -> None:
    """Refuse an argument that its schema does not take.

    Raises:
        ToolRetry: It is of another type or out of range; the message says which.
    """
    kind = schema["type"]
    fits = {
        "string": isinstance(value, str) and 0 < len(value) <= MAX_ARGUMENT_CHARACTERS,
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "array": isinstance(value, list) and all(isinstance(item, str) for item in value),
    }[kind]
    if fits and kind == "integer":
        fits = schema["minimum"] <= value <= schema["maximum"]
    if not fits:
        limits = f" from {schema['minimum']} to {schema['maximum']}" if kind == "integer" else ""
        raise ToolRetry(f"{name} must be of type {kind}{limits}")


def _step(tool: str, placed: Delegation, record: CallRecord) -> ProvenanceStep:
    receipt = record.receipt
    return ProvenanceStep(
        step="ask back",
        agent="root_cause_analyst",
        tier=placed.tier,
        decision_id=placed.decision_id,
        tool=tool,
        tokens_after=None if receipt is None else receipt.tokens,
        masked=None if receipt is None else sum(receipt.masked.values()),
        bytes_out=None if receipt is None else receipt.bytes,
        latency_ms=round(record.latency_ms, 1),
    )


def _evidence_in(content: Any) -> dict[str, Evidence]:  # a tool's JSON
    found: dict[str, Evidence] = {}
    quotations = content.get("evidence") if isinstance(content, dict) else None
    for key, value in quotations.items() if isinstance(quotations, dict) else ():
        try:
            found[key] = Evidence.received(Quotation.model_validate(value))
        except ValidationError:
            continue  # not a quotation: nothing can rest on it
    return found


def _cut(text: str) -> str:
    if len(text) <= MAX_ANSWER_CHARACTERS:
        return text
    return text[:MAX_ANSWER_CHARACTERS] + " (cut; ask for less)"
