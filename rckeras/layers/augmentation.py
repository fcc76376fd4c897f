"""Augmentation of the training data by the other strand."""

from typing import Any

import keras
from keras import ops

from rckeras.layers.dropout import spread_seed
from rckeras.symmetry.strands import reverse_complement


@keras.saving.register_keras_serializable("rckeras")
class RandomReverseComplement(keras.layers.Layer):
    """Turns sequences to their other strand at random, in training alone.

    As Keras's `RandomFlip` for images: each sequence of a batch is its reverse
    complement with probability `rate`, drawn anew each time, and labels stay as they
    are. To have both strands of each sequence in one batch, with twice the labels, see
    the argument `strands` of `rckeras.datasets.SequenceStream`.

    Args:
        rate: Probability from 0 to 1 that a sequence is turned.
        seed: Whole number; `None` for a random one.
        **kwargs: `name`, `dtype` and other arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, length, channels)`, letters in the order A, C, G, T.

    Output shape:
        The same.

    Raises:
        ValueError: If `rate` is out of range.

    Reference: Zhou, Shrikumar and Kundaje 2022 (PMLR 165:1-33), section 2, on
    augmentation; there batches hold both strands.

    Example:

    >>> layer = RandomReverseComplement(rate=1.0)
    >>> aac = np.eye(4)[None, [0, 0, 1]]
    >>> "".join("ACGT"[i] for i in np.argmax(layer(aac, training=True)[0], axis=1))
    'GTT'
    >>> bool(np.all(layer(aac) == aac))
    True
    """

    def __init__(self, rate: float = 0.5, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if not 0 <= rate <= 1:
            raise ValueError(f"`rate` must lie in [0, 1]. Received rate={rate}")
        self.rate = rate
        self.seed = seed
        spread = None if seed is None else spread_seed(seed)
        self.seed_generator = keras.random.SeedGenerator(spread)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Turn some of the sequences."""
        inputs = ops.cast(inputs, self.compute_dtype)
        if not training or self.rate == 0:
            return inputs
        shape = (ops.shape(inputs)[0], 1, 1)
        uniform = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return ops.where(uniform < self.rate, reverse_complement(inputs), inputs)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """That of the input."""
        return input_shape

    def get_config(self) -> dict:
        """Return the arguments of the layer."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
