"""Audit of a model: which layers respect the two strands, found by measurement."""

import inspect
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from rckeras.symmetry.graph import graph_of, nodes_of, reason_for, windows_symmetric
from rckeras.symmetry.random_weights import random_weights
from rckeras.symmetry.report import (
    BROKEN,
    CONSTANT,
    EQUIVARIANT,
    INVARIANT,
    MIRRORED,
    NOT_FINITE,
    LayerSymmetry,
    StrandReport,
)
from rckeras.symmetry.windows import nearest

# Rounding of one layer, relative to its largest output.
TOLERANCES = {"float16": 5e-3, "bfloat16": 4e-2}


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
    output (all axes but the batch reversed), invariant if it is the same, and mirrored
    if it is reversed along the length alone, as profiles of channels without strands
    are. Behind a layer that breaks the symmetry the audit goes on as if it had not, so
    that each layer is judged by itself. The model is not changed.

    Args:
        model: A functional or sequential `keras.Model`, nested or not. Any other
            model is judged as a whole. Masks are not followed.
        x: Sequences `(batch, length, channels)` to measure on, besides random ones.
        length: Length of random sequences, for models that take any.
        samples: Number of random sequences, at least 2.
        randomize_weights: Whether to measure with random weights instead of the
            model's, so that only symmetry by construction counts: a fresh batch
            normalization, for example, is symmetric by accident.
        tolerance: Largest difference relative to the largest output that counts as
            equal; by default 1e-4, in float16 5e-3, in bfloat16 4e-2. Pass 1e-2 on a
            GPU that rounds products to TF32.
        seed: Seed of sequences and weights.

    Returns:
        A `StrandReport`, to be printed or read.

    Raises:
        TypeError: If `model` is not a model.
        ValueError: If no input of the model has a length axis, its length is unknown
            and neither `x` nor `length` is given, `x` fits no input, or `samples` is
            less than 2.

    Reference: Brown and Lunter 2018, equation 3.

    Example:

    >>> model = keras.Sequential(
    ...     [keras.Input((1000, 4)), RevCompConv1D(8, 30), keras.layers.MaxPooling1D(7)]
    ... )
    >>> print(audit_strand_symmetry(model).first_break.reason)
    windows of 7 every 7 with padding='valid' leave 5 of 971 positions to one end ...
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a keras.Model. Received {model!r}")
    if samples < 2:
        raise ValueError(f"`samples` must be at least 2. Received samples={samples}")
    rng = np.random.default_rng(seed)
    inputs = _make_inputs(model, x, length, samples, rng)
    states = [EQUIVARIANT if len(v.shape) == 3 else INVARIANT for v in inputs]
    weights = random_weights(model, rng) if randomize_weights else []
    judge = _Judge(weights, tolerance)
    if graph_of(model) is not None:
        judge.walk(model, inputs, states)
    whole = judge.judge(model, _call_whole(model), inputs, states)
    n = next(v.shape[1] for v in inputs if len(v.shape) == 3)
    lengths = None
    if not windows_symmetric(model, n):
        lengths = nearest(n, lambda candidate: windows_symmetric(model, candidate))
    return StrandReport(
        model.name, n, whole.symmetry, whole.error, tuple(judge.rows), lengths
    )


class _Verdict(NamedTuple):
    symmetry: str
    error: float
    outputs: list
    states: list


class _Judge:
    """Runs operations on both strands, compares, and keeps a row for each."""

    def __init__(self, weights: list, tolerance: float | None):
        self.weights = weights
        self.tolerance = tolerance
        self.rows: list[LayerSymmetry] = []

    def walk(
        self, model: keras.Model, inputs: list, states: list, prefix: str = ""
    ) -> tuple[list, list]:
        """Judge every layer of a functional model; return its outputs and states."""
        graph = graph_of(model)
        known = {
            id(tensor): pair
            for tensor, *pair in zip(graph.inputs, inputs, states, strict=True)
        }
        for node in nodes_of(graph):
            op, ids = node.operation, [id(t) for t in node.input_tensors]
            given = [list(column) for column in zip(*map(known.get, ids), strict=True)]
            if isinstance(op, keras.Model) and graph_of(op) is not None:
                results = self.walk(op, *given, prefix=f"{prefix}{op.name}/")
            else:
                results = self._judge_node(node, ids, *given, prefix=prefix)
            for tensor, *pair in zip(node.outputs, *results, strict=True):
                known[id(tensor)] = pair
        ends = [known[id(tensor)] for tensor in graph.outputs]
        return [value for value, _ in ends], [state for _, state in ends]

    def _judge_node(
        self, node: Any, ids: list, values: list, states: list, prefix: str
    ) -> tuple[list, list]:
        op = node.operation

        def call(arrays: list, **kwargs: Any) -> Any:
            args, named = node.arguments.fill_in(dict(zip(ids, arrays, strict=True)))
            return op(*args, **{**named, **kwargs})

        training = self.judge(op, call, values, states, training=True).symmetry
        verdict = self.judge(op, call, values, states)
        broken = BROKEN in (verdict.symmetry, training)
        self.rows.append(
            LayerSymmetry(
                name=prefix + op.name,
                kind=type(op).__name__,
                output_shape=tuple(verdict.outputs[0].shape[1:]),
                symmetry=verdict.symmetry,
                training_symmetry=training,
                error=verdict.error,
                reason=reason_for(op, values[0].shape) if broken else None,
            )
        )
        return verdict.outputs, verdict.states

    def judge(
        self, op: Any, call: Any, values: list, states: list, training: bool = False
    ) -> _Verdict:
        """Compare what an operation gives for the two strands."""
        kwargs = {}
        if training and "training" in inspect.signature(op.call).parameters:
            kwargs["training"] = True
        first = self._run(call, values, kwargs)
        turned = [_turn(v, s) for v, s in zip(values, states, strict=True)]
        second = self._run(call, turned, kwargs)
        tolerance = self.tolerance or max(map(_tolerance, (op, *first)))
        found = [_compare(a, b, tolerance) for a, b in zip(first, second, strict=True)]
        ranked = (NOT_FINITE, BROKEN, EQUIVARIANT, MIRRORED, INVARIANT, CONSTANT)
        return _Verdict(
            min((name for name, _ in found), key=ranked.index),
            max(error for _, error in found),
            first,
            [
                name if name in (INVARIANT, MIRRORED) else EQUIVARIANT
                for name, _ in found
            ],
        )

    def _run(self, call: Any, values: list, kwargs: dict) -> list:
        with keras.StatelessScope(state_mapping=self.weights):
            outputs = call(values, **kwargs)
        return [ops.stop_gradient(y) for y in keras.tree.flatten(outputs)]


