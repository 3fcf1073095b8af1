"""The default embedder: faithful to the weights, without torch, honest about what it is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rag import model_artifact
from rag.embedding import OnnxEmbedder, open_embedder
from telecom.errors import SettingsError

TEXTS = [
    "link down",
    "BGP session to the route reflector went down after an MTU change",
    "Diesel generator delivered, mains restored.",
    "word " * 600,
]


def test_vectors_have_length_one_and_keep_the_order_of_the_texts(embedder: OnnxEmbedder) -> None:
    """Issue 6: unit float32 rows, whatever order the lengths are worked on in."""
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (4, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert embedder.embed([]).shape == (0, 384)


def test_a_text_has_one_vector_whatever_it_is_embedded_with(embedder: OnnxEmbedder) -> None:
    """Issue 6: an ingest that is resumed, or spread over machines, ends with the same vectors."""
    alone = np.vstack([embedder.embed([text]) for text in TEXTS])
    assert np.array_equal(embedder.embed(TEXTS * 5), np.tile(alone, (5, 1)))


def test_the_artifact_is_small_and_close_to_its_weights(embedder: OnnxEmbedder) -> None:
    """Issue: at most 25 MB, cosine to fp32 at least .98 where the processor has VNNI."""
    artifact = embedder.artifact
    assert artifact.model_bytes <= 25_000_000
    assert artifact.cosine_minimum >= model_artifact.MINIMUM_COSINE
    assert artifact.cosine_mean >= 0.99


def test_embedding_needs_no_torch_once_the_artifact_exists(embedder: OnnxEmbedder) -> None:
    """DESIGN: slim site images carry no torch."""
    models = str(embedder.artifact.folder.parent)
    code = (
        "import sys; from pathlib import Path; from rag.embedding import open_embedder; "
        f"embedder = open_embedder(models=Path({models!r})); "
        "assert embedder.embed(['x']).shape == (1, 384); "
        "print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]


def test_importing_the_knowledge_base_does_not_import_torch() -> None:
    """DESIGN: heavy libraries are loaded where they are used."""
    code = (
        "import sys, rag.knowledge_base; "
        "print(sorted({'torch', 'onnxruntime', 'sentence_transformers'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_damaged_artifact_is_not_used(embedder: OnnxEmbedder, tmp_path: Path) -> None:
    """Issue: weights are checked against a pinned digest; so is what was made of them."""
    folder = embedder.artifact.folder
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    assert model_artifact.find_artifact(tmp_path) is not None
    with (copy / "model.onnx").open("r+b") as model:
        model.seek(1_000_000)
        model.write(b"\0\1\2\3")
    assert model_artifact.find_artifact(tmp_path) is None
    (copy / "manifest.json").write_text(json.dumps({"unknown": 1}))
    assert model_artifact.find_artifact(tmp_path) is None


def test_an_unknown_engine_or_model_is_refused_with_what_would_work() -> None:
    """STYLE: errors say what to do next."""
    with pytest.raises(SettingsError, match="'onnx-int8' or 'torch'"):
        open_embedder(engine="tensorrt")
    with pytest.raises(SettingsError, match="engine: torch"):
        open_embedder(model="some-other-model")
