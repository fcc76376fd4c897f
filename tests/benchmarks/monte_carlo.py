"""Times of Monte Carlo predictions beside as many calls of `predict`.

Run `python tests/benchmarks/monte_carlo.py`, with `KERAS_BACKEND` for another backend.
The network is that of recombination hotspots, with random weights, which cost the same.
"""

import time
from collections.abc import Callable

import keras
import numpy as np

import zoo
from rckeras.interpret import MonteCarloPredictor

SAMPLES = 50
CALLS = 5  # of `predict` that are timed, for each takes as long


def seconds(function: Callable[[], object]) -> float:
    """Time of a call, after a first one that compiles."""
    function()
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    """Print a line for each number of sequences."""
    network = zoo.build("prdm9")
    predictor = MonteCarloPredictor(network, SAMPLES)
    rng = np.random.default_rng(0)
    print(f"{keras.backend.backend()}, {SAMPLES} samples of prdm9")
    for count in (16, 128, 1024):
        x = np.eye(4, dtype="float32")[rng.integers(4, size=(count, 997))]
        sampled = seconds(lambda x=x: predictor.predict(x))
        calls = seconds(
            lambda x=x: [network.predict(x, verbose=0) for _ in range(CALLS)]
        )
        repeated = calls * SAMPLES / CALLS
        print(
            f"{count:5} sequences: {sampled:6.2f} s, by {SAMPLES} calls of predict "
            f"{repeated:6.2f} s, {repeated / sampled:.1f} times as long"
        )


if __name__ == "__main__":
    main()
