"""`LearnedFilter`: a trained salience filter, and the small artifact that it is kept in.

An artifact is one JSON file of a few kilobytes: int8 weights with their scales, what made it, what
it was measured on, and a digest over all of it. Nothing in it can run.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from agents.salience import FEATURES, ScoredMessage
from telecom.errors import StoreDamagedError
from telecom.schema import ProductModel

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to unit vectors, as `rag.embedding.Embedder.embed`."""

FORMAT = 1
_LARGEST = 1_000_000
_REMEMBERED = 20_000
"""Wordings whose part of the score is kept; a site has some thousands in all."""


class QuantizedWeights(ProductModel):
    """Weights as int8 with one scale; what is lost is under a 127th of the largest."""

    scale: float = Field(ge=0)
    int8: str
    """Base64 of the bytes."""

    @classmethod
    def of(cls, weights: NDArray[np.float64]) -> QuantizedWeights:
        """Quantize a vector, symmetric and per vector."""
        largest = float(np.abs(weights).max(initial=0.0))
        scale = largest / 127 if largest else 1.0
        codes = np.round(weights / scale).astype(np.int8)
        return cls(scale=scale, int8=base64.b64encode(codes.tobytes()).decode())

    def vector(self) -> NDArray[np.float32]:
        """The weights as they are used; float32."""
        codes = np.frombuffer(base64.b64decode(self.int8, validate=True), dtype=np.int8)
        return codes.astype(np.float32) * np.float32(self.scale)


class FilterMeasurement(ProductModel):
    """How well a filter ranks what mattered, over incidents that it was not trained on."""

    incidents: int
    average_precision: float
    """Mean over incidents: 1 when every telling message stands before every other."""
    briefs_with_proof: float
    """Share of incidents whose brief has the words of a telling message."""
    told: float
    """Share of all telling messages whose words stand in the brief."""

    def worse_than(self, other: FilterMeasurement) -> bool:
        """Whether anything that counts is lower."""
        mine = (self.average_precision, self.briefs_with_proof, self.told)
        return any(a < b - 1e-9 for a, b in zip(mine, other.measures, strict=True))

    @property
    def measures(self) -> tuple[float, float, float]:
        """What is compared."""
        return self.average_precision, self.briefs_with_proof, self.told


class FilterArtifact(ProductModel):
    """A trained filter."""

    format: int = FORMAT
    version: str
    embedding: str
    """Stamp of the model whose vectors the weights are for."""
    features: tuple[str, ...]
    feature_weights: QuantizedWeights
    wording_weights: QuantizedWeights
    bias: float
    incidents: int
    """How many incidents it learnt from."""
    messages: int
    learned: FilterMeasurement
    unlearned: FilterMeasurement
    """The hand-set filter on the same held-out incidents."""
    sha256: str = ""
    """Over everything else, as canonical JSON."""

    def sealed(self) -> FilterArtifact:
        """The artifact with its digest."""
        return self.model_copy(update={"sha256": self.digest()})

    def digest(self) -> str:
        """SHA-256 of the content but for the digest itself."""
        content = self.model_dump(mode="json", exclude={"sha256"})
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def read_artifact(file: Path, *, embedding: str) -> FilterArtifact:
    """Read an artifact and check that it is whole and fits this site.

    Args:
        file: One that training wrote.
        embedding: Stamp of the site's own embedding model.

    Raises:
        StoreDamagedError: Unreadable, altered, of another format, or made for other vectors.
    """
    try:
        if file.stat().st_size > _LARGEST:
            raise StoreDamagedError(f"{file} is too large for a filter")
        artifact = FilterArtifact.model_validate_json(file.read_bytes())
        artifact.wording_weights.vector()
    except (OSError, ValidationError, ValueError) as exc:
        raise StoreDamagedError(
            f"{file} is no filter; `tierwise-site filter train` makes one"
        ) from exc
    if artifact.sha256 != artifact.digest():
        raise StoreDamagedError(f"{file} was altered: its digest does not hold; train it again")
    if artifact.format != FORMAT or artifact.features != FEATURES:
        raise StoreDamagedError(f"{file} was made for another version of tierwise; train it again")
    if artifact.embedding != embedding:
        raise StoreDamagedError(
            f"{file} was made for vectors of {artifact.embedding}; train it again"
        )
    return artifact


class LearnedFilter:
    """Scores messages with trained weights; safe to use from several threads."""

    def __init__(self, artifact: FilterArtifact, embed: Embed) -> None:
        """Prepare.

        Args:
            artifact: Read and checked.
            embed: The site's embedder.
        """
        self.name = artifact.version
        self._features = artifact.feature_weights.vector()
        self._wording = artifact.wording_weights.vector()
        self._bias = artifact.bias
        self._embed = embed
        self._known: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def score(self, messages: Sequence[ScoredMessage]) -> Sequence[float]:
        """The log odds that each message is part of the proof."""
        if not messages:
            return []
        features = np.array([message.features.vector() for message in messages], dtype=np.float32)
        wordings = self._of_wordings([message.wording for message in messages])
        scores: list[float] = (features @ self._features + wordings + self._bias).tolist()
        return scores

    def _of_wordings(self, wordings: Sequence[str]) -> NDArray[np.float32]:
        """What the wordings add; each is embedded once, because a site says the same every day."""
        with self._lock:
            known = {text: self._known[text] for text in wordings if text in self._known}
            fresh = [text for text in dict.fromkeys(wordings) if text not in known]
            if fresh:
                added = (self._embed(fresh) @ self._wording).tolist()
                known |= dict(zip(fresh, added, strict=True))
                self._known |= known
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return np.array([known[text] for text in wordings], dtype=np.float32)
