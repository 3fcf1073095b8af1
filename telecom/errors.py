"""One tree of errors, for three audiences.

    TierwiseError                          code "tierwise"
    |-- ToolRetry                          the model can fix it: the message says how
    |   |-- InvalidArgumentError           "invalid_argument"
    |   `-- RecordNotFoundError            "not_found"
    |-- ToolRefused                        the model must give up: retrying changes nothing
    |   |-- PlacementRefusedError          "placement_refused"     no tier may run it
    |   |-- EgressRefusedError             "egress_refused"        the gate lets nothing out
    |   |   `-- ApprovalPendingError       "approval_pending"      until a person says yes
    |   |-- BudgetExceededError            "budget_exceeded"
    |   |-- SiteUnavailableError           "site_unavailable"      down, cut off or refusing
    |   |-- ToolTimeoutError               "tool_timeout"
    |   |-- ToolChangedError               "tool_changed"          it is not what was pinned
    |   |-- MalformedAnswerError           "malformed_answer"      the other end broke the contract
    |   |-- ModelUnavailableError          "model_unavailable"
    |   `-- KnowledgeBaseEmptyError        "knowledge_base_empty"
    `-- OperatorError                      a person must act: the message names the cure
        |-- SiteDirectoryError             "site_directory"
        |-- SettingsError                  "settings"
        |-- PolicyError                    "policy"                every problem, with file and line
        |-- StoreOwnedError                "store_owned"           another process owns the store
        |-- StoreDamagedError              "store_damaged"
        |-- StateUnavailableError          "state_unavailable"     the orchestrator's own database
        |-- LedgerBrokenError              "ledger_broken"
        |-- IdentityError                  "identity"              token refused or no key
        |-- IntakeUnavailableError         "intake_unavailable"    nothing more can be kept now
        |-- FilterRefusedError             "filter_refused"        not better than the one in force
        |-- SignatureRefusedError          "signature_refused"     no trusted key signed it
        `-- MissingExtraError              "missing_extra"

Messages say what was refused, then what would work. They carry no subscriber identifier, no secret
and no raw alarm text: ids travel as attributes. A refusal that is an expected outcome is a value
(`PlacementDecision.eliminated`), not an exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class TierwiseError(Exception):
    """Anything this product refuses or fails to do."""

    code: ClassVar[str] = "tierwise"


class ToolRetry(TierwiseError):  # noqa: N818 - it tells the model what to do
    """The caller can repair the call; the message says how."""

    code: ClassVar[str] = "tool_retry"


class InvalidArgumentError(ToolRetry):
    """An argument is outside what the tool takes."""

    code: ClassVar[str] = "invalid_argument"

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(message)
        self.argument = argument


class RecordNotFoundError(ToolRetry):
    """No such alarm, ticket, document or configuration on this site."""

    code: ClassVar[str] = "not_found"

    def __init__(self, kind: str, record_id: str, *, hint: str) -> None:
        super().__init__(f"no {kind} {record_id!r} on this site; {hint}")
        self.kind = kind
        self.record_id = record_id


class ToolRefused(TierwiseError):  # noqa: N818 - it tells the model what to do
    """Repeating the call changes nothing that the model could bring about."""

    code: ClassVar[str] = "tool_refused"


class PlacementRefusedError(ToolRefused):
    """No tier may run this workload, or none that may has an executor."""

    code: ClassVar[str] = "placement_refused"

    def __init__(self, message: str, *, decision_id: str, rule: str | None) -> None:
        super().__init__(message)
        self.decision_id = decision_id
        self.rule = rule


class EgressRefusedError(ToolRefused):
    """The egress gate does not let this answer, argument or destination pass."""

    code: ClassVar[str] = "egress_refused"

    def __init__(self, message: str, *, rule: str, remedy: str | None = None) -> None:
        super().__init__(message if remedy is None else f"{message}; {remedy}")
        self.rule = rule
        self.remedy = remedy


class ApprovalPendingError(EgressRefusedError):
    """The answer waits at the site for a named person's yes; asked again, it may come."""

    code: ClassVar[str] = "approval_pending"

    def __init__(
        self, message: str, *, approval_id: str, rule: str, remedy: str | None = None
    ) -> None:
        super().__init__(message, rule=rule, remedy=remedy)
        self.approval_id = approval_id


class BudgetExceededError(ToolRefused):
    """A budget of calls, tokens, records or time is used up."""

    code: ClassVar[str] = "budget_exceeded"

    def __init__(self, budget: str, message: str) -> None:
        super().__init__(message)
        self.budget = budget


class SiteUnavailableError(ToolRefused):
    """The site does not answer, or answers with a refusal to talk at all."""

    code: ClassVar[str] = "site_unavailable"

    def __init__(
        self, site: str, why: str, *, rule: str | None = None, decision_id: str | None = None
    ) -> None:
        super().__init__(f"site {site!r} is not available: {why}")
        self.site = site
        self.why = why
        self.rule = rule
        """The placement rule that saw the outage; None when the call itself found it out."""
        self.decision_id = decision_id


