"""Checks of a named network against its card."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.loading import build, load, locate
from zoo.messages import in_one_line
from zoo.registry import Card, TestVector, describe
from zoo.store import ChecksumError

if TYPE_CHECKING:
    import keras
    import numpy as np

DRAWN = "drawn"


@dataclass(frozen=True)
class CheckResult:
    """Outcome of `check`; prints a line for each step.

    Attributes:
        name: Name of the network.
        steps: Triples of what was checked, the outcome (`True`, `False`, or `None`
            where it could not be checked) and what was found.
    """

    name: str
    steps: tuple[tuple[str, bool | None, str], ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return all(outcome is not False for _, outcome, _ in self.steps)

    def __str__(self) -> str:
        words = {True: "ok", False: "FAILED", None: "not checked"}
        verdict = "ok" if self.passed else "FAILED"
        missing = sum(outcome is None for _, outcome, _ in self.steps)
        if self.passed and missing:
            verdict = f"ok, but for {missing} not checked"
        lines = [f"{self.name}: {verdict}"]
        lines += [f"  {what}: {words[ok]} ({found})" for what, ok, found in self.steps]
        return "\n".join(lines)


def check(name: str, weights: str | Path | None = "default") -> CheckResult:
    """Check a network: parameter count, strand symmetry, and its test vectors.

    Args:
        name: Name of a network, see `zoo.list_models`.
        weights: Weights to check, as in `zoo.load`: a set's name, which must give the
            outputs recorded for it, or a file, which must load, and give those
            recorded for the network's published weights, if there are any. The
            default checks all sets that have such outputs and can be had; `None`
            checks the architecture only.

    Returns:
        A `CheckResult`, to be printed, with a verdict in `passed`.

    Raises:
        ValueError: If there is no such network, or given weights do not fit.
        FileNotFoundError: If `weights` names no file.

    Example:

    >>> check("koo-cnn-25", weights=None).passed
    True
    """
    from rckeras.interpret import without_dropout

    card = describe(name)
    model = build(name)
    steps = [_check_count(card, model), _check_symmetry(card, model)]
    vectors = [v for v in card.test_vectors if v.weights == DRAWN]
    for vector in vectors:
        set_drawn_weights(model)
        steps.append(_check_vector(without_dropout(model), vector))
    if weights == "default":
        recorded = [v for v in card.test_vectors if v.weights != DRAWN]
        steps += [check_recorded(card, vector) for vector in recorded]
    elif weights is not None:
        steps += _check_given(card, weights)
    return CheckResult(name, tuple(steps))


def check_recorded(
    card: Card, vector: TestVector, path: str | Path | None = None
) -> tuple[str, bool | None, str]:
    """Compare a set of weights with an output that is recorded for it.

    Args:
        card: Card of the network.
        vector: One of its test vectors.
        path: A copy of the weights; `None` to take them from where they are kept.

    Returns:
        A step of a `CheckResult`; its outcome is `None` where the weights cannot be
        had, for which those that the package carries have no excuse.
    """
    from rckeras.interpret import without_dropout

    named = next(entry for entry in card.weights if entry.name == vector.weights)
    try:
        path = locate(card, vector.weights) if path is None else path
    except (OSError, ChecksumError) as error:
        outcome = False if named.shipped else None
        return f"weights {vector.weights!r}", outcome, in_one_line(error)
    return _check_vector(without_dropout(load(card.name, weights=path)), vector)


def set_drawn_weights(model: "keras.Model") -> None:
    """Set weights drawn from a fixed stream, alike on all machines and backends."""
    import numpy as np

    from rckeras.symmetry.random_weights import random_weights

    # RandomState, for its stream is frozen; that of newer generators may change.
    for variable, value in random_weights(model, np.random.RandomState(0)):
        variable.assign(value)


def measure(model: "keras.Model", sequence: str) -> "np.ndarray":
    """Outputs of a model for one sequence, both letters and numbers in full.

    Args:
        model: A network of the zoo.
        sequence: Letters, as many as the network takes.

    Returns:
        Array `(targets,)`.
    """
    import numpy as np

    from rckeras.sequence import one_hot_encode

    x = one_hot_encode([sequence], dtype="float32")
    return np.asarray(model.predict_on_batch(x))[0]


def count_trainable(model: "keras.Model") -> int:
    """Number of trainable parameters of a model."""
    return sum(math.prod(v.shape) for v in model.trainable_weights)


def _check_count(card: Card, model: "keras.Model") -> tuple:
    count = count_trainable(model)
    found = f"{count:,} trainable, card says {card.parameter_count:,}"
    return "parameters", count == card.parameter_count, found


def _check_symmetry(card: Card, model: "keras.Model") -> tuple:
    from rckeras import audit_strand_symmetry
    from rckeras.interpret import without_dropout

    report = audit_strand_symmetry(without_dropout(model), samples=4)
    symmetric = report.symmetry == "invariant"
    found = f"{report.symmetry}, card says {card.strand_symmetry}"
    return "strand symmetry", symmetric == (card.strand_symmetry == "invariant"), found


def _check_given(card: Card, weights: str | Path) -> list[tuple]:
    from rckeras.interpret import without_dropout

    sets = {entry.name for entry in card.weights if not entry.shipped}
    if weights in {entry.name for entry in card.weights}:
        sets = {weights}
    vectors = [v for v in card.test_vectors if v.weights in sets]
    model = without_dropout(load(card.name, weights=weights))
    count = model.output_shape[-1]
    if vectors and count == len(card.targets):
        return [_check_vector(model, vector) for vector in vectors]
    found = f"loads (targets: {count}); no output is recorded for it"
    return [(f"weights {str(weights)!r}", None, found)]


def _check_vector(model: "keras.Model", vector: TestVector) -> tuple:
    import numpy as np

    outputs = measure(model, vector.sequence)[: len(vector.expected)]
    worst = float(np.abs(outputs - np.array(vector.expected)).max())
    found = f"largest difference {worst:.1e}, allowed {vector.tolerance:.1e}"
    return f"weights {vector.weights!r}", worst <= vector.tolerance, found
