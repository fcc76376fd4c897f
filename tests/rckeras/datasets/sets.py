"""Small datasets of every kind for the tests."""

import numpy as np

from rckeras.datasets import Dataset, Truth


def make_dataset(rows=97, length=31, targets=3, seed=0, splits=True, **changes):
    """A dataset with an entry in every field."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, 2, (rows, targets)).astype("uint8")
    fields = {
        "sequences": chance.integers(0, 5, (rows, length)).astype("uint8"),
        "labels": labels,
        "targets": tuple(f"target {i}" for i in range(targets)),
        "splits": chance.permutation(np.arange(rows) % 3).astype("uint8"),
        "columns": {
            "name": np.array([f"séquence {i}" for i in range(rows)]),
            "start": np.arange(rows) * 10,
            "rate": chance.random(rows),
        },
        "truth": make_truth(rows, length, labels, chance),
        "notes": {"made": "for tests", "dropped": 3},
    }
    if not splits:
        fields["splits"] = None
    return Dataset(**{**fields, **changes})


def make_truth(rows, length, labels, chance):
    """Random instances of two motifs of length 5, none in some of the rows."""
    row = np.sort(chance.integers(0, rows, 2 * rows))
    start = chance.integers(0, length - 5, len(row))
    start = start[np.lexsort((start, row))]
    return Truth(
        motifs=("one", "two"),
        sequence=row,
        motif=chance.integers(0, 2, len(row)),
        start=start,
        end=start + 5,
        strand=chance.choice([1, -1], len(row)),
        labels=1 - labels,
    )
