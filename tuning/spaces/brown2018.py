"""Brown and Lunter 2018: two searches, for recombination hotspots and simulated data.

Of each layer's own hyperparameters the paper prints the sets. As in the network that it
published, the global maximum takes the place of the last layer's pool.
"""

from dataclasses import replace
from typing import Any

from tuning.spaces.space import Choice, Space, Values, tiled_length
from zoo.architectures.shapes import check_length
from zoo.recipes.brown2018 import SIMULATION as PROTOCOL

LAYERS = (1, 2, 3, 4, 5)

_COMMON = (
    Choice("l2", (0.0, 1e-4, 3e-4, 1e-3), note="penalty of the filters' weights"),
    Choice("bayesian_dropout", (False, True), True),
    Choice("equivariant", (False, True), True, note="filters tied over both strands"),
)


def _layer(number: int) -> tuple[Choice, ...]:
    """Hyperparameters of a layer, and of the pool before it."""
    deep = ("layers", LAYERS[number - 1 :])
    return (
        Choice(f"pool{number - 1}", (4, 8, 12), 8, deep),
        Choice(f"length{number}", (4, 8, 12), 4, deep),
        Choice(f"filters{number}", (8, 16, 32, 64), 16, deep),
    )


def _recombination(values: Values, length: int, targets: int) -> tuple[str, dict]:
    numbers = range(1, values["layers"] + 1)
    lengths = [values["first_length"], *(values[f"length{i}"] for i in numbers[1:])]
    pools = [*(values[f"pool{i}"] for i in numbers[:-1]), 1]
    arguments = {
        "filters": tuple(values[f"filters{i}"] for i in numbers),
        "kernel_sizes": tuple(lengths),
        "pool_sizes": tuple(pools),
        "activation": values["activation"],
        **_common(values),
    }
    windows = [
        window
        for size, pool in zip(lengths, pools, strict=True)
        for window in ((size, 1), (pool, pool))
    ]
    check_length(length, windows)
    if values["equivariant"] and tiled_length(length, windows) < length:
        arguments["sequence_length"] = tiled_length(length, windows)
    return "prdm9", arguments


def _simulation(values: Values, length: int, targets: int) -> tuple[str, dict]:
    check_length(length, [(14, 1)])
    return "brown-sim", {"filters": values["filters"], **_common(values)}


def _common(values: Values) -> dict[str, Any]:
    return {
        "equivariant": values["equivariant"],
        "dropout": "bayesian" if values["bayesian_dropout"] else None,
        "l2": values["l2"],
    }


RECOMBINATION = Space(
    name="brown2018-recombination",
    title="layers, filters and pools of a network for recombination hotspots",
    reference="Brown and Lunter 2018, section 2.10",
    choices=(
        Choice("layers", LAYERS, 2, note="convolutions"),
        Choice("first_length", (10, 15, 20, 30), 30, note="of a filter in bases"),
        Choice("filters1", (8, 16, 32, 64), 16, note="channels"),
        *(choice for number in LAYERS[1:] for choice in _layer(number)),
        Choice("activation", ("elu", "shifted_relu", "relu")),
        *_COMMON,
    ),
    network=_recombination,
    networks=("prdm9",),
    settings=replace(PROTOCOL.settings, batch_size=64),
    objective="val_accuracy",
    symmetry="those that are equivariant, whose filters are all even numbers of "
    "channels; their sequences are cut to the most bases that the pools read to the "
    "last one. The others are not symmetric",
)

SIMULATION = Space(
    name="brown2018-simulation",
    title="filters and penalty of a network of one layer for simulated data",
    reference="Brown and Lunter 2018, sections 2.10 and 3.3",
    choices=(Choice("filters", (4, 6, 12), 12, note="channels"), *_COMMON),
    network=_simulation,
    networks=("brown-sim",),
    settings=PROTOCOL.settings,
    objective="val_accuracy",
    symmetry="those that are equivariant, whose filters are all even numbers of "
    "channels. The others are not symmetric",
)

SPACES = (RECOMBINATION, SIMULATION)
