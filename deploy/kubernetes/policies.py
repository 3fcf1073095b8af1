"""What every rendered set of manifests must keep to, each rule with the reason it exists.

A rule is a function of the resources that yields a sentence for each violation. Rules see what is
applied, not what was written: a patch of an overlay cannot go round them.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.kubernetes.rendering import Resource, name_of

SITE = "tierwise-site"
STORE_OWNER = "site"
"""The StatefulSet whose one pod owns a site's store."""

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
_LONG_RUNNING = ("Deployment", "StatefulSet")
_SUBNET_BITS = 16
"""The widest range that still names somebody's subnet; anything wider is the network."""

Rule = Callable[[Sequence[Resource]], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that one resource breaks."""

    rule: str
    what: str


def violations(resources: Sequence[Resource]) -> list[Violation]:
    """Ask every rule; empty when all hold."""
    return [
        Violation(name, what) for name, rule in RULES.items() for what in sorted(rule(resources))
    ]


def namespaces_are_restricted(resources: Sequence[Resource]) -> Iterator[str]:
    """Pod Security Standards `restricted` is enforced by the API server, not by our goodwill."""
    for one in _of_kind(resources, "Namespace"):
        labels = one["metadata"].get("labels", {})
        if labels.get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"{name_of(one)} does not enforce the restricted Pod Security Standard"


def pods_are_restricted(resources: Sequence[Resource]) -> Iterator[str]:
    """No root, no privilege, no capability, nothing of the node; the root is read-only."""
    for one, pod in _pods(resources):
        shared = pod.get("securityContext", {})
        if not shared.get("runAsNonRoot") or not shared.get("runAsUser"):
            yield f"{name_of(one)} may run as root"
        if shared.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{name_of(one)} has no seccomp profile"
        if any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
            yield f"{name_of(one)} uses a namespace of its node"
        if any("hostPath" in volume for volume in pod.get("volumes", ())):
            yield f"{name_of(one)} mounts a path of its node"
        for container in _containers(pod):
            yield from _unrestricted(f"{name_of(one)} {container['name']}", container)


def containers_are_bounded(resources: Sequence[Resource]) -> Iterator[str]:
    """A neighbour that takes all memory takes the store's owner down with it."""
    for one, pod in _pods(resources):
        for container in _containers(pod):
            given = container.get("resources", {})
            if not {"cpu", "memory"} <= set(given.get("requests", {})):
                yield f"{name_of(one)} {container['name']} requests no cpu or no memory"
            if "memory" not in given.get("limits", {}):
                yield f"{name_of(one)} {container['name']} has no limit of memory"


def containers_are_probed(resources: Sequence[Resource]) -> Iterator[str]:
    """What hangs is restarted, what is not ready gets no traffic."""
    for one, pod in _pods(resources):
        if one["kind"] not in _LONG_RUNNING:
            continue
        for container in pod["containers"]:
            for probe in ("readinessProbe", "livenessProbe"):
                if probe not in container:
                    yield f"{name_of(one)} {container['name']} has no {probe}"


def images_are_pinned(resources: Sequence[Resource]) -> Iterator[str]:
    """During a disconnect a node starts what it has: a tag that moves would be another program."""
    for one, pod in _pods(resources):
        for container in _containers(pod):
            image = container["image"]
            tag = image.rpartition("/")[2].partition(":")[2]
            if "@sha256:" not in image and tag in ("", "latest"):
                yield f"{name_of(one)} {container['name']} runs {image}, which names no version"


def networks_are_closed(resources: Sequence[Resource]) -> Iterator[str]:
    """Default deny in both directions, and each opening names subnet or pods, and ports."""
    policies = _of_kind(resources, "NetworkPolicy")
    for space in _of_kind(resources, "Namespace"):
        name = space["metadata"]["name"]
        if not any(_denies_everything(one) for one in policies if _namespace(one) == name):
            yield f"{name_of(space)} has no default deny of ingress and egress"
    for one in policies:
        for peers, opening in _openings(one):
            if not opening.get(peers):
                yield f"{name_of(one)} opens to everybody"
            if not opening.get("ports"):
                yield f"{name_of(one)} opens every port"
            for peer in opening.get(peers) or ():
                if "ipBlock" in peer and _is_wide(peer["ipBlock"]["cidr"]):
                    yield f"{name_of(one)} opens to {peer['ipBlock']['cidr']}, which is no subnet"
                elif "ipBlock" not in peer and not peer.get("podSelector", {}).get("matchLabels"):
                    yield f"{name_of(one)} opens to every pod of a namespace"


def the_site_has_one_way_out(resources: Sequence[Resource]) -> Iterator[str]:
    """Raw data is one hop from these pods: one policy, one range, one port, one pod may leave."""
    ways = []
    for one in _of_kind(resources, "NetworkPolicy"):
        if _namespace(one) != SITE:
            continue
        for peers, opening in _openings(one):
            if peers != "to":
                continue
            for peer in opening.get("to") or ():
                if _leaves_the_namespace(peer):
                    ways.append((one, opening))
    if not ways and any(_namespace(one) == SITE for one in _of_kind(resources, "StatefulSet")):
        yield f"Namespace {SITE} has no egress path: the cloud half is never told"
    if len(ways) > 1:
        names = ", ".join(sorted({name_of(one) for one, _ in ways}))
        yield f"Namespace {SITE} has {len(ways)} ways out: {names}"
    for one, opening in ways:
        chosen = one["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name")
        if chosen != STORE_OWNER:
            yield f"{name_of(one)} lets others than the owner of the store out"
        if len(opening.get("ports", ())) != 1:
            yield f"{name_of(one)} must name one port"


def the_site_has_no_credentials_of_aws(resources: Sequence[Resource]) -> Iterator[str]:
    """During a disconnect IAM does not answer, and a role in the building could read a bucket."""
    for one in _of_kind(resources, "ServiceAccount"):
        annotations = one["metadata"].get("annotations", {})
        if _namespace(one) == SITE and any("amazonaws.com" in key for key in annotations):
            yield f"{name_of(one)} is given a role of AWS"
    for one, pod in _pods(resources):
        if _namespace(one) != SITE:
            continue
        for container in _containers(pod):
            if any(entry["name"].startswith("AWS_") for entry in container.get("env", ())):
                yield f"{name_of(one)} {container['name']} has a variable of AWS"
            if container.get("envFrom"):
                yield f"{name_of(one)} {container['name']} takes a whole map as its environment"


def pods_have_no_token_of_the_cluster(resources: Sequence[Resource]) -> Iterator[str]:
    """Nothing of ours talks to the API server, so nothing of ours may."""
    for one, pod in _pods(resources):
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{name_of(one)} is given a token of the cluster"
        if pod.get("serviceAccountName", "default") == "default":
            yield f"{name_of(one)} runs as the default service account"


def secrets_are_not_written_down(resources: Sequence[Resource]) -> Iterator[str]:
    """A secret in a manifest is a secret in a repository."""
    for one in _of_kind(resources, "Secret"):
        if one.get("data") or one.get("stringData"):
            yield f"{name_of(one)} carries its value"
    words = ("PASSWORD", "SECRET", "TOKEN", "KEY")
    for one, pod in _pods(resources):
        for container in _containers(pod):
            for entry in container.get("env", ()):
                value = entry.get("value", "")
                secret = any(word in entry["name"].upper() for word in words)
                if value and (secret or ("://" in value and "@" in value)):
                    yield f"{name_of(one)} {container['name']} has {entry['name']} in the clear"


def the_store_has_one_owner(resources: Sequence[Resource]) -> Iterator[str]:
    """Two processes on one store lose vectors and fork the ledger, silently."""
    owners = [
        one
        for one, _ in _pods(resources)
        if _namespace(one) == SITE and one["metadata"]["name"] == STORE_OWNER
    ]
    for one in owners:
        spec = one["spec"]
        if one["kind"] != "StatefulSet" or spec.get("replicas") != 1:
            yield f"{name_of(one)} must be a StatefulSet of one"
        context = spec["template"]["spec"].get("securityContext", {})
        if context.get("fsGroupChangePolicy") != "OnRootMismatch":
            yield f"{name_of(one)} opens the keys of its store to a group at each start"
    for one in _of_kind(resources, "HorizontalPodAutoscaler"):
        target = one["spec"]["scaleTargetRef"]
        if target["kind"] == "StatefulSet":
            yield f"{name_of(one)} scales {target['name']}, which is one owner of one store"


def what_is_scaled_shares_its_state(resources: Sequence[Resource]) -> Iterator[str]:
    """Two pods with a file each would investigate an incident twice."""
    scaled = {
        (_namespace(one), one["spec"]["scaleTargetRef"]["name"])
        for one in _of_kind(resources, "HorizontalPodAutoscaler")
    }
    for one, pod in _pods(resources):
        several = (_namespace(one), one["metadata"]["name"]) in scaled or (
            one["kind"] == "Deployment" and one["spec"].get("replicas", 1) > 1
        )
        for container in _containers(pod):
            for entry in container.get("env", ()):
                if several and entry["name"] == "TIERWISE_STATE" and "valueFrom" not in entry:
                    yield f"{name_of(one)} runs several pods on a state of their own"


def workloads_survive_a_drain(resources: Sequence[Resource]) -> Iterator[str]:
    """A PodDisruptionBudget that lets a node be drained, and replicas on several nodes."""
    budgets = _of_kind(resources, "PodDisruptionBudget")
    for one, pod in _pods(resources):
        if one["kind"] not in _LONG_RUNNING:
            continue
        labels = one["spec"]["template"]["metadata"]["labels"].items()
        mine = [
            budget["spec"]
            for budget in budgets
            if _namespace(budget) == _namespace(one)
            and budget["spec"]["selector"]["matchLabels"].items() <= labels
        ]
        if len(mine) != 1:
            yield f"{name_of(one)} has {len(mine)} disruption budgets, needs one"
        if any(budget.get("maxUnavailable") in (None, 0, "0%") for budget in mine):
            yield f"{name_of(one)} blocks the drain of its node"
        if one["kind"] == "Deployment" and not pod.get("topologySpreadConstraints"):
            yield f"{name_of(one)} may have all its pods on one node"


def disks_are_declared_and_encrypted(resources: Sequence[Resource]) -> Iterator[str]:
    """Claims name a class that is rendered with them; what EBS keeps is encrypted and retained."""
    classes = {one["metadata"]["name"]: one for one in _of_kind(resources, "StorageClass")}
    claims = [(name_of(one), one["spec"]) for one in _of_kind(resources, "PersistentVolumeClaim")]
    for one in _of_kind(resources, "StatefulSet"):
        templates = one["spec"].get("volumeClaimTemplates", ())
        claims += [(name_of(one), template["spec"]) for template in templates]
    for owner, claim in claims:
        if claim.get("storageClassName") not in classes:
            yield f"{owner} claims a disk of a class that is not here"
    for one in classes.values():
        ebs = one["provisioner"] == "ebs.csi.aws.com"
        if ebs and one.get("parameters", {}).get("encrypted") != "true":
            yield f"{name_of(one)} is not encrypted"
        if one.get("reclaimPolicy") != "Retain":
            yield f"{name_of(one)} deletes a site's store with its claim"


def services_stay_inside(resources: Sequence[Resource]) -> Iterator[str]:
    """Who publishes a door does it knowingly, with a load balancer of his own."""
    for one in _of_kind(resources, "Service"):
        if one["spec"].get("type", "ClusterIP") != "ClusterIP":
            yield f"{name_of(one)} is published as {one['spec']['type']}"
    for one in _of_kind(resources, "Ingress"):
        yield f"{name_of(one)} publishes a door"


def a_gpu_model_fits_a_t4(resources: Sequence[Resource]) -> Iterator[str]:
    """The smallest GPU of an Outposts rack knows no bfloat16 and has 16 GB: 4 bit, float16."""
    for one, pod in _pods(resources):
        for container in _containers(pod):
            if "nvidia.com/gpu" not in container.get("resources", {}).get("limits", {}):
                continue
            args = container.get("args", [])
            given = dict(itertools.pairwise(args))
            if given.get("--dtype") not in ("float16", "half"):
                yield f"{name_of(one)} {container['name']} must say --dtype float16"
            if given.get("--quantization") not in ("awq", "gptq"):
                yield f"{name_of(one)} {container['name']} must say --quantization awq or gptq"


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        namespaces_are_restricted,
        pods_are_restricted,
        containers_are_bounded,
        containers_are_probed,
        images_are_pinned,
        networks_are_closed,
        the_site_has_one_way_out,
        the_site_has_no_credentials_of_aws,
        pods_have_no_token_of_the_cluster,
        secrets_are_not_written_down,
        the_store_has_one_owner,
        what_is_scaled_shares_its_state,
        workloads_survive_a_drain,
        disks_are_declared_and_encrypted,
        services_stay_inside,
        a_gpu_model_fits_a_t4,
    )
}


