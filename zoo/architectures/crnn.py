"""CRNN: two convolutions, a projection between them, and a bidirectional LSTM."""

from collections.abc import Callable

import keras

from rckeras.activations import legacy_hard_sigmoid
from rckeras.layers import (
    DenseAfterRevcomp,
    Projection1D,
    RevCompBidirectional,
    RevCompConv1D,
    RevCompDropout,
)
from zoo.architectures.head import predictions
from zoo.architectures.shapes import check_length, check_symmetric_length, half


def crnn(
    targets: int = 919,
    sequence_length: int = 1000,
    include_top: bool = True,
    filters: int = 320,
    projection: int | None = None,
    second_filters: int = 96,
    kernel_sizes: tuple[int, int] = (30, 11),
    pool_sizes: tuple[int, int] = (7, 2),
    units: int = 300,
    dropout: float = 0.15,
    recurrent_dropout: float = 0.2,
    hidden_units: int = 919,
    negative_slope: float = 0.01,
    recurrent_activation: str | Callable = legacy_hard_sigmoid,
    name: str = "crnn",
) -> keras.Model:
    """The CRNN networks, with and without projection: 2.5 to 3.2 million parameters.

    Layers: conv1 (n x 30), act1, pool1 (7), projection (64, if asked for), dropout1
    (.15), conv2 (96 x 11), act2, pool2 (2), bilstm (300 each way, recurrent dropout
    .2), mean (over the 64 steps), hidden (919), act3, predictions (sigmoid). All
    activations are leaky ReLUs; nothing is padded. The two strands of a sequence get
    different predictions; the published AUPRC averages them.

    | network             | filters | projection | parameters |
    |---------------------|---------|------------|------------|
    | CRNN-320            | 320     | None       | 2,727,335  |
    | CRNN-320-projection | 320     | 64         | 2,477,479  |
    | CRNN-700            | 700     | None       | 3,174,595  |
    | CRNN-700-projection | 700     | 64         | 2,547,779  |

    The paper's text says 128 filters in the second convolution; all four counts of its
    Table 1 come out with 96, which the authors' code has, and with no other number.

    Args:
        targets: Number of features predicted.
        sequence_length: Length of the input in bases, at least 113 with the published
            windows.
        include_top: Whether to end in "predictions"; without it the output is that of
            "act3".
        filters: Number of filters of the first convolution.
        projection: Number of channels that a linear layer reduces the pooled motif
            activations to; `None` for none.
        second_filters: Number of filters of the second convolution.
        kernel_sizes: Widths of the filters in bases and positions.
        pool_sizes: Width and stride of each pool in positions.
        units: LSTM units in each direction.
        dropout: Dropout rate behind the first pool, 0 to 1.
        recurrent_dropout: Dropout rate of the LSTM's state, 0 to 1.
        hidden_units: Width of the hidden layer.
        negative_slope: Slope of the leaky ReLUs below 0.
        recurrent_activation: Activation of the LSTM's gates. The default is the hard
            sigmoid of Keras 2.0.8, `0.2 x + 0.5` cut to 0 to 1, with which the networks
            of the paper were trained; `"sigmoid"` is what Keras uses today.
        name: Name of the model.

    Returns:
        A model from `(batch, sequence_length, 4)` to `(batch, targets)`.

    Raises:
        ValueError: If the sequence is too short.

    Reference: Hawkins-Hooker, Kenlay and Reid 2018 (bioRxiv 412734), "Improved
    convolutional-recurrent architecture" and Table 1.

    Example:

    >>> model = crnn(targets=3, filters=8, projection=4, second_filters=6, units=5)
    >>> model.get_layer("mean").input.shape
    (None, 64, 10)
    """
    check_length(sequence_length, _windows(kernel_sizes, pool_sizes))

    sequence = keras.Input((sequence_length, 4), name="sequence")
    x = keras.layers.Conv1D(filters, kernel_sizes[0], name="conv1")(sequence)
    x = keras.layers.LeakyReLU(negative_slope, name="act1")(x)
    x = keras.layers.MaxPooling1D(pool_sizes[0], name="pool1")(x)
    if projection is not None:
        x = Projection1D(projection, name="projection")(x)
    x = keras.layers.Dropout(dropout, name="dropout1")(x)
    x = keras.layers.Conv1D(second_filters, kernel_sizes[1], name="conv2")(x)
    x = keras.layers.LeakyReLU(negative_slope, name="act2")(x)
    x = keras.layers.MaxPooling1D(pool_sizes[1], name="pool2")(x)
    lstm = _lstm(units, recurrent_dropout, recurrent_activation)
    x = keras.layers.Bidirectional(lstm, name="bilstm")(x)
    x = keras.layers.GlobalAveragePooling1D(name="mean")(x)
    x = keras.layers.Dense(hidden_units, name="hidden")(x)
    x = keras.layers.LeakyReLU(negative_slope, name="act3")(x)
    if include_top:
        x = predictions(targets)(x)
    return keras.Model(sequence, x, name=name)


