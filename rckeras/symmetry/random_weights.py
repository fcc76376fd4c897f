"""Random weights of moderate size, to measure what a network does by construction."""

from typing import Any

import keras
import numpy as np
from keras import ops


def random_weights(
    model: keras.Model, rng: np.random.Generator | np.random.RandomState
) -> list[tuple[keras.Variable, Any]]:
    """Draw a value for every weight of a model.

    Kernels are scaled by their number of inputs, so that activations neither vanish
    nor saturate; scales and running statistics are positive. Nothing is left at a
    value, such as a bias of zero, that would hide an untied parameter.

    Args:
        model: A built model.
        rng: Source of the values.

    Returns:
        Pairs `(variable, value)`, which `keras.StatelessScope(state_mapping=...)`
        takes; the model is not changed.
    """
    pairs = []
    for variable in model.weights:
        if not keras.backend.is_float_dtype(variable.dtype):
            continue
        shape = tuple(variable.shape)
        statistic = not variable.trainable or "gamma" in variable.name
        if statistic and len(shape) < 2:
            value = rng.uniform(0.5, 1.5, size=shape)
        else:
            fan_in = int(np.prod(shape[:-1])) if len(shape) > 1 else 4
            value = rng.normal(size=shape) / np.sqrt(fan_in)
        value = ops.convert_to_tensor(value.astype("float32"), dtype=variable.dtype)
        pairs.append((variable, value))
    return pairs
