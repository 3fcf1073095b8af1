"""What the tiers may differ in, written down; everything else is the same manifest everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.kubernetes.rendering import Resource, name_of

MAY_DIFFER = {
    "ConfigMap tierwise-site/site-settings": ("data.site.yaml",),
    "Deployment tierwise-cloud/cloud": (
        "spec.template.spec.containers.cloud.env.TIERWISE_TIER.value",
        "spec.template.spec.containers.cloud.env.TIERWISE_COUNTRY.value",
    ),
    "Deployment tierwise-site/slm": (
        "spec.template.spec.containers.slm.image",
        "spec.template.spec.containers.slm.args",
        "spec.template.spec.containers.slm.env.HF_HUB_OFFLINE",
        "spec.template.spec.containers.slm.env.VLLM_NO_USAGE_STATS",
        "spec.template.spec.containers.slm.env.TORCHINDUCTOR_CACHE_DIR",
        "spec.template.spec.containers.slm.resources",
        "spec.template.spec.containers.slm.volumeMounts./dev/shm",
        "spec.template.spec.volumes.shm",
        "spec.template.spec.nodeSelector",
        "spec.template.spec.tolerations",
    ),
    "NetworkPolicy tierwise-cloud/callers": ("spec.ingress.0.from.0.ipBlock.cidr",),
    "NetworkPolicy tierwise-cloud/services": ("spec.egress.0.to.0.ipBlock.cidr",),
    "NetworkPolicy tierwise-cloud/sites": ("spec.egress.0.to.1.ipBlock.cidr",),
    "NetworkPolicy tierwise-site/callers": ("spec.ingress.0.from.1.ipBlock.cidr",),
    "NetworkPolicy tierwise-site/elements": ("spec.ingress.0.from.0.ipBlock.cidr",),
    "NetworkPolicy tierwise-site/egress-path": ("spec.egress.0.to.0.ipBlock.cidr",),
    "StatefulSet tierwise-site/site": (
        "spec.template.spec.nodeSelector",
        "spec.template.spec.tolerations",
    ),
    "StorageClass tierwise-store": ("provisioner", "parameters", "allowVolumeExpansion"),
}
"""Resource -> paths, each with all that is below it."""

_CONTENT_HASH = re.compile(r"^(\w+-settings)-[a-z0-9]{10}$")
"""kustomize appends a hash of the content, so that a change of settings restarts the pods."""


def differences(
    rendered: Mapping[str, Sequence[Resource]],
    *,
    allowed: Mapping[str, Sequence[str]] = MAY_DIFFER,
) -> list[str]:
    """Compare overlays with the first of them, outside what is allowed; empty when they agree.

    Args:
        rendered: The resources of each overlay, by its name.
        allowed: Resource -> paths that may differ, each with all that is below it.
    """
    flat = {overlay: _flat(resources) for overlay, resources in rendered.items()}
    names = list(flat)
    found = []
    for name in names[1:]:
        first, other = flat[names[0]], flat[name]
        for path in sorted(first.keys() | other.keys()):
            if first.get(path) != other.get(path) and not _may_differ(*path, allowed):
                found.append(f"{path[0]}: {path[1]} differs between {names[0]} and {name}")
    return found


def _may_differ(resource: str, path: str, allowed: Mapping[str, Sequence[str]]) -> bool:
    return any(path == one or path.startswith(f"{one}.") for one in allowed.get(resource, ()))


def _flat(resources: Sequence[Resource]) -> dict[tuple[str, str], Any]:
    """Every leaf by resource and path."""
    leaves = {}
    for one in resources:
        plain = _without_content_hashes(one)
        leaves.update({(name_of(plain), path): leaf for path, leaf in _leaves(plain, "")})
    return leaves


def _without_content_hashes(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_content_hashes(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_without_content_hashes(below) for below in value]
    return _CONTENT_HASH.sub(r"\1", value) if isinstance(value, str) else value


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _leaves(below, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, below in enumerate(value):
            yield from _leaves(below, f"{path}.{_key(below, index)}")
    else:
        yield path, value


def _key(item: Any, index: int) -> str:
    """What Kubernetes merges a list's items by: their name, or where they are mounted."""
    if isinstance(item, dict):
        return str(item.get("mountPath") or item.get("name") or index)
    return str(index)
