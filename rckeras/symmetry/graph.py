"""What the graph of a functional model tells of its strand symmetry.

Reasons for broken symmetries, and the input lengths at which all windows of a model
lie alike on both strands.
"""

from collections.abc import Iterator
from typing import Any

import keras

from rckeras.symmetry.windows import asymmetry, output_length, padding_surplus

UNTIED = "its weights are not tied over reverse-complement pairs"
NOISE = "its noise is not its own reverse complement"
ONE_STRAND = "it reads one strand; wrap it in RevCompBidirectional"
REASONS = {
    "Conv1D": f"{UNTIED}; RevCompConv1D ties them",
    "BatchNormalization": f"{UNTIED}; RevCompBatchNormalization ties them",
    "Projection1D": f"{UNTIED}; set revcomp=True",
    "WeightedSum1D": f"{UNTIED}; set revcomp=True",
    "LSTM": ONE_STRAND,
    "GRU": ONE_STRAND,
    "SimpleRNN": ONE_STRAND,
    "Bidirectional": "its directions have separate weights; use RevCompBidirectional",
    "Dropout": f"{NOISE}; use RevCompDropout",
    "SpatialDropout1D": f"{NOISE}; use RevCompDropout",
    "MonteCarloDropout": f"{NOISE}; use RevCompDropout(monte_carlo=True)",
    "GaussianDropout": NOISE,
    "GaussianNoise": NOISE,
    "AlphaDropout": NOISE,
    "Cropping1D": "it cuts more from one end than from the other",
    "ZeroPadding1D": "it adds more to one end than to the other",
}


def graph_of(model: keras.Model) -> Any:
    """The functional graph of a model, `None` if it has none."""
    graph = getattr(model, "_functional", None) or model
    return graph if hasattr(graph, "_nodes_by_depth") else None


def nodes_of(graph: Any) -> Iterator[Any]:
    """The calls of a graph, in the order of computation."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if not node.is_input:
                yield node


def _window(op: Any) -> tuple[int, int, str, int] | None:
    """Size, strides, padding and dilation of an operation with a sliding window."""
    size = getattr(op, "kernel_size", None) or getattr(op, "pool_size", None)
    if not size or len(getattr(op, "strides", ())) != 1:
        return None
    if op.padding not in ("valid", "same") or "Transpose" in type(op).__name__:
        return None
    dilation = getattr(op, "dilation_rate", (1,))
    return size[0], op.strides[0], op.padding, dilation[0]


def reason_for(op: Any, shape: tuple) -> str | None:
    """Why an operation breaks the symmetry of an input of `shape`, where known."""
    kind = type(op).__name__
    window = _window(op)
    asymmetric = window and len(shape) == 3 and asymmetry(shape[1], *window)
    if getattr(op, "padding", None) == "causal":
        asymmetric = "padding='causal' looks at one end only"
    known = REASONS.get(kind)
    if kind == "Dense":
        tied = "Projection1D(revcomp=True)" if len(shape) == 3 else "DenseAfterRevcomp"
        known = f"{UNTIED}; use {tied}, or pool over the strands before"
    elif known is None and getattr(op, "weights", None) and "RevComp" not in kind:
        known = UNTIED
    return "; ".join(reason for reason in (asymmetric, known) if reason) or None


def windows_symmetric(model: keras.Model, length: int) -> bool:
    """Whether all windows that can be followed are symmetric for inputs of `length`."""
    graph = graph_of(model)
    if graph is None:
        return True
    starts = [length if len(t.shape) == 3 else None for t in graph.inputs]
    return _follow_lengths(graph, starts) is not None


def _follow_lengths(graph: Any, starts: list) -> list | None:
    """Lengths of a graph's outputs, `None` as a whole where a window is asymmetric."""
    lengths = {id(t): n for t, n in zip(graph.inputs, starts, strict=True)}
    for node in nodes_of(graph):
        ends = _follow_node(node, [lengths.get(id(t)) for t in node.input_tensors])
        if ends is None:
            return None
        lengths.update((id(t), n) for t, n in zip(node.outputs, ends, strict=True))
    return [lengths[id(t)] for t in graph.outputs]


def _follow_node(node: Any, starts: list) -> list | None:
    """As `_follow_lengths`, for one call; lengths that are not known are `None`."""
    op, n = node.operation, starts[0]
    if isinstance(op, keras.Model) and graph_of(op) is not None:
        return _follow_lengths(graph_of(op), starts)
    window = _window(op)
    if window and n is not None:
        if padding_surplus(n, *window) or output_length(n, *window) < 1:
            return None
        n = output_length(n, *window)
    elif node.outputs[0].shape[1:2] != node.input_tensors[0].shape[1:2]:
        n = None
    return [n if len(t.shape) == 3 else None for t in node.outputs]
