"""Log odds in front of the last activation."""

import keras
import numpy as np
import pytest
from keras import layers

from rckeras.interpret import logit_model
from rckeras.layers import DenseAfterRevcomp


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(5, 6, 4)).astype("float32")


def make(*ends):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((6, 4)), layers.Flatten(), *ends])


def nested():
    inner = keras.Sequential([keras.Input((24,)), layers.Dense(3, "sigmoid")])
    return make(inner)


def operation(model):
    return keras.Model(model.inputs, keras.ops.sigmoid(model.outputs[0]))


def twice():
    squash = layers.Activation("sigmoid")
    return make(layers.Dense(3), squash, layers.Dense(2), squash)


ENDS = {
    "sigmoid": lambda: make(layers.Dense(3, "sigmoid")),
    "two classes": lambda: make(layers.Dense(2, "softmax")),
    "five classes": lambda: make(layers.Dense(5, "softmax")),
    "a layer of its own": lambda: make(layers.Dense(3), layers.Activation("sigmoid")),
    "a softmax of its own": lambda: make(layers.Dense(3), layers.Softmax()),
    "tied strands": lambda: make(DenseAfterRevcomp(3, activation="sigmoid")),
    "a model in the model": nested,
    "an operation": lambda: operation(make(layers.Dense(3))),
    "a layer that is called twice": twice,
}


@pytest.mark.parametrize("end", ENDS)
def test_logits_are_the_log_odds_of_the_probabilities(end, x):
    model = ENDS[end]()
    p = model.predict(x, verbose=0).astype("float64")
    logits = logit_model(model).predict(x, verbose=0)
    np.testing.assert_allclose(logits, np.log(p / (1 - p)), atol=1e-4)


def test_logits_go_on_where_probabilities_are_1(x):
    model = make(layers.Dense(3, "softmax"))
    model.set_weights([100 * weight for weight in model.get_weights()])
    logits = logit_model(model).predict(x, verbose=0)
    assert model.predict(x, verbose=0).max() == 1
    assert np.isfinite(logits).all()
    z = (x.reshape(5, -1) @ model.get_weights()[0]).astype("float64")
    largest = np.sort(z, axis=1)
    np.testing.assert_allclose(
        logits.max(axis=1), largest[:, 2] - np.logaddexp(*largest[:, :2].T), rtol=1e-4
    )


def test_other_ends_stay_as_they_are(x):
    model = make(layers.Dense(3, "relu"))
    assert logit_model(model) is model


def test_the_model_keeps_its_probabilities_and_shares_its_weights(x):
    hidden = layers.Dense(7, "relu")
    model = make(hidden, layers.Dense(2, "sigmoid"))
    model.compile("sgd", "mse", metrics=["mae"])
    before = model.predict(x, verbose=0)
    logits = logit_model(model)
    np.testing.assert_array_equal(model.predict(x, verbose=0), before)
    assert hidden in logits._flatten_layers()


def test_a_softmax_along_another_axis_is_refused():
    model = keras.Sequential([keras.Input((6, 4)), layers.Softmax(axis=1)])
    with pytest.raises(
        ValueError, match=r"last axis.*axis=1 of outputs \(None, 6, 4\)"
    ):
        logit_model(model)


def test_a_softmax_of_one_class_is_refused():
    with pytest.raises(ValueError, match=r"\(None, 1\)"):
        logit_model(make(layers.Dense(1, "softmax")))
