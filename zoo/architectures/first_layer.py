"""The study of first layers: how many filters, with or without a projection."""

from collections.abc import Callable

import keras

from rckeras.activations import legacy_hard_sigmoid
from rckeras.layers import Projection1D
from zoo.architectures.head import predictions
from zoo.architectures.shapes import check_length, check_one_per_layer


def first_layer_cnn(
    targets: int = 919,
    sequence_length: int = 500,
    include_top: bool = True,
    filters: tuple[int, ...] = (300, 128, 256),
    projection: int | None = None,
    dropout: float | None = None,
    kernel_sizes: tuple[int, ...] = (19, 11, 7),
    pool_sizes: tuple[int, ...] = (6, 2, 2),
    hidden_units: int = 2048,
    hidden_dropout: float = 0.5,
    negative_slope: float = 0.01,
    name: str = "first_layer_cnn",
) -> keras.Model:
    """The convolutional network of the first-layer study.

    Layers: conv1 (n x 19), act1, pool1 (6), projection (64, if asked for), dropout1
    (.2, if asked for), conv2 (128 x 11), act2, pool2 (2), conv3 (256 x 7), act3, pool3
    (2), flatten (14 x 256), hidden (2048), act4, dropout2 (.5), predictions (sigmoid).
    All activations are leaky ReLUs; nothing is padded.

    The paper trains each size of first layer, n = 300, 500, 750 and 1000, with and
    without `projection=64` and `dropout=0.2`. Parameters: 9,900,371 with n = 300,
    9,587,283 with a projection besides.

    Args:
        targets: Number of features predicted.
        sequence_length: Length of the input in bases, at least 174 with the published
            windows. The paper took the central 500 of DeepSEA's 1000.
        include_top: Whether to end in "predictions"; without it the output is that of
            "dropout2".
        filters: Number of filters of each convolution.
        projection: Number of channels that a linear layer reduces the first pool's to;
            `None` for none.
        dropout: Dropout rate before the second convolution, 0 to 1; `None` for none.
        kernel_sizes: Width of each convolution's filters in bases or positions.
        pool_sizes: Width and stride of the pool after each convolution.
        hidden_units: Width of the hidden layer.
        hidden_dropout: Dropout rate after the hidden layer, 0 to 1.
        negative_slope: Slope of the leaky ReLUs below 0. The paper does not give it;
            0.01 is that of the authors' code.
        name: Name of the model.

    Returns:
        A model from `(batch, sequence_length, 4)` to `(batch, targets)`.

    Raises:
        ValueError: If the sequence is too short, or the convolutions' tuples differ in
            length.

    Reference: Hawkins-Hooker, Kenlay and Reid 2018 (bioRxiv 412734), "Design choices
    related to first layer on reduced DeepSEA dataset".

    Example:

    >>> model = first_layer_cnn(filters=(8, 4, 4), projection=6, dropout=0.2)
    >>> model.output_shape
    (None, 919)
    """
    check_one_per_layer(
        filters=filters, kernel_sizes=kernel_sizes, pool_sizes=pool_sizes
    )
    layers = list(zip(filters, kernel_sizes, pool_sizes, strict=True))
    check_length(
        sequence_length,
        [window for _, size, pool in layers for window in ((size, 1), (pool, pool))],
    )

    sequence = keras.Input((sequence_length, 4), name="sequence")
    x = sequence
    for i, (channels, kernel_size, pool_size) in enumerate(layers, start=1):
        x = keras.layers.Conv1D(channels, kernel_size, name=f"conv{i}")(x)
        x = keras.layers.LeakyReLU(negative_slope, name=f"act{i}")(x)
        x = keras.layers.MaxPooling1D(pool_size, name=f"pool{i}")(x)
        if i == 1:
            x = _regularize(x, projection, dropout)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(hidden_units, name="hidden")(x)
    x = keras.layers.LeakyReLU(negative_slope, name=f"act{len(layers) + 1}")(x)
    x = keras.layers.Dropout(hidden_dropout, name="dropout2")(x)
    if include_top:
        x = predictions(targets)(x)
    return keras.Model(sequence, x, name=name)


