"""Which sign parts the cells of a table: spreadsheets write what their language settings say."""

from __future__ import annotations

_DELIMITERS = ",;\t|"


def delimiter_of(header: str) -> str:
    """The delimiter that a table's first line uses most; a comma when it uses none.

    Args:
        header: The first line, with or without its end.
    """
    return max(_DELIMITERS, key=header.count)
