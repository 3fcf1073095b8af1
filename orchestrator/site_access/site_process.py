"""Starting a site's tools from a site directory: `tierwise-site stdio` as a child process.

The child is another half of the product: it gets the few variables it needs and none of ours, so no
AWS credential can reach it. What it answers counts as having left the site.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from orchestrator.site_access.mcp_transports import StdioTarget
from telecom.errors import MissingExtraError, SiteDirectoryError

COMMAND = "tierwise-site"

_PASSED_ON = (
    "ANONYMIZED_TELEMETRY",
    "HF_HUB_OFFLINE",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "OMP_NUM_THREADS",
    "TMPDIR",
    "TZ",
)
_SITE_EXTRA = ("chromadb", "dulwich", "onnxruntime")


def site_process(directory: Path, *, environment: Mapping[str, str] | None = None) -> StdioTarget:
    """Say how to start the tools of `directory`.

    Args:
        directory: A site directory.
        environment: Ours; None is this process's. Only what the child needs is taken from it.

    Raises:
        SiteDirectoryError: There is no such directory.
        MissingExtraError: This environment has no site half.
    """
    if not directory.is_dir():
        raise SiteDirectoryError(f"{directory} is not a directory; `{COMMAND} init` makes one")
    ours = os.environ if environment is None else environment
    return StdioTarget(
        command=find_command(ours),
        arguments=("stdio", str(directory), "--server", "all"),
        environment={name: ours[name] for name in _PASSED_ON if name in ours},
    )


def find_command(environment: Mapping[str, str]) -> Path:
    """Find `tierwise-site` beside this interpreter, else on the PATH.

    Raises:
        MissingExtraError: Neither place has one that can run.
    """
    beside = Path(sys.executable).parent / COMMAND
    if beside.is_file() and all(find_spec(name) is not None for name in _SITE_EXTRA):
        return beside
    elsewhere = shutil.which(COMMAND, path=environment.get("PATH"))
    if elsewhere is None or Path(elsewhere) == beside:
        raise MissingExtraError("site", "--site-dir")
    return Path(elsewhere)
