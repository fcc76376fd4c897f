"""`rckeras train`: a network trained on a dataset."""

import argparse
import contextlib
import dataclasses
import sys
from typing import TYPE_CHECKING

from zoo.commands import add_n_value, add_output_options, import_keras, resumable
from zoo.commands.pairs import add_data_arguments, add_fasta_options, open_data

if TYPE_CHECKING:
    from rckeras.evaluation import Evaluation

# Those of rckeras, whose import would take seconds.
STRANDS = ("forward", "random", "both")

_MOST_TOLD = 10  # targets whose numbers are told one by one
_ROUNDING = 1e-3  # largest difference of two strands that is one of rounding alone
_BOTH_STRANDS = (
    "the test is of the mean over both strands, which `rckeras predict "
    "--average-strands` gives, too"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.set_defaults(command_line=None)
    parser.add_argument(
        "name",
        metavar="NAME",
        help="network, see `rckeras list`, or a .keras file to go on with",
    )
    add_data_arguments(parser)
    parser.epilog = (
        "Stopped in whatever way, the same command goes on after the last finished "
        "epoch. Examples: rckeras train shrikumar-sim-rc simulated.h5 -o mine.keras; "
        "rckeras train shrikumar-chip-rc bound.fa open.fa --split validation=0.1 "
        "--split test=0.1 -o bound.keras"
    )
    _add_network_options(parser)
    add_fasta_options(parser)
    _add_data_options(parser)
    _add_fit_options(parser)
    add_output_options(
        parser.add_argument_group("output"),
        "file to write (.keras); FILE.csv is the history, FILE.json says how it was "
        "made, and FILE.resume is there while training is unfinished; if there is a "
        "test split, FILE.test.tsv, FILE.curves.csv and FILE.curves.svg say how well "
        "the network does on it",
        "replace these files, and give up an unfinished training with other options",
        required=True,
    )


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("network")
    group.add_argument(
        "--weights",
        metavar="PATH",
        help="file or name of weights to start from, or `default` for the network's "
        "first; a last layer of other targets starts at random (default: all random)",
    )
    group.add_argument(
        "--length",
        type=int,
        metavar="N",
        help="train on the central N bases (default: on all); of FASTA files, bring "
        "sequences to N bases as --fit says (default: those of the first one)",
    )
    group.add_argument(
        "--freeze",
        action="store_true",
        help="train the last layer alone, all others as --weights or the .keras file "
        "have them",
    )
    group.add_argument(
        "--conjoined",
        action="store_true",
        help="run the network on both strands of each sequence and train the mean of "
        "their logits, which gives both the same answer",
    )
    add_n_value(group)


def _add_data_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("batches")
    _add_number(group, "--batch-size", 128, "sequences in a batch")
    group.add_argument(
        "--strands",
        choices=STRANDS,
        help="give sequences as stored, the reverse complement of every second one, or "
        "each on both strands (default: random; forward for networks that give both "
        "strands the same answer)",
    )
    group.add_argument(
        "--consistency",
        type=float,
        default=0.0,
        metavar="X",
        help="weight of a penalty on different answers to the two strands (default: "
        "0, none)",
    )
    _add_number(group, "--max-shift", 0, "move windows by up to N bases, over N")
    _add_number(group, "--max-jitter", 0, "move windows by up to N stored bases")
    group.add_argument(
        "--class-weight",
        choices=("balanced",),
        help="let positives and negatives of the one target count alike",
    )
    group.add_argument(
        "--positive-fraction",
        type=float,
        metavar="X",
        help="share of each batch that has a label (default: as it comes)",
    )
    group.add_argument(
        "--samples-per-epoch",
        type=int,
        metavar="N",
        help="sequences in an epoch (default: all)",
    )


def _add_fit_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("training")
    _add_number(group, "--epochs", 50, "most epochs")
    group.add_argument(
        "--learning-rate",
        type=float,
        metavar="X",
        help="step size of Adam (default: what the network's card advises, see "
        "`rckeras describe`)",
    )
    group.add_argument(
        "--decay",
        type=float,
        default=0.0,
        metavar="X",
        help="divide the step size by 1 + X * batches so far (default: 0)",
    )
    group.add_argument(
        "--reduce-after",
        type=int,
        metavar="N",
        help="epochs without a better one after which the step size is reduced "
        "(default: never)",
    )
    group.add_argument(
        "--reduce-factor",
        type=float,
        default=0.2,
        metavar="X",
        help="what it is multiplied by then (default: 0.2)",
    )
    group.add_argument(
        "--min-learning-rate",
        type=float,
        default=0.0,
        metavar="X",
        help="what it is not reduced below (default: 0)",
    )
    group.add_argument(
        "--monitor",
        metavar="METRIC",
        help="number by which the best epoch is chosen: loss, accuracy, auroc or "
        "auprc, on the validation split with val_ before it (default: val_loss)",
    )
    _add_number(group, "--patience", 10, "epochs without a better one before the end")
    _add_number(group, "--seed", 0, "of weights, batches and dropout")
    group.add_argument(
        "--tensorboard",
        metavar="FOLDER",
        help="write events for TensorBoard to a folder in FOLDER, named after the "
        "output",
    )


def _add_number(group, name: str, default: int, help: str) -> None:
    group.add_argument(
        name,
        type=int,
        default=default,
        metavar="N",
        help=f"{help} (default: {default})",
    )


def run(args: argparse.Namespace) -> int:
    """Train, and say on stderr which epoch was the best."""
    import_keras()
    from zoo.training import TrainingSettings, train

    fields = [field.name for field in dataclasses.fields(TrainingSettings)]
    settings = TrainingSettings(**{name: getattr(args, name) for name in fields})
    data, sources = open_data(args)
    with resumable(args.progress), contextlib.redirect_stdout(sys.stderr):
        summary = train(
            args.name,
            data,
            args.output,
            settings,
            sources=sources,
            tensorboard=args.tensorboard,
            command=args.command_line,
            progress=args.progress,
            overwrite=args.overwrite,
        )
    if args.progress:
        print(summary, file=sys.stderr)
        if summary.test is not None:
            _tell(summary.test)
    return 0


def _tell(test: "Evaluation") -> None:
    """Say on stderr how well the first targets do, if there are several, and how."""
    metrics = test.metrics
    if len(metrics.targets) > 1:
        rows = zip(metrics.targets, metrics.auroc, metrics.auprc, strict=True)
        for name, auroc, auprc in list(rows)[:_MOST_TOLD]:
            print(f"  {name}: AUROC {auroc:.4f}, AUPRC {auprc:.4f}", file=sys.stderr)
    if len(metrics.targets) > _MOST_TOLD:
        print(f"  ... and {len(metrics.targets) - _MOST_TOLD} more", file=sys.stderr)
    if test.strands.largest_difference > _ROUNDING:
        print(_BOTH_STRANDS, file=sys.stderr)
