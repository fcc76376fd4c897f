"""Batch normalization that treats both strands alike."""

from typing import Any

import keras
from keras import ops

from rckeras.symmetry.strands import check_paired, join_strands, split_strands


@keras.saving.register_keras_serializable("rckeras")
class RevCompBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization with one set of parameters per pair of channels.

    The channels of the reverse strand are turned and laid behind those of the forward
    strand, normalised together, and put back. So channels `i` and `n - 1 - i` share
    gamma, beta, moving mean and moving variance, and the statistics of a batch are
    taken over both strands: they do not depend on which strand was read.

    Args:
        momentum: Float in [0, 1], share of the moving statistics kept at each step.
        epsilon: Small positive float, added to the variance.
        center: Whether to add beta.
        scale: Whether to multiply by gamma.
        **kwargs: Initializers, regularizers, constraints, `renorm`, `synchronized`,
            `name` and `dtype`, as in `keras.layers.BatchNormalization`; `axis` must
            be the last.

    Input shape:
        `(batch, length, channels)` or `(batch, channels)`, with an even number of
        paired channels. A mask `(batch, length)` is turned with its strand.

    Output shape:
        Same as the input.

    Raises:
        ValueError: If the number of channels is odd, or `axis` is not the last.

    Reference: Shrikumar et al. 2017, section 3.1.2.

    Example:

    >>> RevCompBatchNormalization()(keras.Input((180, 40))).shape
    (None, 180, 40)
    """

    def __init__(
        self,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        **kwargs: Any,
    ):
        super().__init__(
            momentum=momentum, epsilon=epsilon, center=center, scale=scale, **kwargs
        )

    def build(self, input_shape: tuple) -> None:
        """Create one parameter of each kind per pair of channels."""
        if self.axis not in (-1, len(input_shape) - 1):
            raise ValueError(
                "RevCompBatchNormalization normalises the last axis only. "
                f"Received axis={self.axis} for input shape {input_shape}"
            )
        check_paired(input_shape[-1], self.name)
        super().build((*input_shape[:-1], input_shape[-1] // 2))
        self.input_spec = keras.layers.InputSpec(
            ndim=len(input_shape), axes={-1: input_shape[-1]}
        )

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise both strands together."""
        axis = len(inputs.shape) - 2
        folded = ops.concatenate(split_strands(inputs), axis=axis)
        if mask is not None:
            turned = ops.flip(mask, axis=axis) if axis else mask
            mask = ops.concatenate([mask, turned], axis=axis)
        outputs = super().call(folded, training=training, mask=mask)
        return join_strands(*ops.split(outputs, 2, axis=axis))
