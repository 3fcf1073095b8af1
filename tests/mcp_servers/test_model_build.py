"""`model build`: the artifact for the tiers, measured beside what it was made of."""

from __future__ import annotations

import json
import os

import pytest

from tests.mcp_servers.small_site import run


@pytest.mark.skipif("CI" not in os.environ, reason="loads torch and measures; runs where CI is set")
def test_the_artifact_of_the_tiers_keeps_what_the_weights_know() -> None:
    """R3: the pipeline produces a deployment artifact, with what it costs in quality and size."""
    shown = json.loads(run("model", "build", "--json").out)
    source, artifact = shown["models"]
    assert artifact["bytes"] <= 25_000_000 < source["bytes"]
    assert artifact["cosine_minimum"] >= 0.97
    assert abs(artifact["ndcg_lost"]) <= 0.02
    assert "outposts" in artifact["tiers"]
