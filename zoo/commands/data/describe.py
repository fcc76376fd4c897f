"""`rckeras data describe`: what a dataset holds, and whether its file is whole."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rckeras.datasets import Dataset

HELP = "what a dataset holds, and whether its file is whole"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("path", metavar="FILE", help="file of `rckeras data`")
    parser.epilog = "example: rckeras data describe koo.h5"


def run(args: argparse.Namespace) -> int:
    """Print sizes, targets and provenance; fail where the file has changed."""
    from rckeras.datasets import load_dataset
    from rckeras.datasets.file import sidecar_of
    from zoo.commands.data import summary
    from zoo.store import sha256_of

    dataset = load_dataset(args.path)
    print(f"{args.path}: {summary(dataset)}")
    for name, share in zip(dataset.targets[:20], _shares(dataset), strict=False):
        print(f"  {name}: {share:.2%} positive")
    if len(dataset.targets) > 20:
        print(f"  ... and {len(dataset.targets) - 20} more targets")
    made = _read_sidecar(sidecar_of(args.path))
    if made["sha256"] != sha256_of(args.path):
        raise ValueError(
            f"{args.path} has changed since it was made: its SHA-256 is not that of "
            f"{sidecar_of(args.path)}"
        )
    print(f"made {made['created']} by: {made['command'] or 'Python'}")
    print("the file is whole (SHA-256)")
    return 0


def _read_sidecar(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise ValueError(f"{path} is missing, by which the dataset could be checked")
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
        return {name: made[name] for name in ("sha256", "created", "command")}
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} was damaged: {error!r}") from error


def _shares(dataset: "Dataset") -> list[float]:
    """Share of positive labels for each target, read in blocks."""
    import numpy as np

    block = 1 << 16
    counts = sum(
        np.asarray(dataset.labels[start : start + block]).sum(axis=0, dtype="float64")
        for start in range(0, len(dataset), block)
    )
    return (counts / len(dataset)).tolist()
