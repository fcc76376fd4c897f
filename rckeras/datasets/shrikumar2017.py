"""The simulated data of Shrikumar, Greenside and Kundaje 2017, section 3.2."""

import numpy as np

from rckeras.datasets.backgrounds import gc_composition, random_background
from rckeras.datasets.dataset import SPLITS, Dataset
from rckeras.datasets.simulation import (
    NO_MOTIF,
    flip_labels,
    plant_motifs,
    shuffle_labels,
    truncated_poisson,
)
from rckeras.datasets.splits import split_at_random
from rckeras.motifs.encode import load_encode_motifs

MOTIFS = {"GATA1": "GATA_known6", "ELF1": "ELF1_known2", "RXRA": "RXRA_known1"}

_NOISE = {"shuffle": shuffle_labels, "flip": flip_labels}


def simulate_shrikumar2017(
    seed: int = 0,
    *,
    sequences: int = 30_000,
    length: int = 200,
    gc: float = 0.4,
    mean_instances: float = 2.0,
    noise: str = "shuffle",
    noise_share: float = 0.2,
    noisy_splits: tuple[str, ...] = SPLITS,
    progress: bool = False,
) -> Dataset:
    """Simulates sequences with motifs of GATA1, ELF1 or RXRA: three tasks.

    1. Each sequence gets one of the three transcription factors, a third of them
       each, in random order.
    2. The background has 40% G and C, each base drawn on its own.
    3. The number of instances of the motif is a Poisson draw of mean 2, drawn anew
       until it is from 1 to 3.
    4. Each instance is drawn from the motif's probabilities and turned to the other
       strand with probability 0.5.
    5. The instances are placed in turn, anywhere that does not overlap an earlier one.
    6. A label for each factor: 1 where its motif was planted, against the other two.
    7. At random 30% are for validation, 30% for the test, 40% for training.
    8. In each split a random 20% of the sequences exchange their labels among
       themselves. A third of them meet labels like their own, so that about 13.3% of
       the sequences end with wrong ones.

    The paper says "we shuffled 20% of the labels" and names no split, so all are noisy
    here. Its labels before the noise are in `dataset.truth.labels`. With
    `noise="flip", noisy_splits=("train",)` it is the noise of Zhou et al. 2022, who
    turn each label over with probability 0.2, for training only, and who simulate
    lengths of 200 and of 1000.

    Args:
        seed: Seed of all random draws; the same seed gives the same bytes.
        sequences: Number of sequences, from 10.
        length: Bases in a sequence.
        gc: Share of G and C in the background.
        mean_instances: Mean of the Poisson draws before the truncation.
        noise: `"shuffle"` (step 8) or `"flip"`.
        noise_share: Share of the sequences that exchange their labels, or probability
            of each label to be turned over; 0 for no noise.
        noisy_splits: Splits with noise, among `"train"`, `"validation"`, `"test"`.
        progress: Whether to show a bar on stderr.

    Returns:
        A dataset with splits, and with the truth: planted instances and labels
        without noise.

    Raises:
        ValueError: If an argument is out of range.

    Reference: Shrikumar et al. 2017, section 3.2; noise by flips: Zhou, Shrikumar and
        Kundaje 2022, PMLR 165:1-33.

    Example:

    >>> dataset = simulate_shrikumar2017(seed=1, sequences=300)
    >>> dataset.sequences.shape, dataset.targets
    ((300, 200), ('GATA1', 'ELF1', 'RXRA'))
    >>> dataset.truth.labels.sum(axis=0).tolist()
    [100, 100, 100]
    """
    _check_noise(noise, noisy_splits)
    rng = np.random.default_rng(seed)
    background = random_background(
        rng, sequences, length, gc_composition(gc), progress=progress
    )
    factor = rng.permutation(np.arange(sequences) % len(MOTIFS))
    instances = truncated_poisson(rng, mean_instances, 1, 3, sequences)
    planted = np.arange(3) < instances[:, None]
    chosen = np.where(planted, factor[:, None], NO_MOTIF)
    motifs = load_encode_motifs(MOTIFS.values())
    codes, truth = plant_motifs(rng, background, motifs, chosen)
    splits = split_at_random(sequences, validation=0.3, test=0.3, seed=rng)
    labels = truth.labels
    for name in noisy_splits:
        rows = np.flatnonzero(splits == SPLITS.index(name))
        labels = _NOISE[noise](rng, labels, noise_share, rows)
    notes = {
        "simulation": "shrikumar2017",
        "noise": noise,
        "noise_share": noise_share,
        "noisy_splits": list(noisy_splits),
        "sequences_with_wrong_labels": int((labels != truth.labels).any(axis=1).sum()),
    }
    return Dataset(codes, labels, tuple(MOTIFS), splits, truth=truth, notes=notes)


def _check_noise(noise: str, noisy_splits: tuple[str, ...]) -> None:
    if noise not in _NOISE:
        raise ValueError(f"`noise` must be one of {list(_NOISE)}. Received: {noise!r}")
    if isinstance(noisy_splits, str) or not set(noisy_splits) <= set(SPLITS):
        raise ValueError(
            f"`noisy_splits` must be a tuple of names among {SPLITS}. "
            f"Received: {noisy_splits!r}"
        )
    if len(set(noisy_splits)) < len(noisy_splits):
        raise ValueError(
            f"`noisy_splits` must name a split once. Received: {noisy_splits!r}"
        )
