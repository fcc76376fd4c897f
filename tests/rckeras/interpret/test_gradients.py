"""Gradients against their formulas."""

import keras
import numpy as np
import pytest
from keras import layers

from rckeras.interpret import GradientFunction, fix_dropout, input_gradients
from rckeras.interpret.gradients import batches
from rckeras.layers import MonteCarloDropout

LENGTH = 6


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(5, LENGTH, 4)).astype("float32")


def make_cubic():
    """`y[k] = sum(kernel[:, k] * x**3)`, and its kernel."""
    sequence = keras.Input((LENGTH, 4))
    dense = layers.Dense(3)
    model = keras.Model(sequence, dense(layers.Flatten()(sequence**3)))
    kernel = np.random.default_rng(1).normal(size=(4 * LENGTH, 3))
    dense.set_weights([kernel, np.ones(3)])
    return model, kernel.reshape(LENGTH, 4, 3)


def test_gradients_are_those_of_calculus(x):
    model, kernel = make_cubic()
    expected = 3 * kernel[..., 1] * x.astype("float64") ** 2
    np.testing.assert_allclose(input_gradients(model, x, 1), expected, atol=1e-4)


def test_several_targets_have_an_axis_and_any_order(x):
    model, kernel = make_cubic()
    found = input_gradients(model, x, [2, 0], batch_size=2)
    expected = 3 * np.moveaxis(kernel[..., [2, 0]], -1, 0) * x[:, None] ** 2.0
    assert found.shape == (5, 2, LENGTH, 4)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_weights_that_change_are_seen(x):
    model, _ = make_cubic()
    gradient = GradientFunction(model)
    ask = [x], np.array([1.0, 0.0, 0.0])
    _, (before,) = gradient(*ask)
    model.set_weights([2 * weight for weight in model.get_weights()])
    outputs, (after,) = gradient(*ask)
    np.testing.assert_allclose(after, 2 * before, rtol=1e-5)
    np.testing.assert_allclose(outputs, model.predict(x, verbose=0), rtol=1e-4)


def test_the_network_runs_as_in_inference_with_its_masks(x):
    sequence = keras.Input((LENGTH, 4))
    kept = MonteCarloDropout(0.5)(layers.Dropout(0.5)(sequence))
    model = keras.Model(sequence, layers.Dense(1)(layers.Flatten()(kept)))
    model.set_weights([np.ones((4 * LENGTH, 1)), np.zeros(1)])
    sampled = fix_dropout(model, seed=3)
    found = input_gradients(sampled, x)
    assert set(np.unique(found)) == {0.0, 2.0}
    np.testing.assert_array_equal(found, np.broadcast_to(found[:1], found.shape))
    np.testing.assert_array_equal(input_gradients(sampled, x), found)


def test_several_inputs_have_their_gradients_and_unused_ones_none(x):
    first, second, unused = (keras.Input((2,), name=name) for name in "abc")
    model = keras.Model([first, second, unused], first * second)
    a, b = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])
    _, gradients = GradientFunction(model)([a, b, a], np.array([1.0, 10.0]))
    assert [g.tolist() for g in gradients] == [[[3, 40]], [[1, 20]], [[0, 0]]]


def test_the_last_batch_is_as_large_as_the_others():
    found = batches(7, 3)
    assert {len(rows) for rows, _ in found} == {3}
    assert [n for rows, count in found for n in rows[:count]] == list(range(7))
    assert [rows.tolist() for rows, _ in batches(2, 100)] == [[0, 1]]
    assert batches(0, 3) == []


@pytest.mark.parametrize("target", [3, -1, [0, 3]])
def test_unknown_targets_are_refused(target, x):
    model, _ = make_cubic()
    with pytest.raises(ValueError, match=f"0 to 2.*{np.max(np.abs(target))}"):
        input_gradients(model, x, target)


@pytest.mark.parametrize("target", ["0", 1.0, [], [[0]]])
def test_targets_that_are_no_numbers_are_refused(target, x):
    model, _ = make_cubic()
    with pytest.raises(ValueError, match="`target` must be the number"):
        input_gradients(model, x, target)


def test_other_shapes_are_refused(x):
    model, _ = make_cubic()
    with pytest.raises(ValueError, match=r"\(5, 5, 4\)"):
        input_gradients(model, x[:, :5])
    with pytest.raises(ValueError, match=r"\(0, 6, 4\)"):
        input_gradients(model, x[:0])
    with pytest.raises(ValueError, match="Received: 0"):
        input_gradients(model, x, batch_size=0)
    profile = keras.Sequential([keras.Input((LENGTH, 4)), layers.Conv1D(2, 3)])
    with pytest.raises(ValueError, match=r"\(None, 4, 2\)"):
        input_gradients(profile, x)


def test_models_without_a_graph_or_with_two_outputs_are_refused(x):
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(TypeError, match="Own"):
        input_gradients(Own(), x)
    sequence = keras.Input((LENGTH, 4))
    with pytest.raises(ValueError, match="'two' with 2"):
        input_gradients(keras.Model(sequence, [sequence, sequence], name="two"), x)
