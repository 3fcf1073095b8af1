"""Gathers what an image is made of: pinned wheels for a processor, and the embedding artifact.

The index is asked here and never by a build, so that an image can be built, and built again, where
there is no network.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from rag.model_artifact import ensure_artifact

ROOT = Path(__file__).resolve().parents[2]
CONTENTS = ROOT / "build" / "images"
PYTHON = "3.11"
"""The Python of the base: wheels are made for one."""
EXTRAS = {"cloud": "agentcore,cloud,console,postgresql", "site": "kafka,netbox,site-slim"}
"""What each half is installed with; `site-slim` is the site without torch."""
UNUSED = ("kubernetes",)
"""What a distribution asks for and nothing here imports: chromadb's way to a cluster of its own,
126 MB of an image."""
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Names of processors: of images, of wheels."""

_PRODUCT = CONTENTS / "product"
_QUIETLY = ("--quiet", "--quiet", "--disable-pip-version-check")
_GLIBC = ("2014", "_2_17", "_2_28")
"""Baselines of manylinux that Debian 12 satisfies."""


def gather_product() -> Path:
    """Build the wheel of this checkout; returns the file."""
    # setuptools would pack again what an earlier build left and the checkout no longer has.
    for stale in (_PRODUCT, ROOT / "build" / "lib"):
        shutil.rmtree(stale, ignore_errors=True)
    _pip("wheel", "--no-deps", "--wheel-dir", str(_PRODUCT), str(ROOT))
    return next(_PRODUCT.glob("*.whl"))


def gather_wheels(half: str, architecture: str) -> Path:
    """Download the wheels of a half for a processor, pinned by constraints.txt; needs the product.

    The folder holds what the image gets, all of it and nothing else.

    Raises:
        subprocess.CalledProcessError: A dependency has no wheel for it; pip says which on stderr.
    """
    folder = CONTENTS / f"wheels-{half}-{architecture}"
    shutil.rmtree(folder, ignore_errors=True)
    processor = ARCHITECTURES[architecture]
    platforms = [f"--platform=manylinux{glibc}_{processor}" for glibc in _GLIBC]
    _pip(
        "download",
        "--only-binary=:all:",
        f"--python-version={PYTHON}",
        *platforms,
        f"--constraint={ROOT / 'constraints.txt'}",
        f"--find-links={_PRODUCT}",
        f"--dest={folder}",
        f"tierwise[{EXTRAS[half]}]",
    )
    for name in UNUSED:
        for wheel in folder.glob(f"{name}-*.whl"):
            wheel.unlink()
    return folder


def gather_models() -> Path:
    """Put the embedding artifact in place, built from the pinned weights if there is none."""
    artifact = ensure_artifact()
    folder = CONTENTS / "models"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(artifact.folder, folder / artifact.folder.name)
    return folder


def _pip(command: str, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", command, *_QUIETLY, *arguments],
        check=True,
    )
