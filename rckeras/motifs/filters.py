"""Motifs of convolutional filters: what the sequences have where a filter fires.

Four published procedures differ in which places count:

- `"koo2019"`: of each sequence that reaches 70% of the filter's largest activation, the
  place of its maximum (Koo and Eddy 2019, "Visualizing first layer filters"). By "the
  maximum possible activation" we understand the largest one over all sequences.
- `"koo2019_code"`: every place above half of the filter's largest activation, weighted
  by its activation, also where the window runs over an end. So does the code released
  with that paper; their tables were made with it.
- `"hawkinshooker2018"`: of each sequence in which the filter is activated at all, the
  place of its maximum (Hawkins-Hooker, Kenlay and Reid 2018, after Alipanahi et al.
  2015; they take several thousand sequences).
- `"brown2018"`: of the sequences that drive a filter most, the place of its maximum
  (Brown and Lunter 2018, section 3.6: "a subset of input sequences responsible for the
  activation of particular nodes"). The paper does not say how many: here 100.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import keras
import numpy as np
from keras import ops

from rckeras.motifs.motif import Motif
from rckeras.motifs.receptive import FilterView, view_filters
from rckeras.sequence.codes import (
    N_CODE,
    check_codes,
    codes_to_one_hot,
    reverse_complement_codes,
)

_CHUNK = 1 << 22  # letters of windows counted in one go
_LETTERS = N_CODE + 1


class _Method(NamedTuple):
    threshold: float
    every_place: bool = False
    top: int | None = None


METHODS = {
    "koo2019": _Method(0.7),
    "koo2019_code": _Method(0.5, every_place=True),
    "hawkinshooker2018": _Method(0.0),
    "brown2018": _Method(0.0, top=100),
}


@dataclass(frozen=True, eq=False)
class FilterMotif(Motif):
    """The motif of a convolution's filter, and how it was read.

    Args:
        channel: Channel of the convolution that fires at the motif.
        partner: Channel of the same convolution that fires at the motif's reverse
            complement, by the same weights; `None` where weights are not tied.
        sites: Numbers of windows behind the motif that were read on the strand of the
            sequences, and on the other one.
    """

    channel: int = 0
    partner: int | None = None
    sites: tuple[int, int] = (0, 0)

    def reverse_complement(self) -> Self:
        """The motif on the other strand; the channels of a pair change places."""
        turned = replace(super().reverse_complement(), sites=self.sites[::-1])
        if self.partner is None:
            return turned
        return replace(turned, channel=self.partner, partner=self.channel)


class _Places(NamedTuple):
    """Places where filters fire; arrays with an entry for each."""

    sequence: np.ndarray
    channel: np.ndarray
    position: np.ndarray
    reverse: np.ndarray
    weight: np.ndarray


def filters_to_motifs(
    model: keras.Model,
    sequences: np.ndarray,
    layer: str | None = None,
    method: str = "koo2019",
    threshold: float | None = None,
    top: int | None = None,
    max_sequences: int | None = None,
    batch_size: int = 128,
) -> list[FilterMotif | None]:
    """Turns the filters of a convolution into motifs.

    Where a filter fires, the bases that it sees are laid one below the other, and
    counted. Activations are those after the nonlinearity; Monte Carlo dropout is off.
    Windows that run over an end of their sequence are left out (but see the method
    `"koo2019_code"`).

    A filter of `RevCompConv1D` is reported once, as its free half reads: it fires where
    either of its two channels does, and where the channel of its reverse complement
    fires more, the window is reverse-complemented. The motif tells both channels, and
    how many windows were read on which strand.

    Only a maximum and its place are kept for each sequence and filter, so memory does
    not grow with the length of the sequences.

    Args:
        model: A functional or sequential model with one input.
        sequences: Base codes `(sequences, length)`, or one-hot codes
            `(sequences, length, 4)`, in which a row without a number above 0.5 is N.
        layer: Name of a convolution, whose activations are taken after the batch
            normalization and the nonlinearity that follow it, or of such a layer
            itself; `None` for the first convolution. Between it and the sequence only
            convolutions of stride 1 and layers that treat each position by itself may
            lie: a window then has `1 + sum(kernel_size - 1)` bases.
        method: A key of `METHODS`; the module tells them apart.
        threshold: Share of a filter's largest activation, from 0 to below 1, above
            which a sequence or place counts; `None` for that of the method.
        top: Number of sequences that count for a filter, those with its largest
            activations (all of them where some are equal); `None` for that of the
            method, as a rule all.
        max_sequences: Number of sequences looked at, spread evenly over all; `None`
            for all.
        batch_size: Sequences per step.

    Returns:
        A motif for each filter, named as `conv1_0`, with the counts behind it; `None`
        for a filter that fires nowhere, or only at the ends.

    Raises:
        TypeError: If `model` is neither functional nor sequential.
        ValueError: If there is no such layer or method, another kind of layer lies in
            the way, or another argument is out of range.

    Reference: Koo and Eddy 2019, PLoS Computational Biology 15, e1007560, "Visualizing
    first layer filters"; Hawkins-Hooker, Kenlay and Reid 2018 (bioRxiv 412734); Brown
    and Lunter 2018, Bioinformatics 35:2177, section 3.6.

    Example:

    >>> sequence = keras.Input((50, 4))
    >>> x = keras.layers.Conv1D(8, 5, padding="same", name="conv1")(sequence)
    >>> model = keras.Model(sequence, keras.layers.ReLU()(x))
    >>> codes = np.random.default_rng(0).integers(4, size=(200, 50))
    >>> motifs = filters_to_motifs(model, codes)
    >>> len(motifs), motifs[0].name, len(motifs[0])
    (8, 'conv1_0', 5)
    """
    rule = find_method(method, threshold, top)
    codes = as_codes(sequences, max_sequences)
    view = view_filters(model, layer)
    largest, where = _maxima(view, codes, batch_size)
    limits = rule.threshold * np.maximum(largest.max(axis=0), 0)
    if rule.every_place:
        places = _every_place(view, codes, limits, batch_size)
    else:
        counted = (largest > limits) & (largest >= _least(largest, rule.top))
        places = iter([_whole(view, codes, _one_place(view, codes, counted, where))])
    counts = np.zeros((largest.shape[1], view.width, _LETTERS))
    sites = np.zeros((len(counts), 2), dtype=np.int64)
    for found in places:
        counts += _count(view, codes, found, len(counts))
        np.add.at(sites, (found.channel, found.reverse.astype(int)), 1)
    return [
        _motif(view, index, each[:, :N_CODE], sites[index], model.name)
        for index, each in enumerate(counts)
    ]


def find_method(method: str, threshold: float | None, top: int | None) -> _Method:
    """A method of `filters_to_motifs`, with what a user wants otherwise.

    Args:
        method: A key of `METHODS`.
        threshold: Share of a filter's largest activation, or `None`.
        top: Number of sequences that count for a filter, or `None`.

    Raises:
        ValueError: If one of them is out of range.
    """
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {[*METHODS]}. Received: {method!r}")
    rule = METHODS[method]
    if threshold is not None:
        rule = rule._replace(threshold=threshold)
    if top is not None:
        rule = rule._replace(top=top)
    if not 0 <= rule.threshold < 1:
        raise ValueError(
            f"`threshold` must be from 0 to below 1. Received: {threshold}"
        )
    if rule.top is not None and (rule.top < 1 or rule.every_place):
        raise ValueError(
            "`top` must be 1 or more, and None where a method counts every place of a "
            f"sequence. Received: top={top} with method={method!r}"
        )
    return rule


def _least(largest: np.ndarray, top: int | None) -> np.ndarray | float:
    """The least maximum that is among the `top` ones of its filter."""
    if top is None or top >= len(largest):
        return -np.inf
    return np.partition(largest, -top, axis=0)[-top]


def as_codes(sequences: np.ndarray, max_sequences: int | None = None) -> np.ndarray:
    """Base codes of sequences that may be one-hot, or of some spread evenly."""
    sequences = np.asanyarray(sequences)
    if not len(sequences) or sequences.ndim not in (2, 3):
        raise ValueError(
            "`sequences` must be base codes (sequences, length) or one-hot codes "
            f"(sequences, length, 4). Received: shape {sequences.shape}"
        )
    if max_sequences is not None:
        if max_sequences < 1:
            raise ValueError(
                f"`max_sequences` must be 1 or more. Received: {max_sequences}"
            )
        count = min(max_sequences, len(sequences))
        sequences = sequences[np.arange(count) * len(sequences) // count]
    if sequences.ndim == 2:
        return check_codes(sequences)
    if sequences.shape[2] != N_CODE:
        raise ValueError(
            "`sequences` must have four channels in the order A, C, G, T. "
            f"Received: shape {sequences.shape}"
        )
    known = sequences.max(axis=2) > 0.5
    return np.where(known, sequences.argmax(axis=2), N_CODE).astype(np.uint8)


def _both_strands(view: FilterView) -> keras.Model:
    """Activations `(batch, positions, filters)`; of pairs, those of the channel on the
    other strand follow as further positions."""
    outputs = view.model.outputs[0]
    if view.paired:
        half = outputs.shape[-1] // 2
        reverse = ops.flip(outputs[..., half:], axis=-1)
        outputs = ops.concatenate([outputs[..., :half], reverse], axis=1)
    return keras.Model(view.model.inputs, outputs)


def _batches(codes: np.ndarray, size: int) -> Iterator[tuple[int, np.ndarray]]:
    if size < 1:
        raise ValueError(f"`batch_size` must be 1 or more. Received: {size}")
    for start in range(0, len(codes), size):
        yield start, codes_to_one_hot(codes[start : start + size])


def _maxima(
    view: FilterView, codes: np.ndarray, batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Largest activation of each sequence and filter, and its place."""
    activations = _both_strands(view)
    top = [ops.max(activations.output, axis=1), ops.argmax(activations.output, axis=1)]
    model = keras.Model(activations.inputs, top)
    found = [model.predict_on_batch(x) for _, x in _batches(codes, batch_size)]
    largest, where = (np.concatenate(each) for each in zip(*found, strict=True))
    return largest.astype("float32"), where.astype(np.int64)


