"""How much each base of a sequence adds to a network's answer.

Three ways, each with scores for all four letters at each position (what the letter
would add if it were there):

- `"gradient"`: the gradient with regard to the letter (gradient x input).
- `"integrated"`: the mean of the gradients on the straight way from a baseline to the
  sequence (integrated gradients). Summed up over the letters that are there, it tends
  to the difference of the answers to the sequence and to the baseline.
- `"mutagenesis"`: the answer to the sequence with the letter, less the mean of the
  answers with any of the four (in-silico mutagenesis). Nothing is approximated; it
  takes three predictions a base, for all targets at once.

A network that is equivariant under the reverse complement has attributions that are so,
up to rounding; those of gradients also up to equal maxima within one pooling window,
see `rckeras.interpret.gradients`.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rckeras.interpret.gradients import (
    GradientFunction,
    batches,
    check_functional,
    check_input,
    check_targets,
    one_hot_targets,
)
from rckeras.interpret.logits import logit_model
from rckeras.interpret.monte_carlo import fix_dropout, redraw_dropout, without_dropout
from rckeras.layers.dropout import spread_seed
from rckeras.symmetry.strands import reverse_complement

METHODS = ("gradient", "integrated", "mutagenesis")
STEPS = 50


class Attributor:
    """Attributions of one network, for any number of batches of sequences.

    Args:
        model: A functional or sequential model from `(batch, length, 4)`, letters in
            the order A, C, G, T, to `(batch, targets)`. The weights of its last layer
            are those of now.
        target: Number of an output, or several.
        method: `"gradient"`, `"integrated"` or `"mutagenesis"`.
        logits: Whether to explain the log odds instead of the probabilities, where the
            last layer ends in a sigmoid or softmax; see `logit_model`.
        average_strands: Whether to take the mean with the attributions of the reverse
            complement, turned back. They are those of the network that takes the mean
            of its answers to both strands.
        mc_samples: Number of networks sampled by Monte Carlo dropout, whose
            attributions are averaged; `None` to switch it off.
        seed: Integer that determines the samples.
        baseline: What the gradients are to be measured against: a number for all
            letters of all positions, or an array that can be broadcast to the
            sequences. 0 is no letter, and plain gradient x input; 0.25 the mean over
            the letters, which takes out what is the same for all of them (Majdandzic
            et al. 2023); an array may be of shuffled sequences.
        steps: Number of gradients on the way of `"integrated"`; by default 50.
        batch_size: Sequences per step.

    Raises:
        TypeError: If the model is neither functional nor sequential, or has Monte
            Carlo dropout out of reach.
        ValueError: If the model or an argument does not fit; also if `mc_samples` is
            given without Monte Carlo dropout, or `baseline` or `steps` with a method
            that has none.

    Reference: gradient x input, integrated gradients: Sundararajan, Taly and Yan 2017;
    correction: Majdandzic, Rajesh and Koo 2023; of logits: Shrikumar et al. 2017,
    section 3.5.

    Example:

    >>> attributor = Attributor(zoo.build("koo-cnn-25"), target=[0, 3])
    >>> x = np.eye(4)[np.random.default_rng(0).integers(4, size=(2, 200))]
    >>> attributor.contributions(x).shape
    (2, 2, 200, 4)
    """

    def __init__(
        self,
        model: keras.Model,
        target: int | Sequence[int] = 0,
        method: str = "gradient",
        *,
        logits: bool = True,
        average_strands: bool = False,
        mc_samples: int | None = None,
        seed: int = 0,
        baseline: float | np.ndarray | None = None,
        steps: int | None = None,
        batch_size: int = 128,
    ):
        _check_method(method, baseline, steps, mc_samples, batch_size)
        check_functional(model)
        self.targets = check_targets(model, target)
        self.method = method
        self.average_strands = average_strands
        self.batch_size = batch_size
        self._one_target = np.ndim(target) == 0
        self._baseline = 0.0 if baseline is None else baseline
        self._steps = STEPS if method == "integrated" and steps is None else steps or 1
        model = logit_model(model) if logits else model
        self._seeds = [spread_seed(seed, sample) for sample in range(mc_samples or 0)]
        self.model = fix_dropout(model) if self._seeds else without_dropout(model)
        self._gradient = None
        if method != "mutagenesis":
            self._gradient = GradientFunction(self.model)
            self._weights = one_hot_targets(self.model, self.targets)

    def contributions(self, x: np.ndarray) -> np.ndarray:
        """What the letters of the sequences add.

        Args:
            x: One-hot sequences `(batch, length, 4)`.

        Returns:
            Array in float32 of that shape, 0 for letters that are not there; with
            several targets `(batch, targets, length, 4)`.
        """
        x = np.asarray(x, "float32")
        scores = self.hypothetical(x)
        return scores * (x if self._one_target else x[:, None])

    def hypothetical(self, x: np.ndarray) -> np.ndarray:
        """What each of the four letters would add, were it there.

        Args:
            x: One-hot sequences `(batch, length, 4)`.

        Returns:
            As `contributions`, but for all letters.
        """
        scores, baseline = self._scores(x)
        if self.method == "mutagenesis":
            scores = scores - scores.mean(axis=-1, keepdims=True)
        else:
            baseline = baseline[:, None]
            scores = scores - (baseline * scores).sum(axis=-1, keepdims=True)
        return scores[:, 0] if self._one_target else scores

    def effects(self, x: np.ndarray) -> np.ndarray:
        """What the answer changes by if one letter of a sequence is replaced.

        Args:
            x: One-hot sequences `(batch, length, 4)`.

        Returns:
            As `contributions`: answer with the letter less answer to the sequence, 0
            for letters that are there.

        Raises:
            ValueError: If the method is not `"mutagenesis"`.
        """
        if self.method != "mutagenesis":
            raise ValueError(
                "effects are those of method='mutagenesis'. Received: "
                f"method={self.method!r}"
            )
        scores, _ = self._scores(x)
        return scores[:, 0] if self._one_target else scores

    def _scores(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradients or effects `(batch, targets, length, 4)`, and the baseline."""
        x = check_input(self.model, x)
        if x.ndim != 3 or x.shape[2] != 4:
            raise ValueError(
                f"`x` must be (batch, length, 4). Received: shape {x.shape}"
            )
        baseline = np.broadcast_to(np.asarray(self._baseline, "float32"), x.shape)
        scores = self._over_samples(x, baseline)
        if self.average_strands:
            other = self._over_samples(*map(reverse_complement, (x, baseline)))
            scores = (scores + reverse_complement(other)) / 2
        return scores, baseline

    def _over_samples(self, x: np.ndarray, baseline: np.ndarray) -> np.ndarray:
        one_network = self._mutate if self._gradient is None else self._differentiate
        if not self._seeds:
            return one_network(x, baseline)
        total = 0.0
        for seed in self._seeds:
            redraw_dropout(self.model, seed)
            total = total + one_network(x, baseline)
        return total / np.float32(len(self._seeds))

    def _differentiate(self, x: np.ndarray, baseline: np.ndarray) -> np.ndarray:
        """Gradients at the sequences, or their means over the ways to them."""
        ways = np.arange(1, 2 * self._steps, 2, dtype="float32") / (2 * self._steps)
        if self.method == "gradient":
            ways = np.ones(1, "float32")
        found = np.zeros((len(x), len(self.targets), *x.shape[1:]), "float32")
        for numbers, count in batches(len(x) * len(ways), self.batch_size):
            rows, way = numbers // len(ways), ways[numbers % len(ways), None, None]
            points = way * x[rows] + (1 - way) * baseline[rows]
            for place, weights in enumerate(self._weights):
                _, (gradients,) = self._gradient([points], weights)
                np.add.at(found, (rows[:count], place), gradients[:count])
        return found / np.float32(len(ways))

    def _mutate(self, x: np.ndarray, baseline: np.ndarray) -> np.ndarray:
        """Answers to all sequences with one letter replaced, less that to `x`."""
        effects = np.zeros((*x.shape, len(self.targets)), "float32")
        wild = self._predict(x, np.arange(len(x)))
        replaced = np.flatnonzero(x != 1)
        for numbers, count in batches(len(replaced), self.batch_size):
            places = np.unravel_index(replaced[numbers], x.shape)
            rows, position, letter = places
            mutants = x[rows]
            mutants[np.arange(len(rows)), position] = np.eye(4, dtype="float32")[letter]
            answers = self._answer(mutants) - wild[rows]
            some = tuple(each[:count] for each in places)
            effects[some] = answers[:count]
        return np.moveaxis(effects, -1, 1)

    def _predict(self, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        parts = batches(len(rows), self.batch_size)
        return np.concatenate([self._answer(x[r])[:count] for r, count in parts])

    def _answer(self, x: np.ndarray) -> np.ndarray:
        answers = self.model.predict_on_batch(x)
        return np.asarray(answers, "float32")[:, self.targets]


def gradient_times_input(
    model: keras.Model, x: np.ndarray, target: int | Sequence[int] = 0, **options: Any
) -> np.ndarray:
    """Contributions of the letters of sequences, by gradient x input.

    Args:
        model: A network from `(batch, length, 4)` to `(batch, targets)`.
        x: One-hot sequences `(batch, length, 4)`.
        target: Number of an output, or several, for an axis of them.
        **options: Others of `Attributor`, such as `average_strands`.

    Returns:
        Array in float32 of the shape of `x`, 0 for letters that are not there; with
        several targets `(batch, targets, length, 4)`.

    Raises:
        TypeError: As `Attributor`.
        ValueError: As `Attributor`.

    Reference: Shrikumar et al. 2016 (arXiv 1605.01713).

    Example:

    >>> x = np.eye(4)[np.random.default_rng(0).integers(4, size=(2, 200))]
    >>> gradient_times_input(zoo.build("koo-cnn-25"), x, target=3).shape
    (2, 200, 4)
    """
    return Attributor(model, target, "gradient", **options).contributions(x)


def integrated_gradients(
    model: keras.Model, x: np.ndarray, target: int | Sequence[int] = 0, **options: Any
) -> np.ndarray:
    """Contributions of the letters of sequences, by integrated gradients.

    Args:
        model: A network from `(batch, length, 4)` to `(batch, targets)`.
        x: One-hot sequences `(batch, length, 4)`.
        target: Number of an output, or several, for an axis of them.
        **options: Others of `Attributor`, such as `baseline` and `steps`.

    Returns:
        As `gradient_times_input`. With more and more steps the sum over a sequence
        tends to the difference of the answers to the sequence and to the baseline, if
        each row of `x` is a letter.

    Raises:
        TypeError: As `Attributor`.
        ValueError: As `Attributor`.

    Reference: Sundararajan, Taly and Yan 2017, section 3.

    Example:

    >>> model = zoo.build("shrikumar-sim-rc")
    >>> x = np.eye(4)[np.random.default_rng(0).integers(4, size=(2, 200))]
    >>> integrated_gradients(model, x, baseline=0.25, steps=10).shape
    (2, 200, 4)
    """
    return Attributor(model, target, "integrated", **options).contributions(x)


def in_silico_mutagenesis(
    model: keras.Model, x: np.ndarray, target: int | Sequence[int] = 0, **options: Any
) -> np.ndarray:
    """What the answer changes by with each replacement of one letter.

    Args:
        model: A network from `(batch, length, 4)` to `(batch, targets)`.
        x: One-hot sequences `(batch, length, 4)`.
        target: Number of an output, or several, for an axis of them.
        **options: Others of `Attributor`, such as `logits`.

    Returns:
        Array in float32 of the shape of `x`: answer with the letter less answer to the
        sequence, 0 for letters that are there; with several targets
        `(batch, targets, length, 4)`. What the letters that are there contribute, less
        the mean of the four, is `Attributor(...).contributions(x)`.

    Raises:
        TypeError: As `Attributor`.
        ValueError: As `Attributor`.

    Reference: Zhou and Troyanskaya 2015, "In silico saturated mutagenesis".

    Example:

    >>> model = zoo.build("shrikumar-sim-rc")
    >>> x = np.eye(4)[np.random.default_rng(0).integers(4, size=(1, 200))]
    >>> effects = in_silico_mutagenesis(model, x, target=[0, 2])
    >>> effects.shape, float(np.abs(effects * x).max())
    ((1, 2, 200, 4), 0.0)
    """
    return Attributor(model, target, "mutagenesis", **options).effects(x)


def strongest_window(contributions: np.ndarray, width: int) -> int:
    """Where most of a sequence's contributions lie, for a logo of that part.

    Args:
        contributions: Array `(length, 4)`.
        width: Bases in the window.

    Returns:
        First base of the window whose absolute contributions have the largest sum;
        0 if the sequence is not longer than it.

    Example:

    >>> strongest_window(np.eye(4)[[0, 1, 2]] * [[1.0], [-9.0], [3.0]], width=2)
    1
    """
    strength = np.abs(np.sum(contributions, axis=-1, dtype="float64"))
    sums = np.cumsum(np.append(0.0, strength))
    if len(strength) <= width:
        return 0
    return int(np.argmax(sums[width:] - sums[:-width]))


def _check_method(
    method: str,
    baseline: float | np.ndarray | None,
    steps: int | None,
    mc_samples: int | None,
    batch_size: int,
) -> None:
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {METHODS}. Received: {method!r}")
    if method == "mutagenesis" and baseline is not None:
        raise ValueError(
            "`baseline` is for gradients; mutagenesis compares with the other letters. "
            f"Received: {baseline!r}"
        )
    if method != "integrated" and steps is not None:
        raise ValueError(
            f"`steps` is for method='integrated'. Received: {steps!r} with {method!r}"
        )
    counts = {"steps": steps, "mc_samples": mc_samples, "batch_size": batch_size}
    for name, count in counts.items():
        if count is not None and count < 1:
            raise ValueError(f"`{name}` must be 1 or more. Received: {count}")
