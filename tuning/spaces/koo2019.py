"""Koo and Eddy 2019: two pools that leave one position in a hundred, and filters."""

from functools import partial

from tuning.spaces.space import Choice, Space, Values
from zoo.architectures.shapes import check_length
from zoo.measures import motif_matches
from zoo.recipes.koo2019 import RELEVANT, TABLE_1

PRODUCT = 100  # of the strides of both pools

_POOLS = (1, 2, 4, 10, 25, 50, 100)


def _network(values: Values, length: int, targets: int) -> tuple[str, dict]:
    pool = values["pool"]
    stride = 2 if values.get("pool_stride") == "2" else pool
    if PRODUCT % stride:
        raise ValueError(f"the first pool must divide {PRODUCT}. Received: {pool}")
    second = PRODUCT // stride
    check_length(length, [(pool, stride), (second, second)])
    return "koo-cnn-25", {
        "filters": (values["filters"], 128),
        "kernel_sizes": (values["filter_size"], 5),
        "pool_sizes": (pool, second),
        "pool_strides": (stride, second),
    }


SPACE = Space(
    name="koo2019",
    title="filters of the first layer, and pools whose strides have a product of 100",
    reference="Koo and Eddy 2019, Table 1",
    choices=(
        Choice("filter_size", (3, 9, 19), 19, note="in bases"),
        Choice("pool", _POOLS, 25, note="first pool; the second one follows from it"),
        Choice(
            "pool_stride",
            ("pool", "2"),
            when=("pool", _POOLS[2:]),
            note="that of the pool's width, or 2 as in CNN-50-2",
        ),
        Choice("filters", (30, 60, 90, 120), note="of the first layer"),
    ),
    network=_network,
    networks=("koo-cnn-25",),
    settings=TABLE_1.settings,
    objective="val_loss",
    symmetry="none of these networks gives both strands the same answer",
    seeds=5,
    measures=(partial(motif_matches, relevant=RELEVANT, split="validation"),),
    metrics={name: TABLE_1.metrics[name] for name in ("matched", "matched_relevant")},
    extras=("motifs",),
)

SPACES = (SPACE,)