def _one_place(
    view: FilterView, codes: np.ndarray, counted: np.ndarray, where: np.ndarray
) -> _Places:
    sequence, channel = np.nonzero(counted)
    places = where[sequence, channel]
    weight = np.ones(len(sequence))
    return _on_strand(view, codes, sequence, channel, places, weight)


def _every_place(
    view: FilterView, codes: np.ndarray, limits: np.ndarray, batch_size: int
) -> Iterator[_Places]:
    model = _both_strands(view)
    for start, x in _batches(codes, batch_size):
        activations = np.asarray(model.predict_on_batch(x))
        found = np.nonzero(activations > limits)
        sequence, places, channel = found
        weight = activations[found].astype("float64")
        yield _on_strand(view, codes, sequence + start, channel, places, weight)


def _on_strand(view, codes, sequence, channel, places, weight) -> _Places:
    """Tells positions from strands, see `_both_strands`."""
    positions = view.model.compute_output_shape((None, codes.shape[1], N_CODE))[1]
    reverse, position = places // positions, places % positions
    return _Places(sequence, channel, position, reverse.astype(bool), weight)


def _whole(view: FilterView, codes: np.ndarray, places: _Places) -> _Places:
    """Those whose windows do not run over an end."""
    starts = places.position + view.start
    inside = (starts >= 0) & (starts + view.width <= codes.shape[1])
    return _Places(*(each[inside] for each in places))