def _compare(first: Any, second: Any, tolerance: float) -> tuple[str, float]:
    a, b = (
        ops.convert_to_numpy(ops.cast(y, "float32")).astype("float64")
        for y in (first, second)
    )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return NOT_FINITE, float("inf")
    scale = max(np.abs(a).max(), np.finfo("float32").tiny)
    turned = {INVARIANT: a, EQUIVARIANT: np.flip(a, axis=tuple(range(1, a.ndim)))}
    if a.ndim == 3:
        turned[MIRRORED] = np.flip(a, axis=1)
    errors = {name: np.abs(b - c).max() / scale for name, c in turned.items()}
    spread = np.abs(a - a.mean(axis=0)).max() / scale
    error = float(min(errors.values()))
    if spread <= max(1e-3, 2 * tolerance):
        return CONSTANT, error
    fits = (name for name in turned if errors[name] <= tolerance)
    return next(fits, BROKEN), error


def _tolerance(x: Any) -> float:
    """Rounding to expect of an operation, of the worst in a model, or of a tensor."""
    if isinstance(x, keras.Model):
        return max(_tolerance(each) for each in x._flatten_layers(include_self=False))
    dtype = getattr(x, "compute_dtype", None) or getattr(x, "dtype", "float32")
    return TOLERANCES.get(keras.backend.standardize_dtype(dtype), 1e-4)


def _call_whole(model: keras.Model) -> Any:
    graph = graph_of(model)

    def call(arrays: list, **kwargs: Any) -> Any:
        if graph is None:
            return model(*arrays, **kwargs)
        packed = keras.tree.pack_sequence_as(graph._inputs_struct, arrays)
        return model(packed, **kwargs)

    return call


def _turn(x: Any, state: str) -> Any:
    """A tensor as it is for the other strand."""
    axes = {INVARIANT: (), MIRRORED: (1,)}.get(state, tuple(range(1, len(x.shape))))
    return ops.flip(x, axis=axes) if axes else x


def _make_inputs(
    model: keras.Model, x: Any, length: int | None, samples: int, rng: Any
) -> list:
    graph = graph_of(model)
    shapes = [t.shape for t in graph.inputs] if graph else [(None, length, 4)]
    if not any(len(shape) == 3 for shape in shapes):
        raise ValueError(
            "No input of the model has the axes (batch, length, channels). "
            f"Received inputs of shape {shapes}"
        )
    if x is not None:
        x = np.asarray(x)
        if not any(_fits(x.shape, shape) for shape in shapes):
            raise ValueError(
                f"`x` must fit an input of the model, of shape {shapes}. "
                f"Received shape {x.shape}"
            )
        length = x.shape[1]
    return [
        ops.convert_to_tensor(_make_input(shape, x, length, samples, rng))
        for shape in shapes
    ]


def _make_input(
    shape: tuple, x: np.ndarray | None, length: int | None, samples: int, rng: Any
) -> np.ndarray:
    sizes = [length if i == 1 and n is None else n for i, n in enumerate(shape)][1:]
    if None in sizes:
        raise ValueError(
            f"An input of shape {shape} has no fixed length; pass `length` or `x`. "
            f"Received length={length}"
        )
    total = samples if x is None else samples + len(x)
    if len(sizes) == 2 and sizes[1] == 4:
        array = np.eye(4, dtype="float32")[rng.integers(4, size=(total, sizes[0]))]
    else:
        array = rng.normal(size=(total, *sizes)).astype("float32")
    if x is not None and _fits(x.shape, shape):
        array[samples:] = x
    return array


def _fits(given: tuple, wanted: tuple) -> bool:
    return len(given) == len(wanted) == 3 and all(
        b in (None, a) for a, b in zip(given[1:], wanted[1:], strict=True)
    )
