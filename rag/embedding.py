"""Embedding: texts to unit vectors, on the site, by an engine whose stamp the store keeps."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag import model_artifact
from rag.model_artifact import ModelArtifact, Phase
from telecom.errors import MissingExtraError, SettingsError

Vectors = NDArray[np.float32]

BATCH = 32
"""Texts that torch takes at once: measured best on two cores; 128 is slower."""


@dataclass(frozen=True, slots=True)
class EmbeddingStamp:
    """What made a store's vectors; vectors of different stamps are not compared."""

    model_id: str
    engine: str
    revision: str
    dimension: int

    def __str__(self) -> str:
        return (
            f"{self.model_id} ({self.engine}, revision {self.revision}, {self.dimension} numbers)"
        )


class Embedder(Protocol):
    """Turns texts into vectors; safe to call from several threads."""

    @property
    def stamp(self) -> EmbeddingStamp:
        """What these vectors are; known without loading the model."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Float32 of shape (len(texts), dimension), rows of length 1, in the order given."""
        ...


def open_embedder(
    model: str = model_artifact.MODEL_ID,
    engine: str = "onnx-int8",
    *,
    models: Path | None = None,
    tell: Phase | None = None,
) -> Embedder:
    """Open the embedder that `site.yaml` names; the default artifact is built if it is missing.

    Args:
        model: The default model, or for the torch engine a local sentence-transformers folder.
        engine: `onnx-int8` or `torch`.
        models: Folder of built artifacts; None is `model_artifact.models_folder()`.
        tell: Told what is being done while the artifact is built.

    Raises:
        SettingsError: No such engine, or the engine cannot run this model.
        MissingExtraError: What the engine needs is not installed.
        StoreDamagedError: The installed weights are not the pinned ones.
    """
    if engine == "torch":
        return TorchEmbedder(model)
    if engine != "onnx-int8":
        raise SettingsError(f"embedding.engine must be 'onnx-int8' or 'torch', got {engine!r}")
    if model != model_artifact.MODEL_ID:
        raise SettingsError(
            f"the engine 'onnx-int8' runs {model_artifact.MODEL_ID!r}, got {model!r}; "
            "use `engine: torch` with the folder of a sentence-transformers model"
        )
    return OnnxEmbedder(model_artifact.ensure_artifact(models, tell=tell))


class OnnxEmbedder:
    """The int8 artifact on onnxruntime; loads in a fraction of a second, without torch."""

    def __init__(self, artifact: ModelArtifact) -> None:
        self.artifact = artifact
        self._loading = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None
        self._workers = ThreadPoolExecutor(_cores(), thread_name_prefix="embedding")

    @property
    def stamp(self) -> EmbeddingStamp:
        """What these vectors are."""
        return EmbeddingStamp(
            model_artifact.MODEL_ID,
            model_artifact.ENGINE,
            model_artifact.REVISION,
            model_artifact.DIMENSION,
        )

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Float32 of shape (len(texts), 384), rows of length 1, in the order given.

        A text is cut at 256 tokens. Texts are embedded one by one, the longest first, a text to a
        core: nothing is padded, and a text's vector does not depend on what it is embedded with.
        """
        tokenizer, session = self._load()
        tokens = model_artifact.tokenize(tokenizer, texts)
        vectors: Vectors = np.empty((len(texts), model_artifact.DIMENSION), dtype=np.float32)

        def run(place: int) -> None:
            vectors[place] = model_artifact.embed_tokens(session, tokens[place])

        if len(texts) == 1:
            run(0)
        else:
            order = sorted(range(len(texts)), key=lambda place: -len(tokens[place]))
            for done in [self._workers.submit(run, place) for place in order]:
                done.result()
        return vectors

    def _load(self) -> tuple[Any, Any]:
        with self._loading:
            if self._loaded is None:
                self._loaded = (
                    model_artifact.open_tokenizer(self.artifact.tokenizer),
                    model_artifact.open_session(self.artifact.model),
                )
            return self._loaded


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class TorchEmbedder:
    """sentence-transformers on torch, for a GPU or another model."""

    def __init__(self, model: str = model_artifact.MODEL_ID) -> None:
        try:
            import torch  # noqa: PLC0415 - only this engine needs it
            from sentence_transformers import SentenceTransformer  # noqa: PLC0415
            from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415
        except ImportError as exc:
            raise MissingExtraError("site", "the embedding engine 'torch'") from exc
        shipped = model == model_artifact.MODEL_ID
        folder = model_artifact.installed_weights() if shipped else Path(model)
        if not folder.is_dir():
            raise SettingsError(
                f"embedding.model must be {model_artifact.MODEL_ID!r} or the folder of a "
                f"sentence-transformers model, got {model!r}"
            )
        disable_progress_bar()
        self._model = SentenceTransformer(
            str(folder),
            device="cuda" if torch.cuda.is_available() else "cpu",
            local_files_only=True,
        )
        self._stamp = EmbeddingStamp(
            model_id=model if shipped else folder.name,
            engine="torch",
            revision=model_artifact.WEIGHTS_REVISION
            if shipped
            else model_artifact.weights_revision(folder),
            dimension=int(self._model.get_embedding_dimension() or 0),
        )
        # torch modules are not promised to be safe for concurrent calls.
        self._one_at_a_time = threading.Lock()

    @property
    def stamp(self) -> EmbeddingStamp:
        """What these vectors are."""
        return self._stamp

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Float32 of shape (len(texts), dimension), rows of length 1, in the order given."""
        if not texts:
            return np.empty((0, self._stamp.dimension), dtype=np.float32)
        with self._one_at_a_time:
            vectors: Vectors = self._model.encode(
                list(texts),
                batch_size=BATCH,
                normalize_embeddings=True,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return vectors.astype(np.float32, copy=False)
