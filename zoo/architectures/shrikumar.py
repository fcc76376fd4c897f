"""Shrikumar, Greenside and Kundaje's networks, with and without tied strands."""

import keras

from rckeras.layers import (
    DenseAfterRevcomp,
    RevCompAveragePooling,
    RevCompBatchNormalization,
    RevCompConv1D,
    RevCompMaxPooling,
    RevCompSumPooling,
    WeightedSum1D,
)
from zoo.architectures.head import predictions
from zoo.architectures.shapes import check_length, check_symmetric_length

_STRAND_POOLS = {
    "sum": RevCompSumPooling,
    "average": RevCompAveragePooling,
    "max": RevCompMaxPooling,
}


def shrikumar(
    targets: int = 3,
    sequence_length: int = 200,
    include_top: bool = True,
    filters: int = 20,
    kernel_sizes: tuple[int, ...] = (21,),
    pool_size: int = 20,
    pool_strides: int | None = None,
    revcomp: bool = True,
    strand_pool: str | None = None,
    freeze_head: bool = False,
    name: str = "shrikumar",
) -> keras.Model:
    """The networks of the paper on reverse-complement parameter sharing.

    Layers: for each convolution conv1, norm1, relu1 and so on, then pool, and for the
    tied network weighted_sum and predictions, for the traditional one flatten and
    predictions (sigmoid). With `strand_pool` the tied network has strand_pool and then
    the traditional one's flatten and predictions. Nothing is padded. The tied network
    gives both strands the same predictions.

    - Simulated data: the defaults, 1,983 parameters; traditional with `revcomp=False`,
      2,283 with 20 filters and 4,563 with 40.
    - ChIP-seq: `targets=1, sequence_length=1000, filters=16, kernel_sizes=(15, 14, 14),
      pool_size=40, pool_strides=20, freeze_head=True`, 16,209 parameters (16 of them
      the frozen ones); traditional with `revcomp=False` and no frozen head, 9,025 with
      16 filters and 32,385 with 32. The paper also has 8 and 32 tied filters.
    - One layer, made to look at filters: as ChIP-seq with `kernel_sizes=(15,)` and 8
      tied or 16 traditional filters. The paper does not give the width, and 15 leaves
      6 of 1000 bases unread at one end: with tied strands take 994 or 1014.

    Args:
        targets: Number of tasks predicted.
        sequence_length: Length of the input in bases. With tied strands the pool must
            end at the last base.
        include_top: Whether to end in "predictions"; without it the output is that of
            the layer before.
        filters: Number of filters of every convolution, as the paper counts them: with
            tied strands each gives two channels.
        kernel_sizes: Width of each convolution's filters in bases or positions.
        pool_size: Width of the pool in positions.
        pool_strides: Stride of the pool in positions; `None` for its width.
        revcomp: Whether the two strands share all weights.
        strand_pool: `"sum"`, `"average"` or `"max"` to merge each channel behind the
            pool with its reverse complement, so that an ordinary head may follow, as
            Zhou et al. have it; `None` for the paper's weighted sum and a head with
            tied weights.
        freeze_head: Whether the weights of "predictions" stay at 1, so that only its
            bias learns: for one target they would only scale those of "weighted_sum".
        name: Name of the model.

    Returns:
        A model from `(batch, sequence_length, 4)` to `(batch, targets)`.

    Raises:
        ValueError: If the sequence is too short or breaks the symmetry, if
            `freeze_head` is asked for with several targets or without a weighted sum,
            or `strand_pool` is unknown or asked for with untied strands.

    Reference: Shrikumar, Greenside and Kundaje 2017 (bioRxiv 103663), sections 3.1,
    3.4 and 3.5; `strand_pool`: Zhou, Shrikumar and Kundaje 2022 (PMLR 165:1-33).

    Example:

    >>> model = shrikumar()
    >>> model.get_layer("weighted_sum").output.shape
    (None, 40)
    """
    if strand_pool is not None and not (revcomp and strand_pool in _STRAND_POOLS):
        raise ValueError(
            f"`strand_pool` must be one of {', '.join(_STRAND_POOLS)}, with "
            f"revcomp=True. Received {strand_pool!r}, revcomp={revcomp}"
        )
    if freeze_head and (targets != 1 or not revcomp or strand_pool is not None):
        raise ValueError(
            "`freeze_head` freezes weights that are redundant for one target behind a "
            "weighted sum: it needs targets=1 and revcomp=True, and no strand_pool. "
            f"Received targets={targets}, revcomp={revcomp}, strand_pool={strand_pool}"
        )
    pool_strides = pool_strides or pool_size
    windows = [*((size, 1) for size in kernel_sizes), (pool_size, pool_strides)]
    check = check_symmetric_length if revcomp else check_length
    check(sequence_length, windows)

    sequence = keras.Input((sequence_length, 4), name="sequence")
    x = sequence
    for i, kernel_size in enumerate(kernel_sizes, start=1):
        x = _convolve(x, filters, kernel_size, revcomp, i)
    x = keras.layers.MaxPooling1D(pool_size, pool_strides, name="pool")(x)
    tied_head = revcomp and strand_pool is None
    if tied_head:
        x = WeightedSum1D(name="weighted_sum")(x)
    else:
        if revcomp:
            x = _STRAND_POOLS[strand_pool](name="strand_pool")(x)
        x = keras.layers.Flatten(name="flatten")(x)
    if include_top:
        x = _predictions(targets, tied_head, freeze_head)(x)
    return keras.Model(sequence, x, name=name)


def _convolve(x, filters, kernel_size, revcomp, i):
    if revcomp:
        x = RevCompConv1D(filters, kernel_size, name=f"conv{i}")(x)
        x = RevCompBatchNormalization(name=f"norm{i}")(x)
    else:
        x = keras.layers.Conv1D(filters, kernel_size, name=f"conv{i}")(x)
        x = keras.layers.BatchNormalization(name=f"norm{i}")(x)
    return keras.layers.ReLU(name=f"relu{i}")(x)


def _predictions(targets, tied, freeze_head):
    dense = DenseAfterRevcomp if tied else keras.layers.Dense
    frozen = {}
    if freeze_head:
        # A variable's own `trainable` is lost when a model is saved or cloned. Rows of
        # a one-column matrix that start at 1 and have unit norm stay at 1.
        frozen["kernel_initializer"] = "ones"
        frozen["kernel_constraint"] = keras.constraints.UnitNorm(axis=1)
    return predictions(targets, dense=dense, **frozen)
