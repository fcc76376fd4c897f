"""The simulated data of Koo and Eddy 2019, and the targets of their in vivo data."""

import functools

import numpy as np

from rckeras.datasets.backgrounds import random_background
from rckeras.datasets.dataset import Dataset
from rckeras.datasets.placement import place_with_gaps
from rckeras.datasets.simulation import NO_MOTIF, plant_motifs
from rckeras.datasets.splits import split_at_random
from rckeras.motifs.jaspar import fetch_jaspar

MOTIFS = {
    "Arid3a": "MA0151.1",
    "CEBPB": "MA0466.2",
    "FOSL1": "MA0477.1",
    "Gabpa": "MA0062.2",
    "MAFK": "MA0496.1",
    "MAX": "MA0058.3",
    "MEF2A": "MA0052.3",
    "NFYB": "MA0502.1",
    "SP1": "MA0079.3",
    "SRF": "MA0083.3",
    "STAT1": "MA0137.3",
    "YY1": "MA0095.2",
}
"""Motif of each transcription factor, in JASPAR 2016."""

IN_VIVO_TARGETS = {
    "Arid3a": 592,
    "CEBPB": 602,
    "FOSL1": 344,
    "Gabpa": 345,
    "MAFK": 635,
    "MAX": 636,
    "MEF2A": 349,
    "NFYB": 642,
    "SP1": 359,
    "SRF": 361,
    "STAT1": 661,
    "YY1": 369,
}
"""Number, from 0, among DeepSEA's 919 targets, all of them in K562 cells.

For `Dataset.rows(any_of=...)`: the in vivo data of the paper are DeepSEA's sequences
with one of these labels at least.
"""


def simulate_koo2019(
    seed: int = 0,
    *,
    sequences: int = 25_000,
    length: int = 200,
    count_probabilities: tuple[float, ...] = (0.50, 0.25, 0.17, 0.05, 0.03),
    buffer: int = 1,
    progress: bool = False,
) -> Dataset:
    """Simulates sequences with motifs of 12 transcription factors: 12 tasks.

    Needs pyjaspar (`pip install "rckeras[motifs]"`) for the motifs of JASPAR 2016.

    1. Each sequence gets 1 to 5 motifs, with probability 0.50, 0.25, 0.17, 0.05, 0.03.
    2. They are drawn with replacement from 24: 12 motifs and their reverse
       complements, all alike.
    3. They stand in that order, with gaps before, between and after them: uniform
       draws, scaled to sum up to what the motifs leave free, rounded, and drawn anew
       until the rounded ones sum up to it, too. Every gap has a base at least.
    4. Each base of the gaps is drawn from four equal probabilities, each base of a
       motif from the motif's.
    5. A label for each factor: 1 where its motif was planted, on either strand.
    6. At random 10% are for validation, 20% for the test, 70% for training.

    The numbers of step 1 and the rule of step 3 are those of the released code, for
    the paper gives none. The code lets gaps be empty; the paper asks for "a buffer of
    at least 1 nucleotide", which is followed here (`buffer=0` is the code).

    Args:
        seed: Seed of all random draws; the same seed gives the same bytes.
        sequences: Number of sequences, from 5.
        length: Bases in a sequence; 200 leave room for whatever is drawn.
        count_probabilities: Probabilities of 1, 2, 3, ... motifs.
        buffer: Bases that every gap has at least.
        progress: Whether to show a bar on stderr.

    Returns:
        A dataset with splits, and with the truth about the planted instances.

    Raises:
        ImportError: If pyjaspar is not installed.
        ValueError: If an argument is out of range, or the motifs of a sequence do not
            fit into it.

    Reference: Koo and Eddy 2019, Methods, "Synthetic dataset".

    Example:

    ```python
    dataset = simulate_koo2019(seed=1)
    model.fit(*dataset.arrays("train"), validation_data=dataset.arrays("validation"))
    ```
    """
    _check_probabilities(count_probabilities)
    motifs = fetch_jaspar(MOTIFS.values(), release="JASPAR2016")
    rng = np.random.default_rng(seed)
    background = random_background(rng, sequences, length, progress=progress)
    most = len(count_probabilities)
    instances = rng.choice(np.arange(most), sequences, p=count_probabilities) + 1
    planted = np.arange(most) < instances[:, None]
    drawn = rng.integers(len(motifs), size=(sequences, most))
    chosen = np.where(planted, drawn, NO_MOTIF)
    place = functools.partial(place_with_gaps, buffer=buffer)
    codes, truth = plant_motifs(rng, background, motifs, chosen, place=place)
    splits = split_at_random(sequences, validation=0.1, test=0.2, seed=rng)
    notes = {
        "simulation": "koo2019",
        "motifs": list(MOTIFS.values()),
        "count_probabilities": list(count_probabilities),
        "buffer": buffer,
    }
    return Dataset(codes, truth.labels, tuple(MOTIFS), splits, truth=truth, notes=notes)


def _check_probabilities(probabilities: tuple[float, ...]) -> None:
    p = np.asarray(probabilities, dtype="float64")
    if p.ndim != 1 or not p.size or not (p >= 0).all() or abs(p.sum() - 1) > 1e-8:
        raise ValueError(
            "`count_probabilities` must be probabilities with a sum of 1. "
            f"Received: {probabilities}"
        )