def _of_kind(resources: Sequence[Resource], kind: str) -> list[Resource]:
    return [one for one in resources if one["kind"] == kind]


def _namespace(resource: Resource) -> str | None:
    namespace: str | None = resource["metadata"].get("namespace")
    return namespace


def _pods(resources: Sequence[Resource]) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Each workload with the specification of its pods."""
    for one in resources:
        if one["kind"] in _WORKLOADS:
            spec = one["spec"]
            if one["kind"] == "CronJob":
                spec = spec["jobTemplate"]["spec"]
            yield one, spec["template"]["spec"]
        elif one["kind"] == "Pod":
            yield one, one["spec"]


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", ()), *pod["containers"]]


def _unrestricted(who: str, container: dict[str, Any]) -> Iterator[str]:
    context = container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
        yield f"{who} may gain privileges"
    capabilities = context.get("capabilities", {})
    if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
        yield f"{who} keeps capabilities"
    if context.get("readOnlyRootFilesystem") is not True:
        yield f"{who} can write its root"
    if context.get("runAsNonRoot") is False or context.get("runAsUser") == 0:
        yield f"{who} runs as root"


def _openings(policy: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each rule of a network policy with the key that its peers stand under."""
    for opening in policy["spec"].get("ingress", ()):
        yield "from", opening
    for opening in policy["spec"].get("egress", ()):
        yield "to", opening


def _denies_everything(policy: Resource) -> bool:
    spec = policy["spec"]
    return (
        spec.get("podSelector") == {}
        and set(spec.get("policyTypes", ())) == {"Ingress", "Egress"}
        and not spec.get("ingress")
        and not spec.get("egress")
    )


def _is_wide(cidr: str) -> bool:
    network = ipaddress.ip_network(cidr, strict=False)
    return network.prefixlen < (_SUBNET_BITS if network.version == 4 else 48)


def _leaves_the_namespace(peer: dict[str, Any]) -> bool:
    """Whether a peer is neither of the same namespace nor the cluster's resolver."""
    if "ipBlock" in peer:
        return not ipaddress.ip_network(peer["ipBlock"]["cidr"], strict=False).is_link_local
    chosen = peer.get("namespaceSelector")
    if chosen is None:
        return False
    labels = chosen.get("matchLabels", {})
    resolver = peer.get("podSelector", {}).get("matchLabels", {}) == {"k8s-app": "kube-dns"}
    return not (resolver and labels == {"kubernetes.io/metadata.name": "kube-system"})
