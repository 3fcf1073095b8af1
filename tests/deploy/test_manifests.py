"""The manifests of every tier: equal where they must be, valid, and kept to the policies."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.kubernetes import __main__ as command
from deploy.kubernetes.consistency import MAY_DIFFER, differences
from deploy.kubernetes.policies import RULES, violations
from deploy.kubernetes.rendering import HERE, OVERLAYS, Renderer, Resource, find_renderer, name_of
from deploy.kubernetes.schemas import schema_errors
from mcp_servers.site_directory import SiteSettings
from orchestrator.settings import Settings
from placement.policy import load_policy
from tests.heavy import heavy

Rendered = dict[str, list[Resource]]
Plant = Callable[["Planted"], None]


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    found = find_renderer()
    if found is None:
        pytest.skip("no kubectl and no kustomize on this machine")
    return found


@pytest.fixture(scope="module")
def rendered(renderer: Renderer) -> Rendered:
    return {name: renderer.render(HERE / "overlays" / name) for name in OVERLAYS}


class Planted:
    """A copy of the manifests of an Outposts rack, to break one thing in."""

    def __init__(self, resources: list[Resource]) -> None:
        self.resources = copy.deepcopy(resources)

    def __getitem__(self, name: str) -> Any:
        return next(one for one in self.resources if name_of(one) == name)

    def pod(self, name: str) -> Any:
        return self[name]["spec"]["template"]["spec"]

    def container(self, name: str) -> Any:
        return self.pod(name)["containers"][0]

    def drop(self, name: str) -> None:
        self.resources.remove(self[name])


CLOUD, SITE, SLM = (
    "Deployment tierwise-cloud/cloud",
    "StatefulSet tierwise-site/site",
    "Deployment tierwise-site/slm",
)


def _env(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


PLANTS: list[tuple[str, Plant]] = [
    (
        "namespaces_are_restricted",
        lambda m: m["Namespace tierwise-site"]["metadata"].pop("labels"),
    ),
    ("pods_are_restricted", lambda m: m.pod(CLOUD)["securityContext"].pop("runAsNonRoot")),
    ("pods_are_restricted", lambda m: m.pod(SLM)["securityContext"].pop("seccompProfile")),
    ("pods_are_restricted", lambda m: m.pod(SITE).update(hostNetwork=True)),
    (
        "pods_are_restricted",
        lambda m: m.pod(SITE)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
    ),
    (
        "pods_are_restricted",
        lambda m: m.container(SITE)["securityContext"].pop("readOnlyRootFilesystem"),
    ),
    (
        "pods_are_restricted",
        lambda m: m.container(SITE)["securityContext"]["capabilities"].update(add=["NET_RAW"]),
    ),
    ("containers_are_bounded", lambda m: m.container(CLOUD)["resources"].pop("limits")),
    ("containers_are_probed", lambda m: m.container(SLM).pop("livenessProbe")),
    (
        "images_are_pinned",
        lambda m: m.container(SITE).update(image="registry.example.com:5000/tierwise/site"),
    ),
    ("images_are_pinned", lambda m: m.container(SITE).update(image="tierwise/site:latest")),
    ("networks_are_closed", lambda m: m.drop("NetworkPolicy tierwise-site/default-deny")),
    (
        "networks_are_closed",
        lambda m: m["NetworkPolicy tierwise-cloud/services"]["spec"]["egress"][0]["to"][0].update(
            ipBlock={"cidr": "0.0.0.0/0"}
        ),
    ),
    (
        "networks_are_closed",
        lambda m: m["NetworkPolicy tierwise-site/callers"]["spec"]["ingress"][0].pop("ports"),
    ),
    (
        "networks_are_closed",
        lambda m: m["NetworkPolicy tierwise-site/callers"]["spec"]["ingress"][0].pop("from"),
    ),
    (
        "the_site_has_one_way_out",
        lambda m: m["NetworkPolicy tierwise-site/site-to-slm"]["spec"]["egress"][0]["to"].append(
            {"ipBlock": {"cidr": "10.3.96.0/24"}}
        ),
    ),
    (
        "the_site_has_one_way_out",
        lambda m: m["NetworkPolicy tierwise-site/egress-path"]["spec"].update(podSelector={}),
    ),
    (
        "the_site_has_one_way_out",
        lambda m: m["NetworkPolicy tierwise-site/dns"]["spec"]["egress"][0]["to"][0].update(
            podSelector={"matchLabels": {"app": "anything"}}
        ),
    ),
    ("the_site_has_one_way_out", lambda m: m.drop("NetworkPolicy tierwise-site/egress-path")),
    (
        "the_site_has_no_credentials_of_aws",
        lambda m: m["ServiceAccount tierwise-site/site"]["metadata"].update(
            annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/x"}
        ),
    ),
    (
        "the_site_has_no_credentials_of_aws",
        lambda m: m.container(SITE)["env"].append(_env("AWS_PROFILE", "x")),
    ),
    (
        "pods_have_no_token_of_the_cluster",
        lambda m: m.pod(SITE).pop("automountServiceAccountToken"),
    ),
    (
        "secrets_are_not_written_down",
        lambda m: m.resources.append(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "x", "namespace": "tierwise-site"},
                "stringData": {"token": "x"},
            }
        ),
    ),
    (
        "secrets_are_not_written_down",
        lambda m: m.container(CLOUD)["env"].append(_env("X", "postgresql://u:p@db/tierwise")),
    ),
    ("the_store_has_one_owner", lambda m: m[SITE]["spec"].update(replicas=2)),
    (
        "the_store_has_one_owner",
        lambda m: m.pod(SITE)["securityContext"].pop("fsGroupChangePolicy"),
    ),
    (
        "the_store_has_one_owner",
        lambda m: m["HorizontalPodAutoscaler tierwise-cloud/cloud"]["spec"].update(
            scaleTargetRef={"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "site"}
        ),
    ),
    (
        "what_is_scaled_shares_its_state",
        lambda m: m.container(CLOUD).update(env=[_env("TIERWISE_STATE", "/x/state.sqlite")]),
    ),
    (
        "workloads_survive_a_drain",
        lambda m: m.drop("PodDisruptionBudget tierwise-cloud/cloud"),
    ),
    (
        "workloads_survive_a_drain",
        lambda m: m["PodDisruptionBudget tierwise-site/site"]["spec"].update(maxUnavailable=0),
    ),
    ("workloads_survive_a_drain", lambda m: m.pod(CLOUD).pop("topologySpreadConstraints")),
    (
        "disks_are_declared_and_encrypted",
        lambda m: m["StorageClass tierwise-store"]["parameters"].pop("encrypted"),
    ),
    ("disks_are_declared_and_encrypted", lambda m: m.drop("StorageClass tierwise-store")),
    (
        "services_stay_inside",
        lambda m: m["Service tierwise-site/site"]["spec"].update(type="LoadBalancer"),
    ),
    ("a_gpu_model_fits_a_t4", lambda m: m.container(SLM)["args"].remove("float16")),
    ("a_gpu_model_fits_a_t4", lambda m: m.container(SLM)["args"].remove("awq")),
]


def test_the_manifests_of_all_tiers_are_equal_outside_the_allowed_paths(rendered: Rendered) -> None:
    """R5: the same manifests on every tier, so a workload moves without a change of code."""
    assert differences(rendered) == []


def test_a_path_that_nobody_allowed_is_found_by_name(rendered: Rendered) -> None:
    """R5: a positive control of the comparison, for a changed, a lost and an additional leaf."""
    other = Planted(rendered["region"])
    other.container(CLOUD)["args"][0] = "investigate"
    other.drop("Service tierwise-site/slm")
    other.container(SITE)["env"].append(_env("ONLY_HERE", "x"))
    found = differences({"region": rendered["region"], "planted": other.resources})
    assert {line.partition(" differs")[0] for line in found} >= {
        "Deployment tierwise-cloud/cloud: spec.template.spec.containers.cloud.args.0",
        "Service tierwise-site/slm: spec.type",
        "StatefulSet tierwise-site/site: spec.template.spec.containers.site.env.ONLY_HERE.value",
    }


def test_nothing_is_allowed_to_differ_that_does_not_exist(rendered: Rendered) -> None:
    """Us: an allow-list with dead rows hides the next difference."""
    there = {name_of(one).removesuffix("-0") for one in rendered["region"]}
    for name in MAY_DIFFER:
        assert any(one.startswith(name) for one in there), name


@pytest.mark.parametrize(
    "overlay",
    [
        name if name in {"region", "outposts"} else pytest.param(name, marks=heavy)
        for name in OVERLAYS
    ],
)
def test_every_overlay_fits_the_schemas_and_keeps_to_the_policies(
    rendered: Rendered, overlay: str
) -> None:
    """Issue 12: validated strictly, and our own rules over what is rendered."""
    assert schema_errors(rendered[overlay]) == []
    assert violations(rendered[overlay]) == []


def test_a_misspelt_key_is_refused(rendered: Rendered) -> None:
    """Issue 12: a positive control of the schemas; a cluster would drop the key in silence."""
    planted = Planted(rendered["region"])
    planted.container(SITE)["readynessProbe"] = planted.container(SITE).pop("readinessProbe")
    assert [line.partition(":")[0] for line in schema_errors(planted.resources)] == [SITE]


@pytest.mark.parametrize(
    ("rule", "plant"), PLANTS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(PLANTS)]
)
def test_a_planted_violation_is_caught_by_its_rule(
    rendered: Rendered, rule: str, plant: Plant
) -> None:
    """Issue 12: each rule catches what it is there for."""
    planted = Planted(rendered["outposts"])
    plant(planted)
    assert rule in {one.rule for one in violations(planted.resources)}


def test_every_rule_has_a_planted_violation() -> None:
    """Issue 12: a rule that nothing was ever caught by is a comment."""
    assert {rule for rule, _ in PLANTS} == set(RULES)


@pytest.mark.parametrize(
    "components",
    [
        ("postgresql", "chroma", "site-isolation", "slm-gpu", "instance-store"),
        pytest.param(("postgresql", "chroma"), marks=heavy),
        (),
    ],
    ids=["all", "chroma", "none"],
)
def test_other_sets_of_components_keep_to_the_policies(
    renderer: Renderer, tmp_path: Path, components: tuple[str, ...]
) -> None:
    """Issue 12: an operator composes an overlay of his own."""
    up = Path(os.path.relpath(HERE, tmp_path.resolve()))
    (tmp_path / "kustomization.yaml").write_text(
        yaml.safe_dump(
            {
                "resources": [str(up / "base")],
                "components": [str(up / "components" / name) for name in components],
            }
        )
    )
    resources = renderer.render(tmp_path)
    assert schema_errors(resources) == []
    assert violations(resources) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_settings_in_the_manifests_are_settings_that_the_product_reads(
    rendered: Rendered, overlay: str
) -> None:
    """Us: both halves refuse unknown keys, so a manifest may not carry one."""
    texts = {
        file: yaml.safe_load(text)
        for one in rendered[overlay]
        if one["kind"] == "ConfigMap"
        for file, text in one["data"].items()
    }
    cloud = Settings.model_validate(texts["tierwise.yaml"])
    site = SiteSettings.model_validate(texts["site.yaml"])
    tiers = {item["name"]: item.get("value") for item in _cloud_environment(rendered[overlay])}
    assert site.tier == tiers["TIERWISE_TIER"] == overlay.replace("-", "_")
    assert site.tier in load_policy().catalogue.tiers
    assert cloud.sites[0].url in {
        f"https://{host}" for host in site.serving.allowed_hosts if ".svc" in host
    }


def test_the_command_says_why_it_checks_nothing_where_nothing_can_render(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 12: skipped with the reason."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert command.main() == 0
    assert "skipped: no kubectl and no kustomize" in capsys.readouterr().out


def test_a_label_takes_one_half_of_an_overlay(rendered: Rendered) -> None:
    """Us: `kubectl apply -k OVERLAY -l tierwise.half=site` must leave nothing of the site out."""
    for one in rendered["outposts"]:
        half = one["metadata"]["labels"]["tierwise.half"]
        namespace = one["metadata"].get("namespace")
        assert namespace in (None, f"tierwise-{half}"), name_of(one)


def _cloud_environment(resources: list[Resource]) -> list[dict[str, Any]]:
    cloud = next(one for one in resources if name_of(one) == CLOUD)
    environment: list[dict[str, Any]] = cloud["spec"]["template"]["spec"]["containers"][0]["env"]
    return environment
