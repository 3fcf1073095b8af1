"""The egress gate: the only way out of the site, and the only way in for arguments.

An answer is sanitised, its identifiers are found, and the weakest form that the placement policy
permits for the caller's tier leaves: as it is, pseudonymized, or anonymized. The ledger has it
before the caller does. "Pseudonymized" and "summarized" mean what this gate did, never what a
request says.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mcp_servers.egress.approval_desk import ApprovalDesk
from mcp_servers.egress.argument_words import each_string, holds_guess
from mcp_servers.egress.budgets import BUDGET_WINDOW, EgressBudgets
from mcp_servers.egress.ledger import EgressLedger
from mcp_servers.egress.ledger_entry import LedgerEntry
from mcp_servers.egress.pseudonyms import Pseudonymizer
from mcp_servers.egress.release_decisions import Judgement, ReleaseDecisions
from mcp_servers.egress.renderings import FORMS, Form, Rendering
from mcp_servers.serving.identity import Caller
from mcp_servers.site_directory import SiteSettings
from placement import LivePolicy, Policy, TierInstance, awaits_approval
from telecom.errors import BudgetExceededError, EgressRefusedError
from telecom.identifiers.detector import IdentifierDetector
from telecom.identifiers.documents import Document, Json, Namer, distinct, sanitized
from telecom.identifiers.kinds import DetectorSettings, Identifier, IdentifierKind
from telecom.identifiers.masking import label, placeholder
from telecom.identifiers.tokens import escape_lookalikes
from telecom.workload import Home

LARGEST_ANSWER_BYTES = 256 * 1024
"""No answer is larger than this on the wire."""

_FOUND_CLASS = "subscriber_pii"
"""What an answer also is when identifiers turn up in a class that says it has none."""
_LOCAL_DECISION = "local"
_NARROWER = "narrow it by a shorter window, one managed object or a smaller limit"


@dataclass(frozen=True, slots=True)
class Release:
    """An answer that wants out: for whom, from which tool, of which data classes."""

    caller: Caller
    tool: str
    data_classes: tuple[str, ...]
    investigation: str | None = None
    on_behalf_of: str | None = None
    """Whom the caller acts for, as the verifier of such statements found it."""
    summary_field: str | None = None
    """Top-level field whose length decides whether this is a summary; None is the whole answer."""


@dataclass(frozen=True, slots=True)
class Released:
    """What may leave, and the record of it."""

    value: Json
    """The answer in its original shape, strings masked."""
    decision_id: str
    form: Form
    masked: dict[str, int]
    """Identifiers replaced, per kind."""
    tokens: int
    bytes: int
    """Of the answer as compact JSON in UTF-8."""
    ledger_hash: str


@dataclass(frozen=True, slots=True)
class _Permit:
    """A rendering that may go to a tier, and the id of that decision."""

    rendering: Rendering
    decision_id: str
    tier: str
    by_approval: bool = False
    """A named person has to say yes to exactly this."""


class EgressGate:
    """One gate per site: answers, arguments, people's words and model calls go through it."""

    def __init__(  # noqa: PLR0917 - six parts of one site, each of its own type
        self,
        policy: Policy | LivePolicy,
        home: Home,
        settings: SiteSettings,
        detector: IdentifierDetector,
        pseudonymizer: Pseudonymizer,
        ledger: EgressLedger,
        *,
        desk: ApprovalDesk | None = None,
    ) -> None:
        """Guard a site.

        Args:
            policy: Who decides what may go where.
            home: Where the site's data lives.
            settings: The site's budgets and callers.
            detector: Finds identifiers.
            pseudonymizer: Names them.
            ledger: Records what leaves.
            desk: Where grey areas wait for a person; None refuses them.
        """
        self.detector = detector
        self.home = home
        self.site_tier = settings.tier
        self._policies = policy
        current = policy if isinstance(policy, Policy) else policy.current()
        self._decisions = ReleaseDecisions(current, home)
        self._settings = settings
        self._pseudonymizer = pseudonymizer
        self._ledger = ledger
        self._desk = desk
        self._budgets = EgressBudgets(
            settings.budgets, ledger.since(datetime.now(UTC) - BUDGET_WINDOW)
        )

    def _in_force(self) -> ReleaseDecisions:
        """The policy of one release: what changes meanwhile holds for the next."""
        policy = self._policies
        current = policy if isinstance(policy, Policy) else policy.current()
        if self._decisions.policy is not current:
            self._decisions = ReleaseDecisions(current, self.home)
        return self._decisions

    # ------------------------------------------------------------------ way out

    def release(self, answer: object, release: Release) -> Released:
        """Let an answer out in the weakest form that may go to the caller.

        Args:
            answer: JSON of any shape.
            release: Who gets it, and what it is made of.

        Raises:
            EgressRefusedError: No form may go there, no data class was declared, the answer is not
                JSON or too large, or the ledger cannot be written. Names rule and remedy.
            ApprovalPendingError: Somebody at the site has to say yes first; ask again then.
            BudgetExceededError: The answer is longer than one may be, or the caller has had its
                hour's share.
        """
        if not release.data_classes:
            raise EgressRefusedError(
                f"{release.tool} declares no data class, so nothing of it leaves",
                rule="gate.undeclared_class",
                remedy="the tool's declaration names its data classes",
            )
        document = Document(_escaped(sanitized(answer), self._pseudonymizer), self.detector)
        permit = self._permit(document, release)
        payload, tokens = permit.rendering.payload, permit.rendering.tokens
        self._check_size(release, len(payload), tokens)
        records = permit.rendering.records
        entry = self._entry(release, permit, payload, tokens=tokens, records=records)
        approval = (
            self._desk.approval_of(entry, payload) if permit.by_approval and self._desk else None
        )
        if release.caller.transport != "local":
            self._budgets.spend(
                release.caller.principal,
                tokens=tokens,
                records=records,
                identifiers=distinct(permit.rendering.found),
            )
        self._pseudonymizer.flush()
        if approval is not None and self._desk is not None:
            entry = self._desk.use(approval, entry)
        entry = self._ledger.append(entry)
        return Released(
            value=permit.rendering.value,
            decision_id=permit.decision_id,
            form=permit.rendering.form,
            masked=permit.rendering.masked,
            tokens=tokens,
            bytes=len(payload),
            ledger_hash=entry.hash,
        )

    def release_text(self, text: str, release: Release) -> Released:
        """Let a text out: people's words, an error message, a model's prompt. As `release`."""
        return self.release(text, release)

    def _permit(self, document: Document, release: Release) -> _Permit:
        if release.caller.transport == "local":
            return _Permit(self._render(document, "raw"), _LOCAL_DECISION, "local")
        decisions = self._in_force()
        tier = decisions.tier(release.caller.tier)
        refused: Judgement | None = None
        rendering: Rendering | None = None
        for form in FORMS:
            if rendering is not None and not rendering.found:
                rendering = rendering.in_form(form)  # nothing to mask: the same in every form
            else:
                rendering = self._render(document, form)
            judged = _judge(release, rendering, tier, decisions)
            if not judged.verdict.permitted:
                refused = judged
            elif form == "anonymized" or self._identifiers_may_go(
                rendering, judged, decisions, opened=refused is not None
            ):
                return _Permit(rendering, judged.decision_id, tier.id)
        if refused is None:
            raise AssertionError("an anonymized answer is either permitted or refused")
        waiting = self._approvable(document, release, tier, decisions)
        if waiting is not None:
            return waiting
        raise _refusal(release, refused)

    def _approvable(
        self,
        document: Document,
        release: Release,
        tier: TierInstance,
        decisions: ReleaseDecisions,
    ) -> _Permit | None:
        """The weakest form that a person's yes would let out; nobody is asked to reveal anyone."""
        if self._desk is None:
            return None
        for form in FORMS:
            rendering = self._render(document, form)
            judged = _judge(release, rendering, tier, decisions)
            if (form == "raw" and rendering.holds_people) or not awaits_approval(
                decisions.policy, judged.workload, tier
            ):
                continue
            return _Permit(rendering, judged.decision_id, tier.id, by_approval=True)
        return None

    def tier_of(self, caller: Caller) -> TierInstance:
        """The tier instance a caller runs on; an unknown one is outside."""
        return self._in_force().tier(caller.tier)

    def _identifiers_may_go(
        self,
        rendering: Rendering,
        judged: Judgement,
        decisions: ReleaseDecisions,
        *,
        opened: bool,
    ) -> bool:
        """Decide over identifiers in a form that the declared classes alone would let out.

        Where the policy opened this form because it is pseudonymized, pseudonyms may go. Where the
        classes were open anyway, they promised no identifiers: with some, the answer is also a
        subscriber record. A tier at the site itself sees what the site sees.

        Args:
            rendering: The answer in that form.
            judged: What the policy said of it.
            decisions: The policy in force.
            opened: Whether a weaker form was refused.
        """
        if not rendering.holds_people or self._is_at_home(judged.tier):
            return True
        if rendering.form == "pseudonymized" and opened:
            return True
        classes = (*judged.workload.data_classes, _FOUND_CLASS)
        widened = judged.workload.model_copy(update={"data_classes": classes})
        return decisions.policy.verdict(widened, judged.tier).permitted

    def _is_outside(self, caller: Caller) -> bool:
        return caller.transport != "local" and not self._is_at_home(self.tier_of(caller))

    def _is_at_home(self, tier: TierInstance) -> bool:
        return tier.on_premises and tier.site is not None and tier.site == self.home.site

    def _render(self, document: Document, form: Form) -> Rendering:
        masked: Counter[str] = Counter()

        def counted(identifier: Identifier) -> str:
            shown = names(identifier)
            masked[identifier.kind.value] += shown != identifier.value
            return shown

        names = self._namer(form)
        value, found = document.render(counted)
        return Rendering(form, value, found, {kind: n for kind, n in masked.items() if n})

    def _namer(self, form: Form) -> Namer:
        def name(identifier: Identifier) -> str:
            if identifier.kind is IdentifierKind.SECRET or form == "anonymized":
                return placeholder(identifier)
            if form == "pseudonymized":
                return self._pseudonymizer.token(identifier.kind, identifier.value)
            return identifier.value

        return name

    def _check_size(self, release: Release, size: int, tokens: int) -> None:
        if size > LARGEST_ANSWER_BYTES:
            raise EgressRefusedError(
                f"{release.tool} answered {size} bytes, at most {LARGEST_ANSWER_BYTES} may leave",
                rule="gate.size",
                remedy=_NARROWER,
            )
        limit = self._settings.budgets.answer_tokens
        if release.caller.transport != "local" and tokens > limit:
            raise BudgetExceededError(
                "answer_tokens",
                f"{release.tool} answered {tokens} tokens, at most {limit} may leave at once; "
                f"{_NARROWER}",
            )

    def _entry(
        self, release: Release, permit: _Permit, payload: bytes, *, tokens: int, records: int
    ) -> LedgerEntry:
        return LedgerEntry(
            time=datetime.now(UTC),
            principal=release.caller.principal,
            client=release.caller.client,
            tier=permit.tier,
            tool=release.tool,
            data_classes=release.data_classes,
            form=permit.rendering.form,
            investigation=self._label(release.investigation),
            on_behalf_of=self._label(release.on_behalf_of),
            decision_id=permit.decision_id,
            masked=permit.rendering.masked,
            records=records,
            bytes=len(payload),
            tokens=tokens,
            payload_sha256=hashlib.sha256(payload).hexdigest(),
        )

    def _label(self, text: str | None) -> str | None:
        return None if text is None else label(text, self.detector)

    # ------------------------------------------------------------------- way in

    def admit(self, arguments: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Take in a call's arguments: sanitised, pseudonyms resolved to what they stand for.

        Argument values are JSON, hence Any.

        Raises:
            EgressRefusedError: From outside the site, an argument holds a raw identifier: a hit,
                or the pseudonym in the answer, would confirm a guess.
        """
        document = Document(dict(arguments), self.detector)
        _, found = document.render(lambda identifier: identifier.value)
        kinds_found = {identifier.kind.value for identifier in found}
        if holds_guess(document.value):
            kinds_found.add(IdentifierKind.SUBSCRIBER.value)
        if kinds_found and self._is_outside(caller):
            kinds = ", ".join(sorted(kinds_found))
            raise EgressRefusedError(
                f"an argument holds a raw identifier ({kinds})",
                rule="gate.raw_identifier_in_argument",
                remedy="use the pseudonym that an earlier answer gave, or have the site "
                "pseudonymize the text first",
            )
        resolved = each_string(document.value, self._pseudonymizer.resolve_text)
        return resolved if isinstance(resolved, dict) else {}


def detector_of(settings: SiteSettings, *, names: tuple[str, ...] = ()) -> IdentifierDetector:
    """The detector that a site's `site.yaml` asks for.

    Args:
        settings: The content of `site.yaml`.
        names: People whom the site's records name.

    Raises:
        SettingsError: A prefix is not a CIDR, or a circuit id pattern is not RE2.
    """
    return IdentifierDetector(
        DetectorSettings(
            subscriber_prefixes=settings.subscriber_prefixes,
            mask_all_ips=settings.mask_all_ips,
            circuit_ids=settings.circuit_ids,
            names=names,
            country=settings.country,
        )
    )


def _escaped(value: Json, pseudonymizer: Pseudonymizer) -> Json:
    """Take from raw text what only looks like a pseudonym of ours.

    It is done here and not where files are read: evidence is quoted verbatim, locators count its
    characters, and this is the one way out. A token that this site made stays, because people quote
    earlier answers; its resolution leads nobody to more than that answer said.
    """
    return each_string(value, lambda text: escape_lookalikes(text, pseudonymizer.is_known))


def _judge(
    release: Release, rendering: Rendering, tier: TierInstance, decisions: ReleaseDecisions
) -> Judgement:
    limit = decisions.summary_limit(release.data_classes)
    return decisions.judge(
        release.tool,
        release.data_classes,
        tier,
        form=rendering.form,
        summarized=rendering.summary_tokens(release.summary_field) <= limit,
    )


def _refusal(release: Release, judged: Judgement) -> EgressRefusedError:
    broken = judged.verdict.eliminations[0]
    remedy = broken.remedy
    if not judged.workload.summarized:
        short = judged.workload.model_copy(update={"summarized": True})
        if judged.policy.verdict(short, judged.tier).permitted:
            limit = judged.policy.summary_limit(release.data_classes)
            remedy = f"ask for at most {limit} tokens: {_NARROWER}"
    return EgressRefusedError(
        f"{release.tool} may not answer a caller on {judged.tier.id}: {broken.because}",
        rule=broken.rule,
        remedy=remedy,
    )
