"""`BriefPage`: sections that are filled in order of worth and printed in order of reading."""

from __future__ import annotations

from collections.abc import Iterable

from telecom.tokens import estimate_tokens


class BriefPage:
    """Lines that are taken while they fit.

    What matters most is offered first; where a line stands is decided by its section.
    """

    def __init__(self, limit: int, sections: Iterable[tuple[str, str]]) -> None:
        """Begin an empty page.

        Args:
            limit: Most tokens that the printed text may have.
            sections: Name and heading of each section in reading order; a section without lines is
                not printed, and one with an empty heading prints none.
        """
        self._headings = dict(sections)
        self._lines: dict[str, list[str]] = {name: [] for name in self._headings}
        self.left = float(limit)

    def offer(self, section: str, line: str, *, keep: int = 0) -> bool:
        """Take a line if it fits and leaves `keep` tokens for what is still to come."""
        cost = estimate_tokens(line) + _BREAK
        if not self._lines[section] and self._headings[section]:
            cost += estimate_tokens(self._headings[section]) + _BREAK
        if cost + keep > self.left:
            return False
        self._lines[section].append(line)
        self.left -= cost
        return True

    def text(self) -> str:
        """The page as it is read."""
        printed = []
        for name, heading in self._headings.items():
            if self._lines[name]:
                printed += [heading] if heading else []
                printed += self._lines[name]
        return "\n".join(printed)


_BREAK = 0.6
"""A line break is mostly part of the token before it."""
