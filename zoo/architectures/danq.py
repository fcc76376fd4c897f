"""DanQ: one convolution finds motifs, a bidirectional LSTM reads their grammar."""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from rckeras.activations import legacy_hard_sigmoid
from rckeras.layers import (
    DenseAfterRevcomp,
    RevCompBidirectional,
    RevCompConv1D,
    RevCompDropout,
)
from zoo.architectures.head import predictions
from zoo.architectures.shapes import check_length, check_symmetric_length, half


def danq(
    targets: int = 919,
    sequence_length: int = 1000,
    include_top: bool = True,
    filters: int = 320,
    kernel_size: int = 26,
    pool_size: int = 13,
    units: int = 320,
    dropout: tuple[float, float] = (0.2, 0.5),
    hidden_units: int = 925,
    activation: str | Callable = "relu",
    recurrent_activation: str | Callable = legacy_hard_sigmoid,
    name: str = "danq",
) -> keras.Model:
    """The DanQ network, 46,926,479 parameters.

    Layers: conv1 (320 x 26), pool1 (13), dropout1 (.2), bilstm (320 each way, all 75
    steps), dropout2 (.5), flatten (75 x 640), hidden (925), predictions (sigmoid).
    Nothing is padded. The two strands of a sequence get different predictions.

    Args:
        targets: Number of features predicted.
        sequence_length: Length of the input in bases, at least 38 with the published
            windows.
        include_top: Whether to end in "predictions"; without it the output is that of
            "hidden".
        filters: Number of filters of the convolution.
        kernel_size: Width of a filter in bases.
        pool_size: Width and stride of the pool in positions.
        units: LSTM units in each direction.
        dropout: Dropout rates before and after the LSTM, 0 to 1.
        hidden_units: Width of the hidden layer.
        activation: Activation of the convolution and the hidden layer.
        recurrent_activation: Activation of the LSTM's gates. The default is the hard
            sigmoid of the Keras that trained the published network, `0.2 x + 0.5` cut
            to 0 to 1, which its weights need. `"sigmoid"` is what Keras uses today, and
            the only one with a fused (cuDNN) kernel: take it to train anew.
        name: Name of the model.

    Returns:
        A model from `(batch, sequence_length, 4)` to `(batch, targets)`.

    Raises:
        ValueError: If the sequence is too short.

    Reference: Quang and Xie 2016 (Nucleic Acids Research 44, e107), Methods.

    Example:

    >>> model = danq(targets=3, filters=8, units=4, hidden_units=16)
    >>> model.output_shape
    (None, 3)
    """
    check_length(sequence_length, [(kernel_size, 1), (pool_size, pool_size)])

    sequence = keras.Input((sequence_length, 4), name="sequence")
    x = keras.layers.Conv1D(filters, kernel_size, activation=activation, name="conv1")(
        sequence
    )
    x = keras.layers.MaxPooling1D(pool_size, name="pool1")(x)
    x = keras.layers.Dropout(dropout[0], name="dropout1")(x)
    lstm = keras.layers.LSTM(
        units, recurrent_activation=recurrent_activation, return_sequences=True
    )
    x = keras.layers.Bidirectional(lstm, name="bilstm")(x)
    x = keras.layers.Dropout(dropout[1], name="dropout2")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(hidden_units, activation=activation, name="hidden")(x)
    if include_top:
        x = predictions(targets)(x)
    return keras.Model(sequence, x, name=name)


