"""`rckeras predict`: predictions for the sequences of a file."""

import argparse
import sys

from zoo.commands import (
    add_n_value,
    add_output_options,
    add_samples,
    add_source_options,
    import_keras,
)
from zoo.tables import FORMATS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "model", metavar="NAME", help="network, see `rckeras list`, or a .keras file"
    )
    parser.add_argument(
        "path",
        metavar="INPUT",
        help="FASTA, or BED with --genome; plain, gzip or bgzip; - for standard input; "
        "or a dataset that `rckeras data` has written",
    )
    parser.epilog = (
        "example: rckeras predict deepsea peaks.bed --genome hg19.fa --fit both "
        "-o peaks.tsv"
    )
    _add_input_options(parser)
    _add_network_options(parser)
    group = parser.add_argument_group("output")
    add_output_options(group)
    group.add_argument(
        "--format", choices=FORMATS, help="default: by the suffix of FILE, or tsv"
    )


def _add_input_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("input")
    add_source_options(
        group,
        "for sequences of another length than the network's: crop longer ones to "
        "their centre, pad shorter ones with N, or both; intervals are moved to the "
        "network's length around their centre (default: error)",
    )
    add_n_value(group)


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("network")
    group.add_argument(
        "--weights",
        metavar="PATH",
        default="default",
        help="file or name of the weights (default: the network's first)",
    )
    group.add_argument(
        "--average-strands",
        action="store_true",
        help="average the predictions for a sequence and its reverse complement",
    )
    add_samples(
        group,
        "mean and deviation over N networks sampled by Monte Carlo dropout "
        "(default: dropout off)",
    )
    group.add_argument(
        "--batch-size",
        type=int,
        default=128,
        metavar="N",
        help="sequences per step (default: 128)",
    )


def run(args: argparse.Namespace) -> int:
    """Predict, and say on stderr what was done."""
    import_keras()
    from zoo.prediction import predict_file

    summary = predict_file(**vars(args))
    if args.progress:
        print(summary, file=sys.stderr)
    return 0
