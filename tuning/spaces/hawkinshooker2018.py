"""Hawkins-Hooker, Kenlay and Reid 2018: first layers and projections of them."""

from dataclasses import replace

from tuning.spaces.space import Choice, Space, Values
from zoo.architectures.shapes import check_length
from zoo.recipes.hawkinshooker2018 import CRNN_DEEPSEA, FIRST_LAYER_DEEPSEA

_NOT_SYMMETRIC = "none of these networks gives both strands the same answer"


def _first_layer(values: Values, length: int, targets: int) -> tuple[str, dict]:
    treatment = {
        "projection": 64 if values["projection"] else None,
        "dropout": 0.2 if values["dropout"] else None,
    }
    if values["network"] == "danq":
        check_length(length, [(26, 1), (13, 13)])
        return "hawkinshooker-danq", {"filters": values["filters"], **treatment}
    check_length(length, [(19, 1), (6, 6), (11, 1), (2, 2), (7, 1), (2, 2)])
    filters = (values["filters"], 128, 256)
    return "hawkinshooker-cnn", {"filters": filters, **treatment}


def _crnn(values: Values, length: int, targets: int) -> tuple[str, dict]:
    check_length(length, [(30, 1), (7, 7), (11, 1), (2, 2)])
    width = values["projection_width"] if values["projection"] else None
    return "crnn-320", {"filters": values["filters"], "projection": width}


FIRST_LAYER = Space(
    name="hawkinshooker2018-first-layer",
    title="size of the first layer, projection and dropout, of a CNN and a DanQ",
    reference="Hawkins-Hooker, Kenlay and Reid 2018, Fig. 1",
    choices=(
        Choice("network", ("cnn", "danq")),
        Choice("filters", (300, 500, 750, 1000), note="of the first layer"),
        Choice("projection", (False, True), note="to 64 channels"),
        Choice("dropout", (False, True), note="of .2 behind the first pool"),
    ),
    network=_first_layer,
    networks=("hawkinshooker-cnn", "hawkinshooker-danq"),
    settings=replace(FIRST_LAYER_DEEPSEA.settings, length=None),
    objective="val_loss",
    symmetry=_NOT_SYMMETRIC,
    length=500,
)

CRNN = Space(
    name="hawkinshooker2018-crnn",
    title="CRNN with and without projection, and the projection's width",
    reference="Hawkins-Hooker, Kenlay and Reid 2018, Table 1",
    choices=(
        Choice("filters", (320, 700), note="of the first layer"),
        Choice("projection", (False, True), True),
        Choice(
            "projection_width",
            (32, 64, 128),
            64,
            ("projection", (True,)),
            "channels; the paper has 64 and does not say what else it tried",
        ),
    ),
    network=_crnn,
    networks=("crnn-320",),
    settings=CRNN_DEEPSEA.settings,
    objective="val_loss",
    symmetry=_NOT_SYMMETRIC,
)

SPACES = (FIRST_LAYER, CRNN)
