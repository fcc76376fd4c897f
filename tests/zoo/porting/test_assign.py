"""Every tensor is used once, every variable set once, or nothing is set at all."""

import keras
import numpy as np
import pytest

from zoo.porting.assign import assign, check_layers, take


@pytest.fixture
def model():
    sequence = keras.Input((12, 4))
    x = keras.layers.Conv1D(3, 5, name="conv1")(sequence)
    x = keras.layers.Dropout(0.2, seed=1)(x)
    lstm = keras.layers.LSTM(2, name="lstm")(x)
    return keras.Model(sequence, lstm, name="small")


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    shapes = {
        "conv1/kernel": (5, 4, 3),
        "conv1/bias": (3,),
        "lstm/cell.kernel": (3, 8),
        "lstm/cell.recurrent_kernel": (2, 8),
        "lstm/cell.bias": (8,),
    }
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def values(model):
    return [keras.ops.convert_to_numpy(weight) for weight in model.weights]


def test_all_variables_are_set(model, arrays):
    assign(model, arrays, "a.h5")
    for value, array in zip(values(model), arrays.values(), strict=True):
        np.testing.assert_array_equal(value, array.astype("float32"))


def test_frozen_variables_are_set_too(model, arrays):
    model.trainable = False
    assign(model, arrays, "a.h5")
    np.testing.assert_array_equal(values(model)[1], arrays["conv1/bias"].astype("f4"))


@pytest.mark.parametrize("frozen", [False, True])
def test_a_variable_without_an_array_is_named(model, arrays, frozen):
    model.trainable = not frozen
    del arrays["lstm/cell.recurrent_kernel"]
    with pytest.raises(ValueError, match=r"not set: lstm/.*recurrent_kernel"):
        assign(model, arrays, "a.h5")


@pytest.mark.parametrize("name", ["conv2/kernel", "conv1/gamma"])
def test_an_array_without_a_variable_is_named(model, arrays, name):
    arrays[name] = np.zeros((2, 7))
    with pytest.raises(ValueError, match=rf"{name} \(2, 7\) has no variable"):
        assign(model, arrays, "a.h5")


def test_a_misfit_shows_file_model_and_both_shapes(model, arrays):
    arrays["conv1/kernel"] = np.zeros((5, 4, 2))
    with pytest.raises(ValueError, match=r"\(5, 4, 2\) in the file, \(5, 4, 3\)") as e:
        assign(model, arrays, "a.h5")
    assert str(e.value).startswith("a.h5 does not fit the model 'small': conv1/kernel")


def test_a_shape_that_would_broadcast_is_a_misfit(model, arrays):
    arrays["conv1/bias"] = np.zeros(1)
    with pytest.raises(ValueError, match=r"conv1/bias has shape \(1,\)"):
        assign(model, arrays, "a.h5")


def test_leftovers_are_named(model, arrays):
    leftovers = {"layer_9/param_0": np.zeros((2, 5))}
    with pytest.raises(ValueError, match=r"left over: layer_9/param_0 \(2, 5\)"):
        assign(model, arrays, "a.h5", leftovers)


def test_a_variable_set_twice_is_named(model, arrays):
    arrays["conv1/_kernel"] = arrays["conv1/kernel"]
    with pytest.raises(ValueError, match="set twice: conv1/kernel and conv1/_kernel"):
        assign(model, arrays, "a.h5")


def test_nothing_is_set_when_something_does_not_fit(model, arrays):
    before = values(model)
    arrays["lstm/cell.bias"] = np.zeros(7)
    with pytest.raises(ValueError, match="does not fit"):
        assign(model, arrays, "a.h5")
    for value, old in zip(values(model), before, strict=True):
        np.testing.assert_array_equal(value, old)


def test_taking_removes(arrays):
    bias = arrays["conv1/bias"]
    assert take(arrays, "conv1/bias", "a.h5") is bias
    assert "conv1/bias" not in arrays


def test_taking_what_is_missing_names_what_there_is():
    with pytest.raises(
        ValueError, match=r"a\.h5 has no tensor 'b'.*used yet: c \(2,\)"
    ):
        take({"c": np.zeros(2)}, "b", "a.h5")


def test_layers_that_differ_are_listed(model):
    check_layers(model, ["lstm", "conv1"], "DanQ", "a.h5")
    with pytest.raises(ValueError, match="DanQ") as error:
        check_layers(model, ["conv1", "hidden"], "DanQ", "a.h5")
    assert str(error.value) == (
        "a.h5 holds DanQ weights (layers conv1, hidden); the model is 'small' "
        "(layers conv1, lstm)"
    )
