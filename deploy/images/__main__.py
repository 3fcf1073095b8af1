"""Lint, build and start the two images: `python -m deploy.images [--architecture arm64]`.

What a machine has no program for is skipped with the reason. Exit code 1 when a linter, a build or
a start fails.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from deploy.images.bill_of_materials import Component, write_bill
from deploy.images.building import Builder, find_base
from deploy.images.contents import (
    ARCHITECTURES,
    CONTENTS,
    EXTRAS,
    ROOT,
    gather_models,
    gather_product,
    gather_wheels,
)
from deploy.images.smoke import smoke_run

Done = TypeVar("Done")


class Report:
    """A row for each step: what it took and what came of it."""

    def __init__(self) -> None:
        self.notes = Console(stderr=True)
        self.table = Table("step", "seconds", "result")
        self.failed = False

    def step(self, name: str, do: Callable[[], Done], told: Callable[[Done], str]) -> Done | None:
        """Do a step; None when it failed, which is shown and remembered."""
        self.notes.print(f"[dim]{name}[/dim]")
        started = time.monotonic()
        try:
            done = do()
        except subprocess.SubprocessError as exc:
            self.failed = True
            words = getattr(exc, "stderr", None) or str(exc)
            self.row(name, started, f"failed: {str(words).strip()[-800:]}")
            return None
        self.row(name, started, told(done))
        return done

    def row(self, name: str, started: float, result: str) -> None:
        """Add a row."""
        self.table.add_row(name, f"{time.monotonic() - started:.1f}", result)


def main() -> int:
    """Do every step that this machine can do; prints one table."""
    parser = argparse.ArgumentParser(prog="python -m deploy.images", description=__doc__)
    here = next(n for n, p in ARCHITECTURES.items() if p == platform.machine() or n == "amd64")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=here)
    parser.add_argument("--base", help="Base image with Python 3.11, instead of the default.")
    asked = parser.parse_args()
    report = Report()
    report.step("lint", _lint, lambda program: f"clean ({program})")
    product = report.step("wheel of tierwise", gather_product, lambda wheel: wheel.name)
    for half in EXTRAS if product else ():
        wheels = report.step(
            f"wheels {half} {asked.architecture}",
            partial(gather_wheels, half, asked.architecture),
            lambda folder: f"{len(list(folder.iterdir()))} pinned wheels",
        )
        if wheels is not None:
            report.step(f"bill of materials {half}", partial(write_bill, half, wheels), _licences)
    report.step("embedding artifact", gather_models, lambda folder: next(folder.iterdir()).name)
    reason = _cannot_build(asked.architecture, here)
    if reason is None and not report.failed:
        _build_and_start(report, asked.architecture, asked.base)
    else:
        report.row("build", time.monotonic(), f"skipped: {reason or 'an earlier step failed'}")
    Console(width=None if sys.stdout.isatty() else 140).print(report.table)
    return 1 if report.failed else 0


def _licences(bill: tuple[Path, list[Component]]) -> str:
    """Where a bill is, how long it is, and which licences a lawyer should read."""
    file, components = bill
    shown = ", ".join(f"{one.name} ({one.licence})" for one in components if one.wants_a_lawyer)
    return f"{file.relative_to(ROOT)}: {len(components)} components; for a lawyer: {shown or '-'}"


def _lint() -> str:
    linter = Path(sys.executable).with_name("hadolint")
    files = sorted(str(file) for file in (ROOT / "deploy" / "images").glob("*.Dockerfile"))
    subprocess.run([linter, *files], check=True, capture_output=True, text=True)
    version = subprocess.run([linter, "--version"], check=True, capture_output=True, text=True)
    return version.stdout.strip()


def _cannot_build(architecture: str, here: str) -> str | None:
    """Why this machine cannot build, or None."""
    if architecture != here:
        return f"this machine is {here}; build {architecture} on one of its own"
    for program in ("buildah", "unshare", "ip"):
        if shutil.which(program) is None:
            return f"there is no {program} (Debian: apt-get install buildah iproute2 util-linux)"
    if os.geteuid() != 0:
        return "building and starting in namespaces needs root here"
    return None


def _build_and_start(report: Report, architecture: str, base: str | None) -> None:
    builder = Builder(CONTENTS / "store")
    started = time.monotonic()
    found, origin = find_base(builder, base)
    if found is None:
        report.row("build", started, f"skipped: {origin}")
        return
    report.row("base", started, f"{found}, {builder.size(found)}, {origin}")
    for half in EXTRAS:
        image = report.step(
            f"build {half}",
            partial(builder.build, half, architecture, found),
            lambda image: f"{image}, {builder.size(image)}",
        )
        if image is not None:
            report.step(
                f"start {half}, no network",
                partial(_started, builder, half, image),
                lambda words: words,
            )


def _started(builder: Builder, half: str, image: str) -> str:
    with builder.mounted(image) as root:
        ran = smoke_run(half, root, builder.settings(image))
    ran.check_returncode()
    return ran.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
