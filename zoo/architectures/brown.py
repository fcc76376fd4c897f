"""Brown and Lunter's equivariant Bayesian networks."""

from collections.abc import Callable, Sequence

import keras

from rckeras import activations
from rckeras.layers import (
    MonteCarloDropout,
    RevCompAveragePooling,
    RevCompConv1D,
    RevCompDropout,
    RevCompMaxPooling,
    RevCompSumPooling,
)
from zoo.architectures.head import predictions
from zoo.architectures.shapes import (
    check_length,
    check_one_per_layer,
    check_symmetric_length,
    half,
)

_STRAND_POOLING = {
    "sum": RevCompSumPooling,
    "average": RevCompAveragePooling,
    "max": RevCompMaxPooling,
}


def prdm9(
    targets: int = 2,
    sequence_length: int = 997,
    include_top: bool = True,
    filters: int | tuple[int, ...] = 16,
    kernel_sizes: tuple[int, ...] = (30, 4),
    pool_sizes: tuple[int, ...] = (8, 1),
    activation: str | Callable = "elu",
    equivariant: bool = True,
    strand_pooling: str = "sum",
    dropout: str | None = "bayesian",
    rate: float = 0.1,
    l2: float = 0.0,
    name: str = "prdm9",
) -> keras.Model:
    """The recombination hotspot network: 1,506 parameters, 3,010 if not equivariant.

    Layers: conv1 (8 free filters, 16 channels, x 30), dropout1 (.1), pool1 (8), conv2
    (16 channels x 4), dropout2 (.1), strand_pool (8 channels), global_pool (maximum),
    predictions (softmax; column 1 is "hotspot"). Nothing is padded. The equivariant
    network gives both strands the same predictions, under one dropout mask.

    The paper's text pools the strands by their maximum, the published weights by their
    sum, which is the default. Its networks without equivariance have no strand pooling:
    "predictions" then sees all 16 channels.

    Args:
        targets: Number of classes. Two start at the paper's values (section 2.9), other
            numbers at Keras's; one is a sigmoid, for a yes or no.
        sequence_length: Length of the input in bases. The paper cuts 1000 to 997 so
            that the pool ends at the last base, which equivariance needs: 997, 1005.
        include_top: Whether to end in "predictions"; without it the output is that of
            "global_pool".
        filters: Number of channels of each convolution, or of all; even, and half of
            them free, if equivariant.
        kernel_sizes: Width of each convolution's filters in bases or positions.
        pool_sizes: Width and stride of the pool after each convolution; 1 for none.
        activation: Activation of the convolutions, such as `"elu"` or
            `"shifted_relu"`, which the paper prefers to ReLUs; see
            `rckeras.activations.get`.
        equivariant: Whether the convolutions' weights are tied over both strands.
        strand_pooling: `"sum"`, `"average"` or `"max"` over the strands, if
            equivariant.
        dropout: `"bayesian"` stays on in inference, with masks that are the same for
            both strands if equivariant; `"ordinary"` is on in training alone, where it
            breaks the symmetry, as in the released code; `None` for none.
        rate: Dropout rate, 0 to 1.
        l2: L2 penalty of the convolutions' weights, tied ones counted once. The paper
            has 3e-4 without equivariance.
        name: Name of the model.

    Returns:
        A model from `(batch, sequence_length, 4)` to `(batch, targets)`.

    Raises:
        ValueError: If the sequence is too short or breaks the symmetry, if the
            convolutions' tuples differ in length, a number of tied channels is odd, or
            a word is unknown.

    Reference: Brown and Lunter 2018 (bioRxiv 351254), sections 2.3 to 2.10.

    Example:

    >>> prdm9().count_params()
    1506
    """
    if not isinstance(filters, Sequence):
        filters = (filters,) * len(kernel_sizes)
    check_one_per_layer(
        filters=filters, kernel_sizes=kernel_sizes, pool_sizes=pool_sizes
    )
    layers = list(zip(filters, kernel_sizes, pool_sizes, strict=True))
    windows = [w for _, size, pool in layers for w in ((size, 1), (pool, pool))]
    check = check_symmetric_length if equivariant else check_length
    check(sequence_length, windows)

    sequence = keras.Input((sequence_length, 4), name="sequence")
    x = sequence
    for i, (channels, size, pool_size) in enumerate(layers, start=1):
        conv = _convolution(channels, size, activation, equivariant, l2, f"conv{i}")
        x = _drop(conv(x), dropout, rate, equivariant, f"dropout{i}")
        if pool_size > 1:
            x = keras.layers.MaxPooling1D(pool_size, name=f"pool{i}")(x)
    if equivariant:
        x = _strand_pool(strand_pooling)(x)
    return _finish(sequence, x, targets, include_top, name)


