"""Shrikumar, Greenside and Kundaje 2017: as many filters with tied strands and without.

Widths of the filters go with pools: 21 with those of the simulated data, the others
with those of the ChIP-seq data.
"""

from tuning.spaces.space import Choice, Space, Values, tiled_length
from zoo.architectures.shapes import check_length
from zoo.recipes.shrikumar2017 import SIMULATION

# Network of the zoo, tied and traditional, and windows of filters and pool.
_WIDTHS = {
    "21": ("shrikumar-sim-rc", "shrikumar-sim-20", ((21, 1), (20, 20))),
    "15-14-14": (
        "shrikumar-chip-rc",
        "shrikumar-chip",
        ((15, 1), (14, 1), (14, 1), (40, 20)),
    ),
    "15": ("shrikumar-one-layer-rc", "shrikumar-one-layer", ((15, 1), (40, 20))),
}


def _network(values: Values, length: int, targets: int) -> tuple[str, dict]:
    tied, traditional, windows = _WIDTHS[values["widths"]]
    arguments = {"filters": values["filters"]}
    if not values["revcomp"]:
        check_length(length, windows)
        return traditional, arguments
    if tiled_length(length, windows) < length:
        arguments["sequence_length"] = tiled_length(length, windows)
    if targets > 1 and tied != "shrikumar-sim-rc":
        arguments["freeze_head"] = False  # what is frozen is redundant for one alone
    return tied, arguments


SPACE = Space(
    name="shrikumar2017",
    title="tied strands or traditional filters, their number and widths",
    reference="Shrikumar et al. 2017, sections 2.2.3, 3.4 and 3.5",
    choices=(
        Choice("revcomp", (False, True), True, note="strands share all weights"),
        Choice("filters", (8, 16, 32), 16, note="tied ones give two channels each"),
        Choice("widths", tuple(_WIDTHS), note="of each convolution's filters in bases"),
    ),
    network=_network,
    networks=tuple(name for row in _WIDTHS.values() for name in row[:2]),
    settings=SIMULATION.settings,
    objective="val_auroc",
    symmetry="those with revcomp, whatever the other choices; their sequences are cut "
    "to the most bases that the pool reads to the last one. The others are not "
    "symmetric",
    seeds=10,
)

SPACES = (SPACE,)
