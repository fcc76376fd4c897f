"""Sum over positions with learned positional weights."""

from typing import Any

import keras
from keras import constraints, initializers, ops, regularizers

from rckeras.initializers import WeightedSumInitializer
from rckeras.symmetry.strands import check_paired, join_strands, split_strands


@keras.saving.register_keras_serializable("rckeras")
class WeightedSum1D(keras.layers.Layer):
    """Sum over positions, each channel with positional weights of its own.

    `y[c] = sum_i w[i, c] * x[i, c]`, with
    `w[i, c] = w[length - 1 - i, channels - 1 - c]` when `revcomp` is set: the weights
    are stored for the first half of the channels and applied to both strands, so
    `y` of the reverse complement is `y` with its channels reversed. (The paper's text
    writes `w[(l - i)(n - 1 - c)]`, off by one: positions count from 0 to `l - 1`.)

    Sums are taken in float32 under half precision.

    Args:
        revcomp: Whether channels `i` and `n - 1 - i` are reverse complements whose
            weights are shared.
        symmetric: Whether the weights of a channel are the same from both ends.
        use_bias: Whether to add a bias, one per channel pair under `revcomp`.
        smoothness_penalty: Non-negative float or `None`. Adds
            `smoothness_penalty * sum |w[i + 1, c] - w[i, c]|` over the stored weights
            to the loss.
        kernel_initializer: Initializer of the stored weights.
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the stored weights.
        bias_regularizer: Regularizer of the bias.
        kernel_constraint: Constraint of the stored weights.
        bias_constraint: Constraint of the bias.
        **kwargs: `name`, `dtype` and other arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, length, channels)`; length and channels must be known, and channels
        be even under `revcomp`.

    Output shape:
        `(batch, channels)`.

    Raises:
        ValueError: If length or channels are unknown, or channels odd under
            `revcomp`.

    Reference: Shrikumar et al. 2017, sections 3.1.3 and 3.7.

    Example:

    >>> WeightedSum1D()(keras.Input((9, 40))).shape
    (None, 40)
    """

    def __init__(
        self,
        revcomp: bool = True,
        symmetric: bool = False,
        use_bias: bool = False,
        smoothness_penalty: float | None = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if smoothness_penalty is not None and smoothness_penalty < 0:
            raise ValueError(
                "`smoothness_penalty` must be a non-negative number or None. "
                f"Received smoothness_penalty={smoothness_penalty}"
            )
        self.revcomp = revcomp
        self.symmetric = symmetric
        self.use_bias = use_bias
        self.smoothness_penalty = smoothness_penalty
        self.kernel_initializer = (
            WeightedSumInitializer()
            if kernel_initializer is None
            else initializers.get(kernel_initializer)
        )
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape: tuple) -> None:
        """Create the stored weights."""
        _, length, channels = input_shape
        if length is None or channels is None:
            raise ValueError(
                f"Layer '{self.name}' (WeightedSum1D) has a weight for every position "
                "and needs an input of known length and channels. "
                f"Received input shape {input_shape}"
            )
        if self.revcomp:
            check_paired(channels, self.name)
        self.input_spec = keras.layers.InputSpec(shape=(None, length, channels))
        stored = channels // 2 if self.revcomp else channels
        self.kernel = self.add_weight(
            name="kernel",
            shape=((length + 1) // 2 if self.symmetric else length, stored),
            initializer=self.kernel_initializer,
            regularizer=(
                self.kernel_regularizer
                if self.smoothness_penalty is None
                else self._penalize_steps
            ),
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(stored,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _penalize_steps(self, kernel: Any) -> Any:
        penalty = self.smoothness_penalty * ops.sum(ops.abs(kernel[1:] - kernel[:-1]))
        if self.kernel_regularizer is not None:
            penalty += self.kernel_regularizer(kernel)
        return penalty

    def call(self, inputs: Any) -> Any:
        """Sum over positions."""
        if not self.revcomp:
            return self._sum(inputs)
        forward, reverse = split_strands(inputs)
        return join_strands(self._sum(forward), self._sum(reverse))

    def _sum(self, x: Any) -> Any:
        kernel = ops.convert_to_tensor(self.kernel)
        if self.symmetric:
            mirrored = kernel[: self.input_spec.shape[1] // 2]
            kernel = ops.concatenate([kernel, ops.flip(mirrored, axis=0)], axis=0)
        dtype = keras.backend.result_type(self.compute_dtype, "float32")
        total = ops.sum(ops.cast(x, dtype) * ops.cast(kernel, dtype), axis=1)
        if self.bias is not None:
            total += ops.cast(self.bias, dtype)
        return ops.cast(total, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return `(batch, channels)`."""
        return input_shape[0], input_shape[2]

    def get_config(self) -> dict:
        """Return the arguments of the layer."""
        return {
            **super().get_config(),
            "revcomp": self.revcomp,
            "symmetric": self.symmetric,
            "use_bias": self.use_bias,
            "smoothness_penalty": self.smoothness_penalty,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
