"""Puts weights of an experiment into the package: a maintainer's tool, for a checkout.

    python -m zoo.shipping RECIPE FOLDER

For each row of the recipe that names a network of the zoo (`Row.preset`), the weights
of the seed that was best on the validation split are copied to `zoo/weights`, and the
network's card gets a block that says where they come from, what was measured of them
and what they answer to a sequence. A new block takes the place of the one before; the
rest of the card is left as it is written.
"""

import argparse
import json
import math
import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import zoo
from zoo.recipes import Recipe, find_recipe
from zoo.records import Records, read_records

NAME = "rckeras"
LICENCE = "MIT"
BEGIN = "# Shipped weights: what follows is written by `python -m zoo.shipping`."
END = "# End of shipped weights."
_ORDER = {"+": 1, "-": -1}
_OUTPUTS = 8  # as many leading outputs are recorded


def ship(
    recipe: Recipe, folder: Path, force: bool = False, package: Path | None = None
) -> list[str]:
    """Ship the best weights of an experiment; nothing is written if anything fails.

    Args:
        recipe: The experiment. Rows without a preset, and those that have not run yet,
            are passed over.
        folder: Folder of its results, see `zoo.experiment`.
        force: Whether to replace other weights that are shipped already.
        package: Folder of the package `zoo` in a checkout; by default the one that is
            imported.

    Returns:
        Names of the networks whose weights are shipped.

    Raises:
        ValueError: If the recipe has no rule for the best seed, no row has run, the
            results are of other protocols, weights do not fit their card, or others
            are shipped already.
        FileNotFoundError: If `package` is not in a checkout, or weights are missing.

    Example:

    ```python
    ship(find_recipe("shrikumar2017-simulation"), Path("shrikumar"))
    ```
    """
    package = Path(zoo.__file__).parent if package is None else package
    if not (package.parent / "pyproject.toml").is_file():
        raise FileNotFoundError(
            f"weights ship from a checkout, and {package.parent} has no pyproject.toml"
        )
    records = read_records(folder)
    lines = {
        row.preset: best_run(recipe, row.name, records)
        for row in recipe.rows
        if row.preset and records.values(row.name, "seed")
    }
    if not lines:
        raise ValueError(f"{folder} has no result of a row of {recipe.name} that ships")
    files = {name: _find_weights(recipe, line, folder) for name, line in lines.items()}
    if not force:
        _check_same(files, package)
    data = {
        name: _describe_data(recipe, name, lines.values(), folder)
        for name in {line["dataset"] for line in lines.values()}
    }
    blocks = {
        name: _block(name, files[name], recipe, line, records, data[line["dataset"]])
        for name, line in lines.items()
    }
    for name, block in blocks.items():
        _write(package, name, files[name], block)
    return list(blocks)


def best_run(recipe: Recipe, row: str, records: Records) -> Mapping[str, Any]:
    """The run of a row that is best by the recipe's metric.

    Args:
        recipe: The experiment.
        row: Name of a row that has run.
        records: Results.

    Returns:
        Its line of results; of equals that of the first seed.

    Raises:
        ValueError: If the recipe has no rule, or the row ran on several datasets.
    """
    order, metric = recipe.best[:1], recipe.best[1:]
    if order not in _ORDER or not metric.startswith("validation_"):
        raise ValueError(
            "`best` of a recipe whose weights ship must be a metric of the validation "
            f"split, such as '-validation_loss'. Received: {recipe.best!r}"
        )
    runs = [run for run in records.results if run["row"] == row]
    if len({run["dataset"] for run in runs}) > 1:
        raise ValueError(f"{row} ran on several datasets: which weights are to ship?")
    finite = [run for run in runs if math.isfinite(run[metric])]
    if not finite:
        raise ValueError(f"No run of {row} has a finite {metric}")
    return min(finite, key=lambda run: (-_ORDER[order] * run[metric], run["seed"]))


def replace_block(card: str, block: str) -> str:
    """The text of a card with another block of shipped weights, or its first one."""
    pattern = rf"\n*{re.escape(BEGIN)}.*?{re.escape(END)}\n"
    rest = re.sub(pattern, "\n", card, flags=re.DOTALL)
    return f"{rest.rstrip()}\n\n{BEGIN}\n{block.strip()}\n{END}\n"


def _find_weights(recipe: Recipe, line: Mapping[str, Any], folder: Path) -> Path:
    path = _run_of(recipe, line).folder(folder) / "network.weights.h5"
    if not path.is_file():
        raise FileNotFoundError(f"there are no weights of the best seed: {path}")
    return path


def _run_of(recipe: Recipe, line: Mapping[str, Any]) -> Any:
    from zoo.experiment import Run

    return Run(recipe, line["dataset"], recipe.row(line["row"]), int(line["seed"]))


