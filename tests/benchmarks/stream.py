"""Whether a stream from the disk keeps a network fed.

Prints the sequences a second that a `SequenceStream` makes from a file of DeepSEA's
shape (1000 bases, 919 targets), and those that DanQ trains on, from the stream and
from one batch that lies ready in memory.

    python tests/benchmarks/stream.py [--rows 50000] [--batches 8] [--network danq]
"""

import argparse
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

import zoo
from rckeras.datasets import Dataset, SequenceStream, load_dataset, save_dataset

BATCH = 128


def make_file(path: Path, rows: int) -> None:
    """A file of random sequences with as many positive labels as DeepSEA has."""
    chance = np.random.default_rng(0)
    dataset = Dataset(
        chance.integers(0, 4, (rows, 1000), "uint8"),
        (chance.random((rows, 919), "float32") < 0.02).astype("uint8"),
        tuple(f"target_{index}" for index in range(919)),
    )
    save_dataset(dataset, path)


def rate_of_stream(dataset: Dataset, batches: int, **options) -> float:
    """Sequences a second of the stream alone."""
    stream = SequenceStream(dataset, BATCH, **options)
    stream[0]
    started = time.perf_counter()
    for index in range(1, batches + 1):
        stream[index]
    return batches * BATCH / (time.perf_counter() - started)


def rate_of_fit(model: keras.Model, data: keras.utils.PyDataset) -> float:
    """Sequences a second of training."""
    started = time.perf_counter()
    model.fit(data, epochs=1, shuffle=False, verbose=0)
    return len(data) * BATCH / (time.perf_counter() - started)


class Ready(keras.utils.PyDataset):
    """One batch again and again, which costs nothing to make."""

    def __init__(self, batch: tuple, count: int):
        super().__init__()
        self.batch = batch
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple:
        return self.batch


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--batches", type=int, default=8)
    parser.add_argument("--network", default="danq")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_file(Path(folder, "set.h5"), args.rows)
        dataset = load_dataset(Path(folder, "set.h5"))
        for options in (
            {"threads": 0},
            {"threads": 1},
            {"threads": 1, "strands": "random", "max_shift": 10},
        ):
            rate = rate_of_stream(dataset, 100, **options)
            print(f"stream alone, {options}: {rate:,.0f} sequences/s")
        model = zoo.build(args.network)
        model.compile("adam", "binary_crossentropy")
        samples = args.batches * BATCH
        stream = SequenceStream(dataset, BATCH, samples_per_epoch=samples)
        ready = Ready(stream[0], args.batches)
        rate_of_fit(model, ready)  # compiles
        for turn in (1, 2):
            print(
                f"{args.network}, turn {turn}: "
                f"{rate_of_fit(model, ready):,.1f} sequences/s from one batch, "
                f"{rate_of_fit(model, stream):,.1f} from the stream"
            )


if __name__ == "__main__":
    main()