def _count(
    view: FilterView, codes: np.ndarray, places: _Places, filters: int
) -> np.ndarray:
    """Weighted counts of the letters of windows, `(filters, width, letters)`."""
    length, width = codes.shape[1], view.width
    counts = np.zeros(filters * width * _LETTERS)
    step = max(1, _CHUNK // width)
    for first in range(0, len(places.position), step):
        some = _Places(*(each[first : first + step] for each in places))
        columns = some.position[:, None] + view.start + np.arange(width)
        windows = codes[some.sequence[:, None], columns.clip(0, length - 1)]
        windows[(columns < 0) | (columns >= length)] = N_CODE
        windows[some.reverse] = reverse_complement_codes(windows[some.reverse])
        bins = (some.channel[:, None] * width + np.arange(width)) * _LETTERS + windows
        weights = np.repeat(some.weight, width)
        counts += np.bincount(bins.reshape(-1), weights, len(counts))
    return counts.reshape(filters, width, _LETTERS)


def _motif(
    view: FilterView, index: int, counts: np.ndarray, sites: np.ndarray, source: str
) -> FilterMotif | None:
    sums = counts.sum(axis=1, keepdims=True)
    if not sums.any():
        return None
    channels = view.model.output_shape[-1]
    return FilterMotif(
        f"{view.name}_{index}",
        # A position where all windows have N, or lie beyond an end, tells nothing.
        np.where(sums > 0, counts / np.where(sums > 0, sums, 1), 0.25),
        counts=counts,
        source=source,
        channel=index,
        partner=channels - 1 - index if view.paired else None,
        sites=tuple(sites.tolist()),
    )
