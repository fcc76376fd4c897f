"""The last layer, which all networks share."""

from typing import Any

import keras


def predictions(
    targets: int,
    activation: str = "sigmoid",
    dense: type[keras.layers.Dense] = keras.layers.Dense,
    **arguments: Any,
) -> keras.layers.Dense:
    """A dense layer named "predictions", which computes in the type of its weights.

    So it does where the layers before it compute in half precision, in which many
    sequences would get one and the same probability.

    Args:
        targets: Number of outputs.
        activation: What it ends in.
        dense: Class of the layer.
        **arguments: Further arguments of the layer.

    Example:

    >>> predictions(3).compute_dtype
    'float32'
    """
    return dense(
        targets,
        activation=activation,
        dtype=keras.config.dtype_policy().variable_dtype,
        name="predictions",
        **arguments,
    )
