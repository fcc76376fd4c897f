"""Strand symmetry of every layer, as built, in training and after training."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.descriptors import DESCRIPTORS
from tests.conformance.harness import (
    BOUNDED,
    FEW,
    assert_alike,
    batches,
    example,
    from_same_state,
    on_both_strands,
    randomized,
)

SYMMETRIC = [each for each in DESCRIPTORS if each.symmetry != "none"]
FLOAT32 = 1e-5
FLOAT64 = 1e-12


@pytest.mark.parametrize("descriptor", SYMMETRIC, ids=str)
@BOUNDED
@given(data=st.data())
def test_reversing_the_strand_reverses_the_output(descriptor, data):
    x, rng = data.draw(batches(descriptor))
    layer = randomized(descriptor.make(), x.shape, rng)
    received, expected = on_both_strands(descriptor, layer, x)
    assert_alike(received, expected, 0 if descriptor.exact else FLOAT32)


@pytest.mark.parametrize("descriptor", SYMMETRIC, ids=str)
@FEW
@given(data=st.data())
def test_reversing_the_strand_reverses_the_output_in_training(descriptor, data):
    x, rng = data.draw(batches(descriptor))
    layer = randomized(descriptor.make(), x.shape, rng)
    received, expected = on_both_strands(descriptor, layer, x, training=True)
    assert_alike(received, expected, 0 if descriptor.exact else FLOAT32)


@pytest.mark.parametrize("descriptor", SYMMETRIC, ids=str)
@BOUNDED
@given(data=st.data())
def test_symmetry_holds_to_double_precision(descriptor, data):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("Keras computes parts in float32 on this backend")
    x, rng = data.draw(batches(descriptor))
    layer = randomized(descriptor.make(dtype="float64"), x.shape, rng)
    received, expected = on_both_strands(descriptor, layer, x.astype("float64"))
    assert received.dtype == "float64"
    assert_alike(received, expected, 0 if descriptor.exact else FLOAT64)


@pytest.mark.parametrize("descriptor", [d for d in SYMMETRIC if d.weights], ids=str)
def test_symmetry_survives_a_training_step(descriptor):
    x, rng = example(descriptor, batch=8)
    layer = randomized(descriptor.make(), x.shape, rng)
    before = layer.get_weights()
    model = keras.Sequential([keras.Input(descriptor.shape), layer])
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    targets = rng.normal(size=(8, *descriptor.output)).astype("float32")
    model.fit(x, targets, verbose=0)
    moved = [np.abs(a - b).max() for a, b in zip(before, layer.get_weights())]  # noqa: B905
    assert max(moved) > 1e-4
    received, expected = on_both_strands(descriptor, layer, x)
    assert_alike(received, expected, 0 if descriptor.exact else FLOAT32)


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
def test_the_output_tells_sequences_and_strands_apart(descriptor):
    # A constant would pass as equivariant and as invariant at once.
    x, rng = example(descriptor, batch=1)
    other, _ = example(descriptor, seed=1, batch=1)
    layer = randomized(descriptor.make(), x.shape, rng)
    y, y_other = from_same_state(layer, lambda: layer(x), lambda: layer(other))
    assert np.abs(y - y_other).max() > 1e-3
    received, expected = on_both_strands(descriptor, layer, x)
    if descriptor.symmetry == "none":
        assert np.abs(received - expected).max() > 1e-3
    elif descriptor.symmetry == "equivariant":
        assert np.abs(received - y).max() > 1e-3
