"""What the networks of two papers make of many real experiments, one after another.

The data are the user's: a folder of ChIP-seq experiments as DeepBind's authors prepared
them, a pair of files each, and of pairs of FASTA files. Each is a dataset, and the
question is not how far a network comes on one of them, but which of two does better on
most.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import figures, remarks
from zoo.learning import TrainingSettings
from zoo.measures import both_strategies, sampled_ranking
from zoo.recipes import brown2018
from zoo.recipes.recipe import Recipe, Row
from zoo.recipes.strategies import (
    DIFFERS,
    METRICS,
    TRAINED_AND_AFTERWARDS,
    strategies,
)

if TYPE_CHECKING:
    from rckeras.datasets import Dataset

MOST_PEAKS = 5_000
SHARES = (0.05, 0.2, 0.8)
_SHARED = (
    "standard",
    "augmented",
    "RC, weighted sum",
    "RC, average",
    "standard, 16 filters",
    "augmented, 16 filters",
)
LENGTH = 101  # of DeepBind's sequences

_DEEPBIND = ("_AC.seq.gz", "_B.seq.gz")
# Bound and unbound sequences for training, then for the test, as two projects name
# their files: LS-GKM and gkmexplain.
_FASTA = (
    (".tr.fa", ".neg.tr.fa", ".test.fa", ".neg.test.fa"),
    (
        ".positives_train.fa",
        ".negatives_train.fa",
        ".positives_test.fa",
        ".negatives_test.fa",
    ),
)
NEEDS = (
    "a folder of experiments: NAME_AC.seq.gz and NAME_B.seq.gz as DeepBind has them, "
    "and FASTA files NAME.tr.fa, NAME.neg.tr.fa, NAME.test.fa and NAME.neg.test.fa, or "
    "NAME.positives_train.fa, NAME.negatives_train.fa and so on"
)


def find_experiments(folder: Path) -> dict[str, tuple[Path, ...]]:
    """The experiments of a folder and the folders in it.

    Args:
        folder: Folder of files.

    Returns:
        The files of each experiment by its name: two of DeepBind's, for training and
        test, or four FASTA files. Without one of them it is left out: held-out peaks
        alone, for example, cannot be trained on.

    Raises:
        ValueError: If there is none, or two have one name.
    """
    found: dict[str, tuple[Path, ...]] = {}
    for endings in (_DEEPBIND, *_FASTA):
        for first in sorted(folder.rglob(f"*{endings[0]}")):
            name = first.name.removesuffix(endings[0])
            files = tuple(first.with_name(name + ending) for ending in endings)
            if not all(file.is_file() for file in files):
                continue
            if name in found:
                raise ValueError(
                    f"{folder} must have one experiment of a name. Received: "
                    f"{found[name][0]} and {first}"
                )
            found[name] = files
    if not found:
        raise ValueError(f"`data` (--data) must be {NEEDS}. Received: {folder}")
    return found


def load_experiment(
    files: tuple[Path, ...],
    most: int | None = MOST_PEAKS,
    validation: float = 0.1,
    length: int = LENGTH,
) -> "Dataset":
    """The sequences of an experiment, with splits.

    Negatives of DeepBind's peaks are dinucleotide shuffles. FASTA files have negatives
    of their own.

    Args:
        files: What `find_experiments` has found.
        most: Most bound, and most unbound, sequences for training and validation;
            `None` for all.
        validation: Share of the training sequences that is for validation.
        length: Bases that sequences of FASTA files are brought to, around their
            centre; the shorter ones with N.
    """
    from rckeras.datasets import load_deepbind, load_fasta_pair

    splits = {"validation": validation}
    if len(files) == len(_DEEPBIND):
        return _limit(load_deepbind(*files, splits=splits), most)
    positives, negatives, *held_out = files
    dataset = load_fasta_pair(
        positives,
        negatives,
        test_positives=held_out[0],
        test_negatives=held_out[1],
        length=length,
        fit="both",
        splits=splits,
    )
    return _limit(dataset, most)


def _limit(dataset: "Dataset", most: int | None) -> "Dataset":
    """A dataset with so many sequences of each class at most, beside the test's."""
    import numpy as np

    if most is None:
        return dataset
    kept = [dataset.rows("test")]
    others = np.setdiff1d(np.arange(len(dataset)), kept[0])
    for label in (1, 0):
        rows = others[dataset.labels[others, 0] == label]
        # Classes of equal size are drawn alike, so that peaks keep their shuffles; and
        # not with the seed of the splits, whose order would come again.
        kept.append(np.random.default_rng(1).permutation(rows)[:most])
    return dataset.take(np.sort(np.concatenate(kept)))


def _data(path):
    experiments = find_experiments(path)
    return {
        name: partial(load_experiment, files) for name, files in experiments.items()
    }


_DATA_DIFFERS = (
    f"Of each experiment at most {MOST_PEAKS:,} bound sequences, drawn at random, are "
    "for training and validation, a tenth of them for validation. DeepBind's 500 best "
    "peaks of even rank and a shuffle of each are for the test.",
    "Negatives are dinucleotide shuffles, in training as in DeepBind's test files. An "
    "experiment of FASTA files has real ones; its sequences are brought to 101 bases "
    "around their centre, as DeepBind's are, the shorter ones with N.",
)


_WAYS = strategies("shrikumar-chip", "shrikumar-chip-rc", filters=8)
_ALL = (
    *_WAYS,
    # With 16 filters untied networks have as many channels as tied ones with 8.
    *(
        replace(
            row,
            name=f"{row.name}, 16 filters",
            arguments={**row.arguments, "filters": 16},
        )
        for row in _WAYS
        if row.name in ("standard", "augmented", "RC, average")
    ),
)
# Those that are run on fewer sequences, too.
_SHRUNK = tuple(row for row in _ALL if row.name in _SHARED)


