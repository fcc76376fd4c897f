"""How well a network does on the dataset of a file, written as a table."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.curves import check_figure, draw_curves, trace_curves, write_points
from zoo.prediction import (
    check_apart,
    has_room_for_bar,
    open_model,
    remark_on_dropout,
)
from zoo.tables import check_output, is_standard_output

if TYPE_CHECKING:
    import keras

    from rckeras.evaluation import Evaluation


def evaluate_file(
    model: "keras.Model | str | os.PathLike",
    path: str | os.PathLike,
    output: str | os.PathLike | None = None,
    *,
    weights: str | os.PathLike | None = "default",
    split: str = "test",
    targets: Sequence[str] | None = None,
    average_strands: bool = True,
    n_value: float | None = None,
    mc_samples: int | None = None,
    seed: int = 0,
    batch_size: int = 128,
    curves: str | os.PathLike | None = None,
    progress: bool = True,
    overwrite: bool = False,
) -> "Evaluation":
    """Measure a network on a dataset, and write a line for each target.

    If the network's card names all targets of the dataset that are measured, they are
    found among its outputs by name; else outputs and targets must be as many, and are
    taken to be in the same order.

    Args:
        model: A network's name (see `zoo.list_models`), a `.keras` file, or a
            `keras.Model`.
        path: Dataset, as `rckeras.datasets.save_dataset` writes it.
        output: Tab-separated file to write; `None` or `"-"` for the standard output.
        weights: Weights of a named network, as in `zoo.load`.
        split: `"train"`, `"validation"`, `"test"`, or `"all"`.
        targets: Names of the targets to measure; `None` for all.
        average_strands: Whether to average the predictions for a sequence and for
            its reverse complement.
        n_value: Value from 0 to 1 of the four channels for N; by default that of
            the network's training, 0 for a model without a card.
        mc_samples: Number of networks sampled by Monte Carlo dropout, at least 2, whose
            mean is the prediction; `None` to switch it off.
        seed: Integer that determines the samples.
        batch_size: Sequences per step.
        curves: Figure to draw of the ROC and the precision-recall curves (`.svg`,
            `.pdf` or `.png`); their points go to a file of the same name that ends in
            `.csv`.
        progress: Whether to show a bar on stderr, if that is a terminal.
        overwrite: Whether to replace files that exist.

    Returns:
        A `rckeras.evaluation.Evaluation`.

    Raises:
        ValueError: If an argument, the model or the dataset does not fit.
        FileExistsError: If a file to write exists and `overwrite` is `False`.
        OSError: If a file cannot be read or written.
        ImportError: If scikit-learn is missing, or Matplotlib for `curves`.

    Example:

    ```python
    evaluate_file("danq", "deepsea.h5", "danq.tsv", curves="danq.svg")
    ```
    """
    from rckeras.datasets import load_dataset
    from rckeras.evaluation import evaluate
    from rckeras.metrics import import_sklearn

    import_sklearn()
    check_output(output, "tsv", overwrite)
    check_apart(output, path, weights, model)
    if curves is not None:
        figure, points = check_figure(curves, overwrite, output, path, weights, model)
    dataset = load_dataset(path)
    model, card_targets, card_n_value = open_model(model, weights)
    remark_on_dropout(model, mc_samples, progress)
    named = set(targets or dataset.targets) <= set(card_targets or ())
    found = evaluate(
        model,
        dataset,
        None if split == "all" else split,
        targets=targets,
        outputs=card_targets if named else None,
        average_strands=average_strands,
        batch_size=batch_size,
        n_value=card_n_value if n_value is None else n_value,
        mc_samples=mc_samples,
        seed=seed,
        progress=progress and has_room_for_bar(output),
    )
    _write(found.metrics.table(), output)
    if curves is not None:
        traced = trace_curves(found)
        write_points(traced, points)
        draw_curves(traced, figure)
    return found


def _write(text: str, output: str | os.PathLike | None) -> None:
    if is_standard_output(output):
        sys.stdout.write(text)
        return
    from rckeras.io.whole import write_whole

    write_whole(output, text)