def first_layer_danq(
    targets: int = 919,
    sequence_length: int = 500,
    include_top: bool = True,
    filters: int = 300,
    projection: int | None = None,
    dropout: float | None = None,
    kernel_size: int = 26,
    pool_size: int = 13,
    units: int = 100,
    lstm_dropout: float = 0.5,
    hidden_units: int = 925,
    negative_slope: float = 0.01,
    recurrent_activation: str | Callable = legacy_hard_sigmoid,
    name: str = "first_layer_danq",
) -> keras.Model:
    """The DanQ of the first-layer study, with leaky ReLUs and a smaller LSTM.

    Layers: conv1 (n x 26), act1, pool1 (13), projection (64, if asked for), dropout1
    (.2, if asked for), bilstm (100 each way, all 36 steps), dropout2 (.5), flatten (36
    x 200), hidden (925), act2, predictions (sigmoid). Nothing is padded. What the paper
    does not name is as in DanQ; the authors' code of this network is not public.

    The paper trains each size of first layer, n = 300, 500, 750 and 1000, with and
    without `projection=64` and `dropout=0.2`. Parameters: 7,864,219 with n = 300,
    7,694,619 with a projection besides.

    Args:
        targets: Number of features predicted.
        sequence_length: Length of the input in bases, at least 38 with the published
            windows. The paper took the central 500 of DeepSEA's 1000.
        include_top: Whether to end in "predictions"; without it the output is that of
            "act2".
        filters: Number of filters of the convolution.
        projection: Number of channels that a linear layer reduces the pool's to; `None`
            for none.
        dropout: Dropout rate before the LSTM, 0 to 1; `None` for none.
        kernel_size: Width of a filter in bases.
        pool_size: Width and stride of the pool in positions.
        units: LSTM units in each direction.
        lstm_dropout: Dropout rate after the LSTM, 0 to 1.
        hidden_units: Width of the hidden layer.
        negative_slope: Slope of the leaky ReLUs below 0.
        recurrent_activation: Activation of the LSTM's gates; the default is the hard
            sigmoid of the Keras of its day, as in `danq`.
        name: Name of the model.

    Returns:
        A model from `(batch, sequence_length, 4)` to `(batch, targets)`.

    Raises:
        ValueError: If the sequence is too short.

    Reference: Hawkins-Hooker, Kenlay and Reid 2018 (bioRxiv 412734), "Design choices
    related to first layer on reduced DeepSEA dataset".

    Example:

    >>> model = first_layer_danq(filters=8, projection=6, units=4, hidden_units=16)
    >>> model.get_layer("flatten").output.shape
    (None, 288)
    """
    check_length(sequence_length, [(kernel_size, 1), (pool_size, pool_size)])

    sequence = keras.Input((sequence_length, 4), name="sequence")
    x = keras.layers.Conv1D(filters, kernel_size, name="conv1")(sequence)
    x = keras.layers.LeakyReLU(negative_slope, name="act1")(x)
    x = keras.layers.MaxPooling1D(pool_size, name="pool1")(x)
    x = _regularize(x, projection, dropout)
    lstm = keras.layers.LSTM(
        units, recurrent_activation=recurrent_activation, return_sequences=True
    )
    x = keras.layers.Bidirectional(lstm, name="bilstm")(x)
    x = keras.layers.Dropout(lstm_dropout, name="dropout2")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(hidden_units, name="hidden")(x)
    x = keras.layers.LeakyReLU(negative_slope, name="act2")(x)
    if include_top:
        x = predictions(targets)(x)
    return keras.Model(sequence, x, name=name)


def _regularize(x, projection, dropout):
    if projection is not None:
        x = Projection1D(projection, name="projection")(x)
    if dropout is not None:
        x = keras.layers.Dropout(dropout, name="dropout1")(x)
    return x
