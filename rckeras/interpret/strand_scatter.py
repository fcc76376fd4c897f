"""Predictions for the one strand against those for the other, as a figure."""

from typing import TYPE_CHECKING

import keras
import numpy as np

from rckeras.interpret.gradients import check_functional, check_input, check_targets
from rckeras.interpret.monte_carlo import without_dropout
from rckeras.io.figures import new_figure
from rckeras.metrics import strand_agreement
from rckeras.symmetry.conjoined import pair_strands

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_strands(
    model: keras.Model,
    x: np.ndarray,
    target: int = 0,
    ax: "Axes | None" = None,
    title: str | None = None,
    batch_size: int = 128,
) -> "Axes":
    """Draws what a network says of sequences and of their reverse complements.

    Monte Carlo dropout is off. Points on the diagonal are sequences of which the
    network says the same for both strands.

    Args:
        model: A functional or sequential model from `(batch, length, 4)`, letters in
            the order A, C, G, T, to probabilities `(batch, targets)`.
        x: One-hot sequences `(batch, length, 4)`; the paper takes 10,000.
        target: Number of the output.
        ax: Axes to draw on; `None` for those of a new figure, `axes.figure`.
        title: Title of the axes; `None` for the name of the model. Below it stands
            how far the strands agree.
        batch_size: Sequences per step.

    Returns:
        The axes.

    Raises:
        ImportError: If Matplotlib is missing.
        TypeError: If the model is neither functional nor sequential.
        ValueError: If it has several inputs or outputs, or `x` does not fit it.

    Reference: Shrikumar et al. 2017, Fig. 4.

    Example:

    ```python
    x, _ = load_dataset("ctcf.h5").arrays("test")
    axes = draw_strands(zoo.load("shrikumar-chip", weights="mine.weights.h5"), x)
    axes.figure.savefig("strands.svg")
    ```
    """
    check_functional(model)
    (target,) = check_targets(model, [target])
    x = check_input(model, x)
    both = pair_strands(without_dropout(model))
    answers = both.predict(x, batch_size=batch_size, verbose=0)[..., target]
    forward, other = np.asarray(answers, "float64").T
    ax = new_figure(4, 4.4).subplots() if ax is None else ax
    ax.plot([0, 1], [0, 1], color="#aaaaaa", linewidth=0.8, transform=ax.transAxes)
    ax.plot(forward, other, ".", markersize=4, alpha=0.5, markeredgewidth=0)
    found = strand_agreement(forward, other)
    heading = model.name if title is None else title
    ax.set_title(
        f"{heading}\ncorrelation {found.correlation:.4f}, "
        f"largest difference {found.largest_difference:.2g}",
        fontsize="medium",
        parse_math=False,
    )
    limits = (-0.03, 1.03)
    ax.set(xlabel="Forward strand", ylabel="Reverse complement")
    ax.set(xlim=limits, ylim=limits, box_aspect=1)
    return ax
