"""The ApplicationSet of Argo CD that follows a fleet's output, wave by wave.

A release is rolled out by committing the output: the sites of a wave are synchronized when all of
the waves before are healthy, which is when their pods are ready. A wave that does not become
healthy holds the others on the release that they have.

Source: Argo CD, "Progressive Syncs" (beta; the controller must be started with
`--enable-progressive-syncs`) and "Git Generator: Files".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

from deploy.fleet.definition import Fleet, FleetSite

SCHEMA = Path(__file__).with_name("applicationset.schema.json")
"""The part of Argo CD's schema that is used here; no other key is let through."""
WAVE = "tierwise.wave"
_NAME = "tierwise-{{.name}}"


def application_set(fleet: Fleet) -> dict[str, Any]:
    """One Application for each site's folder, in the fleet's waves."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "tierwise-sites", "namespace": fleet.namespace},
        "spec": {
            "goTemplate": True,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [
                {
                    "git": {
                        "repoURL": fleet.repository,
                        "revision": fleet.branch,
                        "files": [{"path": _in(fleet, "sites/*/application.yaml")}],
                    }
                }
            ],
            "strategy": {
                "type": "RollingSync",
                "rollingSync": {"steps": [*_steps(fleet)]},
            },
            # A site that is struck from the list keeps running until somebody removes it there.
            "syncPolicy": {"preserveResourcesOnDeletion": True},
            "template": {
                "metadata": {
                    "name": _NAME,
                    "labels": {WAVE: "{{.wave}}"},
                },
                "spec": {
                    "project": fleet.project,
                    "source": {
                        "repoURL": fleet.repository,
                        "targetRevision": fleet.branch,
                        "path": "{{.path.path}}",
                    },
                    "destination": {"server": "{{.cluster}}"},
                    "syncPolicy": {
                        "syncOptions": ["ServerSideApply=true", "ApplyOutOfSyncOnly=true"],
                        "retry": {
                            "limit": 3,
                            "backoff": {"duration": "30s", "factor": 2, "maxDuration": "10m"},
                        },
                    },
                },
            },
        },
    }


def application_name(site: FleetSite) -> str:
    """What the template calls a site's Application."""
    return _NAME.replace("{{.name}}", site.name)


def _steps(fleet: Fleet) -> Iterator[dict[str, Any]]:
    for wave in fleet.waves:
        chosen = {"key": WAVE, "operator": "In", "values": [wave.name]}
        yield {"matchExpressions": [chosen], "maxUpdate": wave.at_once}


def _in(fleet: Fleet, path: str) -> str:
    return path if fleet.folder == "." else f"{fleet.folder}/{path}"


def application_set_errors(document: Any) -> list[str]:
    """What the schema refuses, each with its path."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return [
        f"applicationset.yaml: {'.'.join(map(str, error.absolute_path))}: {error.message}"
        for error in jsonschema.Draft202012Validator(schema).iter_errors(document)
    ]
