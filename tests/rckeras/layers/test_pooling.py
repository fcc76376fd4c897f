"""Pooling over the strands against its formulas."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rckeras
from rckeras.layers import (
    RevCompAveragePooling,
    RevCompMaxPooling,
    RevCompSumPooling,
)
from tests.conformance.harness import BOUNDED, SEEDS, assert_alike, to_numpy
from tests.gradients import gradients
from tests.reference.layers import reverse_complement, strand_pool

MERGES = {
    RevCompMaxPooling: np.maximum,
    RevCompSumPooling: np.add,
    RevCompAveragePooling: lambda a, b: (a + b) / 2,
}
each_pool = pytest.mark.parametrize("pool", MERGES)


@st.composite
def features(draw):
    rng = np.random.default_rng(draw(SEEDS))
    shape = [draw(st.integers(1, 3)), 2 * draw(st.integers(1, 4))]
    if draw(st.booleans()):
        shape.insert(1, draw(st.integers(1, 7)))
    return rng.normal(size=shape).astype("float32")


@each_pool
@BOUNDED
@given(x=features())
def test_output_merges_each_feature_with_its_partner(pool, x):
    assert_alike(to_numpy(pool()(x)), strand_pool(x, MERGES[pool]), 1e-6)


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (RevCompMaxPooling, [[4, 3], [2, 8]]),
        (RevCompSumPooling, [[5, -4], [-3, 14]]),
        (RevCompAveragePooling, [[2.5, -2], [-1.5, 7]]),
    ],
)
def test_output_on_a_small_example(pool, expected):
    x = np.float32([[[1, -7, 6, -5], [2, 8, 3, 4]]])
    np.testing.assert_array_equal(to_numpy(pool()(x))[0], expected)


@each_pool
def test_gradients_reach_the_features_that_made_the_output(pool):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 6)).astype("float32")
    cotangent = rng.normal(size=(2, 5, 3)).astype("float32")
    both = np.concatenate([cotangent, reverse_complement(cotangent)], axis=-1)
    share = {
        RevCompMaxPooling: x > reverse_complement(x),
        RevCompSumPooling: 1,
        RevCompAveragePooling: 0.5,
    }
    _, of_input = gradients(pool(), x, cotangent)
    assert_alike(of_input, both * share[pool], 1e-6)


@pytest.mark.parametrize(
    ("pool", "value", "expected"),
    [
        (RevCompMaxPooling, 40000, 40000),
        (RevCompAveragePooling, 40000, 40000),
        (RevCompSumPooling, 20000, 40000),
    ],
)
def test_large_values_do_not_overflow_in_half_precision(pool, value, expected):
    x = np.full((1, 3, 4), value, "float16")
    y = to_numpy(pool(dtype="float16")(x))
    np.testing.assert_array_equal(y, np.full((1, 3, 2), expected, "float16"))


@each_pool
def test_further_axes_before_the_length_are_left_alone(pool):
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype("float32")
    layer = pool()
    np.testing.assert_array_equal(
        to_numpy(layer(rckeras.reverse_complement(x))), to_numpy(layer(x))
    )
    np.testing.assert_array_equal(to_numpy(layer(x))[:, 0], to_numpy(pool()(x[:, 0])))


@each_pool
@pytest.mark.parametrize("shape", [(2, 7, 5), (2, 5)])
def test_odd_channels_are_refused(pool, shape):
    with pytest.raises(ValueError, match=r"even number.*Received channels=5"):
        pool()(np.zeros(shape, "float32"))


@each_pool
def test_unknown_channels_are_refused(pool):
    with pytest.raises(ValueError, match="Received channels=None"):
        pool()(keras.Input((7, None)))
