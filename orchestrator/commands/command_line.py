"""What every command of `tierwise` shares: consoles, error reports, logs, `--json`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from telecom.errors import (
    EgressRefusedError,
    InvalidArgumentError,
    PlacementRefusedError,
    TierwiseError,
)
from telecom.file_access import told_problem
from telecom.log_tracebacks import WordlessTracebacks

DONE, FAILED, WRONG_USAGE, REFUSED = 0, 1, 2, 3
"""Exit codes."""

output = Console()
"""stdout: results, and nothing else."""
notes = Console(stderr=True)
"""stderr: progress and errors."""


@contextmanager
def reported() -> Iterator[None]:
    """Turn an error of ours into a message on stderr and an exit code."""
    try:
        yield
    except TierwiseError as exc:
        notes.print(Text(f"tierwise: {_shown(exc)}"), style="red", soft_wrap=True)
        raise typer.Exit(_exit_code(exc)) from exc
    except BrokenPipeError:
        raise
    except OSError as exc:
        notes.print(Text(f"tierwise: {told_problem(exc)}"), style="red", soft_wrap=True)
        raise typer.Exit(FAILED) from exc


def _exit_code(exc: TierwiseError) -> int:
    if isinstance(exc, (PlacementRefusedError, EgressRefusedError)):
        return REFUSED
    return WRONG_USAGE if isinstance(exc, InvalidArgumentError) else FAILED


def _shown(exc: TierwiseError) -> str:
    """The message with line breaks kept and every other control character shown."""
    from agents.plain_text import plain  # noqa: PLC0415 - only when it fails

    return "\n".join(plain(line) for line in str(exc).splitlines())


def quiet_logs() -> None:
    """Send warnings of ours to stderr, and nothing that would quote payloads."""
    to_stderr = logging.StreamHandler(sys.stderr)
    to_stderr.setFormatter(WordlessTracebacks("%(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[to_stderr])
    for name in ("mcp", "httpx", "httpx2", "httpcore", "asyncio", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def print_json(document: str) -> None:
    """Write one JSON document to stdout, untouched by any styling."""
    sys.stdout.write(document.rstrip("\n") + "\n")


JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]
