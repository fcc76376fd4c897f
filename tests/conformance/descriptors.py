"""How to make and feed every public layer, and what it promises about the strands.

The one list that drives all suites in this folder.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from keras import layers as keras_layers

from rckeras.layers import (
    DenseAfterRevcomp,
    MonteCarloDropout,
    Projection1D,
    RandomReverseComplement,
    RevCompAveragePooling,
    RevCompBatchNormalization,
    RevCompBidirectional,
    RevCompConv1D,
    RevCompDropout,
    RevCompMaxPooling,
    RevCompSumPooling,
    WeightedSum1D,
)

Shape = tuple[int, ...]
PAIRED = range(2, 11, 2)
ANY = range(1, 9)
STEPS = range(1, 8)


@dataclass(frozen=True)
class Descriptor:
    """One variant of a layer.

    Attributes:
        layer: The class.
        arguments: Arguments of the constructor; `layer` as a function that makes one.
        shape: Shape of an input, without the batch: `(length, channels)` or
            `(channels,)`.
        output: Shape of its output, without the batch.
        weights: Shapes of the trainable weights, in order, for this input.
        state: Shapes of the weights that are not trained.
        symmetry: `"equivariant"`, `"invariant"`, or `"none"` where none is promised.
        exact: Whether the symmetry holds to the last bit.
        generators: Number of seed generators.
        random: Whether inference is random.
        any_length: Whether the layer can be built on unknown length.
        lengths: Legal lengths.
        channels: Legal numbers of channels.
    """

    layer: type
    arguments: dict[str, Any]
    shape: Shape
    output: Shape
    weights: tuple[Shape, ...] = ()
    state: tuple[Shape, ...] = ()
    symmetry: Literal["equivariant", "invariant", "none"] = "equivariant"
    exact: bool = False
    generators: int = 0
    random: bool = False
    any_length: bool = True
    lengths: range = field(default=range(1, 17))
    channels: range = field(default=PAIRED)

    def kwargs(self, **changes: Any) -> dict[str, Any]:
        """Arguments of the constructor, inner layers made."""
        made = {
            name: value() if name == "layer" else value
            for name, value in self.arguments.items()
        }
        return {**made, **changes}

    def make(self, **changes: Any) -> keras_layers.Layer:
        """A new layer."""
        return self.layer(**self.kwargs(**changes))

    def __str__(self) -> str:
        words = [
            f"{name}={getattr(value, '__name__', value)}"
            for name, value in self.arguments.items()
        ]
        return f"{self.layer.__name__}({','.join(words)})x{len(self.shape)}d"


def stacked_cells():
    cells = [
        keras_layers.LSTMCell(3, dropout=0.3, recurrent_dropout=0.2),
        keras_layers.GRUCell(2),
    ]
    return keras_layers.RNN(keras_layers.StackedRNNCells(cells), return_sequences=True)


def lstm():
    return keras_layers.LSTM(3, return_sequences=True)


def lstm_vector():
    return keras_layers.LSTM(2, dropout=0.2)


def gru():
    return keras_layers.GRU(3, dropout=0.4, recurrent_dropout=0.4, seed=1)


def simple_rnn():
    return keras_layers.SimpleRNN(3, dropout=0.4, return_sequences=True, seed=1)


CONVOLUTIONS = [
    Descriptor(
        RevCompConv1D,
        {"filters": 3, "kernel_size": 5},
        shape=(12, 4),
        output=(8, 6),
        weights=((5, 4, 3), (3,)),
        lengths=range(5, 20),
        channels=ANY,
    ),
    Descriptor(
        RevCompConv1D,
        {"filters": 2, "kernel_size": 4, "use_bias": False},
        shape=(9, 3),
        output=(6, 4),
        weights=((4, 3, 2),),
        lengths=range(4, 20),
        channels=ANY,
    ),
    Descriptor(
        RevCompConv1D,
        {"filters": 2, "kernel_size": 5, "padding": "same", "activation": "relu"},
        shape=(11, 4),
        output=(11, 4),
        weights=((5, 4, 2), (2,)),
        channels=ANY,
    ),
    Descriptor(
        RevCompConv1D,
        {"filters": 2, "kernel_size": 3, "dilation_rate": 2},
        shape=(12, 4),
        output=(8, 4),
        weights=((3, 4, 2), (2,)),
        lengths=range(5, 20),
        channels=ANY,
    ),
    Descriptor(
        RevCompConv1D,
        {"filters": 1, "kernel_size": 4, "padding": "same", "dilation_rate": 2},
        shape=(9, 4),
        output=(9, 2),
        weights=((4, 4, 1), (1,)),
        channels=ANY,
    ),
    Descriptor(
        RevCompConv1D,
        {"filters": 2, "kernel_size": 5, "strides": 3},
        shape=(14, 4),
        output=(4, 4),
        weights=((5, 4, 2), (2,)),
        any_length=False,
        lengths=range(5, 24, 3),
        channels=ANY,
    ),
    Descriptor(
        RevCompConv1D,
        {"filters": 2, "kernel_size": 5, "strides": 2, "padding": "same"},
        shape=(11, 4),
        output=(6, 4),
        weights=((5, 4, 2), (2,)),
        any_length=False,
        lengths=range(1, 20, 2),
        channels=ANY,
    ),
    Descriptor(
        RevCompConv1D,
        {"filters": 3, "kernel_size": 3, "lora_rank": 2},
        shape=(8, 4),
        output=(6, 6),
        weights=((3,), (3, 4, 2), (2, 3)),
        state=((3, 4, 3),),
        lengths=range(3, 20),
        channels=ANY,
    ),
]

NORMALIZATIONS = [
    Descriptor(
        RevCompBatchNormalization,
        {},
        shape=(12, 6),
        output=(12, 6),
        weights=((3,), (3,)),
        state=((3,), (3,)),
    ),
    Descriptor(
        RevCompBatchNormalization,
        {"scale": False, "momentum": 0.5},
        shape=(6,),
        output=(6,),
        weights=((3,),),
        state=((3,), (3,)),
    ),
    Descriptor(
        RevCompBatchNormalization,
        {"renorm": True},
        shape=(7, 4),
        output=(7, 4),
        weights=((2,), (2,)),
        state=((2,),) * 5,
    ),
]

WEIGHTED_SUMS = [
    Descriptor(
        WeightedSum1D,
        {},
        shape=(9, 6),
        output=(6,),
        weights=((9, 3),),
        exact=True,
        any_length=False,
    ),
    Descriptor(
        WeightedSum1D,
        {"symmetric": True},
        shape=(9, 4),
        output=(4,),
        weights=((5, 2),),
        exact=True,
        any_length=False,
    ),
    Descriptor(
        WeightedSum1D,
        {"symmetric": True, "use_bias": True, "smoothness_penalty": 0.1},
        shape=(8, 4),
        output=(4,),
        weights=((4, 2), (2,)),
        exact=True,
        any_length=False,
    ),
    Descriptor(
        WeightedSum1D,
        {"revcomp": False, "use_bias": True, "kernel_regularizer": "l2"},
        shape=(9, 5),
        output=(5,),
        weights=((9, 5), (5,)),
        symmetry="none",
        any_length=False,
        channels=ANY,
    ),
]

DENSE = [
    Descriptor(
        DenseAfterRevcomp,
        {"units": 3},
        shape=(8,),
        output=(3,),
        weights=((4, 3), (3,)),
        symmetry="invariant",
        exact=True,
    ),
    Descriptor(
        DenseAfterRevcomp,
        {"units": 3, "activation": "sigmoid"},
        shape=(5, 4),
        output=(3,),
        weights=((10, 3), (3,)),
        symmetry="invariant",
        exact=True,
        any_length=False,
    ),
    Descriptor(
        DenseAfterRevcomp,
        {"units": 1, "use_bias": False},
        shape=(4, 3),
        output=(1,),
        weights=((6, 1),),
        symmetry="invariant",
        exact=True,
        any_length=False,
        lengths=range(2, 17, 2),
        channels=ANY,
    ),
    Descriptor(
        DenseAfterRevcomp,
        {"units": 3, "lora_rank": 1},
        shape=(6,),
        output=(3,),
        weights=((3,), (3, 1), (1, 3)),
        state=((3, 3),),
        symmetry="invariant",
        exact=True,
    ),
]

POOLS = [
    Descriptor(pool, {}, shape=shape, output=output, symmetry="invariant", exact=True)
    for pool in (RevCompMaxPooling, RevCompSumPooling, RevCompAveragePooling)
    for shape, output in [((7, 6), (7, 3)), ((8,), (4,))]
]

AUGMENTATIONS = [
    Descriptor(
        RandomReverseComplement,
        {"rate": 0.3, "seed": 5},
        shape=(9, 4),
        output=(9, 4),
        exact=True,
        generators=1,
        channels=ANY,
    ),
]

DROPOUTS = [
    Descriptor(
        RevCompDropout,
        {"rate": 0.4},
        shape=(12, 6),
        output=(12, 6),
        exact=True,
        generators=1,
    ),
    Descriptor(
        RevCompDropout,
        {"rate": 0.4, "monte_carlo": True, "seed": 3},
        shape=(6,),
        output=(6,),
        exact=True,
        generators=1,
        random=True,
    ),
    Descriptor(
        RevCompDropout,
        {"rate": 0.4, "monte_carlo": True, "fixed": True, "seed": 4},
        shape=(11, 4),
        output=(11, 4),
        exact=True,
        generators=1,
    ),
    Descriptor(
        MonteCarloDropout,
        {"rate": 0.4, "seed": 5},
        shape=(12, 5),
        output=(12, 5),
        symmetry="none",
        generators=1,
        random=True,
        channels=ANY,
    ),
    Descriptor(
        MonteCarloDropout,
        {"rate": 0.4, "fixed": True, "seed": 6},
        shape=(8,),
        output=(8,),
        symmetry="none",
        generators=1,
        channels=ANY,
    ),
]

PROJECTIONS = [
    Descriptor(
        Projection1D,
        {"units": 4, "revcomp": True},
        shape=(12, 6),
        output=(12, 4),
        weights=((6, 2),),
    ),
    Descriptor(
        Projection1D,
        {"units": 3},
        shape=(12, 5),
        output=(12, 3),
        weights=((5, 3),),
        symmetry="none",
        channels=ANY,
    ),
]

RECURRENT = [
    Descriptor(
        RevCompBidirectional,
        {"layer": lstm},
        shape=(7, 4),
        output=(7, 6),
        weights=((4, 12), (3, 12), (12,)),
        exact=True,
        generators=1,
        lengths=STEPS,
        channels=ANY,
    ),
    Descriptor(
        RevCompBidirectional,
        {"layer": lstm_vector},
        shape=(6, 4),
        output=(4,),
        weights=((4, 8), (2, 8), (8,)),
        exact=True,
        generators=1,
        lengths=STEPS,
        channels=ANY,
    ),
    Descriptor(
        RevCompBidirectional,
        {"layer": gru},
        shape=(6, 3),
        output=(6,),
        weights=((3, 9), (3, 9), (2, 9)),
        exact=True,
        generators=1,
        lengths=STEPS,
        channels=ANY,
    ),
    Descriptor(
        RevCompBidirectional,
        {"layer": simple_rnn},
        shape=(5, 4),
        output=(5, 6),
        weights=((4, 3), (3, 3), (3,)),
        exact=True,
        generators=1,
        lengths=STEPS,
        channels=ANY,
    ),
    Descriptor(
        RevCompBidirectional,
        {"layer": stacked_cells},
        shape=(5, 4),
        output=(5, 4),
        weights=((4, 12), (3, 12), (12,), (3, 6), (2, 6), (2, 6)),
        exact=True,
        generators=2,
        lengths=STEPS,
        channels=ANY,
    ),
]

DESCRIPTORS = [
    *CONVOLUTIONS,
    *NORMALIZATIONS,
    *WEIGHTED_SUMS,
    *DENSE,
    *POOLS,
    *AUGMENTATIONS,
    *DROPOUTS,
    *PROJECTIONS,
    *RECURRENT,
]
FIRST = list({each.layer: each for each in reversed(DESCRIPTORS)}.values())[::-1]
