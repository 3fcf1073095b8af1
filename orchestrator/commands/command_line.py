"""What every command of `tierwise` shares: consoles, error reports and the sites of the flags."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
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

DEFAULT_CONFIG = Path("tierwise.yaml")

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


ConfigOption = Annotated[
    Path | None, typer.Option(help="Settings; by default tierwise.yaml in this folder.")
]


def config_file(given: Path | None) -> Path | None:
    """The settings file: the flag's, the environment's, else one in this folder."""
    if given is not None:
        return given
    if named := os.environ.get("TIERWISE_CONFIG"):
        return Path(named)
    return DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None


def sites_of_flags(
    sites: Sequence[str], token_files: Sequence[Path], site_dirs: Sequence[Path]
) -> list[dict[str, Any]] | None:
    """Declare the sites given on the command line; None when there are none.

    Raises:
        typer.BadParameter: A site is not NAME=URL, or the number of token files does not fit.
    """
    if len(token_files) not in {0, 1, len(sites)}:
        raise typer.BadParameter("give --token-file once, or once for each --site")
    declared: list[dict[str, Any]] = []
    for number, text in enumerate(sites):
        name, equals, url = text.partition("=")
        if not (equals and name and url.startswith(("http://", "https://"))):
            raise typer.BadParameter(
                f"--site must be NAME=URL such as core=http://noc:8700: {text}"
            )
        token = token_files[number if len(token_files) > 1 else 0] if token_files else None
        declared.append({"name": name, "url": url, "token_file": token})
    declared.extend(_declared_directory(directory) for directory in site_dirs)
    return declared or None


def _declared_directory(directory: Path) -> dict[str, Any]:
    """Name, tier and country as the site's own `site.yaml` has them; the site checks the rest."""
    content: Mapping[str, Any] = {}
    try:
        loaded = yaml.safe_load((directory / "site.yaml").read_text(encoding="utf-8"))
        content = loaded if isinstance(loaded, dict) else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        pass  # the site's own command says what is wrong with it
    declared = {"name": directory.resolve().name or "site", "site_dir": directory}
    if isinstance(content.get("site_id"), str):
        declared["name"] = content["site_id"]
    for key in ("tier", "country"):
        if isinstance(content.get(key), str):
            declared[key] = content[key]
    return declared