def danq_jaspar(
    targets: int = 919,
    sequence_length: int = 1000,
    include_top: bool = True,
    filters: int = 1024,
    kernel_size: int = 30,
    pool_size: int = 15,
    units: int = 512,
    dropout: tuple[float, float] = (0.2, 0.5),
    hidden_units: int = 925,
    activation: str | Callable = "relu",
    recurrent_activation: str | Callable = legacy_hard_sigmoid,
    name: str = "danq_jaspar",
) -> keras.Model:
    """The larger DanQ, half of whose filters start from motifs: 67,892,175 parameters.

    `danq` with conv1 (1024 x 30), pool1 (15), bilstm (512 each way, 64 steps). The
    published one started its first 525 filters from the 519 vertebrate motifs of JASPAR
    2016 and the reverse complements of six of them: see `start_filters_from_motifs`,
    which is left to the caller.

    Args:
        targets: Number of features predicted.
        sequence_length: Length of the input in bases, at least 44 with the published
            windows.
        include_top: Whether to end in "predictions".
        filters: Number of filters of the convolution.
        kernel_size: Width of a filter in bases.
        pool_size: Width and stride of the pool in positions.
        units: LSTM units in each direction.
        dropout: Dropout rates before and after the LSTM, 0 to 1.
        hidden_units: Width of the hidden layer.
        activation: Activation of the convolution and the hidden layer.
        recurrent_activation: Activation of the LSTM's gates, as in `danq`.
        name: Name of the model.

    Returns:
        A model from `(batch, sequence_length, 4)` to `(batch, targets)`.

    Raises:
        ValueError: If the sequence is too short.

    Reference: Quang and Xie 2016 (Nucleic Acids Research 44, e107), Methods.

    Example:

    >>> model = danq_jaspar(targets=3, filters=8, units=4, hidden_units=16)
    >>> motif = np.eye(4)[[2, 0, 3, 0]]  # GATA
    >>> start_filters_from_motifs(model, [motif], seed=0)
    """
    return danq(
        targets=targets,
        sequence_length=sequence_length,
        include_top=include_top,
        filters=filters,
        kernel_size=kernel_size,
        pool_size=pool_size,
        units=units,
        dropout=dropout,
        hidden_units=hidden_units,
        activation=activation,
        recurrent_activation=recurrent_activation,
        name=name,
    )


def rc_danq(
    targets: int = 919,
    sequence_length: int = 1000,
    include_top: bool = True,
    filters: int = 320,
    kernel_size: int = 26,
    pool_size: int = 13,
    units: int = 320,
    dropout: tuple[float, float] = (0.2, 0.5),
    hidden_units: int = 925,
    activation: str | Callable = "relu",
    recurrent_activation: str | Callable = legacy_hard_sigmoid,
    name: str = "rc_danq",
) -> keras.Model:
    """DanQ with tied strands, 23,889,199 parameters: both get the same predictions.

    Of the same widths as `danq`, each layer replaced by its strand-symmetric one:
    conv1 (160 free filters, 320 channels, x 26), pool1 (13), dropout1 (.2), bilstm (one
    LSTM of 320 units read on both strands, 640 channels), dropout2 (.5), hidden (925,
    the first layer that is the same for both strands), predictions (sigmoid). No paper
    reports this network.

    Args:
        targets: Number of features predicted.
        sequence_length: Length of the input in bases. The pool must end at the last
            base: with the default windows 38 and every 13th length above, as 1000.
        include_top: Whether to end in "predictions"; without it the output is that of
            "hidden", and strand-symmetric.
        filters: Number of channels of the convolution, even; half of them are free.
        kernel_size: Width of a filter in bases.
        pool_size: Width and stride of the pool in positions.
        units: Units of the LSTM, which reads both strands.
        dropout: Dropout rates before and after the LSTM, 0 to 1.
        hidden_units: Width of the hidden layer.
        activation: Activation of the convolution and the hidden layer.
        recurrent_activation: Activation of the LSTM's gates, as in `danq`.
        name: Name of the model.

    Returns:
        A model from `(batch, sequence_length, 4)` to `(batch, targets)`.

    Raises:
        ValueError: If the sequence is too short or breaks the symmetry, or `filters` is
            odd.

    Reference: Quang and Xie 2016 (Nucleic Acids Research 44, e107), Methods; layers
    after Shrikumar et al. 2017, section 3.1.

    Example:

    >>> model = rc_danq(targets=3, filters=8, units=4, hidden_units=16)
    >>> model.output_shape
    (None, 3)
    """
    free_filters = half(filters=filters)
    check_symmetric_length(sequence_length, [(kernel_size, 1), (pool_size, pool_size)])

    sequence = keras.Input((sequence_length, 4), name="sequence")
    x = RevCompConv1D(free_filters, kernel_size, activation=activation, name="conv1")(
        sequence
    )
    x = keras.layers.MaxPooling1D(pool_size, name="pool1")(x)
    x = RevCompDropout(dropout[0], name="dropout1")(x)
    lstm = keras.layers.LSTM(
        units, recurrent_activation=recurrent_activation, return_sequences=True
    )
    x = RevCompBidirectional(lstm, name="bilstm")(x)
    x = RevCompDropout(dropout[1], name="dropout2")(x)
    x = DenseAfterRevcomp(hidden_units, activation=activation, name="hidden")(x)
    if include_top:
        x = predictions(targets)(x)
    return keras.Model(sequence, x, name=name)


