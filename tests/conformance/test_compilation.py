"""Compiled training steps and predictions."""

import keras
import numpy as np
import pytest

from tests.conformance.descriptors import DESCRIPTORS, FIRST
from tests.conformance.harness import assert_alike, example, randomized, to_numpy

MARKED = [
    pytest.param(each, id=str(each), marks=[] if each in FIRST else pytest.mark.slow)
    for each in DESCRIPTORS
]


def compiled(descriptor):
    x, rng = example(descriptor)
    layer = randomized(descriptor.make(), x.shape, rng)
    model = keras.Sequential([keras.Input(descriptor.shape), layer])
    model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=True)
    return model, layer, x, rng


@pytest.fixture(autouse=True)
def compiler():
    if keras.backend.backend() == "torch":
        pytest.skip("jit_compile=True needs a C++ compiler at run time on torch")


@pytest.mark.parametrize("descriptor", MARKED)
def test_a_training_step_compiles(descriptor):
    model, layer, x, rng = compiled(descriptor)
    targets = rng.normal(size=(len(x), *descriptor.output)).astype("float32")
    before = layer.get_weights()
    assert np.isfinite(model.train_on_batch(x, targets))
    moved = [np.any(a != b) for a, b in zip(before, layer.get_weights(), strict=True)]
    assert any(moved) == bool(descriptor.weights)


@pytest.mark.parametrize("descriptor", MARKED)
def test_a_compiled_prediction_equals_a_direct_call(descriptor):
    model, layer, x, _ = compiled(descriptor)
    y = model.predict_on_batch(x)
    assert y.shape == (len(x), *descriptor.output)
    # XLA's generator on TensorFlow is another one, which draws other masks.
    if not descriptor.random and "fixed" not in descriptor.arguments:
        assert_alike(y, to_numpy(layer(x)), 1e-5)
