"""`rckeras reproduce`: an experiment of a paper, run and set beside it."""

import argparse
import shlex
from pathlib import Path

from zoo.commands import import_keras, resumable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="experiment, see --list"
    )
    parser.add_argument(
        "--list", action="store_true", help="show the experiments, and their rows"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        type=Path,
        help="folder for results, table, figure and weights (default: NAME)",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=1,
        metavar="N",
        help="seeds of each network, from 0 on (default: 1; the paper's number is "
        "shown by --list)",
    )
    parser.add_argument(
        "--rows",
        nargs="+",
        metavar="ROW",
        help="networks to run, as --list names them (default: all)",
    )
    parser.add_argument(
        "--datasets",
        nargs="+",
        metavar="DATASET",
        help="datasets to run on (default: all)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="PATH",
        help="file or folder of data, for experiments that need it",
    )
    parser.add_argument(
        "--quiet",
        action="store_false",
        dest="progress",
        help="no progress on standard error",
    )
    parser.epilog = (
        "Stopped in whatever way, the same command goes on after the last finished "
        "epoch; what is done is not run again. Processes side by side need rows or "
        "datasets of their own. Example: rckeras reproduce "
        "shrikumar2017-simulation --seeds 5 -o shrikumar"
    )


def run(args: argparse.Namespace) -> int:
    """Run the experiment, and print its table."""
    from zoo.recipes import find_recipe, list_recipes

    if args.list:
        for recipe in map(find_recipe, list_recipes()):
            needs = f"; needs --data: {recipe.needs}" if recipe.needs else ""
            seeds = f"{recipe.seeds} seed{'s' * (recipe.seeds > 1)}"
            about = f"{recipe.title} ({recipe.reference}; {seeds})"
            print(f"{recipe.name}: {about}{needs}")
            print(f"  {shlex.join(row.name for row in recipe.rows)}")
        return 0
    if args.name is None:
        raise ValueError("NAME is needed; --list shows the experiments")
    recipe = find_recipe(args.name)
    import_keras()
    from zoo.experiment import reproduce

    folder = args.output or Path(recipe.name)
    with resumable(args.progress):
        reproduce(
            recipe.name,
            folder,
            seeds=args.seeds,
            rows=args.rows,
            datasets=args.datasets,
            data=args.data,
            progress=args.progress,
        )
    print((folder / "table.md").read_text("utf-8"), end="")
    return 0
