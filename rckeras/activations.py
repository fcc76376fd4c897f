"""Activations that the papers use and Keras 3 lacks."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


def get(identifier: str | Callable | None) -> Callable:
    """As `keras.activations.get`, with the names of this module besides.

    Args:
        identifier: Name of an activation here or in Keras, or a function.

    Returns:
        The function.

    Raises:
        ValueError: If there is no such activation.

    Example:

    >>> get("shifted_relu") is shifted_relu
    True
    """
    own = {f.__name__: f for f in (shifted_relu, legacy_hard_sigmoid, threshold_relu)}
    if isinstance(identifier, str) and identifier in own:
        return own[identifier]
    return keras.activations.get(identifier)


@keras.saving.register_keras_serializable("rckeras")
def shifted_relu(x: Any) -> Any:
    """Shifted rectified linear unit (SReLU): `max(x, -1)`.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape.

    Reference: Brown and Lunter 2018, section 2.8.

    Example:

    >>> float(shifted_relu(keras.ops.array(-3.0)))
    -1.0
    """
    return ops.maximum(x, -1)


@keras.saving.register_keras_serializable("rckeras")
def legacy_hard_sigmoid(x: Any) -> Any:
    """Hard sigmoid of Keras before version 3: `clip(0.2 x + 0.5, 0, 1)`.

    Keras 3's own `hard_sigmoid` has slope 1/6. Recurrent layers of Keras 0.x to 2.2
    used slope 0.2 for their gates, and so do all published DanQ and CRNN networks.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, with values in [0, 1].

    Example:

    >>> round(float(legacy_hard_sigmoid(keras.ops.array(1.0))), 3)
    0.7
    """
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


@keras.saving.register_keras_serializable("rckeras")
def threshold_relu(x: Any) -> Any:
    """Rectifier of DeepSEA's published weights: `x` if `x > 0`, else `1e-6`.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, all values positive.

    Reference: Zhou and Troyanskaya 2015, released network.

    Example:

    >>> float(threshold_relu(keras.ops.array(0.5)))
    0.5
    """
    return ops.where(x > 0, x, ops.cast(1e-6, x.dtype))
