"""What configurations prove: changes, blocks and contradictions with their lines as evidence."""

from __future__ import annotations

from collections.abc import Sequence

from agents.findings import ChangeReview, Contradiction, Contradictions
from mcp_servers.configs.consistency import Finding, FindingSide
from mcp_servers.serving.answers import fill, tokens_of
from telecom.configuration import ConfigBlock, ConfigChange
from telecom.evidence import Gap, Quotation


def quote_change(change: ConfigChange) -> Quotation:
    """A change as evidence: its changed lines, verbatim."""
    lines = [line for hunk in change.hunks for line in hunk.lines]
    first = f":{lines[0].line}" if lines else ""
    return Quotation(
        source="configs",
        locator=f"{change.path}@{change.commit[:12]}{first}",
        quote="\n".join(f"{line.sign}{line.text}" for line in lines) or None,
        data_class="network_config",
    )


def quote_block(block: ConfigBlock) -> Quotation:
    """A block as evidence: its lines, verbatim."""
    commit = "" if block.commit is None else f"@{block.commit[:12]}"
    return Quotation(
        source="configs",
        locator=f"{block.file}{commit}:{block.first_line}",
        quote=block.text,
        data_class="network_config",
    )


def contradictions_of(found: Sequence[Finding], gaps: Sequence[Gap]) -> Contradictions:
    """Findings with the lines of both sides, as many as an answer holds."""
    told = [
        (
            Contradiction(
                kind=finding.kind,
                summary=finding.summary,
                managed_objects=tuple(dict.fromkeys(s.managed_object for s in finding.sides)),
                evidence_ids=tuple(dict.fromkeys(map(_side_id, finding.sides))),
            ),
            {_side_id(side): _quote_side(side) for side in finding.sides},
        )
        for finding in found
    ]
    kept = fill(told, lambda item: tokens_of(item[0], *item[1].values()))
    return Contradictions(
        findings=tuple(finding for finding, _ in kept),
        left_out=len(told) - len(kept),
        evidence={key: quote for _, quotes in kept for key, quote in quotes.items()},
        gaps=tuple(gaps[:5]),
    )


def review_of(found: Sequence[ConfigChange], gaps: Sequence[Gap]) -> ChangeReview:
    """Changes with their quotations, as many as an answer holds; the rest is a gap."""
    kept = fill(found, lambda change: tokens_of(change, quote_change(change)))
    known = list(gaps[:5])
    if left_out := len(found) - len(kept):
        known.append(
            Gap(
                what="configuration changes",
                why=f"{left_out} less suspicious ones did not fit; narrow the window or `around`",
            )
        )
    return ChangeReview(
        changes=tuple(kept),
        evidence={change.evidence_id: quote_change(change) for change in kept},
        gaps=tuple(known),
    )


def _side_id(side: FindingSide) -> str:
    return f"config:{side.device}:{side.line}"


def _quote_side(side: FindingSide) -> Quotation:
    commit = "" if side.commit is None else f"@{side.commit[:12]}"
    return Quotation(
        source="configs",
        locator=f"{side.file}{commit}:{side.line}",
        quote=side.text or None,
        data_class="network_config",
    )
