"""Simulated sequences: a random background, and motifs planted into it.

Everything works on arrays with a row for each sequence: base codes, and `chosen`, the
numbers of the motifs that each row is to get. Random numbers come from the generator
that is passed down, so that the same seed gives the same bytes.

A dataset takes a few lines. Here are 1,000 sequences of 100 bases, half of them with
an instance of GATA, on either strand:

>>> from rckeras.datasets.backgrounds import gc_composition, random_background
>>> from rckeras.datasets.dataset import Dataset
>>> from rckeras.datasets.splits import split_at_random
>>> from rckeras.motifs import load_encode_motifs
>>> rng = np.random.default_rng(0)
>>> background = random_background(rng, 1000, 100, gc_composition(0.4))
>>> chosen = np.where(np.arange(1000) < 500, 0, NO_MOTIF)[:, None]
>>> gata = load_encode_motifs(["GATA_known6"])
>>> codes, truth = plant_motifs(rng, background, gata, chosen)
>>> splits = split_at_random(1000, validation=0.1, test=0.1, seed=0)
>>> dataset = Dataset(codes, truth.labels, ("GATA",), splits, truth=truth)
>>> dataset.sequences.shape, int(dataset.labels.sum()), dataset.split_sizes()
((1000, 100), 500, {'train': 800, 'validation': 100, 'test': 100})
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from rckeras.datasets.backgrounds import draw_bases, upper_edges
from rckeras.datasets.dataset import Truth
from rckeras.datasets.placement import place_uniformly
from rckeras.motifs.motif import Motif
from rckeras.sequence.codes import reverse_complement_codes

NO_MOTIF = -1

Placement = Callable[[np.random.Generator, np.ndarray, int], np.ndarray]


def sample_instances(
    rng: np.random.Generator, motif: Motif, instances: int
) -> np.ndarray:
    """Draws sites of a motif, each position on its own.

    Args:
        rng: Generator of random numbers.
        motif: The motif.
        instances: Number of sites.

    Returns:
        Base codes, `uint8` of shape `(instances, len(motif))`.
    """
    edges = upper_edges("probabilities", motif.probabilities, (len(motif), 4))
    return draw_bases(rng, (instances, len(motif)), edges)


def truncated_poisson(
    rng: np.random.Generator, mean: float, low: int, high: int, size: int
) -> np.ndarray:
    """Draws from a Poisson distribution, again and again until in a range.

    Args:
        rng: Generator of random numbers.
        mean: Mean before the truncation, above 0.
        low: Smallest number, from 0.
        high: Largest number.
        size: How many to draw.

    Returns:
        `int64` array of shape `(size,)`.

    Raises:
        ValueError: If the mean or the range is none.
    """
    if not (mean > 0 and 0 <= low <= high):
        raise ValueError(
            "`mean` must be above 0 and 0 <= low <= high. Received: "
            f"mean={mean}, low={low}, high={high}"
        )
    numbers = np.arange(low, high + 1)
    logs = numbers * math.log(mean) - [math.lgamma(n + 1) for n in numbers.tolist()]
    weights = np.exp(logs - logs.max())
    return rng.choice(numbers, size, p=weights / weights.sum())


def plant_motifs(
    rng: np.random.Generator,
    background: np.ndarray,
    motifs: Sequence[Motif],
    chosen: np.ndarray,
    *,
    place: Placement = place_uniformly,
    reverse: float = 0.5,
) -> tuple[np.ndarray, Truth]:
    """Writes instances of motifs into sequences.

    Args:
        rng: Generator of random numbers.
        background: Base codes of shape `(sequences, length)`.
        motifs: The motifs, of different names.
        chosen: Integers `(sequences, instances)`: the numbers of the motifs that
            each sequence gets, in `motifs`; `NO_MOTIF` (-1) for none.
        place: Function from the generator, the widths of the instances and the
            length of the sequences to the starts: `place_uniformly`,
            `place_with_gaps`, or one like them.
        reverse: Probability of an instance to be planted as its reverse complement.

    Returns:
        New base codes, and the truth about them. Its labels are those of presence,
        of shape `(sequences, motifs)`.

    Raises:
        ValueError: If `chosen` does not fit the motifs or the sequences, or the
            instances find no room.
    """
    _check_chosen(chosen, len(background), len(motifs))
    _check_share("reverse", reverse)
    widths = np.array([*map(len, motifs), 0])[chosen]
    starts = place(rng, widths, background.shape[1])
    sequence, column = np.nonzero(chosen != NO_MOTIF)
    order = np.lexsort((starts[sequence, column], sequence))
    sequence, column = sequence[order], column[order]
    start = starts[sequence, column]
    truth = Truth(
        motifs=tuple(motif.name for motif in motifs),
        sequence=sequence,
        motif=chosen[sequence, column].astype(np.int64),
        start=start,
        end=start + widths[sequence, column],
        strand=np.where(rng.random(len(sequence)) < reverse, -1, 1),
        labels=np.zeros((len(background), len(motifs)), dtype=np.uint8),
    )
    truth.labels[truth.sequence, truth.motif] = 1
    return _write(rng, background, motifs, truth), truth


def shuffle_labels(
    rng: np.random.Generator, labels: np.ndarray, share: float, rows: np.ndarray
) -> np.ndarray:
    """Lets a random share of some rows exchange their labels among themselves.

    A row may get the labels it had, or those of a row of its class: with classes of
    equal size, `share * (1 - 1 / classes)` of the rows end with wrong labels.

    Args:
        rng: Generator of random numbers.
        labels: Array of shape `(sequences, targets)`.
        share: Share of `rows`, from 0 to 1; rounded to a number of rows.
        rows: Numbers of the rows among which to shuffle.

    Returns:
        New labels, with the same number of positives for each target.

    Raises:
        ValueError: If `share` is not from 0 to 1.
    """
    _check_share("share", share)
    drawn = rng.permutation(rows)[: round(share * len(rows))]
    noisy = labels.copy()
    noisy[drawn] = labels[rng.permutation(drawn)]
    return noisy


def flip_labels(
    rng: np.random.Generator, labels: np.ndarray, share: float, rows: np.ndarray
) -> np.ndarray:
    """Turns each label of some rows into the other one with a given probability.

    Args:
        rng: Generator of random numbers.
        labels: Array of 0 and 1 of shape `(sequences, targets)`.
        share: Probability of each label on its own, from 0 to 1.
        rows: Numbers of the rows with noise.

    Returns:
        New labels.

    Raises:
        ValueError: If `share` is not from 0 to 1.
    """
    _check_share("share", share)
    noisy = labels.copy()
    noisy[rows] ^= rng.random((len(rows), labels.shape[1])) < share
    return noisy


def _write(
    rng: np.random.Generator,
    background: np.ndarray,
    motifs: Sequence[Motif],
    truth: Truth,
) -> np.ndarray:
    codes = background.copy()
    for number, motif in enumerate(motifs):
        mine = np.flatnonzero(truth.motif == number)
        sites = sample_instances(rng, motif, len(mine))
        turned = truth.strand[mine] < 0
        sites[turned] = reverse_complement_codes(sites[turned])
        places = truth.start[mine, None] + np.arange(len(motif))
        codes[truth.sequence[mine, None], places] = sites
    return codes


def _check_chosen(chosen: np.ndarray, sequences: int, motifs: int) -> None:
    integers = chosen.ndim == 2 and chosen.dtype.kind == "i"
    if not integers or len(chosen) != sequences:
        raise ValueError(
            "`chosen` must be signed integers of the shape (sequences, instances) "
            f"with {sequences} sequences. Received: {chosen.dtype} {chosen.shape}"
        )
    if chosen.size and not NO_MOTIF <= chosen.min() <= chosen.max() < motifs:
        raise ValueError(
            f"`chosen` must be from {NO_MOTIF} (none) to {motifs - 1}. "
            f"Received: {chosen.min()} to {chosen.max()}"
        )


def _check_share(name: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"`{name}` must be from 0 to 1. Received: {share}")
