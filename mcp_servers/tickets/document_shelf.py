"""Documents as resources: what a passage was cut from, and which runbooks there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mcp_servers.serving.answers import fill
from mcp_servers.serving.resource_declarations import DeclaredResource
from telecom.resource_links import link
from telecom.tokens import estimate_tokens

if TYPE_CHECKING:
    from rag.knowledge_base import KnowledgeBase


class DocumentShelf:
    """Reads ingested documents; what was not ingested has no address."""

    def __init__(self, knowledge: Callable[[str], KnowledgeBase]) -> None:
        """Read from a knowledge base, opened for a corpus when the first document is asked for."""
        self._knowledge = knowledge

    def declared(self, scope: str) -> tuple[DeclaredResource, ...]:
        """Both resources, for callers with a scope."""
        free = ("vendor_docs",)
        return (
            DeclaredResource("doc://{+name}", self.read_document, free, scope, "Document"),
            DeclaredResource(
                "runbooks://index", self.list_documents, free, scope, "Runbooks and documents"
            ),
        )

    def read_document(self, name: str) -> str:
        """Vendor document or runbook by path, or from one passage's id on, about 1,600 tokens."""
        passages = self._knowledge("docs").read_document(name)
        kept = fill(passages, lambda passage: estimate_tokens(passage[1]))
        text = "\n\n".join(passage for _, passage in kept)
        if len(kept) == len(passages):
            return text
        return f"{text}\n\n(continues at {link('doc', passages[len(kept)][0])['uri']})"

    def list_documents(self) -> str:
        """List the runbooks and other documents of the site with their addresses."""
        lines = [
            f"{link('doc', path)['uri']} {title}"
            for path, title in self._knowledge("docs").documents().items()
        ]
        kept = fill(sorted(lines, key=_is_no_runbook), estimate_tokens)
        if left_out := len(lines) - len(kept):
            kept.append(f"{left_out} more; search_documents finds them")
        return "\n".join(kept)


def _is_no_runbook(line: str) -> bool:
    """Orders runbooks, procedures and checklists before everything else."""
    return not any(word in line.lower() for word in ("runbook", "procedure", "checklist"))
