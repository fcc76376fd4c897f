"""Gradients of a network's outputs with regard to what it reads, on any backend.

Keras itself has no function for gradients, so there is one for each of its backends.
Where two maxima of a pooling layer are equal, as repeats make them, backends send the
gradient to the first of them, which on the other strand is the last.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from rckeras.symmetry.graph import graph_of

Compute = Callable[[list, Any], tuple[Any, list]]


class GradientFunction:
    """Outputs and gradients of a network, compiled once and called batch by batch.

    The network runs as in inference. Weights and dropout masks are those that it has
    when the function is called.

    Args:
        model: A functional or sequential model with one output.

    Raises:
        TypeError: If it is neither.
        ValueError: If it has several outputs.

    Example:

    >>> inputs = keras.Input((2,))
    >>> squares = GradientFunction(keras.Model(inputs, inputs**2))
    >>> outputs, (gradient,) = squares([np.array([[3.0, 5.0]])], np.array([1.0, 0.5]))
    >>> outputs.tolist(), gradient.tolist()
    ([[9.0, 25.0]], [[6.0, 5.0]])
    """

    def __init__(self, model: keras.Model):
        check_functional(model)
        self.model = model
        backends = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
        self._compute = backends[keras.backend.backend()](model)

    def __call__(
        self, inputs: Sequence[np.ndarray], weights: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Run the network forwards and backwards.

        Args:
            inputs: An array for each input of the model, the batch first.
            weights: What the outputs are multiplied by before they are summed up;
                an array that can be broadcast to their shape.

        Returns:
            The outputs, and for each input the gradient of `sum(weights * outputs)`,
            in its shape; all in float32.
        """
        inputs = [ops.convert_to_tensor(np.asarray(x, "float32")) for x in inputs]
        weights = ops.convert_to_tensor(np.asarray(weights, "float32"))
        outputs, gradients = self._compute(inputs, weights)
        return _to_numpy(outputs), [_to_numpy(gradient) for gradient in gradients]


def input_gradients(
    model: keras.Model,
    x: np.ndarray,
    target: int | Sequence[int] = 0,
    batch_size: int = 128,
) -> np.ndarray:
    """Gradients of outputs of a network with regard to its input.

    The network runs as in inference. For gradients of logits give
    `logit_model(model)`; for those of another function `f` of the outputs, made of
    `keras.ops`, give `keras.Model(model.inputs, f(model.output))`.

    Args:
        model: A functional or sequential model with one input, and one output
            `(batch, targets)`.
        x: The input `(batch, length, channels)`.
        target: Number of an output, or several, for an axis of them.
        batch_size: Sequences per step.

    Returns:
        Array in float32 of the shape of `x`, with several targets
        `(batch, targets, length, channels)`.

    Raises:
        TypeError: If the model is neither functional nor sequential.
        ValueError: If it has several inputs or outputs, there is no such target, or
            `x` holds no sequence.

    Example:

    >>> model = zoo.build("koo-cnn-25")
    >>> input_gradients(model, np.zeros((2, 200, 4)), target=[3, 5]).shape
    (2, 2, 200, 4)
    """
    check_functional(model)
    targets = check_targets(model, target)
    gradient = GradientFunction(model)
    x = check_input(model, x)
    found = np.zeros((len(x), len(targets), *x.shape[1:]), "float32")
    for rows, count in batches(len(x), batch_size):
        for place, weights in enumerate(one_hot_targets(model, targets)):
            _, (part,) = gradient([x[rows]], weights)
            found[rows[:count], place] = part[:count]
    return found if np.ndim(target) else found[:, 0]


def batches(total: int, size: int) -> "list[tuple[np.ndarray, int]]":
    """Divides numbers from 0 into batches of one size, so that none compiles anew.

    Args:
        total: How many numbers there are.
        size: Size of a batch, if there are as many.

    Returns:
        Arrays of numbers, and how many of each count: the last batch is filled up with
        its last number.

    Example:

    >>> [(rows.tolist(), count) for rows, count in batches(5, 3)]
    [([0, 1, 2], 3), ([3, 4, 4], 2)]
    """
    if size < 1:
        raise ValueError(f"`batch_size` must be 1 or more. Received: {size}")
    size = min(size, total)
    return [
        (
            np.minimum(np.arange(start, start + size), total - 1),
            min(size, total - start),
        )
        for start in range(0, total, max(size, 1))
    ]


