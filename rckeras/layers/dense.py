"""Dense layer that gives both strands the same answer."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("rckeras")
class DenseAfterRevcomp(keras.layers.Dense):
    """Dense layer with weights tied over reverse-complement pairs.

    For input `(batch, channels)` the weights obey `w[c] = w[channels - 1 - c]`, for
    input `(batch, length, channels)` `w[i, c] = w[length - 1 - i, channels - 1 - c]`.
    Flattened, both are a vector that equals its own reversal, so the layer adds the
    reversed second half of its input to the first and is an ordinary dense layer from
    there on: its output is the same for both strands, bit for bit.

    Initializers, regularizers and constraints see the stored half, a matrix
    `(features / 2, units)`; a norm constraint of `m` bounds the whole column by
    `m * sqrt(2)`.

    Args:
        units: Positive integer, number of outputs.
        activation: Activation of the outputs.
        use_bias: Whether to add a bias.
        **kwargs: Initializers, regularizers, constraints, `lora_rank`, `name` and
            `dtype`, as in `keras.layers.Dense`.

    Input shape:
        `(batch, channels)` or `(batch, length, channels)`, all but the batch known
        and their product even.

    Output shape:
        `(batch, units)`.

    Raises:
        ValueError: If the input has another rank, an unknown size, or an odd number
            of features, or if `dtype` is a quantized policy.

    Reference: Shrikumar et al. 2017, section 3.1.4.

    Example:

    >>> DenseAfterRevcomp(3)(keras.Input((40,))).shape
    (None, 3)
    >>> DenseAfterRevcomp(925)(keras.Input((75, 640))).shape
    (None, 925)
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        **kwargs: Any,
    ):
        super().__init__(units, activation=activation, use_bias=use_bias, **kwargs)
        if isinstance(self.dtype_policy, keras.dtype_policies.QuantizedDTypePolicy):
            raise ValueError(
                "DenseAfterRevcomp cannot be quantized; use a float or mixed dtype "
                f"policy. Received dtype={self.dtype_policy.name!r}"
            )

    def build(self, input_shape: tuple) -> None:
        """Create the stored half of the weights."""
        if len(input_shape) not in (2, 3) or None in input_shape[1:]:
            raise ValueError(
                f"Layer '{self.name}' (DenseAfterRevcomp) needs an input of shape "
                "(batch, channels) or (batch, length, channels), all but the batch "
                f"known. Received input shape {input_shape}"
            )
        features = input_shape[1] * (input_shape[2] if len(input_shape) == 3 else 1)
        if features % 2:
            raise ValueError(
                f"Layer '{self.name}' (DenseAfterRevcomp) pairs each feature with its "
                "reverse complement and needs an even number of them. "
                f"Received {features} features of input shape {input_shape}"
            )
        super().build((input_shape[0], features // 2))
        self.input_spec = keras.layers.InputSpec(shape=(None, *input_shape[1:]))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Add the two strands and apply the stored half of the weights."""
        half = self._kernel.shape[0]
        flat = ops.reshape(ops.cast(inputs, self.compute_dtype), (-1, 2 * half))
        folded = flat[:, :half] + ops.flip(flat[:, half:], axis=1)
        return super().call(folded, training=training)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Return `None`: the output has no positions left to mask."""
        return None

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return `(batch, units)`."""
        return input_shape[0], self.units