def _check_same(files: Mapping[str, Path], package: Path) -> None:
    """Refuse to replace weights by others."""
    from zoo.store import sha256_of

    for name, path in files.items():
        old = package / "weights" / _file_name(name)
        if old.is_file() and sha256_of(old) != sha256_of(path):
            raise ValueError(
                f"{old} holds other weights; force=True (--force) replaces them"
            )


def _describe_data(
    recipe: Recipe, name: str, lines: Iterable[Mapping[str, Any]], folder: Path
) -> str:
    """Says what a dataset is, and sees that the results are of today's protocol."""
    from zoo.experiment import check_protocol, protocol_of

    if recipe.needs:
        return f"{name}, of {recipe.needs}"
    dataset = recipe.data(None)[name]()
    for line in lines:
        run = _run_of(recipe, line)
        if line["dataset"] == name:
            check_protocol(line, protocol_of(run, dataset), run, folder)
    sizes = (len(dataset.rows(split)) for split in ("train", "validation", "test"))
    return (
        f"{name} data, as the recipe makes them: {len(dataset):,} sequences of "
        f"{dataset.length} bases, {' / '.join(f'{size:,}' for size in sizes)} for "
        "training / validation / test"
    )


def _block(
    name: str,
    path: Path,
    recipe: Recipe,
    line: Mapping[str, Any],
    records: Records,
    data: str,
) -> str:
    """What the card of a network says of its weights, and their test vector."""
    from zoo.store import sha256_of

    metric = recipe.best[1:]
    weights = {
        "name": NAME,
        "format": "keras3",
        "file": _file_name(name),
        "licence": LICENCE,
        "size": path.stat().st_size,
        "sha256": sha256_of(path),
    }
    training = {
        "recipe": recipe.name,
        "row": line["row"],
        "data": data,
        "seed": int(line["seed"]),
        "seeds": len(records.values(line["row"], "seed")),
        "chosen_by": f"{'highest' if recipe.best[0] == '+' else 'lowest'} {metric}",
        "epochs": int(line["best_epoch"]),
        "backend": line["backend"],
        "protocol": str(line["protocol"]),
        "measured_on": "test split",
    }
    metrics = {
        key.removeprefix("test_"): value
        for key, value in line.items()
        if key.startswith("test_")
        or (key in recipe.metrics and not key.startswith("validation_"))
    }
    unknown = [key for key, value in metrics.items() if not math.isfinite(value)]
    if unknown:
        raise ValueError(
            f"a card takes finite metrics, and seed {int(line['seed'])} of "
            f"{line['row']} has others: {', '.join(unknown)}"
        )
    sections = (
        ["[[weights]]", *_pairs(weights)],
        ["[weights.training]", *_pairs(training)],
        ["[weights.training.metrics]", *_pairs(metrics)],
        _test_vector(name, path),
    )
    return "\n\n".join("\n".join(section) for section in sections)


def _test_vector(name: str, path: Path) -> list[str]:
    """A test vector of the weights, with the sequence of the card's first one."""
    from rckeras.interpret import without_dropout
    from zoo.checking import measure
    from zoo.loading import load

    card = zoo.describe(name)
    sequence = card.test_vectors[0].sequence
    model = load(name, weights=path)
    if model.output_shape[-1] != len(card.targets):
        raise ValueError(
            f"{path} has {model.output_shape[-1]} targets, the card of {name} "
            f"{len(card.targets)}"
        )
    outputs = measure(without_dropout(model), sequence)[:_OUTPUTS]
    return [
        "[[test_vectors]]",
        f'weights = "{NAME}"',
        'sequence = """\\',
        *(f"    {letters}\\" for letters in textwrap.wrap(sequence, 80)),
        '    """',
        f"expected = [{', '.join(f'{value:.7g}' for value in outputs)}]",
        "tolerance = 1e-5",
    ]


def _pairs(values: Mapping[str, Any]) -> list[str]:
    """Lines of TOML, whose strings are those of JSON."""
    return [
        f"{key} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in values.items()
    ]


def _write(package: Path, name: str, path: Path, block: str) -> None:
    """Put weights and block in place, the weights first, for the block names them."""
    from rckeras.io.whole import complete_or_none, write_whole

    target = package / "weights" / _file_name(name)
    target.parent.mkdir(exist_ok=True)
    with complete_or_none(target) as part:
        shutil.copyfile(path, part)
    card = package / "presets" / f"{name}.toml"
    write_whole(card, replace_block(card.read_text("utf-8"), block))


def _file_name(name: str) -> str:
    return f"{name}.weights.h5"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool.

    Args:
        argv: Arguments; those of the process by default.

    Returns:
        Exit code.
    """
    parser = argparse.ArgumentParser(
        prog="python -m zoo.shipping", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("recipe", metavar="RECIPE", help="name of the experiment")
    parser.add_argument(
        "folder", metavar="FOLDER", type=Path, help="folder of its results"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace other weights that are shipped"
    )
    args = parser.parse_args(argv)
    for name in ship(find_recipe(args.recipe), args.folder, args.force):
        print(name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
