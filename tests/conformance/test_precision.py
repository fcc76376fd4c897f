"""Half precision, integer input."""

import keras
import numpy as np
import pytest

from tests.conformance.descriptors import DESCRIPTORS
from tests.conformance.harness import (
    assert_alike,
    example,
    from_same_state,
    randomized,
    to_numpy,
)

HALVES = {"mixed_float16": 1e-2, "mixed_bfloat16": 8e-2}


@pytest.mark.parametrize("policy", HALVES)
@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
def test_mixed_precision_is_close_to_single_precision(descriptor, policy):
    x, rng = example(descriptor)
    single = randomized(descriptor.make(), x.shape, rng)
    config = {**single.get_config(), "dtype": policy}
    mixed = randomized(descriptor.layer.from_config(config), x.shape, rng)
    mixed.set_weights(single.get_weights())
    y = keras.ops.convert_to_tensor(mixed(x))
    half = policy.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(y.dtype) == half
    received = to_numpy(keras.ops.cast(y, "float32"))
    if descriptor.random and descriptor.arguments.get("seed") is None:
        return
    assert_alike(received, to_numpy(single(x)), HALVES[policy])


@pytest.fixture
def mixed_policy():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
@pytest.mark.usefixtures("mixed_policy")
def test_a_global_policy_reaches_the_layer(descriptor):
    layer = descriptor.make()
    y = layer(example(descriptor)[0])
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    assert {weight.dtype for weight in layer.weights} <= {"float32"}


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
def test_integer_one_hot_input_can_be_given_directly(descriptor):
    x, rng = example(descriptor)
    layer = randomized(descriptor.make(), x.shape, rng)
    letters = rng.integers(0, 2, size=x.shape).astype("uint8")
    received, expected = from_same_state(
        layer, lambda: layer(letters), lambda: layer(letters.astype("float32"))
    )
    assert received.dtype == "float32"
    np.testing.assert_array_equal(received, expected)
