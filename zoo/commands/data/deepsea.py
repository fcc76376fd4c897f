"""`rckeras data deepsea`: DeepSEA's training bundle as one dataset file."""

import argparse
import sys
from collections.abc import Sequence

HELP = "the training bundle of DeepSEA, converted once"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "folder", metavar="FOLDER", help="with train.mat, valid.mat and test.mat"
    )
    parser.add_argument(
        "--targets",
        metavar="FILE",
        help="names of the labels, one a line (default: DeepSEA's 919)",
    )
    parser.add_argument(
        "--memory",
        type=int,
        default=768,
        metavar="MIB",
        help="memory to work in; more is faster (default: 768)",
    )
    parser.epilog = (
        "example: rckeras data deepsea deepsea_train -o deepsea.h5. Needs 6 GB on the "
        "disk. An interrupted conversion is continued by the same command."
    )


def run(args: argparse.Namespace) -> int:
    """Convert the bundle straight into the file of the output."""
    from rckeras.datasets.deepsea import convert_deepsea
    from zoo.commands import resumable
    from zoo.commands.data import summary

    with resumable(args.progress):
        dataset = convert_deepsea(
            args.folder,
            args.output,
            targets=_targets(args.targets),
            overwrite=args.overwrite,
            progress=args.progress,
            memory_limit=args.memory << 20,
            command=args.command_line,
        )
    if args.progress:
        print(f"{args.output}: {summary(dataset)}", file=sys.stderr)
    return 0


def _targets(path: str | None) -> Sequence[str]:
    """Names from a file, or those of DeepSEA."""
    if path is None:
        from zoo.registry import describe

        return describe("deepsea").targets
    from rckeras.io.text import open_text

    with open_text(path) as lines:
        return [line.strip() for line in lines if line.strip()]