class ToolTimeoutError(ToolRefused):
    """A tool did not answer in the time it was given."""

    code: ClassVar[str] = "tool_timeout"

    def __init__(self, site: str, tool: str, timeout_s: float) -> None:
        super().__init__(f"{tool} on site {site!r} gave no answer within {timeout_s:g} s")
        self.site = site
        self.tool = tool


class ToolChangedError(ToolRefused):
    """A site describes a tool differently than when it was pinned."""

    code: ClassVar[str] = "tool_changed"

    def __init__(self, site: str, tool: str) -> None:
        super().__init__(
            f"{tool} on site {site!r} describes itself differently than before, so it is not "
            f"called; look at it and accept it with `tierwise tools accept {site}`"
        )
        self.site = site
        self.tool = tool


class MalformedAnswerError(ToolRefused):
    """The other end answered with something its contract does not allow."""

    code: ClassVar[str] = "malformed_answer"

    def __init__(self, source: str, what: str) -> None:
        super().__init__(f"{source} broke its contract: {what}")
        self.source = source


class ModelUnavailableError(ToolRefused):
    """A language model could not be reached, refused, or answered unusably."""

    code: ClassVar[str] = "model_unavailable"

    def __init__(self, model_id: str, why: str, *, retryable: bool = False) -> None:
        super().__init__(f"model {model_id!r} is not available: {why}")
        self.model_id = model_id
        self.why = why
        self.retryable = retryable


class KnowledgeBaseEmptyError(ToolRefused):
    """Nothing has been ingested yet."""

    code: ClassVar[str] = "knowledge_base_empty"

    def __init__(self, what: str) -> None:
        super().__init__(f"no {what} ingested yet; the site's operator runs `tierwise-site ingest`")
        self.what = what


class OperatorError(TierwiseError):
    """A person must act; the message names the cure."""

    code: ClassVar[str] = "operator"


class SiteDirectoryError(OperatorError):
    """A site directory, or a file in it, cannot be used as it is."""

    code: ClassVar[str] = "site_directory"


class SettingsError(OperatorError):
    """A setting, flag or environment variable cannot be used as it is."""

    code: ClassVar[str] = "settings"


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One thing wrong with a policy or catalogue file."""

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.message}"


class PolicyError(OperatorError):
    """A policy or catalogue does not load; nothing is placed outside the site."""

    code: ClassVar[str] = "policy"

    def __init__(self, problems: Sequence[PolicyProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class StoreOwnedError(OperatorError):
    """Another process owns this site's store."""

    code: ClassVar[str] = "store_owned"

    def __init__(self, store: str, owner_pid: int | None) -> None:
        owner = "another process" if owner_pid is None else f"process {owner_pid}"
        super().__init__(
            f"{store} is owned by {owner}; stop it, or let this command reach it "
            "(the owner publishes a local socket in the store)"
        )
        self.owner_pid = owner_pid


class StoreDamagedError(OperatorError):
    """A store file cannot be read; it can be rebuilt from the site directory."""

    code: ClassVar[str] = "store_damaged"


class StateUnavailableError(OperatorError):
    """The orchestrator's own state cannot be read or written now; the same may work later."""

    code: ClassVar[str] = "state_unavailable"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the state cannot be reached ({why}); check the disk or the database of `state:`"
        )
        self.why = why


class LedgerBrokenError(OperatorError):
    """The egress ledger's chain or signatures do not hold."""

    code: ClassVar[str] = "ledger_broken"


class IdentityError(OperatorError):
    """A token is refused, or a key is missing."""

    code: ClassVar[str] = "identity"


class IntakeUnavailableError(OperatorError):
    """What a sender delivered cannot be kept now, so it is not accepted; the sender comes again."""

    code: ClassVar[str] = "intake_unavailable"

    def __init__(self, why: str) -> None:
        super().__init__(f"alarms cannot be kept now: {why}; nothing was accepted, send it again")


class FilterRefusedError(OperatorError):
    """A trained filter may not replace the one in force; the message has both measurements."""

    code: ClassVar[str] = "filter_refused"


class SignatureRefusedError(OperatorError):
    """A site trusts keys, and none of them signed this artifact as it is; it is not loaded."""

    code: ClassVar[str] = "signature_refused"

    def __init__(self, file: str, why: str) -> None:
        super().__init__(
            f"{file} is not loaded: {why}; promote a release that is signed with a key of "
            "`artifacts.trusted_keys`"
        )
        self.file = file
        self.why = why


class MissingExtraError(OperatorError):
    """A part of the product that this environment does not have was asked for."""

    code: ClassVar[str] = "missing_extra"

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the extra {extra!r}: pip install 'tierwise[{extra}]'")
        self.extra = extra
