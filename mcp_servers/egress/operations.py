"""What a command may ask of the gate and the vault, in the process that owns the store.

Every operation takes and gives JSON, as those of `site_operations` do, whose part this is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_servers.egress.gate import EgressGate
from mcp_servers.egress.peoples_words import release_words
from mcp_servers.egress.revealing import reveal
from mcp_servers.ownership.owner_protocol import JsonValue
from mcp_servers.ownership.store_owner import Arguments, Operation, Progress
from mcp_servers.serving.identity import LOCAL_CALLER, Caller, site_issuer
from mcp_servers.site_directory import BudgetSettings
from telecom.errors import RecordNotFoundError

if TYPE_CHECKING:
    from mcp_servers.ownership.site_host import SiteHost

_UNLIMITED = BudgetSettings(
    tokens_per_hour=10**15,
    records_per_hour=10**15,
    identifiers_per_hour=10**15,
    answer_tokens=10**9,
)
"""For an operator at the site's shell: a preview of what the gate would release leaves nothing."""


class EgressOperations:
    """Show what would leave, reveal what did, decide what waits, and turn the key over."""

    def __init__(self, host: SiteHost) -> None:
        self._host = host

    @property
    def operations(self) -> dict[str, Operation]:
        """Every operation by the name under which a command asks for it."""
        return {
            "anonymize": self.anonymize,
            "reveal": self.reveal,
            "list_approvals": self.list_approvals,
            "decide_approval": self.decide_approval,
            "list_epochs": self.list_epochs,
            "start_epoch": self.start_epoch,
            "forget_epoch": self.forget_epoch,
        }

    def anonymize(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Show a text as the gate would release it to a caller."""
        caller = preview_caller(self._host, arguments["caller"])
        words = release_words(self._preview_gate(), arguments["text"], caller, tool="anonymize")
        spans = [
            {"start": found.start, "end": found.end, "kind": found.kind.value}
            for found in words.found
        ]
        return {"text": words.text, "form": words.form, "spans": spans}

    def _preview_gate(self) -> EgressGate:
        host = self._host
        settings = host.site.settings.model_copy(update={"budgets": _UNLIMITED})
        return EgressGate(
            host.live_policy,
            host.site.home,
            settings,
            host.gate.detector,
            host.pseudonymizer,
            host.ledger,
        )

    def reveal(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Give the originals of pseudonyms to an operator; the ledger has it first."""
        return reveal(
            arguments["pseudonyms"], LOCAL_CALLER, self._host.pseudonymizer, self._host.ledger
        )

    def list_approvals(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """What waits for a person's yes, or with `all` whatever was decided, too."""
        found = self._host.approval_desk.approvals.all(
            state=None if arguments["all"] else "waiting"
        )
        return [approval.model_dump(mode="json") for approval in found]

    def decide_approval(self, arguments: Arguments, _progress: Progress) -> JsonValue:
        """Record the yes or no of somebody at the site."""
        decided = self._host.approval_desk.decide(
            arguments["id"],
            approve=arguments["approve"],
            by=arguments["by"],
            note=arguments["note"],
            detector=self._host.gate.detector,
        )
        return decided.model_dump(mode="json")

    def list_epochs(self, _arguments: Arguments, _progress: Progress) -> JsonValue:
        """Epochs whose key exists, and the one that makes pseudonyms now."""
        epochs = self._host.pseudonymizer.epochs
        return {"epochs": list(epochs), "current": epochs[-1]}

    def start_epoch(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Begin a key epoch."""
        self._host.pseudonymizer.start_epoch()
        return self.list_epochs(arguments, progress)

    def forget_epoch(self, arguments: Arguments, progress: Progress) -> JsonValue:
        """Destroy an epoch's key."""
        if arguments["epoch"] not in self._host.pseudonymizer.epochs:
            raise RecordNotFoundError(
                "key epoch", str(arguments["epoch"]), hint="`epochs list` has those that exist"
            )
        self._host.pseudonymizer.forget_epoch(arguments["epoch"])
        return self.list_epochs(arguments, progress)


def preview_caller(host: SiteHost, name: str) -> Caller:
    """A caller by the client name that `site.yaml` binds to a tier, else by the tier's id."""
    issuer = site_issuer(host.site.settings.site_id)
    bound = {row.client: row.tier for row in host.site.settings.callers}
    tier = bound.get(name, name)
    known = host.policy.tier(tier, host.site.home) is not None
    return Caller(
        principal="local/preview",
        issuer=issuer,
        client=name,
        tier=tier if known else None,
        scopes=frozenset(),
        transport="http",
    )
