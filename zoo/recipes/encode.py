"""A CRNN for many ChIP-seq experiments at once, to start from for others.

No weights of the networks of Hawkins-Hooker, Kenlay and Reid 2018 were ever published,
and what they were trained on is large. This trains two of them on ENCODE experiments as
DeepBind's authors prepared them.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from zoo import figures
from zoo.learning import TrainingSettings
from zoo.measures import ranking, ranking_of_both_strands
from zoo.recipes.invivo import NEEDS, find_experiments, load_experiment
from zoo.recipes.recipe import Recipe, Row

if TYPE_CHECKING:
    from pathlib import Path

    from rckeras.datasets import Dataset

# Factors to try the trained networks on: none of their experiments is trained on.
LEFT_OUT = ("ELK1", "TCF12", "TEAD4", "YY1")

FLANK = 40  # bases added at each end of the 101
_LENGTH = 141  # what the networks read while they are trained; one that tiles the pools
_VALIDATION = 0.05


def _data(path):
    return {"ENCODE": lambda: load_joint(path)}


def load_joint(folder: "Path") -> "Dataset":
    """All experiments but those left out, as one dataset with a target for each.

    Negatives of an experiment are the peaks of the others, where they do not overlap
    its own, and dinucleotide shuffles. Sequences that overlap the test sequences of any
    experiment, left out or not, are dropped, and so are training sequences that overlap
    those for validation. Around the 101 bases lie 40 more at each
    end: shuffled ones or, in every second sequence, N, for the network will be given
    both, longer sequences and padded ones.

    Args:
        folder: Folder of experiments, see `zoo.recipes.invivo.find_experiments`.

    Returns:
        The dataset, with sequences of 181 bases.
    """
    import numpy as np

    from rckeras.datasets.joint import add_flanks, drop_overlapping, join_experiments
    from rckeras.sequence.codes import N_CODE

    parts, held_out = {}, []
    for name, files in find_experiments(folder).items():
        part = load_experiment(files, most=None, validation=_VALIDATION)
        held_out.append(part.sequences[part.rows("test")])
        if len(files) == 2 and not name.startswith(LEFT_OUT):
            parts[name] = part
    joint = drop_overlapping(join_experiments(parts), np.concatenate(held_out))
    validation = joint.sequences[joint.rows("validation")]
    joint = drop_overlapping(joint, validation, splits=("train",))
    joint = add_flanks(joint, FLANK, seed=1)
    sequences = joint.sequences.copy()
    unknown = np.random.default_rng(2).random(len(joint)) < 0.5
    for end in (slice(FLANK), slice(-FLANK, None)):
        sequences[unknown, end] = N_CODE
    return replace(joint, sequences=sequences)


PRETRAINING = Recipe(
    name="encode-pretraining",
    title="CRNN-700-projection, ordinary and with tied strands, on many ChIP-seq "
    "experiments at once",
    reference="No paper reports this; networks of Hawkins-Hooker, Kenlay and Reid 2018",
    data=_data,
    settings=TrainingSettings(
        length=_LENGTH,
        max_jitter=(101 + 2 * FLANK - _LENGTH) // 2,
        epochs=60,
        batch_size=128,
        samples_per_epoch=100_000,
        learning_rate=1e-3,
        reduce_after=2,
        reduce_factor=0.3,
        min_learning_rate=1e-5,
        monitor="val_loss",
        patience=6,
    ),
    rows=(
        Row("RC-CRNN-700-projection", "rc-crnn-700-projection"),
        Row("CRNN-700-projection", "crnn-700-projection"),
    ),
    measures=(ranking, ranking_of_both_strands),
    metrics={
        "test_auroc": "test AUROC",
        "test_auprc": "test AUPRC",
        "test_loss": "test loss",
    },
    seeds=1,
    best="-validation_loss",
    figure=figures.learning_curves,
    needs=NEEDS,
)

RECIPES = (PRETRAINING,)
