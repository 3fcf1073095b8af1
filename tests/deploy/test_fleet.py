"""A fleet of sites as data: rendered on the tiers' overlays, rolled out in waves, rolled back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.fleet import __main__ as command
from deploy.fleet.applicationset import application_set, application_set_errors
from deploy.fleet.definition import FleetError, read_fleet
from deploy.fleet.output import write_output
from deploy.fleet.rehearsal import Rehearsal, read_applications, rehearse
from deploy.kubernetes.rendering import OVERLAYS, Renderer, find_renderer, name_of
from mcp_servers.site_directory import SiteSettings
from tests.heavy import heavy


@pytest.fixture
def renderer() -> Renderer:
    found = find_renderer()
    if found is None:
        pytest.skip("no kubectl and no kustomize on this machine")
    return found


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    return shutil.copytree(command.EXAMPLE, tmp_path / "fleet")


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = yaml.safe_load(file.read_text())
    change(content)
    file.write_text(yaml.safe_dump(content))


def test_three_sites_are_rendered_checked_and_each_its_own(
    renderer: Renderer, fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 12: site configuration as data, one YAML per site, rendered to manifests."""
    out = tmp_path / "out"
    assert command.main([str(fleet), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "3 sites" in said
    assert "it reaches 3 sites; 0 stay" in said
    rendered = {name_of(one): one for one in renderer.render(out / "sites" / "vienna")}
    assert not [name for name in rendered if "tierwise-cloud" in name]
    told = rendered["NetworkPolicy tierwise-site/egress-path"]["spec"]["egress"][0]["to"]
    assert told == [{"ipBlock": {"cidr": "10.3.80.0/28"}}]
    (settings,) = [one for name, one in rendered.items() if "/site-settings-" in name]
    assert (
        SiteSettings.model_validate(yaml.safe_load(settings["data"]["site.yaml"])).country == "AT"
    )
    berlin = [name_of(one) for one in renderer.render(out / "sites" / "berlin")]
    assert "Deployment tierwise-cloud/cloud" in berlin


PLANTED: list[tuple[str, str, Callable[[dict[str, Any]], object], str]] = [
    ("unknown key", "sites/vienna.yaml", lambda s: s.update(colour="red"), "colour"),
    ("unknown setting", "sites/vienna.yaml", lambda s: s["settings"].update(x=1), "settings.x"),
    (
        "open network",
        "sites/vienna.yaml",
        lambda s: s["networks"].update(told="0.0.0.0/0"),
        "wider",
    ),
    ("no country", "sites/vienna.yaml", lambda s: s["settings"].pop("country"), "country"),
    ("unknown tier", "sites/vienna.yaml", lambda s: s.update(tier="moon"), "tier is one of"),
    ("unknown wave", "sites/vienna.yaml", lambda s: s.update(wave="last"), "no wave 'last'"),
    ("half a cloud", "sites/vienna.yaml", lambda s: s.update(cloud=True), "cloud half needs"),
    (
        "same id",
        "sites/vienna.yaml",
        lambda s: s["settings"].update(site_id="berlin"),
        "site_id 'berlin' is there twice",
    ),
    ("other name", "sites/vienna.yaml", lambda s: s.update(name="wien"), "call it as its file"),
    ("moving tag", "fleet.yaml", lambda f: f.update(release="latest"), "latest"),
    ("same wave", "fleet.yaml", lambda f: f["waves"].append({"name": "rest"}), "same name"),
]


@pytest.mark.parametrize(
    ("file", "change", "says"), [row[1:] for row in PLANTED], ids=[row[0] for row in PLANTED]
)
def test_a_fleet_that_cannot_be_is_refused_by_file_and_key(
    fleet: Path, file: str, change: Callable[[dict[str, Any]], object], says: str
) -> None:
    """Issue 12: site configuration as data; a misspelt key must not open a door."""
    edit(fleet / file, change)
    with pytest.raises(FleetError, match=says) as refused:
        read_fleet(fleet)
    assert "vienna" in str(refused.value) or "fleet.yaml" in str(refused.value) or "twice" in says


def content_of(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_a_release_is_rolled_out_and_back_without_touching_who_is_pinned(
    fleet: Path, tmp_path: Path
) -> None:
    """Issue 12: staged rollout with rollback; a release brings its own manifests back."""
    out = tmp_path / "out"
    edit(fleet / "sites" / "vienna.yaml", lambda site: site.update(release="0.1.0"))
    write_output(*read_fleet(fleet), out)
    before = content_of(out / "sites")
    edit(fleet / "fleet.yaml", lambda content: content.update(release="0.2.0"))
    write_output(*read_fleet(fleet), out)
    after = content_of(out / "sites")
    changed = sorted(name for name in after if after[name] != before[name])
    assert changed == ["berlin/kustomization.yaml", "potsdam/kustomization.yaml"]
    assert b"0.2.0/overlays/outposts" in after["berlin/kustomization.yaml"]
    assert sorted(each.name for each in (out / "releases").iterdir()) == ["0.1.0", "0.2.0"]
    edit(fleet / "fleet.yaml", lambda content: content.update(release="0.1.0"))
    (fleet / "sites" / "potsdam.yaml").unlink()
    write_output(*read_fleet(fleet), out)
    kept = {name: text for name, text in before.items() if not name.startswith("potsdam")}
    assert content_of(out / "sites") == kept


def test_waves_follow_one_another_and_wait_for_health(fleet: Path) -> None:
    """Issue 12: canary sites and a health gate, as an ApplicationSet checked against a schema."""
    document = application_set(read_fleet(fleet)[0])
    assert application_set_errors(document) == []
    steps = document["spec"]["strategy"]["rollingSync"]["steps"]
    assert [(step["matchExpressions"][0]["values"], step["maxUpdate"]) for step in steps] == [
        (["canary"], "100%"),
        (["early"], "25%"),
        (["rest"], "10%"),
    ]
    label = document["spec"]["template"]["metadata"]["labels"]
    assert label == {steps[0]["matchExpressions"][0]["key"]: "{{.wave}}"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda spec: spec["strategy"].update(rolingSync={}),
        lambda spec: spec["strategy"]["rollingSync"]["steps"][0].update(maxUpdate="half"),
        lambda spec: spec["generators"].append({"list": {}}),
        lambda spec: spec["template"]["spec"].pop("destination"),
        lambda spec: spec["template"]["spec"]["syncPolicy"].update(automated={"prune": True}),
    ],
    ids=["misspelt", "no share", "other generator", "nowhere", "past the waves"],
)
def test_an_application_set_that_argo_would_not_take_is_found(fleet: Path, spoil: Any) -> None:
    """Issue 12: generated and schema-checked; automatic sync would go past the waves."""
    document = application_set(read_fleet(fleet)[0])
    spoil(document["spec"])
    assert application_set_errors(document)


def test_a_site_that_breaks_a_policy_of_the_tiers_is_found(
    renderer: Renderer, fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 12: the policies are asked of what each site renders to."""
    out = tmp_path / "out"
    for name in ("berlin", "potsdam"):
        (fleet / "sites" / f"{name}.yaml").unlink()
    write_output(*read_fleet(fleet), out)
    base = out / "releases" / "0.1.0" / "base" / "network-site.yaml"
    base.write_text(
        base.read_text().replace("policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]", 1)
    )
    assert command.main([str(fleet), "--out", str(out)]) == 1
    assert "networks_are_closed" in capsys.readouterr().out


def generate(fleet: Path, count: int) -> None:
    """A fleet of many sites, of every tier, in the waves of the example."""
    for file in (fleet / "sites").glob("*.yaml"):
        example = yaml.safe_load(file.read_text())
        file.unlink()
    for number in range(count):
        name, high, low = f"site-{number:04d}", number // 250, number % 250
        networks = {
            "elements": f"10.{high}.{low}.0/26",
            "asking": f"10.{high}.{low}.64/26",
            "told": f"10.{high}.{low}.128/28",
        }
        tier = OVERLAYS[number % len(OVERLAYS)]
        settings = example["settings"] | {"site_id": name, "tier": tier.replace("-", "_")}
        site = example | {
            "name": name,
            "tier": tier,
            "wave": "canary" if number < 5 else "early" if number < 50 else "rest",
            "cluster": f"https://{name}.example.net:6443",
            "networks": networks,
            "settings": settings,
        }
        (fleet / "sites" / f"{name}.yaml").write_text(json.dumps(site))  # YAML, too, and quicker


class Rollout:
    """A generated fleet of sixty sites (five canaries, 45 early, ten more), and its output."""

    def __init__(self, fleet: Path, out: Path) -> None:
        generate(fleet, 60)
        self.fleet, self.out = fleet, out
        self.write("0.1.0")
        self.live = self.rehearse(live={}).live

    def write(self, release: str) -> None:
        edit(self.fleet / "fleet.yaml", lambda content: content.update(release=release))
        write_output(*read_fleet(self.fleet), self.out)

    def rehearse(self, live: dict[str, str] | None = None, **trouble: set[str]) -> Rehearsal:
        document = yaml.safe_load((self.out / "applicationset.yaml").read_text())
        steps = document["spec"]["strategy"]["rollingSync"]["steps"]
        before = self.live if live is None else live
        return rehearse(steps, read_applications(self.out), before, **trouble)


@pytest.fixture
def rollout(fleet: Path, tmp_path: Path) -> Rollout:
    return Rollout(fleet, tmp_path / "out")


def sites(*numbers: int) -> tuple[str, ...]:
    return tuple(f"tierwise-site-{number:04d}" for number in numbers)


def test_a_release_reaches_the_canaries_first_and_never_more_sites_at_once_than_it_may(
    rollout: Rollout,
) -> None:
    """Issue 12: staged rollout; the rules of the controller over the files that it reads."""
    rollout.write("0.2.0")
    told = rollout.rehearse()
    assert told.rounds[0] == sites(*range(5))
    assert [len(each) for each in told.rounds[1:]] == [11, 11, 11, 11, 1] + [1] * 10
    assert {name for each in told.rounds[1:6] for name in each} == set(sites(*range(5, 50)))
    assert (told.held_up_by, told.waiting, told.untouched) == ((), (), ())


def test_a_canary_that_stays_unhealthy_holds_all_others_and_a_revert_brings_it_back(
    rollout: Rollout,
) -> None:
    """Issue 12: health gate and rollback; no site beyond the canaries has seen the release."""
    rollout.write("0.2.0")
    told = rollout.rehearse(unhealthy={*sites(2)})
    assert (told.rounds, told.held_up_by) == ([sites(*range(5))], sites(2))
    assert told.waiting == sites(*range(5, 60))
    assert {each: told.live[each] for each in told.waiting} == {
        each: rollout.live[each] for each in told.waiting
    }
    rollout.write("0.1.0")
    back = rollout.rehearse(told.live)
    assert (back.rounds, back.untouched) == ([sites(*range(5))], sites(*range(5, 60)))
    assert back.live == rollout.live


def test_sites_that_fail_in_a_wave_use_up_its_share_and_hold_the_rest(rollout: Rollout) -> None:
    """Issue 12: health gate; 25 % of 45 sites are eleven, and eleven that hang stop the wave."""
    rollout.write("0.2.0")
    failing = {*sites(*range(5, 16))}
    told = rollout.rehearse(unhealthy=failing)
    assert (len(told.rounds), set(told.held_up_by)) == (2, failing)
    assert told.waiting == sites(*range(16, 60))


def test_a_site_that_is_cut_off_holds_later_waves_unless_it_is_in_the_last(
    rollout: Rollout,
) -> None:
    """Us: of a thousand sites one is always away; docs/runbooks/upgrade.md says what to do."""
    edit(rollout.fleet / "sites" / "site-0007.yaml", lambda site: site.update(release="0.1.0"))
    rollout.write("0.2.0")
    told = rollout.rehearse(unreachable={*sites(7)})
    assert told.held_up_by == sites(7)
    assert told.waiting == sites(*range(50, 60))
    edit(rollout.fleet / "sites" / "site-0007.yaml", lambda site: site.update(wave="away"))
    edit(rollout.fleet / "fleet.yaml", lambda content: content["waves"].append({"name": "away"}))
    rollout.write("0.2.0")
    told = rollout.rehearse(unreachable={*sites(7)})
    assert (told.held_up_by, told.waiting) == (sites(7), ())


def test_a_site_that_is_pinned_and_one_that_joins_are_all_that_a_commit_leaves_or_touches(
    rollout: Rollout,
) -> None:
    """Issue 12: what did not change is not touched."""
    edit(rollout.fleet / "sites" / "site-0000.yaml", lambda site: site.update(release="0.1.0"))
    rollout.write("0.2.0")
    told = rollout.rehearse()
    assert told.untouched == sites(0)
    assert told.rounds[0] == sites(*range(1, 5))
    joined = json.loads((rollout.fleet / "sites" / "site-0059.yaml").read_text())
    joined |= {"name": "site-0060", "cluster": "https://site-0060.example.net:6443"}
    joined["settings"] |= {"site_id": "site-0060"}
    (rollout.fleet / "sites" / "site-0060.yaml").write_text(json.dumps(joined))
    write_output(*read_fleet(rollout.fleet), rollout.out)
    assert rollout.rehearse(told.live).rounds == [sites(60)]


def test_a_thousand_sites_are_read_and_written_as_three_are(fleet: Path, tmp_path: Path) -> None:
    """Issue 12: rendered for N sites; the ApplicationSet does not grow with them."""
    generate(fleet, 1_000)
    read, sites = read_fleet(fleet)
    write_output(read, sites, tmp_path / "out")
    assert len(list((tmp_path / "out" / "sites").glob("*/application.yaml"))) == 1_000
    assert (tmp_path / "out" / "applicationset.yaml").stat().st_size < 4_096


@heavy
def test_a_hundred_sites_render_and_keep_to_the_policies(
    renderer: Renderer, fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 12: many generated sites, each rendered as Argo CD will; the command prints how long.

    A thousand take ten times as long: three tenths of a second of one core each.
    """
    generate(fleet, 100)
    assert command.main([str(fleet), "--out", str(tmp_path / "out")]) == 0
    assert "of 100 sites in" in capsys.readouterr().out
