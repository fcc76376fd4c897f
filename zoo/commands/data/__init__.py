"""`rckeras data`: datasets from files or simulated, written to one file format.

A list of kinds, each a module with `HELP`, `add_arguments(parser)`, and either
`make(args)`, which returns the dataset and has `SOURCES`, the arguments that name the
files it comes from; or `run(args)`, which does all of the work itself.
"""

import argparse
import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from zoo.commands import add_output_options, import_keras
from zoo.prediction import check_apart

if TYPE_CHECKING:
    from rckeras.datasets import Dataset

KINDS = (
    "simulate",
    "fasta",
    "peaks",
    "chipseq",
    "deepbind",
    "hotspots",
    "deepsea",
    "describe",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of each kind."""
    parser.set_defaults(command_line=None)
    kinds = parser.add_subparsers(metavar="KIND", required=True, title="kinds")
    for name in KINDS:
        module = importlib.import_module(f"zoo.commands.data.{name}")
        description = f"{module.HELP[0].upper()}{module.HELP[1:]}."
        chosen = kinds.add_parser(
            name, help=module.HELP, description=description, allow_abbrev=False
        )
        module.add_arguments(chosen)
        chosen.set_defaults(kind=module)
        if name != "describe":
            add_output_options(
                chosen.add_argument_group("output"),
                "file to write (HDF5); FILE.json says how it was made",
                required=True,
            )


def run(args: argparse.Namespace) -> int:
    """Make a dataset, write it, and say on stderr what it holds."""
    import_keras()
    if hasattr(args.kind, "run"):
        return args.kind.run(args)
    from rckeras.datasets.file import check_new, save_dataset

    sources = _sources(args.kind, args)
    if args.output == "-":
        raise ValueError("a dataset is no text for the standard output; name a file")
    check_new(args.output, args.overwrite)
    check_apart(args.output, *sources)
    check_apart(f"{args.output}.json", *sources)
    dataset = args.kind.make(args)
    save_dataset(
        dataset,
        args.output,
        command=args.command_line,
        seed=getattr(args, "seed", None),
        sources=sources,
        overwrite=args.overwrite,
    )
    if args.progress:
        print(f"{args.output}: {summary(dataset)}", file=sys.stderr)
    return 0


def summary(dataset: "Dataset") -> str:
    """Sizes of a dataset, and the notes on how it was made, in a few lines."""
    sizes = dataset.split_sizes()
    splits = ", ".join(f"{name} {size:,}" for name, size in sizes.items() if size)
    count = len(dataset.targets)
    lines = [
        f"{len(dataset):,} sequences of {dataset.length} bases ({splits}), "
        f"{count} target{'s' * (count > 1)}",
        *(f"  {name}: {value}" for name, value in dataset.notes.items()),
    ]
    return "\n".join(lines)


def _sources(kind: ModuleType, args: argparse.Namespace) -> list[str]:
    """Files that a dataset comes from, which must be there to be read twice."""
    given = [getattr(args, name) for name in kind.SOURCES]
    lists = [value if isinstance(value, list) else [value] for value in given]
    paths = [path for paths in lists for path in paths if path is not None]
    from rckeras.io.text import check_rereadable

    for path in paths:
        check_rereadable(path)
    return paths
