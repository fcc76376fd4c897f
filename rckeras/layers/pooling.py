"""Pooling over the two strands."""

from typing import Any

import keras
from keras import ops

from rckeras.symmetry.strands import check_paired, split_strands


class _StrandPooling(keras.layers.Layer):
    """Pairs each feature with its reverse complement and merges the two."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)

    def build(self, input_shape: tuple) -> None:
        check_paired(input_shape[-1], self.name)
        self.input_spec = keras.layers.InputSpec(
            ndim=len(input_shape), axes={-1: input_shape[-1]}
        )

    def call(self, inputs: Any) -> Any:
        return self._merge(*split_strands(ops.cast(inputs, self.compute_dtype)))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], input_shape[-1] // 2)


@keras.saving.register_keras_serializable("rckeras")
class RevCompMaxPooling(_StrandPooling):
    """Maximum of each feature and its reverse complement.

    `y[i, c] = max(x[i, c], x[length - 1 - i, channels - 1 - c])`. The output is the
    same for both strands, bit for bit, and so is everything computed from it.

    Input shape:
        `(batch, length, channels)` or `(batch, channels)`, with an even number of
        paired channels.

    Output shape:
        The same with half the channels.

    Raises:
        ValueError: If the number of channels is odd.

    Reference: Brown and Lunter 2018, section 2.5, equation 11. The paper's released
    networks have sums and averages instead.

    Example:

    >>> RevCompMaxPooling()(keras.Input((118, 16))).shape
    (None, 118, 8)
    """

    def _merge(self, forward: Any, reverse: Any) -> Any:
        return ops.maximum(forward, reverse)


@keras.saving.register_keras_serializable("rckeras")
class RevCompSumPooling(_StrandPooling):
    """Sum of each feature and its reverse complement.

    `y[i, c] = x[i, c] + x[length - 1 - i, channels - 1 - c]`, the same for both
    strands, bit for bit. See `RevCompMaxPooling` for shapes and errors.

    Reference: Brown and Lunter 2018, released network for recombination hotspots.

    Example:

    >>> RevCompSumPooling()(keras.Input((118, 16))).shape
    (None, 118, 8)
    """

    def _merge(self, forward: Any, reverse: Any) -> Any:
        return forward + reverse


@keras.saving.register_keras_serializable("rckeras")
class RevCompAveragePooling(_StrandPooling):
    """Average of each feature and its reverse complement.

    `y[i, c] = (x[i, c] + x[length - 1 - i, channels - 1 - c]) / 2`, the same for both
    strands, bit for bit. See `RevCompMaxPooling` for shapes and errors.

    Reference: Brown and Lunter 2018, released network for simulated data.

    Example:

    >>> RevCompAveragePooling()(keras.Input((987, 12))).shape
    (None, 987, 6)
    """

    def _merge(self, forward: Any, reverse: Any) -> Any:
        # Halved before they are added: the sum can overflow in float16.
        return 0.5 * forward + 0.5 * reverse
