"""Audit of a model: which layers respect the two strands, found by measurement."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from rckeras.symmetry.random_weights import random_weights
from rckeras.symmetry.windows import (
    asymmetry,
    describe_lengths,
    nearest,
    output_length,
    padding_surplus,
)

EQUIVARIANT = "equivariant"
INVARIANT = "invariant"
BROKEN = "broken"
CONSTANT = "constant"

UNTIED = "its weights are not tied over reverse-complement pairs"
SUGGESTIONS = {
    "Conv1D": f"{UNTIED}; RevCompConv1D ties them",
    "Dense": f"{UNTIED}; use DenseAfterRevcomp, or pool over the strands before",
    "BatchNormalization": f"{UNTIED}; RevCompBatchNormalization ties them",
    "LayerNormalization": UNTIED,
    "Projection1D": f"{UNTIED}; set revcomp=True",
    "WeightedSum1D": f"{UNTIED}; set revcomp=True",
    "LSTM": "it reads one strand; wrap it in RevCompBidirectional",
    "GRU": "it reads one strand; wrap it in RevCompBidirectional",
    "SimpleRNN": "it reads one strand; wrap it in RevCompBidirectional",
    "Bidirectional": "its directions have separate weights; use RevCompBidirectional",
    "Dropout": "its mask is not its own reverse complement; use RevCompDropout",
    "SpatialDropout1D": "its mask is not its own reverse complement",
    "GaussianDropout": "its noise is not its own reverse complement",
    "GaussianNoise": "its noise is not its own reverse complement",
    "MonteCarloDropout": "its mask is not its own reverse complement; "
    "use RevCompDropout(monte_carlo=True)",
}


@dataclass(frozen=True)
class LayerSymmetry:
    """What the audit measured of one layer.

    Attributes:
        name: Name of the layer.
        kind: Its class.
        output_shape: Shape of its output, without the batch.
        symmetry: `"equivariant"`, `"invariant"`, `"broken"`, or `"constant"` where
            the output hardly differs between sequences and nothing can be said.
        training_symmetry: The same in training mode.
        error: Largest difference between strands relative to the largest output,
            in inference.
        reason: Why the symmetry breaks, where known.
    """

    name: str
    kind: str
    output_shape: tuple
    symmetry: str
    training_symmetry: str
    error: float
    reason: str | None


@dataclass(frozen=True)
class StrandReport:
    """Result of `audit_strand_symmetry`; prints as a table.

    Attributes:
        model: Name of the model.
        length: Length of the input, `None` if it has no length axis.
        symmetry: Of the model's outputs in inference: `"invariant"`,
            `"equivariant"`, `"broken"` or `"constant"`.
        error: Largest difference between the strands' outputs, relative to the
            largest output.
        layers: One `LayerSymmetry` per layer, in the order of computation.
        symmetric_lengths: Nearest lengths below and above `length` at which all
            windows of the model would be symmetric (`None` where there is none), or
            `None` if they are symmetric already.
    """

    model: str
    length: int | None
    symmetry: str
    error: float
    layers: tuple[LayerSymmetry, ...]
    symmetric_lengths: tuple[int | None, int | None] | None

    @property
    def first_break(self) -> LayerSymmetry | None:
        """The first layer that breaks the symmetry in inference."""
        return next((row for row in self.layers if row.symmetry == BROKEN), None)

    def __str__(self) -> str:
        lines = [f"Strand symmetry of '{self.model}': {self.symmetry}"]
        lines[0] += f" (relative difference between strands {self.error:.1e})"
        cells = [("layer", "type", "output", "inference", "training")]
        for row in self.layers:
            shape = " x ".join(str(size) for size in row.output_shape)
            cells.append(
                (row.name, row.kind, shape, row.symmetry, row.training_symmetry)
            )
        widths = [max(len(line[i]) for line in cells) for i in range(5)]
        for line in cells:
            padded = (cell.ljust(w) for cell, w in zip(line, widths, strict=True))
            lines.append("  " + "  ".join(padded).rstrip())
        if self.first_break is not None:
            reason = self.first_break.reason or "the reason is not known"
            lines.append(f"First break: {self.first_break.name}: {reason}.")
        lines += [
            f"Also: {row.name}: {row.reason}."
            for row in self.layers
            if row.reason and row is not self.first_break
        ]
        if self.symmetric_lengths is not None:
            lines.append(
                f"Input lengths near {self.length} at which all windows are symmetric: "
                f"{describe_lengths(*self.symmetric_lengths)}."
            )
        return "\n".join(lines)


def audit_strand_symmetry(
    model: keras.Model,
    x: Any = None,
    length: int | None = None,
    samples: int = 8,
    randomize_weights: bool = True,
    tolerance: float | None = None,
    seed: int = 0,
) -> StrandReport:
    """Measure layer by layer whether a model treats both strands alike.

    Sequences and their reverse complements go through each layer. A layer is
    equivariant if its output for the other strand is the reverse complement of its
    output (all axes but the batch reversed), invariant if it is the same. Behind a
    layer that breaks the symmetry the audit goes on as if it had not, so that each
    layer is judged by itself. The model is not changed.

    Args:
        model: A functional or sequential `keras.Model`. Any other model, and a
            model nested in it, is judged as a whole.
        x: One-hot sequences `(batch, length, 4)` to measure on, besides random ones.
        length: Length of random sequences, for models that take any.
        samples: Number of random sequences.
        randomize_weights: Whether to measure with random weights instead of the
            model's, so that only symmetry by construction counts: a fresh batch
            normalization, for example, is symmetric by accident.
        tolerance: Largest difference relative to the largest output that counts as
            equal; by default 1e-4, or 2e-2 in half precision.
        seed: Seed of sequences and weights.

    Returns:
        A `StrandReport`, to be printed or read.

    Raises:
        ValueError: If no input of the model has a length axis, or its length is
            unknown and neither `x` nor `length` is given.

    Reference: Brown and Lunter 2018, equation 3.

    Example:

    >>> model = keras.Sequential(
    ...     [keras.Input((1000, 4)), RevCompConv1D(8, 30), keras.layers.MaxPooling1D(7)]
    ... )
    >>> print(audit_strand_symmetry(model))
    """
    rng = np.random.default_rng(seed)
    graph = getattr(model, "_functional", None) or model
    inputs = _make_inputs(graph, x, length, samples, rng)
    weights = random_weights(model, rng) if randomize_weights else []
    if tolerance is None:
        tolerance = 2e-2 if "16" in model.compute_dtype else 1e-4
    judge = _Judge(weights, tolerance)
    rows = tuple(_audit_layers(graph, inputs, judge))
    states = [EQUIVARIANT if len(v.shape) == 3 else INVARIANT for v in inputs]
    symmetry, error = judge.judge(model, _call_model(model), inputs, states)[:2]
    lengths = None
    n = next(v.shape[1] for v in inputs if len(v.shape) == 3)
    if hasattr(graph, "_nodes_by_depth") and not _windows_symmetric(graph, n):
        lengths = nearest(n, lambda candidate: _windows_symmetric(graph, candidate))
    return StrandReport(model.name, n, symmetry, error, rows, lengths)


class _Judge:
    """Runs operations on both strands and compares the results."""

    def __init__(self, weights: list, tolerance: float):
        self.weights = weights
        self.tolerance = tolerance

    def judge(
        self, op: Any, call: Any, values: list, states: list, training: bool = False
    ) -> tuple[str, float, list, list]:
        """Return symmetry, error, outputs and their states."""
        kwargs = {}
        if training and "training" in inspect.signature(op.call).parameters:
            kwargs["training"] = True
        first = self._run(call, values, kwargs)
        turned = [
            _flip(v) if s == EQUIVARIANT else v
            for v, s in zip(values, states, strict=True)
        ]
        second = self._run(call, turned, kwargs)
        verdicts = [self._compare(a, b) for a, b in zip(first, second, strict=True)]
        names = {name for name, _ in verdicts}
        worst = next(
            (s for s in (BROKEN, EQUIVARIANT, INVARIANT) if s in names), CONSTANT
        )
        states = [INVARIANT if s == INVARIANT else EQUIVARIANT for s, _ in verdicts]
        return worst, max(error for _, error in verdicts), first, states

    def _run(self, call: Any, values: list, kwargs: dict) -> list:
        with keras.StatelessScope(state_mapping=self.weights):
            outputs = call(values, **kwargs)
        return [ops.stop_gradient(y) for y in keras.tree.flatten(outputs)]

    def _compare(self, first: Any, second: Any) -> tuple[str, float]:
        a, b = (np.asarray(ops.convert_to_numpy(y), "float64") for y in (first, second))
        scale = max(np.abs(a).max(), np.finfo("float32").tiny)
        same = np.abs(b - a).max() / scale
        flipped = np.abs(b - np.flip(a, axis=tuple(range(1, a.ndim)))).max() / scale
        spread = np.abs(a - a.mean(axis=0)).max() / scale
        if spread <= 10 * self.tolerance:
            return CONSTANT, min(same, flipped)
        if same <= self.tolerance:
            return INVARIANT, same
        if flipped <= self.tolerance:
            return EQUIVARIANT, flipped
        return BROKEN, min(same, flipped)


def _audit_layers(graph: Any, inputs: list, judge: _Judge) -> Iterator[LayerSymmetry]:
    if not hasattr(graph, "_nodes_by_depth"):
        return
    values = {id(t): v for t, v in zip(graph.inputs, inputs, strict=True)}
    states = {
        id(t): EQUIVARIANT if len(v.shape) == 3 else INVARIANT
        for t, v in zip(graph.inputs, inputs, strict=True)
    }
    for node in _nodes(graph):
        op = node.operation
        ids = [id(t) for t in node.input_tensors]

        def call(arrays: list, node: Any = node, ids: list = ids, **kwargs: Any) -> Any:
            args, named = node.arguments.fill_in(dict(zip(ids, arrays, strict=True)))
            return node.operation(*args, **{**named, **kwargs})

        given = ([values[i] for i in ids], [states[i] for i in ids])
        training = judge.judge(op, call, *given, training=True)[0]
        symmetry, error, outputs, after = judge.judge(op, call, *given)
        for tensor, value, state in zip(node.outputs, outputs, after, strict=True):
            values[id(tensor)] = value
            states[id(tensor)] = state
        broken = BROKEN in (symmetry, training)
        yield LayerSymmetry(
            name=op.name,
            kind=type(op).__name__,
            output_shape=tuple(outputs[0].shape[1:]),
            symmetry=symmetry,
            training_symmetry=training,
            error=float(error),
            reason=_reason(op, given[0][0].shape) if broken else None,
        )


def _nodes(graph: Any) -> Iterator[Any]:
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if not node.is_input:
                yield node


def _call_model(model: keras.Model) -> Any:
    def call(arrays: list, **kwargs: Any) -> Any:
        return model(arrays if len(arrays) > 1 else arrays[0], **kwargs)

    return call


def _flip(x: Any) -> Any:
    return ops.flip(x, axis=tuple(range(1, len(x.shape))))


def _make_inputs(
    graph: Any, x: Any, length: int | None, samples: int, rng: np.random.Generator
) -> list:
    tensors = getattr(graph, "inputs", None)
    shapes = [t.shape for t in tensors] if tensors else [(None, length, 4)]
    if not any(len(shape) == 3 for shape in shapes):
        raise ValueError(
            "No input of the model has the axes (batch, length, channels). "
            f"Received inputs of shape {shapes}"
        )
    if x is not None:
        length = x.shape[1]
        samples += len(x)
    arrays = []
    for shape in shapes:
        sizes = [length if i == 1 and n is None else n for i, n in enumerate(shape)]
        if None in sizes[1:]:
            raise ValueError(
                f"An input of shape {shape} has no fixed length; pass `length` or `x`. "
                f"Received length={length}"
            )
        array = _random_input((samples, *sizes[1:]), rng)
        if x is not None and len(shape) == 3:
            array[-len(x) :] = np.asarray(x, "float32")
        arrays.append(ops.convert_to_tensor(array))
    return arrays


def _random_input(shape: tuple, rng: np.random.Generator) -> np.ndarray:
    if len(shape) == 3 and shape[2] == 4:
        return np.eye(4, dtype="float32")[rng.integers(4, size=shape[:2])]
    return rng.normal(size=shape).astype("float32")


def _window(op: Any) -> tuple[int, int, str, int] | None:
    """Size, strides, padding and dilation of an operation with a sliding window."""
    size = getattr(op, "kernel_size", None) or getattr(op, "pool_size", None)
    if not size or len(getattr(op, "strides", ())) != 1:
        return None
    if op.padding not in ("valid", "same"):
        return None
    dilation = getattr(op, "dilation_rate", (1,))
    return size[0], op.strides[0], op.padding, dilation[0]


def _reason(op: Any, shape: tuple) -> str | None:
    window = _window(op)
    asymmetric = window and len(shape) == 3 and asymmetry(shape[1], *window)
    if getattr(op, "padding", None) == "causal":
        asymmetric = "padding='causal' looks at one end only"
    reasons = [asymmetric, SUGGESTIONS.get(type(op).__name__)]
    return "; ".join(reason for reason in reasons if reason) or None


def _windows_symmetric(graph: Any, length: int) -> bool:
    """Whether all windows of the graph are symmetric for inputs of `length`."""
    lengths = {id(t): length for t in graph.inputs if len(t.shape) == 3}
    for node in _nodes(graph):
        n = lengths.get(id(node.input_tensors[0]))
        if n is None:
            continue
        window = _window(node.operation)
        if window:
            if output_length(n, *window) < 1 or padding_surplus(n, *window):
                return False
            n = output_length(n, *window)
        elif node.outputs[0].shape[1:2] != node.input_tensors[0].shape[1:2]:
            continue
        for tensor in node.outputs:
            if len(tensor.shape) == 3:
                lengths[id(tensor)] = n
    return True
