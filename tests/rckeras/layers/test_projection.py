"""Projection1D against a matrix product and an untied Dense layer."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.layers import Projection1D
from tests.conformance.harness import (
    BOUNDED,
    FEW,
    SEEDS,
    assert_alike,
    randomized,
    to_numpy,
)
from tests.gradients import gradients


@st.composite
def batches(draw):
    rng = np.random.default_rng(draw(SEEDS))
    shape = [draw(st.integers(1, 3)), draw(st.integers(1, 9)), draw(st.integers(1, 4))]
    shape[2] *= 2
    return rng.normal(size=shape).astype("float32"), rng


def tied(stored):
    """Columns `j` and `units - 1 - j` are each other's reversal."""
    channels, half = stored.shape
    w = np.zeros((channels, 2 * half), "float32")
    for j in range(half):
        w[:, j] = stored[:, j]
        w[:, 2 * half - 1 - j] = stored[::-1, j]
    return w


@BOUNDED
@given(batch=batches())
def test_each_position_is_multiplied_by_the_weights(batch):
    x, rng = batch
    layer = randomized(Projection1D(3), x.shape, rng)
    (w,) = layer.get_weights()
    expected = np.einsum("blc,cu->blu", x.astype("float64"), w)
    assert_alike(to_numpy(layer(x)), expected, 1e-5)


@BOUNDED
@given(batch=batches())
def test_with_revcomp_columns_are_each_others_reversal(batch):
    x, rng = batch
    layer = randomized(Projection1D(4, revcomp=True), x.shape, rng)
    (stored,) = layer.get_weights()
    expected = np.einsum("blc,cu->blu", x.astype("float64"), tied(stored))
    assert_alike(to_numpy(layer(x)), expected, 1e-5)


@FEW
@given(batch=batches())
def test_gradients_are_those_of_the_untied_dense_layer_folded(batch):
    x, rng = batch
    layer = randomized(Projection1D(4, revcomp=True), x.shape, rng)
    untied = keras.layers.Dense(4, use_bias=False)
    untied.build(x.shape)
    untied.set_weights([tied(*layer.get_weights())])
    cotangent = rng.normal(size=(*x.shape[:2], 4))
    (kernel,), of_input = gradients(layer, x, cotangent)
    (wide,), of_wide_input = gradients(untied, x, cotangent)
    assert_alike(kernel, wide[:, :2] + np.flip(wide[:, 2:]), 1e-5)
    assert_alike(of_input, of_wide_input, 1e-5)


def test_an_empty_sequence_maps_to_zero_for_want_of_a_bias():
    y = to_numpy(Projection1D(3)(np.zeros((2, 5, 4), "float32")))
    np.testing.assert_array_equal(y, np.zeros((2, 5, 3)))


def test_a_regularizer_counts_each_pair_once():
    regularizer = keras.regularizers.L1(0.1)
    layer = Projection1D(4, True, "ones", kernel_regularizer=regularizer)
    layer.build((None, 9, 6))
    np.testing.assert_allclose(to_numpy(sum(layer.losses)), 0.1 * 12, rtol=1e-6)


def test_a_constraint_holds_the_stored_weights():
    layer = Projection1D(4, kernel_constraint=keras.constraints.NonNeg())
    model = keras.Sequential([keras.Input((5, 4)), layer])
    model.compile(keras.optimizers.SGD(10.0), "mse")
    x = np.ones((2, 5, 4), "float32")
    model.train_on_batch(x, np.full((2, 5, 4), -9, "float32"))
    assert to_numpy(layer.kernel).min() == 0


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"units": 0}, "units=0"),
        ({"units": 2.5}, "units=2.5"),
        ({"units": 3, "revcomp": True}, "units=3, revcomp=True"),
    ],
)
def test_units_that_cannot_be_paired_are_refused(arguments, received):
    with pytest.raises(ValueError, match=f"positive integer.*Received {received}"):
        Projection1D(**arguments)


def test_odd_channels_are_refused_only_with_revcomp():
    x = np.zeros((2, 7, 5), "float32")
    assert tuple(Projection1D(4)(x).shape) == (2, 7, 4)
    with pytest.raises(ValueError, match="Received channels=5"):
        Projection1D(4, revcomp=True)(x)


def test_the_mask_is_passed_on():
    inputs = keras.Input((5, 4))
    masked = keras.layers.Masking()(inputs)
    assert keras.src.backend.get_keras_mask(Projection1D(3)(masked)) is not None
