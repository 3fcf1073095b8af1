"""What a commit of the output will do to a fleet, step by step, before anybody commits it.

The controller of Argo CD is played over the files that it would read: which site is synchronized
when, what a site that does not become healthy holds up, and what a revert brings back. It is a
model of one controller's rules, not that controller; a cluster shows the rest.

Source: Argo CD 3.6, progressive syncs of an ApplicationSet. A site waits from the commit on; one
whose manifests are what it has already counts as done as soon as it is healthy. A step begins when
every site of the steps before is done. Within a step at most `maxUpdate` sites (rounded down, at
least one) are under way, and one that never becomes healthy stays under way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from deploy.kubernetes.rendering import SAFE_LOADER

Status = Literal["Waiting", "Pending", "Progressing", "Healthy"]
_EXPRESSION = re.compile(r"\{\{\s*\.([A-Za-z_.]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Application:
    """One site as Argo CD sees it."""

    name: str
    labels: Mapping[str, str]
    content: str
    """Digest of everything that its folder and its release say."""


@dataclass(slots=True)
class Rehearsal:
    """What a commit does."""

    rounds: list[tuple[str, ...]] = field(default_factory=list)
    """The sites that begin together, in order; by the name of their Application."""
    untouched: tuple[str, ...] = ()
    """Sites that keep what they have because nothing of it changed."""
    held_up_by: tuple[str, ...] = ()
    """Sites that others wait for, and will as long as they are not healthy."""
    waiting: tuple[str, ...] = ()
    """Sites that the commit has not reached."""
    live: dict[str, str] = field(default_factory=dict)
    """What each site has afterwards: the digest of its content."""


def read_applications(out: Path) -> list[Application]:
    """The Applications that an output's generator and template make, in order; none without one.

    Raises:
        KeyError: The template names what a site's file does not have.
    """
    if not (out / "applicationset.yaml").is_file():
        return []
    document = _yaml(out / "applicationset.yaml")
    template = document["spec"]["template"]["metadata"]
    releases = {folder.name: _digest(folder) for folder in (out / "releases").iterdir()}
    found = []
    for file in sorted((out / "sites").glob("*/application.yaml")):
        facts: dict[str, str] = _yaml(file)
        release = _release(file.parent)
        found.append(
            Application(
                name=_filled(template["name"], facts),
                labels={key: _filled(text, facts) for key, text in template["labels"].items()},
                content=f"{_digest(file.parent)} {releases[release]}",
            )
        )
    return found


def rehearse(
    steps: Sequence[Mapping[str, Any]],
    applications: Sequence[Application],
    live: Mapping[str, str],
    *,
    unhealthy: Collection[str] = (),
    unreachable: Collection[str] = (),
) -> Rehearsal:
    """Play the controller until nothing moves any more.

    Args:
        steps: `spec.strategy.rollingSync.steps` of the ApplicationSet.
        applications: What the commit says.
        live: What each site has before it: the digest of its content; a new site is not in it.
        unhealthy: Sites whose pods do not become ready with what the commit says.
        unreachable: Sites whose cluster does not answer.
    """
    told = Rehearsal(live=dict(live))
    status: dict[str, Status] = dict.fromkeys((each.name for each in applications), "Waiting")
    wanted = {each.name: each.content for each in applications}
    members = [[each.name for each in applications if _selects(step, each)] for step in steps]

    def synced(name: str) -> bool:
        return told.live.get(name) == wanted[name] and name not in unreachable

    told.untouched = tuple(name for name in wanted if synced(name))
    while True:
        for name, now in status.items():
            healthy = name not in unhealthy or name in told.untouched
            if now in ("Waiting", "Progressing") and synced(name):
                status[name] = "Healthy" if healthy else "Progressing"
        begun = _begin(steps, members, status)
        for name in begun:
            status[name] = "Progressing"
            if name not in unreachable:
                told.live[name] = wanted[name]
        if not begun:
            break
        told.rounds.append(begun)
    told.held_up_by = tuple(name for name, now in status.items() if now == "Progressing")
    told.waiting = tuple(name for name, now in status.items() if now == "Waiting")
    return told


def _begin(
    steps: Sequence[Mapping[str, Any]], members: list[list[str]], status: Mapping[str, Status]
) -> tuple[str, ...]:
    """Which sites may begin now."""
    begun: list[str] = []
    for step, names in zip(steps, members, strict=True):
        under_way = sum(status[name] in ("Pending", "Progressing") for name in names)
        room = _at_most(step.get("maxUpdate"), len(names)) - under_way
        begun += [name for name in names if status[name] == "Waiting"][: max(0, room)]
        if any(status[name] != "Healthy" for name in names):
            break
    return tuple(begun)


def _at_most(limit: int | str | None, total: int) -> int:
    if limit is None:
        return total
    if isinstance(limit, int):
        return limit
    share = int(limit.removesuffix("%"))
    return max(1, total * share // 100) if share else 0


def _selects(step: Mapping[str, Any], application: Application) -> bool:
    """Whether every expression of a step holds for an Application's labels."""
    test: dict[str, Callable[[str | None, list[str]], bool]] = {
        "In": lambda value, values: value in values,
        "NotIn": lambda value, values: value not in values,
    }
    return all(
        test[each["operator"]](application.labels.get(each["key"]), each["values"])
        for each in step["matchExpressions"]
    )


def _filled(text: str, facts: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda found: facts[found[1]], text)


def _release(folder: Path) -> str:
    resource: str = _yaml(folder / "kustomization.yaml")["resources"][0]
    return Path(resource).parts[3]


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(each for each in folder.rglob("*") if each.is_file()):
        if file.name != "application.yaml":  # where and when, not what
            digest.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _yaml(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), Loader=SAFE_LOADER)  # noqa: S506 - safe
