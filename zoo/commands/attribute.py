"""`rckeras attribute`: which bases a network's answers rest on."""

import argparse
import sys

from zoo.commands import (
    add_n_value,
    add_output_options,
    add_samples,
    add_source_options,
    import_keras,
)

# Those of rckeras, whose import would take seconds.
METHODS = ("gradient", "integrated", "mutagenesis")


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
        "Writes attributions.npz, and of intervals a bedGraph file for each target. "
        "Example: rckeras attribute prdm9 hotspots.fa --targets hotspot --logos 10 "
        "-o explained"
    )
    _add_input_options(parser)
    _add_network_options(parser)
    _add_method_options(parser)
    group = parser.add_argument_group("output")
    add_output_options(
        group,
        "folder to write, made if need be; in its attributions.npz, window_start and "
        "window_end say where the bases of an interval lie",
        "replace files in FOLDER",
        required=True,
        metavar="FOLDER",
    )
    group.add_argument(
        "--logos",
        type=int,
        default=0,
        metavar="N",
        help="draw the first N sequences, where their strongest contributions are "
        "(default: 0)",
    )
    group.add_argument(
        "--logo-width",
        type=int,
        default=60,
        metavar="N",
        help="bases in a logo (default: 60)",
    )


def _add_input_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("input")
    add_source_options(group)
    add_n_value(group)


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("network")
    group.add_argument(
        "--targets",
        metavar="NAME",
        nargs="+",
        help="targets to explain (default: all, if they are not more than 20)",
    )
    group.add_argument(
        "--weights",
        metavar="PATH",
        default="default",
        help="file or name of the weights (default: the network's first)",
    )
    add_samples(
        group,
        "mean over N networks sampled by Monte Carlo dropout (default: dropout off)",
    )
    group.add_argument(
        "--batch-size",
        type=int,
        default=128,
        metavar="N",
        help="sequences per step (default: 128)",
    )


def _add_method_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("method")
    group.add_argument(
        "--method",
        choices=METHODS,
        default=METHODS[0],
        help="gradient x input, integrated gradients, or each base replaced in turn "
        "(default: gradient)",
    )
    group.add_argument(
        "--baseline",
        type=float,
        metavar="X",
        help="value of the four letters that gradients are measured against; .25 takes "
        "out what is the same for all letters (default: 0)",
    )
    group.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help="gradients of the integrated ones (default: 50)",
    )
    group.add_argument(
        "--average-strands",
        action="store_true",
        help="mean with the attributions of the reverse complement, turned back",
    )
    group.add_argument(
        "--probabilities",
        action="store_false",
        dest="logits",
        help="explain probabilities instead of log odds",
    )


def run(args: argparse.Namespace) -> int:
    """Write the folder, and say on stderr what was done."""
    import_keras()
    from zoo.attribution import attribute_file

    summary = attribute_file(**vars(args))
    if args.progress:
        print(summary, file=sys.stderr)
    return 0
