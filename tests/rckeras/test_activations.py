"""Activations against their formulas, and their way through Keras."""

import keras
import numpy as np
import pytest

from rckeras import activations
from rckeras.activations import legacy_hard_sigmoid, shifted_relu, threshold_relu
from tests.conformance.harness import to_numpy
from tests.gradients import gradients

X = np.float32([-4.0, -2.5, -1.5, -1.0, -0.25, 0.0, 1e-7, 0.5, 2.0, 2.5, 4.0])
FORMULAS = {
    shifted_relu: lambda x: np.where(x > -1, x, -1.0),
    legacy_hard_sigmoid: lambda x: np.minimum(np.maximum(0.2 * x + 0.5, 0), 1),
    threshold_relu: lambda x: np.where(x > 0, x, 1e-6),
}
each_activation = pytest.mark.parametrize("activation", FORMULAS)


@each_activation
def test_values_follow_the_formula(activation):
    expected = FORMULAS[activation](X.astype("float64"))
    received = to_numpy(activation(keras.ops.convert_to_tensor(X)))
    np.testing.assert_allclose(received, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("activation", "slopes"),
    [
        (shifted_relu, [0, 1, 1, 1]),
        (legacy_hard_sigmoid, [0, 0.2, 0.2, 0]),
        (threshold_relu, [0, 0, 1, 1]),
    ],
)
def test_slopes_follow_the_formula(activation, slopes):
    x = np.float32([[-3.0, -0.5, 0.5, 3.0]])
    layer = keras.layers.Activation(activation)
    _, of_input = gradients(layer, x, np.ones_like(x))
    np.testing.assert_allclose(of_input, [slopes], rtol=1e-6)


def test_the_legacy_hard_sigmoid_is_steeper_than_that_of_keras():
    x = keras.ops.convert_to_tensor(X)
    legacy, current = legacy_hard_sigmoid(x), keras.activations.hard_sigmoid(x)
    assert np.abs(to_numpy(legacy) - to_numpy(current)).max() > 0.05


@each_activation
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_dtype_is_kept(activation, dtype):
    x = keras.ops.cast(X, dtype)
    assert keras.backend.standardize_dtype(activation(x).dtype) == dtype


@each_activation
def test_numpy_arrays_are_taken(activation):
    expected = FORMULAS[activation](X.astype("float64"))
    np.testing.assert_allclose(to_numpy(activation(X)), expected, rtol=1e-6, atol=1e-9)


def test_the_threshold_is_positive_in_half_precision():
    y = threshold_relu(keras.ops.cast(X, "float16"))
    assert to_numpy(keras.ops.cast(y, "float32")).min() > 0


@each_activation
def test_symbolic_tensors_are_taken(activation):
    assert activation(keras.Input((7, 4))).shape == (None, 7, 4)


@each_activation
def test_it_is_written_and_read_by_its_registered_name(activation):
    config = keras.activations.serialize(activation)
    assert f"rckeras>{activation.__name__}" in str(config)
    assert keras.activations.deserialize(config) is activation


@each_activation
def test_a_layer_carries_it_through_its_config(activation):
    layer = keras.layers.Conv1D(2, 3, activation=activation)
    again = keras.layers.Conv1D.from_config(layer.get_config())
    assert again.activation is activation


def test_names_are_looked_up_here_and_in_keras():
    assert activations.get("shifted_relu") is shifted_relu
    assert activations.get("elu") is keras.activations.elu
    assert activations.get(None) is keras.activations.linear
    with pytest.raises(ValueError, match="no_such"):
        activations.get("no_such")
