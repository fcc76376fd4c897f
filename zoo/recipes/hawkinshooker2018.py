"""Hawkins-Hooker, Kenlay and Reid 2018: large first layers, and projections of them.

Each experiment is there twice: on DeepSEA's data, which the user has, with the paper's
sizes; and on simulated sequences, with a quarter of them, for everyone to run.
"""

from dataclasses import replace
from functools import partial

from zoo import figures
from zoo.learning import TrainingSettings
from zoo.measures import ranking_of_both_strands
from zoo.recipes.recipe import Recipe, Row

# The paper's sizes, and those for simulated data.
FIRST_LAYERS = (300, 500, 750, 1000)
SMALL_FIRST_LAYERS = (32, 64, 128, 256)

# How the first layer's output is treated: name, projected, dropout.
_TREATMENTS = (
    ("", False, None),
    (", dropout", False, 0.2),
    (", projection", True, None),
    (", projection, dropout", True, 0.2),
)


def _simulated(path):
    from rckeras.datasets import simulate_hawkinshooker2018

    return {"simulated": partial(simulate_hawkinshooker2018, seed=0)}


def _deepsea(path):
    from rckeras.datasets import load_dataset

    return {"DeepSEA": partial(load_dataset, path)}


def _first_layer_rows(sizes, projection, cnn, danq) -> tuple[Row, ...]:
    """A row for each network, size of the first layer and treatment of its output.

    Args:
        sizes: Sizes of the first layer.
        projection: Channels that a projection leaves.
        cnn: Function of the size that returns further arguments of the CNN.
        danq: The same for the DanQ.
    """
    return tuple(
        Row(
            f"{name} {size}{treatment}",
            network,
            {
                **arguments(size),
                "projection": projection if projected else None,
                "dropout": dropout,
            },
        )
        for name, network, arguments in (
            ("CNN", "hawkinshooker-cnn", cnn),
            ("DanQ", "hawkinshooker-danq", danq),
        )
        for size in sizes
        for treatment, projected, dropout in _TREATMENTS
    )


_METRICS = {
    "test_loss": "test loss",
    "test_auprc": "test AUPRC",
    "test_auroc": "test AUROC",
}
_FIRST_LAYER_REFERENCE = "Hawkins-Hooker, Kenlay and Reid 2018, Fig. 1 and 2"
_NOT_DEEPSEA = (
    "The data are not DeepSEA's, but simulated: the tasks are to tell which of "
    "50 motifs a sequence of 200 bases has. Numbers cannot be compared with the "
    "paper's, only what helps and what does not.",
    "Second and further layers, projection and LSTM have a quarter of the paper's "
    "widths, and first layers 32 to 256 filters, not 300 to 1000.",
    "Batches hold 64 sequences, and the learning rate begins at 1e-3, for an epoch has "
    "500 steps here. With the paper's 256 and 3e-4 a CNN of 128 filters had a "
    "validation AUPRC of .09 after four epochs, against .16.",
)

FIRST_LAYER = Recipe(
    name="hawkinshooker2018-first-layer",
    title="size of the first layer, projection and dropout, on simulated data, not "
    "DeepSEA's",
    reference=_FIRST_LAYER_REFERENCE,
    data=_simulated,
    settings=TrainingSettings(
        epochs=35,
        batch_size=64,
        learning_rate=1e-3,
        reduce_after=2,
        reduce_factor=0.2,
        min_learning_rate=2e-6,
        strands="random",
        monitor="val_loss",
        patience=5,
    ),
    rows=_first_layer_rows(
        SMALL_FIRST_LAYERS,
        16,
        lambda size: {"filters": (size, 32, 64), "hidden_units": 512},
        lambda size: {"filters": size, "units": 25, "hidden_units": 231},
    ),
    measures=(ranking_of_both_strands,),
    metrics=_METRICS,
    seeds=3,
    figure=figures.metrics,
    differs=_NOT_DEEPSEA,
    extras=("reports", "motifs"),
)

CRNN = replace(
    FIRST_LAYER,
    name="hawkinshooker2018-crnn",
    title="CRNN with and without projection beside DeepSEA and DanQ, on simulated "
    "data, not DeepSEA's",
    reference="Hawkins-Hooker, Kenlay and Reid 2018, Table 1",
    rows=(
        Row("DeepSEA", "deepsea", {"filters": (80, 120, 240), "hidden_units": 231}),
        Row("DanQ", "danq", {"filters": 80, "units": 80, "hidden_units": 231}),
        *(
            Row(
                f"CRNN-{filters}{', projection' if projection else ''}",
                "crnn-320",
                {
                    "filters": filters,
                    "projection": projection,
                    "second_filters": 24,
                    "units": 75,
                    "hidden_units": 230,
                },
            )
            for filters in (80, 175)
            for projection in (16, None)
        ),
    ),
    figure=figures.learning_curves,
    differs=(
        _NOT_DEEPSEA[0],
        "All layers have a quarter of the paper's widths, rounded.",
        _NOT_DEEPSEA[2],
        "DanQ-JASPAR, whose filters start from motifs, is left out: here it would "
        "start from those that were planted.",
    ),
)

_DEEPSEA_SETTINGS = replace(FIRST_LAYER.settings, batch_size=256, learning_rate=3e-4)
_NEEDS = "a dataset that `rckeras data deepsea` has written"

FIRST_LAYER_DEEPSEA = replace(
    FIRST_LAYER,
    name="hawkinshooker2018-first-layer-deepsea",
    title="size of the first layer, projection and dropout",
    data=_deepsea,
    settings=replace(_DEEPSEA_SETTINGS, length=500),
    rows=_first_layer_rows(
        FIRST_LAYERS,
        64,
        lambda size: {"filters": (size, 128, 256)},
        lambda size: {"filters": size},
    ),
    seeds=1,
    extras=("reports",),
    differs=(
        "The paper shows these numbers in figures alone.",
        "Validation loss is that of the stored rows, both strands of each window.",
    ),
    needs=_NEEDS,
)


def _published(row: str, network: str, loss: float, auprc: float) -> Row:
    published = {"test_loss": (loss,), "test_auprc": (auprc,)}
    return Row(row, network, published=published)


CRNN_DEEPSEA = replace(
    FIRST_LAYER_DEEPSEA,
    name="hawkinshooker2018-crnn-deepsea",
    title="CRNN with and without projection beside DeepSEA and DanQ",
    reference=CRNN.reference,
    settings=_DEEPSEA_SETTINGS,
    rows=(
        _published("DeepSEA", "deepsea", 0.0554, 0.343),
        _published("DanQ", "danq", 0.0538, 0.371),
        _published("DanQ-JASPAR", "danq-jaspar", 0.0533, 0.379),
        _published("CRNN-320-projection", "crnn-320-projection", 0.0532, 0.383),
        _published("CRNN-320", "crnn-320", 0.0540, 0.375),
        _published("CRNN-700-projection", "crnn-700-projection", 0.0526, 0.391),
        _published("CRNN-700", "crnn-700", 0.0533, 0.385),
    ),
    figure=figures.learning_curves,
    differs=(
        "The paper measured the weights that the authors of DeepSEA and DanQ had "
        "published; here these networks are trained as the CRNNs are, and no filter of "
        "DanQ-JASPAR starts from a motif.",
    ),
)

RECIPES = (FIRST_LAYER, CRNN, FIRST_LAYER_DEEPSEA, CRNN_DEEPSEA)
