"""What left the site as a drawing: the raw alarms on one side, what crossed on the other."""

from __future__ import annotations

from html import escape

from agents.plain_text import plain
from orchestrator.console.egress_view import EgressAccount

_WIDTH, _HEIGHT = 640, 176
_BAR, _LEFT, _RIGHT = 22, 130, 400
_TOP, _TALL = 34, 128
_THIN = 3.0
"""Least height of a bar, so that little is still seen."""


def flow_svg(account: EgressAccount) -> str:
    """Draw raw tokens against sent tokens, to scale; empty where no site measured the raw side."""
    raw, sent = account.folded_raw_tokens, account.folded_sent_tokens
    if not raw or sent is None:
        return ""
    others = account.sent_tokens - sent
    scale = _TALL / max(raw, account.sent_tokens)
    high = max(_THIN, raw * scale)
    low = max(_THIN, sent * scale)
    more = max(_THIN, others * scale) if others else 0.0
    bottom = _TOP + _TALL
    share = account.kept_share or 0.0
    parts = [
        f'<path class="flow" d="M{_LEFT + _BAR} {bottom - high:.1f}L{_RIGHT} {bottom - low:.1f}'
        f'L{_RIGHT} {bottom}L{_LEFT + _BAR} {bottom}Z"/>',
        _bar(_LEFT, bottom, high, "raw"),
        _bar(_RIGHT, bottom, low, "sent"),
        _words(_LEFT - 8, bottom - high / 2, f"{raw:,} tokens", "end", "big"),
        _words(_LEFT - 8, bottom - high / 2 + 17, "raw alarms", "end"),
        _words((_LEFT + _RIGHT) / 2, _TOP - 14, f"{share:.1%} stayed at the site", "middle", "big"),
        _words(_RIGHT + _BAR + 8, bottom - low / 2 + 4, f"{sent:,} tokens about them left"),
    ]
    if others:
        above = bottom - low - 8
        parts.append(_bar(_RIGHT, above, more, "other"))
        parts.append(
            _words(_RIGHT + _BAR + 8, above - max(more / 2, 9), f"{others:,} in other answers")
        )
    label = (
        f"{raw} tokens of raw alarms became {sent} that left the site; {others} in other answers"
    )
    return (
        f'<svg class="flow-picture" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def kinds_svg(account: EgressAccount) -> str:
    """Draw how many identifiers of each kind were replaced; empty where none is known by kind."""
    if not account.masked_kinds:
        return ""
    most = max(account.masked_kinds.values())
    rows = []
    for number, (kind, count) in enumerate(account.masked_kinds.items()):
        y = 8 + number * 26
        wide = max(_THIN, count / most * 300)
        rows.append(_words(110, y + 13, plain(kind), "end"))
        rows.append(f'<rect class="kind" x="118" y="{y}" width="{wide:.1f}" height="18" rx="3"/>')
        rows.append(_words(126 + wide, y + 13, f"{count:,}"))
    label = ", ".join(f"{count} {kind}" for kind, count in account.masked_kinds.items())
    height = 12 + len(account.masked_kinds) * 26
    return (
        f'<svg class="flow-picture" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="replaced: {escape(plain(label))}">{"".join(rows)}</svg>'
    )


def _bar(x: float, bottom: float, height: float, style: str) -> str:
    return (
        f'<rect class="{style}" x="{x}" y="{bottom - height:.1f}" width="{_BAR}" '
        f'height="{height:.1f}" rx="2"/>'
    )


def _words(x: float, y: float, words: str, anchor: str = "start", style: str = "") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}">{escape(words)}'
        "</text>"
    )
