"""Signatures that were used, over restarts: a process that begins anew must not take one twice.

They lie in files of one window each (`store/intake-signatures/NUMBER`), so that the old ones go as
whole files. A line is a signature and when it came; a line with `-` before it was not taken after
all. What a machine that lost its power had not on disk yet is forgotten; a killed process loses
nothing.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


class SeenSignatures:
    """The signatures of the last two windows."""

    def __init__(self, folder: Path, *, window_s: int) -> None:
        """Prepare; nothing is read or made yet.

        Args:
            folder: For these files alone.
            window_s: Seconds of one file.
        """
        self._folder = folder
        self._window_s = window_s

    def read(self, now: float) -> dict[str, float]:
        """What was used, and when, oldest first; damaged lines are left out.

        Raises:
            OSError: A file cannot be read.
        """
        seen: dict[str, float] = {}
        for file in self._current(now):
            for line in file.read_text(encoding="ascii", errors="replace").splitlines():
                signature, _, at = line.partition(" ")
                if signature.startswith("-"):
                    seen.pop(signature[1:], None)
                    continue
                with suppress(ValueError):
                    seen[signature] = float(at)
        return seen

    def add(self, signature: str, now: float) -> None:
        """Keep a signature.

        Raises:
            OSError: It cannot be kept.
        """
        self._append(f"{signature} {now:.0f}\n", now)

    def take_back(self, signature: str, now: float) -> None:
        """Forget one whose delivery could not be taken; failing that, it stays used."""
        with suppress(OSError):
            self._append(f"-{signature}\n", now)

    def _append(self, line: str, now: float) -> None:
        file = self._folder / str(int(now) // self._window_s)
        if not file.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            kept = set(self._current(now))
            for old in self._folder.iterdir():
                if old not in kept:
                    old.unlink(missing_ok=True)
        with file.open("a", encoding="ascii") as stream:
            stream.write(line)

    def _current(self, now: float) -> list[Path]:
        newest = int(now) // self._window_s
        names = (self._folder / str(number) for number in (newest - 1, newest, newest + 1))
        return [file for file in names if file.is_file()]
