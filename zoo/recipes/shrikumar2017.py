"""Shrikumar, Greenside and Kundaje 2017: weights shared over both strands."""

from dataclasses import replace
from functools import partial

from zoo import figures, remarks
from zoo.learning import TrainingSettings
from zoo.measures import ranking, strand_agreement
from zoo.recipes.recipe import Recipe, Row

SHARES = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def _data(path):
    from rckeras.datasets import simulate_shrikumar2017

    return {"simulated": partial(simulate_shrikumar2017, seed=0)}


_ROWS = (
    Row("RC, 20 filters", "shrikumar-sim-rc", preset="shrikumar-sim-rc"),
    Row("traditional, 20 filters", "shrikumar-sim-20", preset="shrikumar-sim-20"),
    Row("traditional, 40 filters", "shrikumar-sim-40", preset="shrikumar-sim-40"),
)

SIMULATION = Recipe(
    name="shrikumar2017-simulation",
    title="shared weights against ordinary ones with as many, and twice as many, "
    "filters",
    reference="Shrikumar et al. 2017, Fig. 2 and 3",
    data=_data,
    settings=TrainingSettings(
        epochs=500,
        batch_size=500,
        samples_per_epoch=5_000,
        learning_rate=1e-3,
        strands="forward",
        monitor="val_auroc",
        patience=10,
    ),
    rows=_ROWS,
    measures=(ranking,),
    metrics={
        "validation_auroc": "validation AUROC",
        "validation_auprc": "validation AUPRC",
        "test_auroc": "test AUROC",
        "test_auprc": "test AUPRC",
    },
    seeds=10,
    best="+validation_auroc",
    figure=figures.learning_curves,
    remarks=(
        partial(
            remarks.rank_sum,
            pairs=(
                ("RC, 20 filters", "traditional, 20 filters"),
                ("RC, 20 filters", "traditional, 40 filters"),
                ("traditional, 40 filters", "traditional, 20 filters"),
            ),
        ),
    ),
    differs=(
        "The paper prints its AUROC and AUPRC in figures alone, so there are no "
        "numbers to set beside these; its p-values are 5.4e-6 for RC against each of "
        "the others, the smallest that ten seeds can give, and .71 for 40 against 20 "
        "filters.",
    ),
)

SHRINKING = replace(
    SIMULATION,
    name="shrikumar2017-shrinking",
    title="fewer and fewer training sequences",
    reference="Shrikumar et al. 2017, Fig. 6, which is of ChIP-seq data",
    rows=tuple(
        replace(row, name=f"{row.name}, {share:.0%}", train_share=share, preset=None)
        for share in SHARES
        for row in _ROWS
    ),
    figure=figures.shrinking_sets,
    remarks=(),
    differs=(
        "The paper shrinks a ChIP-seq set; here it is the simulated one, of which 100% "
        "are 12,000 sequences.",
    ),
)

STRANDS = replace(
    SIMULATION,
    name="shrikumar2017-strands",
    title="agreement of the predictions for both strands",
    reference="Shrikumar et al. 2017, Fig. 4, which is of ChIP-seq data",
    rows=(
        Row("traditional", "shrikumar-sim-20"),
        Row(
            "traditional, augmented",
            "shrikumar-sim-20",
            settings={"strands": "both", "batch_size": 250, "samples_per_epoch": 2_500},
        ),
        Row("RC", "shrikumar-sim-rc"),
    ),
    measures=(ranking, strand_agreement),
    metrics={
        "test_auroc": "test AUROC",
        "strand_correlation": "correlation of the strands",
        "strand_difference": "mean difference",
        "largest_strand_difference": "largest difference",
        "flipped": "calls that flip",
    },
    figure=figures.strand_scatter,
    remarks=(),
    differs=(
        "The paper shows ChIP-seq data; here it is the simulated set.",
        "Augmented: each batch holds 250 sequences and their reverse complements.",
    ),
)

RECIPES = (SIMULATION, SHRINKING, STRANDS)
