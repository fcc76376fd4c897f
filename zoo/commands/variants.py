"""`rckeras variants`: what a network says of the variants of a VCF file."""

import argparse
import sys

from zoo.commands import add_n_value, add_output_options, add_samples, import_keras
from zoo.tables import FORMATS
from zoo.variants import SCORES

# Those of rckeras, whose import would take seconds.
STRANDS = ("auto", "mean", "logits", "forward")
FITS = ("skip", "pad")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "model", metavar="NAME", help="network, see `rckeras list`, or a .keras file"
    )
    parser.add_argument(
        "path",
        metavar="VCF",
        help="variants; plain, gzip or bgzip; - for standard input",
    )
    parser.epilog = (
        "Each allele lies in the middle of what the network reads: an insertion or "
        "deletion of N bases moves either flank by half of N. Example: rckeras "
        "variants deepsea calls.vcf.gz --genome hg19.fa -o scored.vcf"
    )
    _add_input_options(parser)
    _add_network_options(parser)
    _add_output_options(parser)


def _add_input_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("input")
    group.add_argument(
        "--genome", metavar="FASTA", required=True, help="genome of the variants"
    )
    group.add_argument(
        "--fit",
        choices=FITS,
        default="skip",
        help="where the network's input leaves the chromosome: skip the variant, or "
        "pad with N (default: skip)",
    )
    group.add_argument(
        "--strict",
        action="store_true",
        help="fail at the first alternative that cannot be scored; by default it is "
        "written with the reason",
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
        "--strands",
        choices=STRANDS,
        default="auto",
        help="mean probability of both strands, mean of their logits, or forward "
        "strand alone (default: forward if the network gives both the same, or mean)",
    )
    add_samples(group)
    group.add_argument(
        "--length",
        type=int,
        metavar="N",
        help="bases of the input, for a network that takes any",
    )
    group.add_argument(
        "--batch-size",
        type=int,
        default=128,
        metavar="N",
        help="sequences per step (default: 128)",
    )


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    add_output_options(group)
    group.add_argument(
        "--format",
        choices=("vcf", *FORMATS),
        help="default: by the suffix of FILE, or vcf",
    )
    group.add_argument(
        "--targets", metavar="NAME", nargs="+", help="targets to write (default: all)"
    )
    group.add_argument(
        "--scores",
        choices=SCORES,
        nargs="+",
        default=SCORES[:2],
        help="what to write of each target: log odds and probabilities of the "
        "alternative less those of the reference, or the probabilities themselves "
        "(default: log_odds difference)",
    )
    group.add_argument(
        "--prefix",
        default="RCK",
        help="first part of the names of INFO fields (default: RCK)",
    )


def run(args: argparse.Namespace) -> int:
    """Score, and say on stderr what was done."""
    import_keras()
    from zoo.variants import score_variants_file

    summary = score_variants_file(**vars(args))
    if args.progress:
        print(summary, file=sys.stderr)
    return 0
