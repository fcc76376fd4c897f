"""Initializers that the papers use and Keras 3 lacks."""

import math
from typing import Any

import keras


@keras.saving.register_keras_serializable("rckeras")
class WeightedSumInitializer(keras.initializers.RandomUniform):
    """Uniform start of the positional weights of `WeightedSum1D`.

    Draws from `[-s, s]` with `s = sqrt(6 / (2 * fan_in * fan_out))`, where
    `(fan_in, fan_out)` is the shape of the free weights, `(length, channels / 2)`
    when both strands share them. Then `s = sqrt(6 / (length * channels))`, the scale
    that a dense layer over the same `(length, channels)` would start with.

    Args:
        seed: Integer seed, or `None` for a random one.

    Reference: Shrikumar et al. 2017, section 3.7, equation 3.

    Example:

    >>> tuple(WeightedSumInitializer(seed=0)((9, 20)).shape)
    (9, 20)
    """

    def __init__(self, seed: int | None = None):
        super().__init__(seed=seed)

    def __call__(self, shape: tuple[int, int], dtype: str | None = None) -> Any:
        """Return weights of `shape`, a pair `(length, free channels)`."""
        if len(shape) != 2:
            raise ValueError(
                "WeightedSumInitializer starts a matrix (length, free channels). "
                f"Received shape={tuple(shape)}"
            )
        limit = math.sqrt(6 / (2 * shape[0] * shape[1]))
        return keras.random.uniform(shape, -limit, limit, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict:
        """Return the arguments of the initializer."""
        return {"seed": keras.saving.serialize_keras_object(self._init_seed)}
