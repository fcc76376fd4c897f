"""Convolution whose filters come with their reverse complements."""

from typing import Any

import keras
from keras import ops

from rckeras.symmetry.windows import asymmetry


@keras.saving.register_keras_serializable("rckeras")
class RevCompConv1D(keras.layers.Conv1D):
    """1D convolution with weights shared between the two strands.

    Of `2 * filters` output channels the first half are the convolutions with the free
    filters `W`, the second half those with their reverse complements, in reverse
    order: the kernel used is `concat([W, W[::-1, ::-1, ::-1]])`, the bias
    `concat([b, b[::-1]])`. So output channels `i` and `2 * filters - 1 - i` are each
    other's reverse complement, and the layer is equivariant:
    `conv(RC(x)) = RC(conv(x))`.

    The layer has as many weights as `Conv1D(filters, ...)` on the same input.
    Regularizers and constraints see the free filters, each pair once.

    Args:
        filters: Positive integer, the number of free filters.
        kernel_size: Positive integer, the width of a filter in positions.
        strides: Positive integer, positions between windows.
        padding: `"valid"` or `"same"`. `"causal"` looks at one end only and is
            refused.
        dilation_rate: Positive integer, positions between the taps of a filter.
        activation: Activation, applied to each channel alike.
        use_bias: Whether to add one bias per free filter.
        **kwargs: Initializers, regularizers, constraints, `lora_rank`, `name` and
            `dtype`, as in `keras.layers.Conv1D`.

    Input shape:
        `(batch, length, channels)`, channels `i` and `channels - 1 - i` being each
        other's reverse complement. Integer one-hot input is cast.

    Output shape:
        `(batch, new_length, 2 * filters)`.

    Raises:
        ValueError: When windows do not lie alike on both strands (`"same"` with an
            even effective width, a stride that does not tile the input); the message
            says what would work. Also for `padding="causal"`, `groups` other than 1
            (a flipped kernel would cross the groups) and `"channels_first"`.

    Reference: Shrikumar et al. 2017, section 3.1.1; Brown and Lunter 2018,
    section 2.3.

    Example:

    >>> RevCompConv1D(20, 21)(keras.Input((200, 4))).shape
    (None, 180, 40)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        padding: str = "valid",
        dilation_rate: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        **kwargs: Any,
    ):
        kwargs.setdefault("data_format", "channels_last")
        super().__init__(
            filters,
            kernel_size,
            strides=strides,
            padding=padding,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            **kwargs,
        )
        self._refuse("padding", self.padding, ("valid", "same"))
        self._refuse("groups", self.groups, (1,))
        self._refuse("data_format", self.data_format, ("channels_last",))
        if isinstance(self.dtype_policy, keras.dtype_policies.QuantizedDTypePolicy):
            raise ValueError(
                "RevCompConv1D cannot be quantized; use a float or mixed dtype "
                f"policy. Received dtype={self.dtype_policy.name!r}"
            )

    def _refuse(self, argument: str, value: Any, allowed: tuple) -> None:
        if value not in allowed:
            raise ValueError(
                f"RevCompConv1D keeps both strands alike only with `{argument}` in "
                f"{allowed}. Received {argument}={value!r}"
            )

    def build(self, input_shape: tuple) -> None:
        """Create the free filters and check that the windows are symmetric."""
        length = input_shape[1]
        reason = asymmetry(
            length,
            self.kernel_size[0],
            self.strides[0],
            self.padding,
            self.dilation_rate[0],
        )
        if reason:
            raise ValueError(
                f"Layer '{self.name}' (RevCompConv1D) would treat the two ends of its "
                f"input differently: {reason}. Received input shape {input_shape} and "
                f"kernel_size={self.kernel_size[0]}"
            )
        super().build(input_shape)
        axes = {-1: input_shape[-1]}
        if self.strides[0] > 1:
            axes[1] = length
        self.input_spec = keras.layers.InputSpec(ndim=3, axes=axes)

    def call(self, inputs: Any) -> Any:
        """Convolve with the free filters and their reverse complements."""
        inputs = ops.cast(inputs, self.compute_dtype)
        kernel = ops.concatenate([self.kernel, ops.flip(self.kernel)], axis=-1)
        outputs = self.convolution_op(inputs, kernel)
        if self.use_bias:
            outputs += ops.concatenate([self.bias, ops.flip(self.bias)])
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return `(batch, new_length, 2 * filters)`."""
        batch, length, filters = super().compute_output_shape(input_shape)
        return batch, length, 2 * filters
