"""Calibration against scikit-learn, rejection against a plain loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rckeras.interpret.uncertainty import (
    calibration_curve,
    draw_calibration,
    draw_rejection,
    rejection_curve,
)


def drawn(seed=0, size=500, power=1.0):
    """Labels drawn with probabilities, and these to a power."""
    rng = np.random.default_rng(seed)
    p = rng.random(size)
    return (rng.random(size) < p).astype("uint8"), p**power


PROBABILITIES = arrays.arrays("float64", 40, elements=st.floats(0, 1, width=32))


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@settings(max_examples=30, deadline=None)
@given(p=PROBABILITIES, bins=st.integers(1, 15), seed=st.integers(0, 99))
def test_bins_are_those_of_scikit_learn(strategy, p, bins, seed):
    exact = pytest.importorskip("sklearn.calibration", reason="needs `metrics`")
    labels = np.random.default_rng(seed).integers(2, size=len(p))
    labels[:2] = 0, 1  # scikit-learn wants both
    observed, predicted = exact.calibration_curve(
        labels, p, n_bins=bins, strategy=strategy
    )
    curve = calibration_curve(labels, p, bins, strategy)
    np.testing.assert_allclose(curve.observed, observed)
    np.testing.assert_allclose(curve.predicted, predicted)
    assert curve.counts.sum() == len(p)


def test_the_brier_score_is_that_of_scikit_learn():
    exact = pytest.importorskip("sklearn.metrics", reason="needs `metrics`")
    labels, p = drawn()
    expected = exact.brier_score_loss(labels, p)
    assert calibration_curve(labels, p).brier_score == pytest.approx(expected)


def test_errors_are_the_formulas_of_the_paper():
    labels, p = drawn(power=2)
    curve = calibration_curve(labels, p, bins=7)
    gaps, sizes = [], []
    for b in range(7):
        inside = (p > b / 7) & (p <= (b + 1) / 7) | ((p == 0) & (b == 0))
        gaps.append(abs(labels[inside].mean() - p[inside].mean()))
        sizes.append(inside.mean())
    assert curve.expected_error == pytest.approx(np.dot(gaps, sizes))
    assert curve.largest_error == pytest.approx(max(gaps))


def test_a_calibrated_network_lies_near_the_diagonal():
    good = calibration_curve(*drawn(size=20_000))
    bad = calibration_curve(*drawn(size=20_000, power=3))
    assert good.expected_error < 0.02
    assert bad.expected_error > 0.1


def test_all_targets_are_taken_together():
    labels, p = drawn()
    flat = calibration_curve(labels, p)
    folded = calibration_curve(labels.reshape(-1, 2), p.reshape(-1, 2))
    np.testing.assert_array_equal(flat.observed, folded.observed)


@settings(deadline=None)
@given(
    seed=st.integers(0, 999),
    levels=st.integers(1, 30),
    size=st.integers(1, 40),
)
def test_accuracy_is_that_of_the_surer_ones(seed, levels, size):
    rng = np.random.default_rng(seed)
    labels, p = rng.integers(2, size=size), rng.random(size)
    uncertainty = rng.integers(levels, size=size) / levels
    curve = rejection_curve(labels, p, uncertainty)
    assert curve.rejected[0] == 0
    assert (np.diff(curve.rejected) > 0).all()
    for share, accuracy, threshold, best in zip(
        curve.rejected, curve.accuracy, curve.threshold, curve.best, strict=True
    ):
        left = uncertainty <= threshold
        assert left.mean() == pytest.approx(1 - share)
        right = (p >= 0.5) == (labels == 1)
        assert accuracy == pytest.approx(right[left].mean())
        assert best == pytest.approx(min(1, right.sum() / left.sum()))
    assert curve.mean_accuracy <= curve.mean_best + 1e-12


def test_the_order_of_rows_does_not_matter():
    labels, p = drawn()
    uncertainty = np.round(p * (1 - p), 2)
    mixed = np.random.default_rng(1).permutation(len(p))
    a = rejection_curve(labels, p, uncertainty)
    b = rejection_curve(labels[mixed], p[mixed], uncertainty[mixed])
    np.testing.assert_array_equal(a.accuracy, b.accuracy)


def test_known_uncertainty_raises_the_accuracy_and_chance_does_not():
    labels, p = drawn(size=20_000)
    known = rejection_curve(labels, p, p * (1 - p))
    chance = rejection_curve(labels, p, np.random.default_rng(2).random(len(p)))
    assert known.at(0.5) > known.accuracy[0] + 0.1
    assert abs(chance.at(0.5) - chance.accuracy[0]) < 0.01
    assert known.mean_accuracy > chance.mean_accuracy + 0.1


def test_the_mean_counts_each_accuracy_up_to_the_next_share():
    curve = rejection_curve([1, 1, 1, 1], [0.9, 0.1, 0.9, 0.1], [0, 1, 2, 2])
    assert curve.rejected.tolist() == [0, 0.5, 0.75]
    assert curve.mean_accuracy == pytest.approx(0.5 * 0.5 + 0.25 * 0.5 + 0.25 * 1)
    assert curve.mean_best == pytest.approx(0.5 * 0.5 + 0.25 * 1 + 0.25 * 1)


def test_equal_uncertainties_give_the_accuracy_of_all():
    labels, p = drawn()
    curve = rejection_curve(labels, p, np.ones(len(p)))
    assert len(curve.rejected) == 1
    assert curve.mean_accuracy == curve.at(0.9) == curve.accuracy[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: calibration_curve([0, 2], [0.1, 0.2]), "`labels` must be 0 or 1.*2"),
        (lambda: calibration_curve([0, 1], [0.1, 1.5]), "from 0 to 1. Received: 1.5"),
        (lambda: calibration_curve([0, 1], [0.1, np.nan]), "numbers. Received: NaN"),
        (lambda: calibration_curve([0], [0.1, 1]), r"\(1,\) and \(2,\)"),
        (lambda: calibration_curve([0], [0.1], 0), "`bins` .* Received: 0"),
        (lambda: calibration_curve([0], [0.1], 2, "log"), "uniform or quantile.*'log'"),
        (
            lambda: rejection_curve([[0, 1]], [[0.1, 0.2]], [[1], [2]]),
            r"`uncertainty`.*\(1, 2\) and \(2, 1\)",
        ),
        (lambda: rejection_curve([0], [0.1], [0.1]).at(1), "`share` .* Received: 1"),
    ],
)
def test_what_cannot_be_compared_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_drawings_hold_the_points():
    matplotlib = pytest.importorskip("matplotlib.figure", reason="needs `reports`")
    labels, p = drawn()
    calibration = calibration_curve(labels, p)
    rejection = rejection_curve(labels, p, p * (1 - p))
    left, right = matplotlib.Figure().subplots(1, 2)
    draw_calibration({"bound": calibration}, left)
    draw_rejection({"bound": rejection}, right)
    drawn_line = left.get_lines()[1]
    np.testing.assert_array_equal(drawn_line.get_ydata(), calibration.observed)
    assert left.get_legend().get_texts()[0].get_text().startswith("bound 0.")
    y = right.get_lines()[0].get_ydata()
    assert set(y) <= set(rejection.accuracy)
    assert len(y) <= 400
    assert y[0] == rejection.accuracy[0]


def test_a_share_of_tenths_is_found_in_spite_of_rounding():
    uncertainty = np.arange(10)[::-1] / 10
    labels = np.zeros(10)
    predictions = np.where(np.arange(10) < 1, 0.9, 0.1)  # the surest are right
    curve = rejection_curve(labels, predictions, uncertainty)
    for tenths in range(10):
        kept = 10 - tenths
        wrong = predictions[np.argsort(uncertainty)[:kept]] > 0.5
        assert curve.at(tenths / 10) == pytest.approx(1 - wrong.mean())
