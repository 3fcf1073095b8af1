"""What a fleet is: `fleet.yaml`, and one file for each site under `sites/`.

fleet.yaml      repository, release, images, waves
sites/NAME.yaml tier, wave, cluster, networks, and the site's own site.yaml under `settings`
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from deploy.kubernetes.rendering import OVERLAYS, SAFE_LOADER
from mcp_servers.site_directory import SiteSettings
from telecom.schema import ProductModel

_WIDEST = 16
"""Bits, as the policies of the manifests have it: anything wider is no subnet."""


Definition = TypeVar("Definition", bound=ProductModel)


class FleetError(Exception):
    """A file of the fleet cannot be used; names it and every problem in it."""


def _subnet(text: str) -> str:
    network = ipaddress.ip_network(text)
    if network.prefixlen < (_WIDEST if network.version == 4 else 48):
        raise ValueError(f"{text} is wider than a subnet (/{_WIDEST})")
    return str(network)


Subnet = Annotated[str, AfterValidator(_subnet)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$")]
"""Of a site or a wave; it becomes part of names in Kubernetes."""
Release = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A tag of both images; `latest` names no version."""


class Networks(ProductModel):
    """The subnets that a site's network policies open, and nothing beside them."""

    elements: Subnet
    """Who delivers live alarms."""
    asking: Subnet
    """A cloud half elsewhere that asks this site."""
    told: Subnet
    """The one range that this site may tell."""
    callers: Subnet | None = None
    """With a cloud half of its own: who calls that one,"""
    services: Subnet | None = None
    """which endpoints and database it reaches,"""
    sites: Subnet | None = None
    """and where other sites are."""


class FleetSite(ProductModel):
    """One site of a fleet."""

    name: Name
    tier: str
    """An overlay of deploy/kubernetes."""
    wave: Name
    cluster: str = Field(pattern=r"^https://[^\s/?#@]+$")
    """The API server, as Argo CD knows it."""
    networks: Networks
    settings: SiteSettings
    """The site's own site.yaml; docs/site-directory.md has its keys."""
    cloud: bool = False
    """Whether a cloud half runs on the site, too: for investigations while the WAN is cut."""
    release: Release | None = None
    """Stays on this release, whatever the fleet's is."""

    @model_validator(mode="after")
    def _complete(self) -> FleetSite:
        if self.tier not in OVERLAYS:
            raise ValueError(f"tier is one of {', '.join(OVERLAYS)}, got {self.tier!r}")
        if self.settings.country is None:
            raise ValueError("settings.country must be set: no in-country rule holds without")
        own = (self.networks.callers, self.networks.services, self.networks.sites)
        if self.cloud and None in own:
            raise ValueError("a cloud half needs networks.callers, .services and .sites")
        return self


class Wave(ProductModel):
    """Sites that a release reaches together, once those before it are healthy."""

    name: Name
    at_once: str = Field(default="100%", pattern=r"^([1-9]\d?|100)%$")
    """How many of them change at the same time."""


class Images(ProductModel):
    """Where the images of the two halves are."""

    site: str = "registry.example.com/tierwise/site"
    cloud: str = "registry.example.com/tierwise/cloud"


class Fleet(ProductModel):
    """The content of `fleet.yaml`."""

    repository: str = Field(pattern=r"^(https|ssh)://\S+$")
    """The Git repository that the output is committed to."""
    folder: str = Field(default=".", pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")
    """Where in it."""
    branch: str = "main"
    release: Release
    images: Images = Images()
    waves: tuple[Wave, ...] = Field(min_length=1)
    """In order; the first is the canary."""
    project: str = "tierwise"
    """Project of Argo CD."""
    namespace: str = "argocd"

    @model_validator(mode="after")
    def _distinct(self) -> Fleet:
        names = [wave.name for wave in self.waves]
        if len(names) != len(set(names)):
            raise ValueError("two waves have the same name")
        if self.release == "latest":
            raise ValueError("release must name a version: `latest` would be another tomorrow")
        return self


def read_fleet(folder: Path) -> tuple[Fleet, list[FleetSite]]:
    """Read a fleet; the sites in order of their names.

    Raises:
        FleetError: A file cannot be used, a site names no wave of the fleet, or a name, a site_id
            or a cluster is there twice.
    """
    fleet = _read(folder / "fleet.yaml", Fleet)
    sites = sorted(_sites(folder / "sites"), key=lambda site: site.name)
    if not sites:
        raise FleetError(f"{folder / 'sites'} holds no site: one NAME.yaml for each")
    problems = []
    waves = {wave.name for wave in fleet.waves}
    for what, values in (
        ("name", [site.name for site in sites]),
        ("site_id", [site.settings.site_id for site in sites]),
        ("cluster", [site.cluster for site in sites]),
    ):
        twice = [value for value, count in Counter(values).items() if count > 1]
        problems += [f"{what} {value!r} is there twice" for value in twice]
    problems += [
        f"{site.name}: no wave {site.wave!r}; there are {', '.join(sorted(waves))}"
        for site in sites
        if site.wave not in waves
    ]
    if problems:
        raise FleetError("; ".join(problems))
    return fleet, sites


def _sites(folder: Path) -> Iterator[FleetSite]:
    for file in sorted(folder.glob("*.yaml")):
        site = _read(file, FleetSite)
        if site.name != file.stem:
            raise FleetError(f"{file}: its name is {site.name!r}; call it as its file")
        yield site


def _read(file: Path, model: type[Definition]) -> Definition:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=SAFE_LOADER)  # noqa: S506 - safe
        return model.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as exc:
        raise FleetError(f"{file} cannot be read: {exc}") from exc
    except ValidationError as exc:
        problems = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'site'}: {error['msg']}"
            for error in exc.errors(include_input=False)
        )
        raise FleetError(f"{file}: {problems}") from exc
