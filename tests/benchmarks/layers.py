"""Times of the layers beside the Keras layers that they replace.

Run `python tests/benchmarks/layers.py`, with `KERAS_BACKEND` for another backend. Each
row compares layers of the same output width, by the median of compiled predictions.
"""

import statistics
import time

import keras
import numpy as np
from keras import layers

from rckeras.layers import (
    DenseAfterRevcomp,
    RevCompBatchNormalization,
    RevCompBidirectional,
    RevCompConv1D,
)

BATCH = 64
REPEATS = 15

CASES = [
    (
        "convolution 26 x 4 -> 320 over 1000 bases",
        (1000, 4),
        lambda: RevCompConv1D(160, 26),
        lambda: layers.Conv1D(320, 26),
    ),
    (
        "convolution 8 x 320 -> 480 over 240 positions",
        (240, 320),
        lambda: RevCompConv1D(240, 8),
        lambda: layers.Conv1D(480, 8),
    ),
    (
        "batch normalization of 975 x 320",
        (975, 320),
        RevCompBatchNormalization,
        layers.BatchNormalization,
    ),
    (
        "dense on 75 x 640 -> 925",
        (75, 640),
        lambda: DenseAfterRevcomp(925),
        lambda: keras.Sequential([layers.Flatten(), layers.Dense(925)]),
    ),
    (
        "LSTM 320 over 75 positions, both directions",
        (75, 320),
        lambda: RevCompBidirectional(layers.LSTM(320, return_sequences=True)),
        lambda: layers.Bidirectional(layers.LSTM(320, return_sequences=True)),
    ),
]


def milliseconds(layer: keras.layers.Layer, shape: tuple[int, int]) -> float:
    """Median time of one batch."""
    model = keras.Sequential([keras.Input(shape), layer])
    x = np.random.default_rng(0).normal(size=(BATCH, *shape)).astype("float32")
    model.predict_on_batch(x)
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        model.predict_on_batch(x)
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def main() -> None:
    """Print a table."""
    print(f"{keras.backend.backend()}, batches of {BATCH}, milliseconds a batch")
    print(f"{'':48}{'rckeras':>10}{'Keras':>10}{'ratio':>8}")
    for name, shape, ours, plain in CASES:
        a, b = milliseconds(ours(), shape), milliseconds(plain(), shape)
        print(f"{name:48}{a:10.1f}{b:10.1f}{a / b:8.2f}")


if __name__ == "__main__":
    main()
