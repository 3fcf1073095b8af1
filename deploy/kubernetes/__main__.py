"""Render every overlay, check it, print one table: `python -m deploy.kubernetes`.

Exit code 1 when a schema, a policy or the equality of the tiers is broken. Without a renderer
nothing is checked, the reason is printed, and the exit code is 0.
"""

from __future__ import annotations

import sys
import time
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from deploy.kubernetes.consistency import differences
from deploy.kubernetes.policies import RULES, violations
from deploy.kubernetes.rendering import HERE, OVERLAYS, find_renderer
from deploy.kubernetes.schemas import KUBERNETES, schema_errors


def main() -> int:
    """Render, validate, compare; prints what each step took."""
    output = Console(width=None if sys.stdout.isatty() else 120)
    renderer = find_renderer()
    if renderer is None:
        output.print("skipped: no kubectl and no kustomize on this machine")
        return 0
    output.print(f"renderer: {renderer.command[0]} ({renderer.version})", highlight=False)
    table = Table("overlay", "resources", "rendered", "checked", "problems")
    rendered, problems = {}, []
    for overlay in OVERLAYS:
        started = time.perf_counter()
        rendered[overlay] = renderer.render(HERE / "overlays" / overlay)
        between = time.perf_counter()
        found = [*schema_errors(rendered[overlay])]
        found += [f"{one.rule}: {one.what}" for one in violations(rendered[overlay])]
        ended = time.perf_counter()
        problems += [f"{overlay}: {one}" for one in found]
        table.add_row(
            overlay,
            str(len(rendered[overlay])),
            f"{(between - started) * 1000:.0f} ms",
            f"{(ended - between) * 1000:.0f} ms",
            str(len(found)),
        )
    apart = differences(rendered)
    problems += apart
    output.print(table)
    for problem in problems:
        output.print(problem, style="red", highlight=False)
    output.print(
        f"schemas: kubernetes-validate {version('kubernetes-validate')}, strict, Kubernetes "
        f"{KUBERNETES}; {len(RULES)} policies; tiers "
        f"{'differ' if apart else 'equal outside the allowed paths'}",
        highlight=False,
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
