"""Why a sheet cannot be made here."""

from __future__ import annotations


class CannotRunError(Exception):
    """A tool is missing; the message says which and how to get it."""