def _shrink(row: Row, share: float) -> Row:
    return replace(row, name=f"{row.name}, {share:.0%}", train_share=share)


_STRAND_ROWS = (
    *(_shrink(row, 1.0) for row in _ALL),
    *(_shrink(row, share) for share in SHARES for row in _SHRUNK),
)


_MORE_PAIRS = {
    "augmented": ("random strands", "consistent", "conjoined"),
    "RC, average": ("RC, weighted sum", "RC, sum", "RC, max"),
}


def _strand_pairs() -> tuple[tuple[str, str], ...]:
    """Each way against the standard one, the tied ones against others, and so on."""
    others = ["standard, 16 filters", "augmented", "augmented, 16 filters", "conjoined"]
    known = {row.name for row in _STRAND_ROWS}
    pairs = []
    for row in _STRAND_ROWS:
        way, _, share = row.name.rpartition(", ")
        beside = ["standard", *(others if way.startswith("RC") else [])]
        names = [f"{other}, {share}" for other in beside if other != way]
        pairs += [(row.name, name) for name in names if name in known]
    for way, others in _MORE_PAIRS.items():
        pairs += [(f"{way}, 100%", f"{other}, 100%") for other in others]
    return tuple(pairs)


STRANDS = Recipe(
    name="invivo-strands",
    title="ways to respect both strands, on many ChIP-seq experiments, and with fewer "
    "and fewer sequences",
    reference="Shrikumar et al. 2017, sections 2.2.3 and 3.4.2, and Fig. 6, which is "
    "of one ChIP-seq set; Zhou, Shrikumar and Kundaje 2022",
    data=_data,
    settings=TrainingSettings(
        length=LENGTH - 1,
        epochs=30,
        batch_size=100,
        samples_per_epoch=5_000,
        learning_rate=1e-2,
        strands="forward",
        monitor="val_auroc",
        patience=5,
    ),
    rows=_STRAND_ROWS,
    measures=(both_strategies,),
    metrics=METRICS,
    seeds=5,
    figure=partial(figures.gains, shown=TRAINED_AND_AFTERWARDS),
    remarks=(
        partial(
            remarks.signed_rank,
            pairs=_strand_pairs(),
            metrics=(*TRAINED_AND_AFTERWARDS, "test_auprc"),
        ),
        partial(remarks.by_dataset, shown=TRAINED_AND_AFTERWARDS),
    ),
    differs=(
        *_DATA_DIFFERS,
        *DIFFERS,
        "The paper has 1000 bases, and 16 filters in each convolution in this figure; "
        "8, 16 and 32 elsewhere. Its layers fit 100 bases unchanged, two places of the "
        "pool, so the central 100 of 101 are read.",
        "The paper trains for 80 epochs of 5,000 sequences with a learning rate of "
        "1e-3; here they are 30 at most with 1e-2, and training stops after five "
        "without a better validation AUROC. A quarter of the runs with strands drawn "
        "at random and a third of those with consistency go on to the end, few others "
        "do: with more epochs these two may come to more.",
        "ARID3A and USF1 are there with two experiments each, which the tests take for "
        "independent.",
    ),
    needs=NEEDS,
)


def _dropout_row(name: str, equivariant: bool, dropout: str | None) -> Row:
    # The paper's penalty of weights that are not tied.
    penalty = 0.0 if equivariant else 3e-4
    arguments = {"equivariant": equivariant, "dropout": dropout, "l2": penalty}
    return Row(name, "prdm9", arguments)


DROPOUT = Recipe(
    name="invivo-dropout",
    title="equivariance and dropout, one by one and together, on many ChIP-seq "
    "experiments",
    reference="Brown and Lunter 2018, Table 1, which is of simulated and recombination "
    "data",
    data=_data,
    settings=replace(brown2018.SIMULATION.settings, batch_size=64),
    rows=(
        _dropout_row("baseline", False, None),
        _dropout_row("ordinary dropout", False, "ordinary"),
        _dropout_row("Bayesian dropout", False, "bayesian"),
        _dropout_row("equivariant", True, None),
        _dropout_row("equivariant, ordinary dropout", True, "ordinary"),
        _dropout_row("equivariant, Bayesian dropout", True, "bayesian"),
    ),
    measures=(sampled_ranking,),
    metrics={
        "test_accuracy": "test accuracy",
        "test_auroc": "test AUROC",
        "test_auprc": "test AUPRC",
    },
    seeds=5,
    figure=figures.accuracies,
    remarks=(
        partial(
            remarks.signed_rank,
            pairs=(
                ("equivariant", "baseline"),
                ("equivariant, ordinary dropout", "ordinary dropout"),
                ("equivariant, Bayesian dropout", "Bayesian dropout"),
                ("ordinary dropout", "baseline"),
                ("Bayesian dropout", "baseline"),
                ("equivariant, ordinary dropout", "equivariant"),
                ("equivariant, Bayesian dropout", "equivariant"),
                ("equivariant, Bayesian dropout", "equivariant, ordinary dropout"),
            ),
            metrics=("test_accuracy", "test_auroc"),
        ),
        remarks.by_dataset,
    ),
    differs=(
        *_DATA_DIFFERS,
        "The networks are those of the recombination data, with one output: their "
        "windows tile 101 bases as they are. Settings are the paper's, too, but each "
        "network is not optimized on its own.",
    ),
    needs=NEEDS,
)

RECIPES = (STRANDS, DROPOUT)
