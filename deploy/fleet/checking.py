"""Renders every site of a fleet as Argo CD will, and asks the schemas and policies of the tiers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from deploy.fleet.definition import FleetSite
from deploy.kubernetes.consistency import MAY_DIFFER, differences
from deploy.kubernetes.policies import violations
from deploy.kubernetes.rendering import Renderer, RenderingError, Resource
from deploy.kubernetes.schemas import schema_errors

_IMAGES = {
    "Deployment tierwise-cloud/cloud": ("spec.template.spec.containers.cloud.image",),
    "StatefulSet tierwise-site/site": ("spec.template.spec.containers.site.image",),
}
"""What sites may differ in beyond their tiers: the release that they are on."""


@dataclass(slots=True)
class Checked:
    """What was found, and how much there is."""

    sites: int = 0
    resources: int = 0
    problems: list[str] = field(default_factory=list)


def check_sites(
    sites: Sequence[FleetSite],
    out: Path,
    renderer: Renderer,
    *,
    tell: Callable[[int], None] = lambda done: None,
) -> Checked:
    """Render all sites and check each; schemas are asked once for each kind of site.

    Sites of one kind are equal but for what `MAY_DIFFER` allows, which is checked, and those values
    are checked when the fleet is read.

    Args:
        sites: Those of the output.
        out: The output.
        renderer: kustomize.
        tell: How many sites are done.
    """
    checked = Checked()
    firsts: dict[tuple[str, bool], tuple[str, list[Resource]]] = {}

    def render(site: FleetSite) -> list[Resource] | RenderingError:
        try:
            return renderer.render(out / "sites" / site.name)
        except RenderingError as exc:
            return exc

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for site, resources in zip(sites, threads.map(render, sites), strict=True):
            checked.sites += 1
            if isinstance(resources, RenderingError):
                checked.problems.append(str(resources))
            else:
                checked.resources += len(resources)
                kind = (site.tier, site.cloud)
                first = firsts.setdefault(kind, (site.name, resources))
                checked.problems += _problems(site.name, resources, first)
            tell(checked.sites)
    return checked


def _problems(
    name: str, resources: list[Resource], first: tuple[str, list[Resource]]
) -> Iterator[str]:
    for broken in violations(resources):
        yield f"{name}: {broken.rule}: {broken.what}"
    if first[0] == name:
        yield from (f"{name}: {error}" for error in schema_errors(resources))
        return
    yield from differences({first[0]: first[1], name: resources}, allowed=_allowed())


def _allowed() -> dict[str, tuple[str, ...]]:
    return {
        name: (*MAY_DIFFER.get(name, ()), *_IMAGES.get(name, ()))
        for name in MAY_DIFFER.keys() | _IMAGES.keys()
    }