def rc_crnn(
    targets: int = 919,
    sequence_length: int = 995,
    include_top: bool = True,
    filters: int = 700,
    projection: int | None = 64,
    second_filters: int = 96,
    kernel_sizes: tuple[int, int] = (30, 11),
    pool_sizes: tuple[int, int] = (7, 2),
    units: int = 300,
    dropout: float = 0.15,
    recurrent_dropout: float = 0.2,
    hidden_units: int = 919,
    negative_slope: float = 0.01,
    recurrent_activation: str | Callable = legacy_hard_sigmoid,
    name: str = "rc_crnn",
) -> keras.Model:
    """CRNN-700-projection with tied strands, 1,697,089 parameters.

    Of the same widths as `crnn`, each layer replaced by its strand-symmetric one: conv1
    (350 free filters, 700 channels, x 30), act1, pool1 (7), projection (64, tied),
    dropout1 (.15), conv2 (48 free filters, 96 channels, x 11), act2, pool2 (2), bilstm
    (one LSTM of 300 units read on both strands, 600 channels), mean, hidden (919, the
    first layer that is the same for both strands), act3, predictions (sigmoid). No
    paper reports this network.

    The published pools leave bases of a 1000 base window unread at its right end, so
    the default is the next length below that they tile, 995: cut a window of that
    length around the same centre.

    Args:
        targets: Number of features predicted.
        sequence_length: Length of the input in bases. The pools must end at the last
            base: with the default windows 113 and every 14th length above, as 995 and
            1009.
        include_top: Whether to end in "predictions"; without it the output is that of
            "act3", and strand-symmetric.
        filters: Number of channels of the first convolution, even; half are free.
        projection: Number of channels, even, of the tied linear layer behind the first
            pool; `None` for none.
        second_filters: Number of channels of the second convolution, even.
        kernel_sizes: Widths of the filters in bases and positions.
        pool_sizes: Width and stride of each pool in positions.
        units: Units of the LSTM, which reads both strands.
        dropout: Dropout rate behind the first pool, 0 to 1.
        recurrent_dropout: Dropout rate of the LSTM's state, 0 to 1.
        hidden_units: Width of the hidden layer.
        negative_slope: Slope of the leaky ReLUs below 0.
        recurrent_activation: Activation of the LSTM's gates, as in `crnn`.
        name: Name of the model.

    Returns:
        A model from `(batch, sequence_length, 4)` to `(batch, targets)`.

    Raises:
        ValueError: If the sequence is too short or breaks the symmetry, or a number of
            channels is odd.

    Reference: Hawkins-Hooker, Kenlay and Reid 2018 (bioRxiv 412734), Table 1; layers
    after Shrikumar et al. 2017, section 3.1.

    Example:

    >>> model = rc_crnn(targets=3, filters=8, projection=4, second_filters=6, units=5)
    >>> model.get_layer("mean").input.shape
    (None, 64, 10)
    """
    free_filters = half(filters=filters), half(second_filters=second_filters)
    check_symmetric_length(sequence_length, _windows(kernel_sizes, pool_sizes))

    sequence = keras.Input((sequence_length, 4), name="sequence")
    x = RevCompConv1D(free_filters[0], kernel_sizes[0], name="conv1")(sequence)
    x = keras.layers.LeakyReLU(negative_slope, name="act1")(x)
    x = keras.layers.MaxPooling1D(pool_sizes[0], name="pool1")(x)
    if projection is not None:
        x = Projection1D(projection, revcomp=True, name="projection")(x)
    x = RevCompDropout(dropout, name="dropout1")(x)
    x = RevCompConv1D(free_filters[1], kernel_sizes[1], name="conv2")(x)
    x = keras.layers.LeakyReLU(negative_slope, name="act2")(x)
    x = keras.layers.MaxPooling1D(pool_sizes[1], name="pool2")(x)
    lstm = _lstm(units, recurrent_dropout, recurrent_activation)
    x = RevCompBidirectional(lstm, name="bilstm")(x)
    x = keras.layers.GlobalAveragePooling1D(name="mean")(x)
    x = DenseAfterRevcomp(hidden_units, name="hidden")(x)
    x = keras.layers.LeakyReLU(negative_slope, name="act3")(x)
    if include_top:
        x = predictions(targets)(x)
    return keras.Model(sequence, x, name=name)


def _windows(kernel_sizes, pool_sizes):
    return [
        (kernel_sizes[0], 1),
        (pool_sizes[0], pool_sizes[0]),
        (kernel_sizes[1], 1),
        (pool_sizes[1], pool_sizes[1]),
    ]


def _lstm(units, recurrent_dropout, recurrent_activation):
    return keras.layers.LSTM(
        units,
        recurrent_activation=recurrent_activation,
        recurrent_dropout=recurrent_dropout,
        return_sequences=True,
    )
