"""Which filters of a convolution a network uses, and their weights as pictures.

The paper scores a filter by the gradient of the logit with regard to its activations,
times these, summed up over positions: about what the logit would lose without the
filter. Positives' mean less negatives' mean is the score of the filter.
"""

from dataclasses import dataclass

import keras
import numpy as np

from rckeras.interpret.gradients import (
    GradientFunction,
    batches,
    check_functional,
    check_targets,
    one_hot_targets,
)
from rckeras.interpret.logits import logit_model
from rckeras.interpret.monte_carlo import without_dropout
from rckeras.layers import RevCompConv1D
from rckeras.sequence.codes import codes_to_one_hot


@dataclass(frozen=True, eq=False)
class FilterScores:
    """Scores of the filters of a layer; prints as a table, the best filter first.

    Args:
        names: A name for each filter, as those of `rckeras.motifs.filters_to_motifs`.
        positives: Mean contribution of each filter to the logit of positives.
        negatives: The same for negatives.
    """

    names: tuple[str, ...]
    positives: np.ndarray
    negatives: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """What each filter adds to positives more than to negatives."""
        return self.positives - self.negatives

    @property
    def order(self) -> np.ndarray:
        """Numbers of the filters, that of the highest score first."""
        return np.argsort(-self.scores, kind="stable")

    def __str__(self) -> str:
        lines = ["filter\tscore\tpositives\tnegatives"]
        for index in self.order:
            numbers = self.scores, self.positives, self.negatives
            cells = "\t".join(f"{column[index]:.4g}" for column in numbers)
            lines.append(f"{self.names[index]}\t{cells}")
        return "\n".join(lines)


def score_filters(
    model: keras.Model,
    sequences: np.ndarray,
    labels: np.ndarray,
    target: int = 0,
    layer: str | None = None,
    batch_size: int = 128,
) -> FilterScores:
    """Scores filters by what they add to the logit of positives and negatives.

    Activations are those after the nonlinearity; Monte Carlo dropout is off. A filter
    of `RevCompConv1D` has one score, for both of its channels.

    Args:
        model: A functional or sequential model with one input, and one output
            `(batch, targets)`.
        sequences: Base codes `(sequences, length)`, or one-hot codes
            `(sequences, length, 4)`.
        labels: 1 for positives of the target and 0 for negatives, `(sequences,)`.
        target: Number of the output.
        layer: Name of a convolution, as in `rckeras.motifs.filters_to_motifs`; `None`
            for the first.
        batch_size: Sequences per step.

    Returns:
        `FilterScores`, the filters in the layer's order.

    Raises:
        TypeError: If `model` is neither functional nor sequential.
        ValueError: If there is no such layer or target, or positives or negatives are
            missing.

    Reference: Shrikumar et al. 2017, section 3.5.

    Example:

    >>> codes = np.random.default_rng(0).integers(4, size=(8, 200))
    >>> labels = np.arange(8) % 2
    >>> found = score_filters(zoo.load("shrikumar-sim-rc"), codes, labels, target=2)
    >>> found.scores.shape
    (20,)
    """
    # Motifs import this package's neighbour, so that at the top it would be a circle.
    from rckeras.motifs.receptive import view_filters

    check_functional(model)
    targets = check_targets(model, [target])
    positive = _positives(labels, len(sequences))
    model = without_dropout(logit_model(model))
    view = view_filters(model, layer)
    activations = view.model.outputs[0]
    features = keras.Model(model.input, activations)
    rest = keras.Model([*model.inputs, activations], model.outputs)
    gradient = GradientFunction(rest)
    (weights,) = one_hot_targets(model, targets)
    sums = np.zeros((2, activations.shape[-1]))
    for rows, count in batches(len(sequences), batch_size):
        x = _one_hot(sequences[rows])
        active = np.asarray(features.predict_on_batch(x), "float32")
        _, (_, gradients) = gradient([x, active], weights)
        added = (gradients * active).sum(axis=1, dtype="float64")[:count]
        for row, group in enumerate((positive, ~positive)):
            sums[row] += added[group[rows[:count]]].sum(axis=0)
    means = sums / [[positive.sum()], [(~positive).sum()]]
    if view.paired:
        half = means.shape[1] // 2
        means = means[:, :half] + means[:, half:][:, ::-1]
    names = tuple(f"{view.name}_{index}" for index in range(means.shape[1]))
    return FilterScores(names, *means)


def centred_filters(
    model: keras.Model, layer: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the filters that read the sequence, with a mean of 0 at each position.

    What is taken from the four weights of a position is added to the bias, so that on
    sequences of letters the filters give what they gave before. The weights are then
    comparable between positions, and can be drawn as a logo.

    Args:
        model: A functional or sequential model.
        layer: Name of a convolution that reads the sequence itself; `None` for the
            model's first convolution.

    Returns:
        `(weights, biases)`, of shape `(filters, width, 4)` and `(filters,)`. Of
        `RevCompConv1D` the free filters; the others are their reverse complements.

    Raises:
        ValueError: If there is no such convolution, or it does not read letters.

    Reference: Shrikumar et al. 2017, section 3.5, after Shrikumar et al. 2016 (arXiv
    1605.01713), section 2.6.

    Example:

    >>> weights, biases = centred_filters(zoo.load("shrikumar-sim-rc"))
    >>> weights.shape, bool(np.allclose(weights.sum(axis=-1), 0, atol=1e-5))
    ((20, 21, 4), True)
    """
    found = _convolution(model, layer)
    kernel = keras.ops.convert_to_numpy(found.kernel).astype("float64")
    weights = np.moveaxis(kernel, -1, 0)
    means = weights.mean(axis=-1, keepdims=True)
    biases = means.sum(axis=(1, 2))
    if found.use_bias:
        biases = biases + keras.ops.convert_to_numpy(found.bias)
    return weights - means, biases


def _convolution(model: keras.Model, layer: str | None) -> keras.layers.Conv1D:
    known = {
        each.name: each
        for each in model._flatten_layers()
        if type(each) in (keras.layers.Conv1D, RevCompConv1D)
    }
    found = known.get(layer) if layer else next(iter(known.values()), None)
    if found is None or found.kernel.shape[1] != 4:
        raise ValueError(
            "`layer` must be the name of a convolution that reads letters, one of "
            f"{[name for name, each in known.items() if each.kernel.shape[1] == 4]}. "
            f"Received: {layer!r}"
        )
    return found


def _positives(labels: np.ndarray, count: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.shape != (count,) or not np.isin(labels, (0, 1)).all():
        raise ValueError(
            f"`labels` must be 0 or 1 for each of the {count} sequences, of one "
            f"target. Received: shape {labels.shape}, values {np.unique(labels)[:5]}"
        )
    positive = labels == 1
    if positive.all() or not positive.any():
        raise ValueError(
            "`labels` must have positives and negatives. Received: "
            f"{positive.sum()} positives of {count}"
        )
    return positive


def _one_hot(sequences: np.ndarray) -> np.ndarray:
    if sequences.ndim == 2:
        return codes_to_one_hot(sequences).astype("float32")
    return np.asarray(sequences, "float32")