def brown_simulation(
    targets: int = 2,
    sequence_length: int = 1000,
    include_top: bool = True,
    filters: int = 12,
    kernel_size: int = 14,
    activation: str | Callable = "elu",
    equivariant: bool = True,
    strand_pooling: str = "average",
    dropout: str | None = "bayesian",
    rate: float = 0.1,
    l2: float = 0.0,
    name: str = "brown_simulation",
) -> keras.Model:
    """The network for the simulated data: 356 parameters, 710 if not equivariant.

    Layers: conv1 (6 free filters, 12 channels, x 14), strand_pool (6 channels),
    dropout1 (.1), global_pool (maximum), predictions (softmax). Nothing is padded. The
    equivariant network gives both strands the same predictions, under one dropout mask.

    The paper's text pools the strands by their maximum, its code by their mean, which
    is the default; and its code drops behind that pool, where the strands no longer
    differ, so that a mask needs no symmetry. Without equivariance there is no strand
    pooling.

    Args:
        targets: Number of classes. Two start at the paper's values (section 2.9), other
            numbers at Keras's; one is a sigmoid, for a yes or no.
        sequence_length: Length of the input in bases, at least `kernel_size`.
        include_top: Whether to end in "predictions"; without it the output is that of
            "global_pool".
        filters: Number of channels; even, and half of them free, if equivariant.
        kernel_size: Width of a filter in bases.
        activation: Activation of the convolution, as in `prdm9`.
        equivariant: Whether the convolution's weights are tied over both strands.
        strand_pooling: `"sum"`, `"average"` or `"max"` over the strands, if
            equivariant.
        dropout: `"bayesian"` stays on in inference, `"ordinary"` is on in training
            alone, `None` for none.
        rate: Dropout rate, 0 to 1.
        l2: L2 penalty of the convolution's weights, tied ones counted once.
        name: Name of the model.

    Returns:
        A model from `(batch, sequence_length, 4)` to `(batch, targets)`.

    Raises:
        ValueError: If the sequence is too short, the number of tied channels odd, or a
            word unknown.

    Reference: Brown and Lunter 2018 (bioRxiv 351254), sections 2.3 to 2.10 and 3.1.

    Example:

    >>> brown_simulation().count_params()
    356
    """
    check_length(sequence_length, [(kernel_size, 1)])

    sequence = keras.Input((sequence_length, 4), name="sequence")
    conv = _convolution(filters, kernel_size, activation, equivariant, l2, "conv1")
    x = conv(sequence)
    if equivariant:
        x = _strand_pool(strand_pooling)(x)
    x = _drop(x, dropout, rate, False, "dropout1")
    return _finish(sequence, x, targets, include_top, name)


def _convolution(channels, kernel_size, activation, equivariant, l2, name):
    layer = RevCompConv1D if equivariant else keras.layers.Conv1D
    return layer(
        half(filters=channels) if equivariant else channels,
        kernel_size,
        activation=activations.get(activation),
        kernel_regularizer=keras.regularizers.L2(l2) if l2 > 0 else None,
        name=name,
    )


def _strand_pool(strand_pooling):
    if strand_pooling not in _STRAND_POOLING:
        raise ValueError(
            f"`strand_pooling` must be one of {', '.join(map(repr, _STRAND_POOLING))}. "
            f"Received strand_pooling={strand_pooling!r}"
        )
    return _STRAND_POOLING[strand_pooling](name="strand_pool")


def _drop(x, dropout, rate, equivariant, name):
    if dropout is None:
        return x
    if dropout == "ordinary":
        return keras.layers.Dropout(rate, name=name)(x)
    if dropout != "bayesian":
        raise ValueError(
            "`dropout` must be 'bayesian', 'ordinary' or None. "
            f"Received dropout={dropout!r}"
        )
    if equivariant:
        return RevCompDropout(rate, monte_carlo=True, name=name)(x)
    return MonteCarloDropout(rate, name=name)(x)


def _finish(sequence, x, targets, include_top, name):
    x = keras.layers.GlobalMaxPooling1D(name="global_pool")(x)
    if include_top:
        x = _predictions(targets)(x)
    return keras.Model(sequence, x, name=name)


def _predictions(targets):
    if targets != 2:
        activation = "sigmoid" if targets == 1 else "softmax"
        return predictions(targets, activation)
    return predictions(
        targets,
        "softmax",
        kernel_initializer="ones",
        bias_initializer=keras.initializers.Constant([1.0, -1.0]),
    )
