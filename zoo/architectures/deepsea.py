"""DeepSEA: three convolutions read 919 chromatin features off 1000 bases."""

from collections.abc import Callable

import keras

from rckeras.activations import threshold_relu
from zoo.architectures.head import predictions
from zoo.architectures.shapes import check_length, check_one_per_layer


def deepsea(
    targets: int = 919,
    sequence_length: int = 1000,
    include_top: bool = True,
    filters: tuple[int, ...] = (320, 480, 960),
    kernel_size: int = 8,
    pool_size: int = 4,
    dropout: tuple[float, ...] = (0.2, 0.2, 0.5),
    hidden_units: int = 925,
    activation: str | Callable = threshold_relu,
    name: str = "deepsea",
) -> keras.Model:
    """The DeepSEA network, 52,843,119 parameters.

    Layers: conv1 (320 x 8), pool1 (4), dropout1 (.2), conv2 (480 x 8), pool2 (4),
    dropout2 (.2), conv3 (960 x 8), dropout3 (.5), flatten (53 x 960), hidden (925),
    predictions (sigmoid). Nothing is padded. The two strands of a sequence get
    different predictions; the published ones are averaged over both.

    Hawkins-Hooker et al. (2018, Table 1) print 155,159,839 parameters for DeepSEA; no
    reading of the published network gives that number.

    Args:
        targets: Number of features predicted.
        sequence_length: Length of the input in bases, at least 163 with the published
            windows.
        include_top: Whether to end in "predictions"; without it the output is that of
            "hidden".
        filters: Number of filters of each convolution; a pool follows each but the
            last.
        kernel_size: Width of all filters in bases or positions.
        pool_size: Width and stride of all pools in positions.
        dropout: Dropout rate after each convolution, 0 to 1.
        hidden_units: Width of the hidden layer.
        activation: Activation of the convolutions and the hidden layer. The published
            weights need the default, Torch's threshold: `x` above 0 and `1e-6` else.
        name: Name of the model.

    Returns:
        A model from `(batch, sequence_length, 4)` to `(batch, targets)`.

    Raises:
        ValueError: If the sequence is too short, or `filters` and `dropout` differ in
            length.

    Reference: Zhou and Troyanskaya 2015 (Nature Methods 12, 931), supplementary
    note.

    Example:

    >>> model = deepsea(targets=3, filters=(8, 8, 8), hidden_units=16)
    >>> model.output_shape
    (None, 3)
    """
    check_one_per_layer(filters=filters, dropout=dropout)
    conv, pool = (kernel_size, 1), (pool_size, pool_size)
    check_length(sequence_length, [*[conv, pool] * (len(filters) - 1), conv])

    sequence = keras.Input((sequence_length, 4), name="sequence")
    x = sequence
    for i, (channels, rate) in enumerate(zip(filters, dropout, strict=True), start=1):
        x = keras.layers.Conv1D(
            channels, kernel_size, activation=activation, name=f"conv{i}"
        )(x)
        if i < len(filters):
            x = keras.layers.MaxPooling1D(pool_size, name=f"pool{i}")(x)
        x = keras.layers.Dropout(rate, name=f"dropout{i}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(hidden_units, activation=activation, name="hidden")(x)
    if include_top:
        x = predictions(targets)(x)
    return keras.Model(sequence, x, name=name)
