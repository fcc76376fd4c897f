"""A small stand-in for the data of Hawkins-Hooker, Kenlay and Reid 2018: many motifs.

The paper trains on DeepSEA's 4.4 million windows of the genome. Its question, how many
first filters a network of many tasks needs, can be asked of simulated sequences, too.
"""

import numpy as np

from rckeras.datasets.backgrounds import random_background
from rckeras.datasets.dataset import Dataset
from rckeras.datasets.simulation import NO_MOTIF, plant_motifs, truncated_poisson
from rckeras.datasets.splits import split_at_random
from rckeras.motifs.jaspar import fetch_jaspar_collection
from rckeras.motifs.motif import Motif


def simulate_hawkinshooker2018(
    seed: int = 0,
    *,
    sequences: int = 40_000,
    length: int = 200,
    motifs: int = 50,
    mean_instances: float = 4.0,
    most_instances: int = 8,
    progress: bool = False,
) -> Dataset:
    """Simulates sequences with some of fifty motifs on either strand: 50 tasks.

    These are not data of the paper, which are DeepSEA's (see `convert_deepsea`), but
    put its question, how many first filters it takes to tell many motifs, to networks
    that train in minutes. Needs pyjaspar (`pip install "rckeras[motifs]"`).

    1. The motifs are the 50 vertebrate ones of JASPAR 2016 with the most information
       (`most_informative_motifs`), which a network can tell from chance.
    2. Each sequence gets 1 to 8 of them, by a Poisson distribution with a mean of 4
       before it is cut to that range; drawn with replacement, all alike.
    3. Each is planted as it is or as its reverse complement, by a fair coin, anywhere
       that does not overlap another, in a background of four equal probabilities.
    4. A label for each motif: 1 where it was planted, on either strand.
    5. At random 10% are for validation, 10% for the test, 80% for training.

    Args:
        seed: Seed of all random draws; the same seed gives the same bytes.
        sequences: Number of sequences, from 10.
        length: Bases in a sequence; 200 leave room for whatever is drawn.
        motifs: Number of motifs and tasks, at least 1.
        mean_instances: Mean of the Poisson distribution, above 0.
        most_instances: Most motifs in a sequence, at least 1.
        progress: Whether to show a bar on stderr.

    Returns:
        A dataset with splits, and with the truth about the planted instances. Targets
        are the motifs' names; their identifiers are in the notes.

    Raises:
        ImportError: If pyjaspar is not installed.
        ValueError: If an argument is out of range, or the motifs of a sequence do not
            fit into it.

    Reference: Hawkins-Hooker, Kenlay and Reid 2018 (bioRxiv 412734), for the question;
    the numbers are none of the paper's.

    Example:

    ```python
    dataset = simulate_hawkinshooker2018(seed=1)
    dataset.truth.motifs
    ```
    """
    chosen = most_informative_motifs(motifs)
    rng = np.random.default_rng(seed)
    background = random_background(rng, sequences, length, progress=progress)
    instances = truncated_poisson(rng, mean_instances, 1, most_instances, sequences)
    planted = np.arange(most_instances) < instances[:, None]
    drawn = rng.integers(motifs, size=planted.shape)
    codes, truth = plant_motifs(
        rng, background, chosen, np.where(planted, drawn, NO_MOTIF)
    )
    splits = split_at_random(sequences, validation=0.1, test=0.1, seed=rng)
    notes = {
        "simulation": "hawkinshooker2018",
        "motifs": [motif.matrix_id for motif in chosen],
        "mean_instances": mean_instances,
        "most_instances": most_instances,
    }
    targets = truth.motifs
    return Dataset(codes, truth.labels, targets, splits, truth=truth, notes=notes)


def most_informative_motifs(count: int) -> list[Motif]:
    """The vertebrate motifs of JASPAR 2016 with the most information.

    Information is that of all positions together, in bits, over four equal
    probabilities. Of 519 motifs, the first fifty have more than 20 bits.

    Args:
        count: Number of motifs, from 1 to 519.

    Returns:
        The motifs in the order of their identifiers.

    Raises:
        ImportError: If pyjaspar is not installed.
        ValueError: If `count` is out of range.
    """
    collection = fetch_jaspar_collection("JASPAR2016", "vertebrates")
    if not 1 <= count <= len(collection):
        raise ValueError(
            f"`motifs` must be from 1 to {len(collection)}. Received: {count}"
        )
    information = np.array([m.information_content.sum() for m in collection])
    chosen = np.argsort(-information, kind="stable")[:count]
    return [collection[index] for index in np.sort(chosen)]
