"""WeightedSum1D against equation 1 of its paper and an untied depthwise convolution."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.layers import WeightedSum1D
from tests.conformance.harness import (
    BOUNDED,
    FEW,
    SEEDS,
    assert_alike,
    randomized,
    to_numpy,
)
from tests.gradients import gradients
from tests.reference.layers import positional_weights, weighted_sum


@st.composite
def batches(draw):
    """Inputs of odd and even lengths, and a generator for weights."""
    rng = np.random.default_rng(draw(SEEDS))
    shape = [draw(st.integers(1, n)) for n in (3, 12, 4)]
    shape[2] *= 2
    return rng.normal(size=shape).astype("float32"), rng


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("revcomp", [False, True])
@BOUNDED
@given(batch=batches())
def test_output_is_the_sum_over_tied_positional_weights(revcomp, symmetric, batch):
    x, rng = batch
    layer = WeightedSum1D(revcomp=revcomp, symmetric=symmetric, use_bias=True)
    stored, bias = randomized(layer, x.shape, rng).get_weights()
    if revcomp:
        bias = np.concatenate([bias, bias[::-1]])
    w = positional_weights(stored, *x.shape[1:], revcomp, symmetric)
    assert_alike(to_numpy(layer(x)), weighted_sum(x, w, bias), 1e-5)


@pytest.mark.parametrize("length", [8, 9])
def test_symmetric_weights_are_the_same_from_both_ends(length):
    x = np.random.default_rng(0).normal(size=(2, length, 4)).astype("float32")
    layer = WeightedSum1D(symmetric=True)
    y = to_numpy(layer(x))
    assert layer.kernel.shape[0] == (length + 1) // 2
    assert_alike(to_numpy(layer(x[:, ::-1].copy())), y, 1e-6)


@FEW
@given(batch=batches())
def test_gradients_are_those_of_the_untied_sum_folded(batch):
    x, rng = batch
    layer = randomized(WeightedSum1D(), x.shape, rng)
    (stored,) = layer.get_weights()
    untied = keras.layers.DepthwiseConv1D(x.shape[1], use_bias=False)
    untied.build(x.shape)
    untied.set_weights(
        [np.concatenate([stored, stored[::-1, ::-1]], axis=1)[..., None]]
    )
    cotangent = rng.normal(size=(len(x), x.shape[2]))
    (kernel,), of_input = gradients(layer, x, cotangent)
    (wide,), of_wide_input = gradients(untied, x, cotangent[:, None])
    half = x.shape[2] // 2
    folded = wide[:, :half, 0] + np.flip(wide[:, half:, 0])
    assert_alike(kernel, folded, 1e-5)
    assert_alike(of_input, of_wide_input, 1e-5)


def test_the_smoothness_penalty_is_the_sum_of_steps_between_neighbours():
    layer = WeightedSum1D(smoothness_penalty=0.5)
    layer.build((None, 3, 4))
    layer.set_weights([np.float32([[1, 0], [4, 0], [2, -1]])])
    np.testing.assert_allclose(to_numpy(sum(layer.losses)), 0.5 * (3 + 2 + 1))


def test_the_smoothness_penalty_adds_to_a_regularizer():
    regularizer = keras.regularizers.L1(0.1)
    layer = WeightedSum1D(smoothness_penalty=0.5, kernel_regularizer=regularizer)
    layer.build((None, 2, 2))
    layer.set_weights([np.float32([[1], [-2]])])
    np.testing.assert_allclose(to_numpy(sum(layer.losses)), 0.5 * 3 + 0.1 * 3)


def test_without_penalty_there_is_no_loss():
    layer = WeightedSum1D()
    layer.build((None, 9, 4))
    assert layer.losses == []


def test_training_with_the_penalty_smooths_the_weights():
    layer = randomized(
        WeightedSum1D(smoothness_penalty=1.0), (1, 9, 4), np.random.default_rng(0)
    )
    rough = np.abs(np.diff(to_numpy(layer.kernel), axis=0)).sum()
    model = keras.Sequential([keras.Input((9, 4)), layer])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.train_on_batch(np.zeros((1, 9, 4), "float32"), np.zeros((1, 4), "float32"))
    assert np.abs(np.diff(to_numpy(layer.kernel), axis=0)).sum() < rough


def test_weights_start_on_the_scale_of_a_dense_layer_over_the_input():
    length, channels = 50, 40
    keras.utils.set_random_seed(0)
    layer = WeightedSum1D()
    layer.build((None, length, channels))
    limit, weights = np.sqrt(6 / (length * channels)), to_numpy(layer.kernel)
    assert 0.98 * limit < np.abs(weights).max() <= limit
    # Five standard errors of 1000 uniform draws.
    assert abs(weights.mean()) < 5 * limit / np.sqrt(3 * weights.size)
    assert abs(weights.std() - limit / np.sqrt(3)) < 0.05 * limit


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_half_precision_sums_in_single_precision(half):
    # One by one, 1 + 2999 thousandths stall in half precision.
    x = np.full((1, 3000, 2), 1e-3, "float32")
    x[0, 0] = 1
    layer = WeightedSum1D(kernel_initializer="ones", dtype=f"mixed_{half}")
    rounded = keras.ops.cast(keras.ops.cast(x, half), "float32")
    expected = keras.ops.cast(to_numpy(rounded).astype("float64").sum(axis=1), half)
    received = keras.ops.cast(layer(x), "float32")
    assert_alike(to_numpy(received), to_numpy(keras.ops.cast(expected, "float32")))


def test_a_sum_too_large_for_half_precision_on_the_way_is_exact():
    x = np.full((1, 4, 2), 40000, "float32")
    x[0, 2:] = -39040
    layer = WeightedSum1D(kernel_initializer="ones", dtype="mixed_float16")
    y = to_numpy(keras.ops.cast(layer(x), "float32"))
    assert_alike(y, np.full((1, 2), 1920.0))


@pytest.mark.parametrize("shape", [(None, 4), (9, None)])
def test_an_unknown_size_is_refused(shape):
    received = rf"known length and channels. Received input shape \(None, {shape[0]}"
    with pytest.raises(ValueError, match=received):
        WeightedSum1D().build((None, *shape))


def test_odd_channels_are_refused_unless_strands_are_not_paired():
    x = np.ones((2, 9, 5), "float32")
    with pytest.raises(ValueError, match="Received channels=5"):
        WeightedSum1D()(x)
    assert tuple(WeightedSum1D(revcomp=False)(x).shape) == (2, 5)


@pytest.mark.parametrize("shape", [(2, 8, 4), (2, 1, 4), (2, 9, 6)])
def test_another_shape_than_the_first_is_refused(shape):
    layer = WeightedSum1D()
    layer(np.ones((2, 9, 4), "float32"))
    with pytest.raises(
        ValueError, match=rf"found shape=\({', '.join(map(str, shape))}"
    ):
        layer(np.ones(shape, "float32"))


def test_an_input_without_positions_is_refused():
    with pytest.raises(ValueError, match=r"expected ndim=3, found ndim=2.*\(2, 4\)"):
        WeightedSum1D()(np.ones((2, 4), "float32"))


def test_a_negative_penalty_is_refused():
    with pytest.raises(ValueError, match="smoothness_penalty=-1"):
        WeightedSum1D(smoothness_penalty=-1)
