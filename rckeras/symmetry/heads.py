"""What the outputs of a network end in, and the network without these ends."""

from typing import Any, NamedTuple

import keras
from keras import layers

from rckeras.symmetry.graph import graph_of, nodes_of

# Layers whose activation is the last thing they do, as that of an LSTM is not.
_ACTIVATED = (
    layers.Activation,
    layers.Dense,
    layers.EinsumDense,
    layers.Conv1D,
    layers.Conv1DTranspose,
    layers.DepthwiseConv1D,
    layers.SeparableConv1D,
)


class Head(NamedTuple):
    """The sigmoid or softmax that an output ends in.

    Args:
        activation: `"sigmoid"` or `"softmax"`.
        axis: Axis, or several, along which the softmax sums to 1.
        operation: Layer or operation that it is, or that it is the end of.
    """

    activation: str
    axis: int | tuple[int, ...]
    operation: Any

    @property
    def weights(self) -> list:
        """Weights of the layer that it is the end of."""
        return getattr(self.operation, "weights", [])


def find_heads(model: keras.Model) -> list[Head | None]:
    """What each output of a functional model ends in, `None` for anything else.

    Raises:
        TypeError: If an output comes from a model in the model that is neither
            functional nor sequential.
    """
    return [_find_head(tensor) for tensor in graph_of(model).outputs]


def _find_head(tensor: keras.KerasTensor) -> Head | None:
    operation, _, index = tensor._keras_history
    if isinstance(operation, keras.Model):
        graph = graph_of(operation)
        if graph is None:
            raise TypeError(
                f"the last activation of '{operation.name}' cannot be found, for it is "
                "no functional or sequential model"
            )
        return _find_head(graph.outputs[index])
    if isinstance(operation, layers.Softmax):
        return Head("softmax", operation.axis, operation)
    if not isinstance(operation, layers.Layer):
        name = type(operation).__name__.lower()  # of keras.ops
    else:
        acting = _unwrapped(operation)
        name = getattr(getattr(acting, "activation", None), "__name__", None)
        name = name if isinstance(acting, _ACTIVATED) else None
    if name not in ("sigmoid", "softmax"):
        return None
    return Head(name, getattr(operation, "axis", -1), operation)


def _unwrapped(layer: layers.Layer) -> layers.Layer:
    return layer.layer if isinstance(layer, layers.TimeDistributed) else layer


def is_taken(head: Head, model: keras.Model) -> bool:
    """Whether layers of the network take what the layer of a head gives."""
    graph = graph_of(model)
    taken = {id(tensor) for node in nodes_of(graph) for tensor in node.input_tensors}
    for node in nodes_of(graph):
        given = node.outputs if node.operation is head.operation else []
        if isinstance(node.operation, keras.Model) and graph_of(node.operation):
            if is_taken(head, node.operation):
                return True
            ends = zip(node.outputs, find_heads(node.operation), strict=True)
            given = [tensor for tensor, end in ends if end == head]
        if any(id(tensor) in taken for tensor in given):
            return True
    return False


def without_heads(model: keras.Model) -> keras.Model:
    """A network that gives what goes into the heads, such as logits.

    Args:
        model: A functional or sequential model.

    Returns:
        A functional model that shares all layers with `model` but those that an
        activation is the end of, of which it has copies.

    Raises:
        ValueError: If a softmax is given a mask, which would be lost.
        TypeError: If an output comes from a model in the model that is neither
            functional nor sequential.
    """
    return _open(model, model.name, {})


def _open(model: keras.Model, name: str, made: dict[int, Any]) -> keras.Model:
    """As `without_heads`; what it makes, it makes once."""
    if id(model) not in made:
        graph = graph_of(model)
        ends = [_before(tensor, made) for tensor in graph.outputs]
        outputs = keras.tree.pack_sequence_as(graph.output, ends)
        made[id(model)] = keras.Model(graph.input, outputs, name=name)
    return made[id(model)]


def _before(tensor: keras.KerasTensor, made: dict[int, Any]) -> keras.KerasTensor:
    """What goes into the sigmoid or softmax that has given a tensor, or itself."""
    head = _find_head(tensor)
    operation, call, index = tensor._keras_history
    node = operation._inbound_nodes[call]
    args, kwargs = node.arguments.args, node.arguments.kwargs
    if isinstance(operation, keras.Model) and any(find_heads(operation)):
        if id(node) not in made:
            inner = _open(operation, f"{operation.name}_logits", made)
            made[id(node)] = keras.tree.flatten(inner(*args, **kwargs))
        return made[id(node)][index]
    if head is None:
        return tensor
    if head.weights:
        if id(operation) not in made:
            made[id(operation)] = _linear(operation, node.input_tensors[0].shape)
        return made[id(operation)](*args, **kwargs)
    if isinstance(operation, layers.Softmax) and len(node.input_tensors) > 1:
        raise ValueError(
            f"the softmax '{operation.name}' has a mask, and what is masked would get "
            "a share without it; add the mask to the logits"
        )
    return node.input_tensors[0]


def _linear(layer: layers.Layer, shape: tuple) -> layers.Layer:
    """A copy of a layer that has no activation."""
    config = {**layer.get_config(), "name": f"{layer.name}_logits"}
    acting = _unwrapped(layer)
    if acting is layer:
        config["activation"] = "linear"
    else:
        inner = type(acting).from_config(
            {**acting.get_config(), "activation": "linear"}
        )
        config["layer"] = keras.saving.serialize_keras_object(inner)
    linear = type(layer).from_config(config)
    linear.build(shape)
    linear.set_weights(layer.get_weights())
    return linear
