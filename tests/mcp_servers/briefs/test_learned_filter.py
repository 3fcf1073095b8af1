"""A filter learns from a site's incidents and replaces nothing that is better."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.salience import FEATURES, HAND_SET, MessageFeatures, ScoredMessage
from mcp_servers.alarms.rejects import read_rejects
from mcp_servers.artifacts.signed_files import TrustedKeys, sign_file
from mcp_servers.briefs.filter_shelf import FilterShelf
from mcp_servers.briefs.labelled_incidents import read_labelled
from mcp_servers.briefs.learned_filter import (
    FilterArtifact,
    FilterMeasurement,
    LearnedFilter,
    QuantizedWeights,
    read_artifact,
)
from mcp_servers.ownership.site_host import SiteHost
from mcp_servers.serving.identity import Caller
from mcp_servers.site_directory import SiteDirectory, SiteSettings
from telecom.errors import (
    FilterRefusedError,
    InvalidArgumentError,
    RecordNotFoundError,
    SignatureRefusedError,
    StoreDamagedError,
)
from tests.heavy import heavy
from tests.mcp_servers.briefs.many_incidents import make_site
from tests.mcp_servers.small_site import make_site as make_small_site

STAMP = "double/words"
NOTHING = FilterMeasurement(incidents=2, average_precision=0.5, briefs_with_proof=1.0, told=0.5)


def embed(texts):
    """A stand-in for the embedding model: one number for each of two words."""
    vectors = [[float("optics" in text), float("login" in text)] for text in texts]
    return np.array(vectors, dtype=np.float32)


def artifact(version="filter-0001", wording=(2.0, -1.0)) -> FilterArtifact:
    return FilterArtifact(
        version=version,
        embedding=STAMP,
        features=FEATURES,
        feature_weights=QuantizedWeights.of(np.linspace(0, 1, len(FEATURES))),
        wording_weights=QuantizedWeights.of(np.array(wording)),
        bias=-0.5,
        incidents=8,
        messages=200,
        learned=NOTHING,
        unlearned=NOTHING,
    ).sealed()


def message(wording: str) -> ScoredMessage:
    return ScoredMessage(wording, MessageFeatures(*([0.0] * len(FEATURES))))


@pytest.fixture
def shelf(tmp_path) -> FilterShelf:
    return FilterShelf(tmp_path / "filters", embedding=STAMP, embed=embed, trust=TrustedKeys(()))


def test_an_artifact_is_small_and_scores_as_it_was_trained(shelf) -> None:
    """R3; issue 5: exported and quantized, a file that the edge loads, nothing in it can run."""
    file = shelf.add(artifact())
    assert file.stat().st_size < 4096
    learned = LearnedFilter(read_artifact(file, embedding=STAMP), embed)
    scores = learned.score([message("optics low"), message("login"), message("else")])
    assert scores == pytest.approx([1.5, -1.5, -0.5], abs=0.02)


def test_a_line_that_is_no_incident_is_named_and_the_others_teach(tmp_path) -> None:
    """Issue 5: malformed input goes to quarantine with its reason, never silently."""
    site = SiteDirectory(tmp_path, SiteSettings(site_id="muc-1"))
    (tmp_path / "incidents").mkdir()
    (tmp_path / "store").mkdir()
    window = '"window": ["2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"]'
    file = tmp_path / "incidents" / "2026.jsonl"
    file.write_bytes(
        b"\n".join(
            (
                f'{{{window}, "managed_objects": ["pe1"]}}'.encode(),
                b"no json",
                f'{{{window}, "managed_objects": []}}'.encode(),
                b"",
                b'{"window": ["2026-03-01T11:00:00Z", "2026-03-01T10:00:00Z"], '
                b'"managed_objects": ["pe1"]}',
                b"\xff\xfe",
                f'{{{window}, "managed_objects": ["pe2"]}}'.encode(),
            )
        )
    )
    assert [one.source for one in read_labelled(site)] == [
        "incidents/2026.jsonl:1",
        "incidents/2026.jsonl:7",
    ]
    rejects = read_rejects(site.store)
    assert [(reject.corpus, reject.file, reject.line) for reject in rejects] == [
        ("incidents", "incidents/2026.jsonl", line) for line in (2, 3, 5, 6)
    ]
    assert all("no json" not in reject.reason for reject in rejects)
    file.write_text("")
    assert (read_labelled(site), read_rejects(site.store)) == ([], [])


def test_a_wording_is_embedded_once(shelf) -> None:
    """Us: a storm says the same; the model must not read it each time."""
    asked = []

    def counted(texts):
        asked.extend(texts)
        return embed(texts)

    learned = LearnedFilter(artifact(), counted)
    for _ in range(3):
        learned.score([message("optics low"), message("optics low"), message("login")])
    assert asked == ["optics low", "login"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace('"bias": -0.5', '"bias": 9.5'),
        lambda text: text[:200],
        lambda text: text.replace(STAMP, "other/model"),
        lambda _: "[]",
    ],
    ids=["altered", "cut", "other model", "no filter"],
)
def test_an_altered_or_foreign_artifact_is_refused_and_the_unlearned_filter_stands_in(
    shelf, damage
) -> None:
    """Issue 5: a versioned artifact with a digest; briefs are written all the same."""
    file = shelf.add(artifact())
    shelf.promote("filter-0001")
    file.write_text(damage(file.read_text()))
    with pytest.raises(StoreDamagedError):
        shelf.read("filter-0001")
    assert shelf.in_force() is HAND_SET


def test_promotions_can_be_taken_back_one_by_one(shelf) -> None:
    """Issue 5: promote and rollback."""
    shelf.add(artifact())
    shelf.add(artifact("filter-0002"))
    assert shelf.in_force() is HAND_SET
    shelf.promote("filter-0001")
    shelf.promote("filter-0002")
    assert shelf.in_force().name == "filter-0002"
    assert shelf.roll_back() == "filter-0001"
    assert shelf.roll_back() == HAND_SET.name
    with pytest.raises(RecordNotFoundError):
        shelf.roll_back()


def test_a_filter_that_no_trusted_key_signed_leaves_the_last_good_one(tmp_path) -> None:
    """Issue 12: a signature is required once a key is trusted; tampered: refused."""
    key = Ed25519PrivateKey.generate()
    trust = TrustedKeys([key.public_key()])
    shelf = FilterShelf(tmp_path / "filters", embedding=STAMP, embed=embed, trust=trust)
    signed, unsigned = shelf.add(artifact()), shelf.add(artifact("filter-0002"))
    sign_file(signed, kind="filter", version="filter-0001", key=key)
    shelf.promote("filter-0001")
    shelf.promote("filter-0002")
    assert shelf.in_force().name == "filter-0001"
    sign_file(unsigned, kind="filter", version="filter-0002", key=key)
    assert shelf.in_force().name == "filter-0002"
    foreign = tmp_path / "foreign.json"
    foreign.write_text(artifact("filter-0003").model_dump_json())
    with pytest.raises(SignatureRefusedError):
        shelf.take_in(foreign)
    sign_file(foreign, kind="filter", version="filter-0003", key=key)
    assert shelf.take_in(foreign) == "filter-0003"
    assert shelf.read("filter-0003").version == "filter-0003"


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """A site with eight confirmed incidents, open, its embedder a stand-in."""
    folder = make_site(tmp_path_factory.mktemp("many") / "site", incidents=8)
    host = SiteHost(SiteDirectory.open(folder))
    vector = np.random.default_rng(0).normal(size=(997, 8)).astype(np.float32)

    def words(texts):
        rows = [sum(vector[sum(w.encode()) % 997] for w in text.split()) for text in texts]
        return np.array(rows, dtype=np.float32) / 100

    host._parts["embedder"] = type("Embedder", (), {"embed": staticmethod(words)})()
    yield host
    host.close()


def quiet(_what, _done, _total) -> None:
    """Nobody watches."""


@heavy
def test_a_filter_learns_and_is_promoted_only_if_it_is_better(host) -> None:
    """Issue 5: evaluated against the unlearned filter before it is allowed to replace it."""
    desk, shelf = host.filter_desk, host.filters
    trained = desk.train(quiet)
    assert (trained.version, trained.incidents) == ("filter-0001", 6)
    assert trained.learned.incidents == trained.unlearned.incidents == 2
    worse = artifact("filter-0002", wording=(0.0,) * 8)
    backwards = QuantizedWeights.of(-np.ones(len(FEATURES)))
    worse = worse.model_copy(
        update={"feature_weights": backwards, "embedding": trained.embedding}
    ).sealed()
    shelf.add(worse)
    with pytest.raises(FilterRefusedError, match="filter-0002 is not better than hand-set"):
        desk.promote("filter-0002", quiet)
    assert shelf.in_force() is HAND_SET
    shelf.promote("filter-0002")
    name, new, old = desk.promote("filter-0001", quiet)
    assert shelf.in_force().name == name == "filter-0001"
    assert new.average_precision > old.average_precision


def test_the_training_set_leaves_masked_and_is_in_the_ledger(host, tmp_path) -> None:
    """Issue 5: `filter export` writes a masked training set through gate and ledger."""
    region = Caller("local/export-region", "site", "region", "region", frozenset(), "http")
    before = len(host.ledger.entries())
    written, refused = host.filter_desk.export(
        host.gate, region, tmp_path / "training.jsonl", quiet
    )
    lines = (tmp_path / "training.jsonl").read_text().splitlines()
    assert written == len(lines) > 0
    assert written + sum(refused.values()) == 8
    assert len(host.ledger.entries()) - before == written
    for line in lines:
        assert [m["role"] for m in json.loads(line)["messages"]] == ["system", "user", "assistant"]
        assert not host.detector.find(line)


def test_a_site_with_too_few_incidents_is_told_what_to_add(tmp_path: Path) -> None:
    """Us: a filter trained on three incidents would learn their names."""
    host = SiteHost(SiteDirectory.open(make_small_site(tmp_path / "site")))
    try:
        with pytest.raises(InvalidArgumentError, match=r"incidents/\*\.jsonl"):
            host.filter_desk.train(quiet)
    finally:
        host.close()
