"""The simulated data of Brown and Lunter 2018, section 3.1."""

from dataclasses import replace

import numpy as np

from rckeras.datasets.backgrounds import random_background
from rckeras.datasets.dataset import Dataset
from rckeras.datasets.simulation import NO_MOTIF, plant_motifs
from rckeras.datasets.splits import split_at_random
from rckeras.motifs.jaspar import fetch_jaspar

MOTIFS = {"ATF4": "MA0833.1", "EGR1": "MA0162.2"}


def simulate_brown2018(
    seed: int = 0,
    *,
    sequences: int = 40_000,
    length: int = 1000,
    planted_in_class_1: float = 0.40,
    planted_in_class_0: float = 0.20,
    together: bool = False,
    progress: bool = False,
) -> Dataset:
    """Simulates two classes that differ in how often two motifs are planted.

    Needs pyjaspar (`pip install "rckeras[motifs]"`) for the motifs of JASPAR 2016.

    1. Each sequence is of class 1 or class 0 by a fair coin.
    2. The background is drawn from four equal probabilities.
    3. Each motif is planted with a probability of 40% in class 1 and of 20% in class
       0: an instance of it, turned to the other strand with probability 0.5, anywhere
       that does not overlap the other motif.
    4. At random 15% are for validation, 10% of the rest for the test.

    What was planted says all that there is to know of the class, so that
    `best_possible` gives the accuracy and the AUROC that no network can be expected to
    exceed: 0.64 and 0.656. They are in `dataset.notes`, with the shares of both classes
    in which a motif was planted.

    The text of the paper can also be read so that both motifs are planted or none
    (`together=True`, with a best accuracy of 0.6). Then a classifier that knows both
    motifs and all probabilities is right on 59% of the sequences, and the paper's
    equivariant network, trained here, on 57% (one seed); on data in which each motif
    comes on its own they are right on 61% and 59%. The paper has 59.2% for that
    network, and 60.4% for its best one.

    The paper names the motifs "ATAF4 and ERF1". Its released code has the matrices of
    ATF4 (MA0833.1) and EGR1 (MA0162.2), which are planted here. (The code appends a
    position of four equal numbers to the former, so that both have 14; that is
    background.)

    Args:
        seed: Seed of all random draws; the same seed gives the same bytes.
        sequences: Number of sequences, from 10.
        length: Bases in a sequence.
        planted_in_class_1: Probability of a motif to be planted in class 1.
        planted_in_class_0: The same in class 0.
        together: Whether both motifs are planted or none, with these probabilities;
            else each on its own.
        progress: Whether to show a bar on stderr.

    Returns:
        A dataset with splits and one target, and with the truth about the planted
        instances.

    Raises:
        ImportError: If pyjaspar is not installed.
        ValueError: If an argument is out of range, or the motifs do not fit.

    Reference: Brown and Lunter 2018, section 3.1.

    Example:

    ```python
    dataset = simulate_brown2018(seed=1)
    dataset.notes["best_accuracy"]
    ```
    """
    rates = np.array([planted_in_class_0, planted_in_class_1])
    if not ((rates >= 0) & (rates <= 1)).all():
        raise ValueError(
            "`planted_in_class_1` and `planted_in_class_0` must be from 0 to 1. "
            f"Received: {planted_in_class_1} and {planted_in_class_0}"
        )
    motifs = fetch_jaspar(MOTIFS.values(), release="JASPAR2016")
    rng = np.random.default_rng(seed)
    background = random_background(rng, sequences, length, progress=progress)
    labels = rng.integers(2, size=(sequences, 1), dtype=np.uint8)
    coins = rng.random((sequences, 1 if together else len(motifs)))
    chosen = np.where(coins < rates[labels], np.arange(len(motifs)), NO_MOTIF)
    codes, truth = plant_motifs(rng, background, motifs, chosen)
    splits = split_at_random(sequences, validation=0.15, test=0.85 * 0.1, seed=rng)
    notes = {
        "simulation": "brown2018",
        "motifs": list(MOTIFS.values()),
        "together": together,
        **_planted_shares(truth.labels.any(axis=1), labels[:, 0]),
        **best_possible(*(_outcomes(rate, together) for rate in rates)),
    }
    truth = replace(truth, labels=labels)
    return Dataset(codes, labels, ("class 1",), splits, truth=truth, notes=notes)


def best_possible(class_0: np.ndarray, class_1: np.ndarray) -> dict[str, float]:
    """Accuracy and AUROC of a classifier that sees which of some outcomes it was.

    Between two classes of equal size, the best accuracy comes from calling, for each
    outcome, the class in which it is likelier; the best AUROC, from ranking the
    outcomes by their ratio of likelihoods, where ties count one half.

    Args:
        class_0: Probabilities of the outcomes in class 0.
        class_1: Probabilities of the same outcomes in class 1.

    Returns:
        The numbers under `"best_accuracy"` and `"best_auroc"`.

    Example:

    >>> best_possible([0.2, 0.8], [0.4, 0.6])
    {'best_accuracy': 0.6, 'best_auroc': 0.6}
    """
    p0, p1 = np.asarray(class_0), np.asarray(class_1)
    order = np.argsort(p1 / np.maximum(p0 + p1, np.finfo(float).tiny))
    p0, p1 = p0[order], p1[order]
    accuracy = np.maximum(p0, p1).sum() / 2
    auroc = (p1 * (np.cumsum(p0) - p0 / 2)).sum()
    return {
        "best_accuracy": round(float(accuracy), 12),
        "best_auroc": round(float(auroc), 12),
    }


def _outcomes(rate: float, together: bool) -> np.ndarray:
    """Probabilities of no motif, of one (unless they come together), and of both."""
    if together:
        return np.array([1 - rate, rate])
    return np.array([(1 - rate) ** 2, 2 * rate * (1 - rate), rate**2])


def _planted_shares(planted: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    return {
        f"share_planted_in_class_{label}": float(
            planted[labels == label].sum() / max(1, (labels == label).sum())
        )
        for label in (1, 0)
    }
