"""A CRNN for many ChIP-seq experiments at once, to start from for others.

No weights of the networks of Hawkins-Hooker, Kenlay and Reid 2018 were ever published,
and what they were trained on is large. This trains two of them on ENCODE experiments as
DeepBind's authors prepared them, and shows what a start from them is worth where there
are few sequences.
"""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from zoo import figures, remarks
from zoo.learning import TrainingSettings
from zoo.measures import ranking, ranking_of_both_strands
from zoo.recipes.invivo import NEEDS, find_experiments, load_experiment
from zoo.recipes.recipe import Recipe, Row

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import numpy as np

    from rckeras.datasets import Dataset

# Factors to try the trained networks on: none of their experiments is trained on.
LEFT_OUT = ("ELK1", "TCF12", "TEAD4", "YY1")

FLANK = 40  # bases added at each end of the 101
_LENGTH = 141  # what the networks read while they are trained; one that tiles the pools
_VALIDATION = 0.05
_LONGEST = 501  # bases of the sequences of FASTA files that are kept out of training


def _data(path):
    return {"ENCODE": lambda: load_joint(path)}


def load_joint(folder: "Path") -> "Dataset":
    """All experiments but those left out, as one dataset with a target for each.

    Negatives of an experiment are the peaks of the others, where they do not overlap
    its own, and dinucleotide shuffles. Sequences that overlap the test sequences of any
    experiment, left out or not, are dropped, and so are training sequences that overlap
    those for validation. Around the 101 bases lie 40 more at each end: shuffled ones
    or, in every second sequence, N, for the network will be given both, longer
    sequences and padded ones.

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
        part = load_experiment(
            files, most=None, validation=_VALIDATION, length=_LONGEST
        )
        held_out.append(_padded(part.sequences[part.rows("test")]))
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


def _padded(sequences: "np.ndarray") -> "np.ndarray":
    """Sequences of `_LONGEST` bases, with N after the last one."""
    import numpy as np

    from rckeras.sequence.codes import N_CODE

    missing = _LONGEST - sequences.shape[1]
    return np.pad(sequences, ((0, 0), (0, missing)), constant_values=N_CODE)


PRETRAINING = Recipe(
    name="encode-pretraining",
    title="CRNN-700-projection, ordinary and with tied strands, on many ChIP-seq "
    "experiments at once",
    reference="No paper reports this; networks of Hawkins-Hooker, Kenlay and Reid 2018",
    data=_data,
    settings=TrainingSettings(
        length=_LENGTH,
        max_jitter=(101 + 2 * FLANK - _LENGTH) // 2,
        epochs=30,
        batch_size=128,
        samples_per_epoch=100_000,
        learning_rate=1e-3,
        reduce_after=2,
        reduce_factor=0.3,
        min_learning_rate=1e-5,
        monitor="val_loss",
        patience=6,
    ),
    rows=tuple(
        Row(network.upper(), network, preset=f"{network}-encode")
        for network in ("rc-crnn-700-projection", "crnn-700-projection")
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

SHARES = (0.05, 0.2, 1.0)

# Shortest sequence that the windows of the CRNN tile, and how much longer the next is.
_SHORTEST, _STEP = 113, 14


def _transfer_data(path):
    return {
        name: partial(load_transfer, files)
        for name, files in find_experiments(path).items()
        if len(files) > 2 or name.startswith(LEFT_OUT)
    }


def load_transfer(files: "tuple[Path, ...]") -> "Dataset":
    """An experiment that none of the networks was trained on.

    The 101 bases of DeepBind's sequences are padded with N to the 141 that the networks
    were trained with. Those of FASTA files are brought to the length nearest to their
    median that windows tile on both strands.

    Args:
        files: What `zoo.recipes.invivo.find_experiments` has found.
    """
    import numpy as np

    from rckeras.io import read_fasta
    from rckeras.sequence.codes import N_CODE

    if len(files) > 2:
        lengths = [len(record.sequence) for record in read_fasta(files[0])]
        steps = round((np.median(lengths) - _SHORTEST) / _STEP)
        return load_experiment(files, length=_SHORTEST + _STEP * max(0, steps))
    dataset = load_experiment(files)
    margin = (_LENGTH - dataset.length) // 2
    padding = ((0, 0), (margin, margin))
    padded = np.pad(dataset.sequences, padding, constant_values=N_CODE)
    return replace(dataset, sequences=padded)


def start_from_jaspar(network: "keras.Model", seed: int) -> None:
    """Starts first filters from the vertebrate motifs of JASPAR 2016, as DanQ-JASPAR's.

    Reference: Quang and Xie 2016 (Nucleic Acids Research 44, e107), Methods.
    """
    from rckeras.motifs import fetch_jaspar_collection
    from zoo.architectures.danq import start_filters_from_motifs

    motifs = [motif.probabilities for motif in fetch_jaspar_collection("JASPAR2016")]
    start_filters_from_motifs(network, motifs, seed=seed)


def _transfer_rows(share: float) -> tuple[Row, ...]:
    tied, plain = "rc-crnn-700-projection-encode", "crnn-700-projection-encode"

    def row(name, network, start=None, **settings):
        name = f"{name}, {share:.0%}"
        return Row(name, network, {}, settings, start, train_share=share)

    return (
        row("RC, pretrained", tied, weights="default"),
        row("RC, from scratch", tied),
        row("pretrained", plain, weights="default"),
        row("from scratch", plain),
        row("from JASPAR's motifs", plain, start_from_jaspar),
    )


_TRANSFER_ROWS = tuple(row for share in SHARES for row in _transfer_rows(share))

TRANSFER = Recipe(
    name="encode-transfer",
    title="what a start from ENCODE experiments is worth on others, with fewer and "
    "fewer sequences",
    reference="No paper reports this; networks of Hawkins-Hooker, Kenlay and Reid "
    "2018, first filters from motifs as in Quang and Xie 2016",
    data=_transfer_data,
    settings=TrainingSettings(
        epochs=40,
        batch_size=64,
        samples_per_epoch=2_500,
        # With 1e-3, some that start from scratch never leave chance.
        learning_rate=3e-4,
        monitor="val_auroc",
        patience=10,
    ),
    rows=_TRANSFER_ROWS,
    measures=(ranking, ranking_of_both_strands),
    metrics={"test_auroc": "test AUROC", "test_auprc": "test AUPRC"},
    seeds=3,
    figure=figures.shrinking_sets,
    remarks=(
        partial(
            remarks.by_dataset,
            # Lee 2016, in the repository of LS-GKM, on all of the training sequences.
            published={"gapped k-mer SVM, published": {"nfe2_gm12878": 0.9929}},
        ),
    ),
    differs=(
        "Sequences of ENCODE experiments have 101 bases, with 20 N at each end; of "
        "each, at most 5,000 bound ones and as many shuffles are for training and "
        "validation. Those of FASTA files are 197 (NANOG) and 239 bases (NFE2) long.",
        "A tenth of the training sequences is for validation, whatever the share. "
        "Every network sees 2,500 sequences in an epoch, 40 epochs at most, so that "
        "those with few sequences are given as many steps.",
        "The networks that are pretrained have seen no sequence that shares 32 bases "
        "with a test sequence.",
        "NFE2 has 644 bound sequences for training, and 69 for the test: an AUROC of "
        ".99 has a standard error of .008 there.",
    ),
    needs=NEEDS,
    extras=("reports", "motifs"),
)

RECIPES = (PRETRAINING, TRANSFER)
