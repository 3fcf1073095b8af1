"""Asks the schemas of Kubernetes, offline: a cluster would drop a misspelt key in silence."""

from __future__ import annotations

from collections.abc import Sequence

import kubernetes_validate

from deploy.kubernetes.rendering import Resource, name_of

KUBERNETES = "1.37"
"""The version whose schemas are asked; all kinds used here are stable since 1.23."""


def schema_errors(resources: Sequence[Resource]) -> list[str]:
    """What the schemas of Kubernetes refuse, unknown keys included."""
    errors = []
    for one in resources:
        try:
            kubernetes_validate.validate(one, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as exc:
            errors.append(f"{name_of(one)}: {exc}")
    return errors
