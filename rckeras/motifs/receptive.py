"""What a convolution's filters look at: the window of the input behind each output."""

from dataclasses import dataclass
from typing import Any

import keras

from rckeras.interpret.monte_carlo import without_dropout
from rckeras.layers import RevCompBatchNormalization, RevCompConv1D
from rckeras.layers.dropout import _Dropout
from rckeras.symmetry.graph import graph_of, nodes_of

_NORMALIZATIONS = (keras.layers.BatchNormalization, RevCompBatchNormalization)
_NONLINEARITIES = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
)
_NOISE = (
    _Dropout,
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.ActivityRegularization,
)
_POSITIONWISE = (*_NORMALIZATIONS, *_NONLINEARITIES, *_NOISE)


@dataclass(frozen=True, eq=False)
class FilterView:
    """A convolution's activations, and the window of the input that each one sees.

    Args:
        model: From sequences `(batch, length, 4)` to activations
            `(batch, positions, channels)`, without Monte Carlo dropout.
        name: Name of the convolution.
        start: First base of the window of activation 0; negative with padding.
        width: Bases in a window.
        paired: Whether channels `i` and `channels - 1 - i` are one filter, read on
            the two strands.
    """

    model: keras.Model
    name: str
    start: int
    width: int
    paired: bool


def view_filters(model: keras.Model, layer: str | None = None) -> FilterView:
    """Finds a convolution's activations after its nonlinearity, and their windows.

    Args:
        model: A functional or sequential model with one input.
        layer: Name of a convolution, whose activations are taken after the batch
            normalization and the nonlinearity that follow it; or of such a layer
            itself. `None` for the first convolution.

    Returns:
        The activations as a model, and where their windows lie.

    Raises:
        TypeError: If `model` is neither functional nor sequential.
        ValueError: If there is no such layer, or between it and the sequence is
            another one than convolutions of stride 1 and layers that treat each
            position by itself.
    """
    graph = graph_of(without_dropout(model))
    if graph is None:
        raise TypeError(
            "`model` must be functional or a built sequential model. "
            f"Received: {type(model).__name__} '{model.name}'"
        )
    nodes = list(nodes_of(graph))
    node = _find(nodes, layer)
    name = node.operation.name
    if layer is None or isinstance(node.operation, keras.layers.Conv1D):
        node = _after_nonlinearity(nodes, node)
    convolutions = _way_back(graph, nodes, node, name)
    widths = [_effective_width(conv) - 1 for conv in convolutions]
    start = -sum(
        _padding_before(conv, width)
        for conv, width in zip(convolutions, widths, strict=True)
    )
    return FilterView(
        keras.Model(graph.inputs, node.outputs[0]),
        convolutions[0].name,
        start,
        1 + sum(widths),
        isinstance(convolutions[0], RevCompConv1D),
    )


def _find(nodes: list, layer: str | None) -> Any:
    if layer is None:
        found = [n for n in nodes if isinstance(n.operation, keras.layers.Conv1D)][:1]
    else:
        found = [n for n in nodes if n.operation.name == layer]
    if len(found) != 1:
        raise ValueError(
            "`layer` must be the name of a layer that the model calls once, one of "
            f"{[n.operation.name for n in nodes]}, or None for the first convolution. "
            f"Received: layer={layer!r}, which is called {len(found)} times"
        )
    return found[0]


def _after_nonlinearity(nodes: list, node: Any) -> Any:
    """The call behind which normalization and nonlinearity are done."""
    if getattr(node.operation, "activation", None) is not keras.activations.linear:
        return node
    end, current = node, node
    while True:
        output = current.outputs[0]
        following = [n for n in nodes if any(t is output for t in n.input_tensors)]
        if len(following) != 1:
            return end
        current = following[0]
        if isinstance(current.operation, _NONLINEARITIES):
            return current
        if isinstance(current.operation, _NORMALIZATIONS):
            end = current
        elif not isinstance(current.operation, _NOISE):
            return end


def _way_back(graph: Any, nodes: list, node: Any, layer: str) -> list:
    """The convolutions between a call and the sequence, the last one first."""
    [sequence, *others] = graph.inputs
    if others:
        raise ValueError(
            f"`model` must have one input. Received: {len(graph.inputs)} inputs"
        )
    makers = {id(tensor): n for n in nodes for tensor in n.outputs}
    convolutions = []
    while True:
        operation = node.operation
        if type(operation) in (keras.layers.Conv1D, RevCompConv1D):
            _check_convolution(operation, layer)
            convolutions.append(operation)
        elif not _is_positionwise(operation):
            raise ValueError(
                "filters have motifs where only convolutions of stride 1, activations, "
                "normalizations and dropout lie between them and the sequence. "
                f"Received: layer '{layer}' with '{operation.name}' "
                f"({type(operation).__name__}) in the way"
            )
        [tensor] = node.input_tensors
        if tensor is sequence:
            break
        node = makers[id(tensor)]
    if not convolutions:
        raise ValueError(
            f"`layer` must be a convolution or follow one. Received: '{layer}'"
        )
    return convolutions


def _is_positionwise(operation: Any) -> bool:
    pools = keras.layers.MaxPooling1D, keras.layers.AveragePooling1D
    if isinstance(operation, pools):
        return operation.pool_size == operation.strides == (1,)
    return isinstance(operation, _POSITIONWISE)


def _check_convolution(conv: keras.layers.Conv1D, layer: str) -> None:
    if conv.strides != (1,) or conv.data_format != "channels_last":
        raise ValueError(
            "convolutions before a filter must have a stride of 1 and the format "
            f"'channels_last'. Received: layer '{layer}' with '{conv.name}', "
            f"strides={conv.strides[0]}, data_format={conv.data_format!r}"
        )


def _effective_width(conv: keras.layers.Conv1D) -> int:
    return (conv.kernel_size[0] - 1) * conv.dilation_rate[0] + 1


def _padding_before(conv: keras.layers.Conv1D, total: int) -> int:
    """Positions padded at the left of `total`; an odd one more is at the right."""
    return {"valid": 0, "same": total // 2, "causal": total}[conv.padding]
