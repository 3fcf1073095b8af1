"""The int8 graph of the embedding model, written node by node from its weights.

A general exporter and quantizer leave a third of the time beside the matrix products: padding
masks, copies between layouts, a slow sum of residuals. This graph reads one text at a time, or
texts of equal length, and so needs no mask; attention runs block by block without being laid out
in memory; a linear layer quantizes its input, multiplies and adds its bias in one node. All nodes
are onnxruntime's own for any processor; weights are int8, symmetric for each output channel, which
is what keeps vectors close to fp32.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telecom.errors import MissingExtraError

INPUT, OUTPUT = "input_ids", "embedding"
"""Token ids, int64 of shape (texts, tokens), all texts of one length; and unit rows, float32."""
_OPSET, _IR_VERSION = 17, 10
_ORT = "com.microsoft"
_LARGEST = 127

Array = NDArray[Any]
Weights = dict[str, NDArray[np.float32]]


def write_int8_graph(weights: Path, target: Path, *, longest: int) -> None:
    """Write a BERT encoder with mean pooling and normalisation as an int8 ONNX file.

    Args:
        weights: A transformers folder: `config.json` and `model.safetensors`.
        target: The file to write.
        longest: Tokens of the longest text the graph is to read.

    Raises:
        MissingExtraError: onnx or safetensors is not installed.
    """
    try:
        import onnx  # noqa: PLC0415 - only a build needs it
        from safetensors.numpy import load_file  # noqa: PLC0415 - only a build needs it
    except ImportError as exc:
        raise MissingExtraError("site", "building the embedding model") from exc
    config = json.loads((weights / "config.json").read_text())
    encoder = _Encoder(
        load_file(weights / "model.safetensors"),
        heads=config["num_attention_heads"],
        epsilon=config["layer_norm_eps"],
    )
    state = encoder.embed(longest)
    for layer in range(config["num_hidden_layers"]):
        state = encoder.transform(state, f"encoder.layer.{layer}.")
    encoder.pool(state)
    shape = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        encoder.nodes,
        "embedding",
        [shape(INPUT, onnx.TensorProto.INT64, ["texts", "tokens"])],
        [shape(OUTPUT, onnx.TensorProto.FLOAT, ["texts", config["hidden_size"]])],
        [onnx.numpy_helper.from_array(value, name) for name, value in encoder.constants.items()],
    )
    opsets = [onnx.helper.make_opsetid("", _OPSET), onnx.helper.make_opsetid(_ORT, 1)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
    onnx.save(model, str(target))


@dataclass
class _Encoder:
    """Nodes and constants as they are added; every method returns the name of its result."""

    weights: Weights
    heads: int
    epsilon: float
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)

    def embed(self, longest: int) -> str:
        """Sum of word, position and type embeddings, normalised."""
        table = self.weights["embeddings.word_embeddings.weight"]
        # A scale for each word: quantized with one for all, rare words lose most of their digits.
        scales = _scales(table, axis=1)
        word = self._named("words", np.rint(table / scales).astype(np.int8))
        scale = self._named("word_scales", scales)
        places = self.weights["embeddings.position_embeddings.weight"][:longest]
        places = places + self.weights["embeddings.token_type_embeddings.weight"][0]
        first, second = (self._named(f"at{n}", np.array([n], np.int64)) for n in (0, 1))
        tokens = self._add("Shape", INPUT, start=1)
        words = self._add(
            "Mul",
            self._add("Cast", self._add("Gather", word, INPUT), to=1),  # 1: float32
            self._add("Gather", scale, INPUT),
        )
        at = self._add("Slice", self._named("places", places), first, tokens, first, second)
        return self._normalise(self._add("Add", words, at), "embeddings.LayerNorm")

    def transform(self, state: str, layer: str) -> str:
        """One layer: attention, then the two dense layers, each added to what it was given."""
        quantized = self._several("DynamicQuantizeLinear", 3, state)
        attended = self._add(
            "MultiHeadAttention",
            *(
                self._project(quantized, f"{layer}attention.self.{part}")
                for part in ("query", "key", "value")
            ),
            domain=_ORT,
            num_heads=self.heads,
        )
        seen = self._linear(attended, f"{layer}attention.output.dense")
        state = self._normalise(self._add("Add", seen, state), f"{layer}attention.output.LayerNorm")
        inner = self._linear(state, f"{layer}intermediate.dense")
        outer = self._linear(self._add("Gelu", inner, domain=_ORT), f"{layer}output.dense")
        return self._normalise(self._add("Add", outer, state), f"{layer}output.LayerNorm")

    def pool(self, state: str) -> None:
        """The mean over a text's tokens, with length 1."""
        mean = self._add("ReduceMean", state, axes=[1], keepdims=0)
        self._add("LpNormalization", mean, axis=1, p=2, outputs=(OUTPUT,))

    def _linear(self, state: str, name: str) -> str:
        weight, scales, zeros, bias = self._quantized(name)
        return self._add("DynamicQuantizeMatMul", state, weight, scales, zeros, bias, domain=_ORT)

    def _project(self, quantized: tuple[str, ...], name: str) -> str:
        """A linear layer whose input was quantized already, for several layers at once."""
        values, scale, zero = quantized
        weight, scales, zeros, bias = self._quantized(name)
        return self._add(
            "MatMulIntegerToFloat", values, weight, scale, scales, zero, zeros, bias, domain=_ORT
        )

    def _quantized(self, name: str) -> tuple[str, str, str, str]:
        """A layer's weights as int8 of shape (inputs, outputs), scales, zero points and bias."""
        weight = self.weights[f"{name}.weight"].T
        scales = _scales(weight, axis=0)
        return (
            self._named(f"{name}.weight", np.rint(weight / scales).astype(np.int8)),
            self._named(f"{name}.scales", scales[0]),
            self._named(f"{name}.zeros", np.zeros(weight.shape[1], np.int8)),
            self._named(f"{name}.bias", self.weights[f"{name}.bias"]),
        )

    def _normalise(self, state: str, name: str) -> str:
        gain, shift = (
            self._named(f"{name}.{part}", self.weights[f"{name}.{part}"])
            for part in ("weight", "bias")
        )
        return self._add("LayerNormalization", state, gain, shift, epsilon=self.epsilon)

    def _named(self, name: str, value: Array) -> str:
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def _add(self, operation: str, *inputs: str, **options: Any) -> str:
        return self._several(operation, 1, *inputs, **options)[0]

    def _several(
        self,
        operation: str,
        results: int,
        *inputs: str,
        outputs: tuple[str, ...] = (),
        domain: str = "",
        **attributes: Any,
    ) -> tuple[str, ...]:
        import onnx  # noqa: PLC0415 - only a build needs it

        name = f"{operation}_{len(self.nodes)}"
        outputs = outputs or tuple(f"{name}.{number}" for number in range(results))
        self.nodes.append(
            onnx.helper.make_node(
                operation, inputs, outputs, name=name, domain=domain, **attributes
            )
        )
        return outputs


def _scales(weight: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """What one step of int8 is worth along an axis, dimensions kept; no zeros."""
    largest = np.abs(weight).max(axis=axis, keepdims=True)
    scales: NDArray[np.float32] = np.maximum(largest, 1e-12) / _LARGEST
    return scales
