"""`rckeras evaluate`: how well a network does on a dataset."""

import argparse
import sys

from zoo.commands import add_n_value, add_output_options, add_samples, import_keras

_SPLITS = ("train", "validation", "test", "all")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "model", metavar="NAME", help="network, see `rckeras list`, or a .keras file"
    )
    parser.add_argument(
        "path", metavar="DATA", help="dataset that `rckeras data` has written"
    )
    parser.epilog = (
        "Writes a table with AUROC and AUPRC of each target; their means, and the mean "
        "of both strands' losses, go to standard error. Example: rckeras evaluate danq "
        "deepsea.h5 -o danq.tsv"
    )
    _add_data_options(parser)
    _add_network_options(parser)
    parser.add_argument(
        "--curves",
        metavar="FILE",
        help="draw the ROC and precision-recall curves (.svg, .pdf or .png), and write "
        "their points beside it (.csv)",
    )
    add_output_options(parser, force="replace files that exist")


def _add_data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--split", choices=_SPLITS, default="test", help="sequences (default: test)"
    )
    parser.add_argument(
        "--targets",
        metavar="NAME",
        nargs="+",
        help="targets of the dataset to measure (default: all)",
    )


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights",
        metavar="PATH",
        default="default",
        help="file or name of the weights (default: the network's first)",
    )
    parser.add_argument(
        "--one-strand",
        action="store_false",
        dest="average_strands",
        help="predict sequences as stored; by default the predictions for a sequence "
        "and its reverse complement are averaged",
    )
    add_n_value(parser)
    add_samples(parser)
    parser.add_argument(
        "--batch-size",
        type=int,
        default=128,
        metavar="N",
        help="sequences per step (default: 128)",
    )


def run(args: argparse.Namespace) -> int:
    """Measure, and say the means on stderr."""
    import_keras()
    from zoo.evaluation import evaluate_file

    found = evaluate_file(**vars(args))
    if args.progress:
        print(found, file=sys.stderr)
    return 0
