"""What the ways to respect both strands cost, in training and in prediction.

Run `python tests/benchmarks/strands.py`, with `KERAS_BACKEND` for another backend. The
networks are those of `rckeras reproduce invivo-strands`, on sequences as long as there.
A network that is conjoined after its training costs twice in prediction.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import keras

import zoo
from rckeras.datasets import simulate_shrikumar2017
from zoo.learning import compile_learner, conjoin_if, make_streams, settle
from zoo.recipes import find_recipe

ROUNDS = 5


def least(function: Callable[[], object]) -> float:
    """The least time of some calls, after a first one that compiles."""
    function()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print a line for each way, with how many times the first one's costs."""
    recipe = find_recipe("invivo-strands")
    three = simulate_shrikumar2017(sequences=10_000, length=recipe.settings.length)
    data = replace(three, labels=three.labels[:, :1], targets=three.targets[:1])
    x, _ = data.arrays("train")
    print(f"{keras.backend.backend()}: microseconds a sequence")
    first = None
    for row in recipe.rows:
        if row.train_share < 1:
            continue
        settings = settle(
            replace(recipe.settings, samples_per_epoch=None, **row.settings)
        )
        network = zoo.build(row.network, sequence_length=data.length, **row.arguments)
        network = conjoin_if(settings, network)
        learner = compile_learner(network, data, settings)
        batches, _ = make_streams(data, settings)
        calls = (
            lambda learner=learner, batches=batches: learner.fit(batches, verbose=0),
            lambda network=network: network.predict(x, batch_size=512, verbose=0),
        )
        costs = [1e6 * least(call) / len(x) for call in calls]
        first = first or costs
        training, prediction = (
            f"{cost:5.0f} ({cost / one:.1f})"
            for cost, one in zip(costs, first, strict=True)
        )
        print(f"{row.name:29} training {training}, prediction {prediction}")


if __name__ == "__main__":
    main()
