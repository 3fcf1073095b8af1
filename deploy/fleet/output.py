"""The content of a GitOps repository for a fleet.

    releases/RELEASE/    base, components and overlays of deploy/kubernetes in that release
    sites/NAME/          kustomization.yaml, site.yaml, application.yaml
    applicationset.yaml  which site follows which, and when

A release keeps its manifests, so that going back to it brings them back, too.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from deploy.fleet.applicationset import application_set
from deploy.fleet.definition import Fleet, FleetSite
from deploy.kubernetes.rendering import HERE

MANIFESTS = ("base", "components", "overlays")
_SAFE_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_SHIPPED_SITE = "registry.example.com/tierwise/site"
_SHIPPED_CLOUD = "registry.example.com/tierwise/cloud"


def write_output(fleet: Fleet, sites: Sequence[FleetSite], out: Path) -> None:
    """Write what is committed; sites that left the fleet leave the output.

    A release that is there already stays as it is: it was rolled out.
    """
    release = out / "releases" / fleet.release
    if not release.is_dir():
        for name in MANIFESTS:
            shutil.copytree(HERE / name, release / name)
    for site in sites:
        _write_site(fleet, site, out / "sites" / site.name)
    names = {site.name for site in sites}
    for folder in (out / "sites").iterdir():
        if folder.name not in names:
            shutil.rmtree(folder)
    _write(out / "applicationset.yaml", application_set(fleet))


def _write_site(fleet: Fleet, site: FleetSite, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    settings = site.settings.model_dump(mode="json", by_alias=True, exclude_unset=True)
    _write(folder / "site.yaml", settings)
    _write(folder / "kustomization.yaml", kustomization(fleet, site))
    _write(
        folder / "application.yaml",
        {"name": site.name, "wave": site.wave, "cluster": site.cluster},
    )


def kustomization(fleet: Fleet, site: FleetSite) -> dict[str, Any]:
    """What of the tier's overlay is this site's own."""
    release = site.release or fleet.release
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"../../releases/{release}/overlays/{site.tier}"],
        "configMapGenerator": [
            {
                "name": "site-settings",
                "namespace": "tierwise-site",
                "behavior": "merge",
                "files": ["site.yaml"],
            }
        ],
        "images": [
            {"name": _SHIPPED_SITE, "newName": fleet.images.site, "newTag": release},
            {"name": _SHIPPED_CLOUD, "newName": fleet.images.cloud, "newTag": release},
        ],
        "patches": [*_patches(site)],
    }


def _patches(site: FleetSite) -> Iterator[dict[str, Any]]:
    networks = site.networks
    yield _policy(
        "tierwise-site", "callers", "/spec/ingress/0/from/1/ipBlock/cidr", networks.asking
    )
    yield _policy("tierwise-site", "egress-path", "/spec/egress/0/to/0/ipBlock/cidr", networks.told)
    yield _policy(
        "tierwise-site", "elements", "/spec/ingress/0/from/0/ipBlock/cidr", networks.elements
    )
    if not site.cloud:
        yield {
            "target": {"labelSelector": "tierwise.half=cloud"},
            "patch": "$patch: delete\napiVersion: v1\nkind: Any\nmetadata:\n  name: any\n",
        }
        return
    yield _policy("cloud", "callers", "ingress/0/from/0", networks.callers)
    yield _policy("cloud", "services", "egress/0/to/0", networks.services)
    yield _policy("cloud", "sites", "egress/0/to/1", networks.sites)
    country = "/spec/template/spec/containers/0/env/3/value"
    yield _replace({"kind": "Deployment", "name": "cloud"}, country, site.settings.country)


def _policy(half: str, name: str, peer: str, subnet: str | None) -> dict[str, Any]:
    target = {"kind": "NetworkPolicy", "name": name, "namespace": f"tierwise-{half}"}
    return _replace(target, f"/spec/{peer}/ipBlock/cidr", subnet)


def _replace(target: dict[str, str], path: str, value: str | None) -> dict[str, Any]:
    # In block style: kustomize takes no flow style in a patch.
    return {"target": target, "patch": _yaml([{"op": "replace", "path": path, "value": value}])}


def _write(file: Path, content: Any) -> None:
    text = _yaml(content)
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


def _yaml(content: Any) -> str:
    text: str = yaml.dump(
        content, Dumper=_SAFE_DUMPER, sort_keys=False, default_flow_style=False, width=1_000
    )
    return text