def one_hot_targets(model: keras.Model, targets: Sequence[int]) -> np.ndarray:
    """For each target the weights that leave it alone of all outputs."""
    return np.eye(model.output_shape[-1], dtype="float32")[list(targets), None]


def check_functional(model: keras.Model) -> None:
    """Raise unless a model has a graph and one output."""
    if not isinstance(model, keras.Model) or graph_of(model) is None:
        raise TypeError(
            "`model` must be a functional or a built sequential model; make one of "
            "another by keras.Model(x, model(x)) with x = keras.Input((length, 4)). "
            f"Received: {model!r}"
        )
    if len(model.outputs) != 1:
        raise ValueError(
            f"`model` must have one output. Received: '{model.name}' with "
            f"{len(model.outputs)}"
        )


def check_targets(model: keras.Model, target: int | Sequence[int]) -> list[int]:
    """The numbers of outputs, if the model has them."""
    shape = tuple(model.outputs[0].shape)
    if len(shape) != 2:
        raise ValueError(
            "`model` must give (batch, targets); reduce its outputs, for example by "
            "keras.Model(model.inputs, keras.ops.mean(model.output, axis=1)). "
            f"Received: '{model.name}' with outputs {shape}"
        )
    targets = np.atleast_1d(target)
    if targets.ndim != 1 or targets.dtype.kind not in "iu" or not targets.size:
        raise ValueError(
            "`target` must be the number of an output, or several. "
            f"Received: {target!r}"
        )
    wrong = targets[(targets < 0) | (targets >= shape[1])]
    if wrong.size:
        raise ValueError(
            f"`target` must be from 0 to {shape[1] - 1}, the outputs of "
            f"'{model.name}'. Received: {wrong[0]}"
        )
    return targets.tolist()


def check_input(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Sequences in float32, if they fit the one input of a model."""
    x = np.asarray(x, "float32")
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    fits = (
        len(shapes) == 1
        and x.ndim == len(shapes[0])
        and all(b in (None, a) for a, b in zip(x.shape[1:], shapes[0][1:], strict=True))
    )
    if not fits:
        raise ValueError(
            f"`x` must fit the one input of the model. Received: shape {x.shape}, and "
            f"'{model.name}' with inputs {shapes}"
        )
    if not len(x):
        raise ValueError(f"`x` holds no sequence. Received: shape {x.shape}")
    return x


def _to_numpy(tensor: Any) -> np.ndarray:
    return ops.convert_to_numpy(ops.cast(ops.stop_gradient(tensor), "float32"))


def _pack(model: keras.Model, inputs: list) -> Any:
    return keras.tree.pack_sequence_as(graph_of(model)._inputs_struct, inputs)


def _total(outputs: Any, weights: Any) -> Any:
    return ops.sum(ops.cast(outputs, "float32") * weights)


def _tensorflow(model: keras.Model) -> Compute:
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def compute(inputs: list, weights: Any) -> tuple[Any, list]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            outputs = model(_pack(model, inputs), training=False)
            total = _total(outputs, weights)
        zero = tf.UnconnectedGradients.ZERO
        return outputs, tape.gradient(total, inputs, unconnected_gradients=zero)

    return compute


def _jax(model: keras.Model) -> Compute:
    import jax

    @jax.jit
    def differentiate(variables: Any, inputs: list, weights: Any) -> tuple[Any, list]:
        def total(inputs: list) -> tuple[Any, Any]:
            packed = _pack(model, inputs)
            outputs, _ = model.stateless_call(*variables, packed, training=False)
            return _total(outputs, weights), outputs

        (_, outputs), gradients = jax.value_and_grad(total, has_aux=True)(inputs)
        return outputs, gradients

    def compute(inputs: list, weights: Any) -> tuple[Any, list]:
        variables = [
            [variable.value for variable in group]
            for group in (model.trainable_variables, model.non_trainable_variables)
        ]
        return differentiate(variables, inputs, weights)

    return compute


def _torch(model: keras.Model) -> Compute:
    import torch

    def compute(inputs: list, weights: Any) -> tuple[Any, list]:
        inputs = [x.detach().requires_grad_() for x in inputs]
        with torch.enable_grad():
            outputs = model(_pack(model, inputs), training=False)
            total = _total(outputs, weights)
        gradients = torch.autograd.grad(total, inputs, materialize_grads=True)
        return outputs, list(gradients)

    return compute