def start_filters_from_motifs(
    model: keras.Model | keras.layers.Layer,
    motifs: Sequence[np.ndarray],
    margin: int = 3,
    seed: int | None = None,
) -> None:
    """Start the first filters of a convolution from motifs, as DanQ-JASPAR's were.

    Motif `i` overwrites a stretch of filter `i` with its probabilities less 0.25, at a
    random offset, and the filter's bias with a uniform draw from -1 to 0. The rest of
    the filter keeps its random start, as in the authors' code.

    Args:
        model: A model whose first convolution is called "conv1", or that layer.
        motifs: Probability matrices `(length, 4)` in the order A, C, G, T, no more than
            filters.
        margin: Number of bases left free at either end of a filter, at least 0.
        seed: Seed of offsets and biases; `None` draws new ones each time.

    Raises:
        ValueError: If there are more motifs than filters, or a motif is no probability
            matrix, or longer than `kernel_size - 2 * margin`.

    Reference: Quang and Xie 2016 (Nucleic Acids Research 44, e107), Methods.

    Example:

    >>> model = danq(targets=3, filters=8, units=4, hidden_units=16)
    >>> start_filters_from_motifs(model, [np.eye(4)[[2, 0, 3, 0]]], seed=0)
    """
    layer = model.get_layer("conv1") if isinstance(model, keras.Model) else model
    kernel = np.array(keras.ops.convert_to_numpy(layer.kernel))
    bias = np.array(keras.ops.convert_to_numpy(layer.bias))
    width, _, filters = kernel.shape
    if len(motifs) > filters:
        raise ValueError(
            f"`motifs` must be no more than the {filters} filters of layer "
            f"'{layer.name}'. Received {len(motifs)} motifs"
        )
    generator = np.random.default_rng(seed)
    for i, motif in enumerate(motifs):
        motif = _probabilities(motif, i, longest=width - 2 * margin)
        offset = generator.integers(margin, width - margin - len(motif), endpoint=True)
        kernel[offset : offset + len(motif), :, i] = motif - 0.25
        bias[i] = generator.uniform(-1.0, 0.0)
    layer.kernel.assign(kernel)
    layer.bias.assign(bias)


def _probabilities(motif: np.ndarray, index: int, longest: int) -> np.ndarray:
    motif = np.asarray(motif, dtype="float64")
    if motif.ndim != 2 or motif.shape[1] != 4 or not len(motif):
        raise ValueError(
            "`motifs` must be matrices of shape (length, 4), columns A, C, G, T. "
            f"Received shape {motif.shape} for motif {index}"
        )
    if motif.min() < 0 or not np.allclose(motif.sum(axis=1), 1, atol=0.01):
        raise ValueError(
            "`motifs` must hold probabilities, each row summing to 1; divide counts by "
            f"their row's sum. Received motif {index} with row sums from "
            f"{motif.sum(axis=1).min():g} to {motif.sum(axis=1).max():g}"
        )
    if len(motif) > longest:
        raise ValueError(
            f"`motifs` must be at most {longest} long to leave `margin` bases at each "
            "end of a filter; cut longer ones, or take a smaller `margin`. "
            f"Received motif {index} of length {len(motif)}"
        )
    return motif
