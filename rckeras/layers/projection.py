"""Linear projection of the channels at each position."""

from typing import Any

import keras
from keras import constraints, initializers, ops, regularizers

from rckeras.symmetry.strands import check_paired


@keras.saving.register_keras_serializable("rckeras")
class Projection1D(keras.layers.Layer):
    """Linear projection of the channels to fewer, alike at every position.

    `y[i] = x[i] @ W`, without bias or activation. It gives the filters of a large
    first layer an embedding, in which a motif and its reverse complement can lie
    close together.

    With `revcomp`, the columns `j` and `units - 1 - j` of `W` are each other's
    reversal, half of them are stored, and the projection is equivariant.

    Args:
        units: Positive integer, number of output channels; even under `revcomp`.
        revcomp: Whether input and output channels are reverse-complement pairs.
        kernel_initializer: Initializer of the stored weights.
        kernel_regularizer: Regularizer of the stored weights.
        kernel_constraint: Constraint of the stored weights.
        **kwargs: `name`, `dtype` and other arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, length, channels)`, or any shape whose last axis are channels.

    Output shape:
        The same with `units` channels.

    Raises:
        ValueError: If `units` is not positive, or odd under `revcomp`, or the number
            of input channels is odd under `revcomp`.

    Reference: Hawkins-Hooker et al. 2018, projection layer; the authors' code settles
    that it has no bias.

    Example:

    >>> Projection1D(64)(keras.Input((138, 700))).shape
    (None, 138, 64)
    """

    def __init__(
        self,
        units: int,
        revcomp: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not isinstance(units, int) or units <= 0 or (revcomp and units % 2):
            raise ValueError(
                "`units` must be a positive integer, and even with revcomp=True. "
                f"Received units={units}, revcomp={revcomp}"
            )
        self.units = units
        self.revcomp = revcomp
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        """Create the stored weights."""
        if self.revcomp:
            check_paired(input_shape[-1], self.name)
        self.input_spec = keras.layers.InputSpec(min_ndim=2, axes={-1: input_shape[-1]})
        stored = self.units // 2 if self.revcomp else self.units
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], stored),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )

    def call(self, inputs: Any) -> Any:
        """Project the channels."""
        kernel = ops.convert_to_tensor(self.kernel)
        if self.revcomp:
            kernel = ops.concatenate([kernel, ops.flip(kernel)], axis=-1)
        return ops.matmul(ops.cast(inputs, self.compute_dtype), kernel)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the input shape with `units` channels."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict:
        """Return the arguments of the layer."""
        return {
            **super().get_config(),
            "units": self.units,
            "revcomp": self.revcomp,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
        }
