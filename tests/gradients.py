"""Gradients of a layer, on whichever backend runs."""

import keras
import numpy as np
from keras import ops


def gradients(layer, x, cotangent, **call_arguments):
    """Gradients of `sum(cotangent * layer(x))`.

    Returns:
        `(of_weights, of_input)`: a list of arrays in the order of
        `layer.trainable_variables`, and an array of the shape of `x`.
    """
    backend = keras.backend.backend()
    compute = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[backend]
    x = ops.convert_to_tensor(np.asarray(x, "float32"))
    cotangent = ops.convert_to_tensor(np.asarray(cotangent, "float32"))
    if not layer.built:
        layer.build(x.shape)
    of_weights, of_input = compute(layer, x, cotangent, call_arguments)
    return [ops.convert_to_numpy(g) for g in of_weights], ops.convert_to_numpy(of_input)


def _tensorflow(layer, x, cotangent, call_arguments):
    import tensorflow as tf

    weights = [variable.value for variable in layer.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = ops.sum(layer(x, **call_arguments) * cotangent)
    *of_weights, of_input = tape.gradient(total, [*weights, x])
    return of_weights, of_input


def _jax(layer, x, cotangent, call_arguments):
    import jax

    rest = [variable.value for variable in layer.non_trainable_variables]

    def total(weights, x):
        y, _ = layer.stateless_call(weights, rest, x, **call_arguments)
        return ops.sum(y * cotangent)

    weights = [variable.value for variable in layer.trainable_variables]
    return jax.grad(total, argnums=(0, 1))(weights, x)


def _torch(layer, x, cotangent, call_arguments):
    import torch

    weights = [variable.value for variable in layer.trainable_variables]
    x = x.detach().requires_grad_()
    total = ops.sum(layer(x, **call_arguments) * cotangent)
    *of_weights, of_input = torch.autograd.grad(total, [*weights, x])
    return of_weights, of_input
