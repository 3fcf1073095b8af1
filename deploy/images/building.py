"""Builds images with buildah, without a daemon and without a registry where none is reached."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.images.contents import CONTENTS, ROOT

DEFAULT_BASE = "docker.io/library/python:3.11-slim-bookworm"
DEBIAN = "bookworm"
"""The release of Debian whose Python is 3.11."""

_OWN_BASE = "localhost/tierwise-base"
_PULL_SECONDS = 120
_BUILD_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Builder:
    """buildah with a store of its own; images of other programs are not seen."""

    store: Path

    def run(self, *arguments: str, timeout: float = _BUILD_SECONDS) -> str:
        """Run one buildah command; returns what it printed.

        Raises:
            subprocess.SubprocessError: It failed, or took too long.
        """
        storage = ("--storage-driver", "vfs", "--root", str(self.store / "images"))
        ran = subprocess.run(
            ["buildah", *storage, "--runroot", str(self.store / "run"), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=timeout,
        )
        return ran.stdout.strip()

    def build(self, half: str, architecture: str, base: str) -> str:
        """Build the image of a half; returns its name."""
        image = f"localhost/tierwise-{half}"
        dockerfile = ROOT / "deploy" / "images" / f"{half}.Dockerfile"
        arguments = (f"BASE={base}", f"ARCHITECTURE={architecture}")
        self.run(
            "bud",
            "--quiet",
            "--isolation=chroot",
            *(f"--build-arg={argument}" for argument in arguments),
            f"--tag={image}",
            f"--file={dockerfile}",
            str(ROOT),
        )
        return image

    def size(self, image: str) -> str:
        """The size of an image, as people read it."""
        described: list[dict[str, Any]] = json.loads(self.run("images", "--json", image))
        return str(described[0]["size"])

    def settings(self, image: str) -> dict[str, Any]:
        """What an image says about running it: `Env`, `User`, `Entrypoint`, `Cmd`."""
        described: dict[str, Any] = json.loads(self.run("inspect", "--type=image", image))
        settings: dict[str, Any] = described["OCIv1"]["config"]
        return settings

    @contextmanager
    def mounted(self, image: str) -> Iterator[Path]:
        """The root of a container of an image, which is removed afterwards."""
        container = self.run("from", image)
        try:
            yield Path(self.run("mount", container))
        finally:
            self.run("rm", container)


def find_base(builder: Builder, asked: str | None) -> tuple[str | None, str]:
    """Find a base to build on; returns it, or None, and where it comes from or why there is none.

    What is asked for, else the default of the Dockerfiles, else Debian's own packages.
    """
    base = asked or DEFAULT_BASE
    for command, origin in (
        (("inspect", "--type=image"), "here already"),
        (("pull", "--quiet"), "pulled"),
    ):
        with suppress(subprocess.SubprocessError):
            builder.run(*command, base, timeout=_PULL_SECONDS)
            return base, origin
    if asked is not None:
        return None, f"the base {asked} cannot be pulled"
    with suppress(subprocess.SubprocessError):
        builder.run("inspect", "--type=image", _OWN_BASE)
        return _OWN_BASE, "made of Debian's packages before; `make clean` makes it anew"
    if shutil.which("mmdebstrap") is None:
        return None, f"{base} cannot be pulled, and there is no mmdebstrap to make a base with"
    return _debian(builder), "made of Debian's packages, because no registry was reached"


def _debian(builder: Builder) -> str:
    """Make a base of Debian with its Python."""
    root = CONTENTS / "base.tar"
    packages = "--include=python3,python3-venv,ca-certificates"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", packages, DEBIAN, str(root)],
        check=True,
        timeout=_BUILD_SECONDS,
    )
    container = builder.run("from", "scratch")
    builder.run("add", "--quiet", container, str(root), "/")
    builder.run("commit", "--quiet", "--rm", container, _OWN_BASE)
    root.unlink()
    return _OWN_BASE
