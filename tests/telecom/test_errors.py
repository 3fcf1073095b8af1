"""The error tree as its docstring draws it."""

from __future__ import annotations

import re

import telecom.errors
from telecom.errors import OperatorError, TierwiseError, ToolRefused, ToolRetry


def _all_below(error: type[TierwiseError]) -> list[type[TierwiseError]]:
    return [error, *(leaf for child in error.__subclasses__() for leaf in _all_below(child))]


def test_the_docstring_draws_every_error_with_its_code() -> None:
    """STYLE rule 4: one tree, drawn at the top of the module."""
    drawn = dict(re.findall(r"(\w+Error)\s+(?:code )?\"(\w+)\"", telecom.errors.__doc__ or ""))
    actual = {
        error.__name__: error.code
        for error in _all_below(TierwiseError)
        if error.__module__ == "telecom.errors"
        and error not in (ToolRetry, ToolRefused, OperatorError)
    }
    assert drawn == actual


def test_codes_are_unique() -> None:
    """STYLE rule 4: each class has a stable code."""
    codes = [
        error.code
        for error in _all_below(TierwiseError)
        if "code" in vars(error)  # a narrower error of a package keeps the code of its kind
    ]
    assert len(codes) == len(set(codes))
