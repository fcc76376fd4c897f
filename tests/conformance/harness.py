"""What the suites share: generated inputs, random weights, calls on both strands."""

import keras
import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from tests.reference.layers import reverse_complement

# JAX compiles every operation anew for every shape.
EXAMPLES, FEWER = (6, 3) if keras.backend.backend() == "jax" else (15, 5)
BOUNDED = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None
)
FEW = settings(BOUNDED, max_examples=FEWER)
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def batches(draw, descriptor):
    """A batch of legal shape, all channels in use, and a generator for weights."""
    channels = draw(st.sampled_from(descriptor.channels))
    shape = (draw(st.integers(1, 3)), channels)
    if len(descriptor.shape) == 2:
        shape = (shape[0], draw(st.sampled_from(descriptor.lengths)), channels)
    rng = np.random.default_rng(draw(SEEDS))
    return rng.normal(size=shape).astype("float32"), rng


def example(descriptor, seed=0, batch=4):
    """A batch of the descriptor's own shape, and a generator for weights."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(batch, *descriptor.shape)).astype("float32"), rng


def randomized(layer, shape, rng):
    """The layer, built, with every weight at random and none of them zero."""
    if not layer.built:
        layer.build((None, *shape[1:]))
    for weight in layer.weights:
        values = rng.normal(0, 0.5, size=tuple(weight.shape))
        if any(word in weight.name for word in ("variance", "stddev")):
            values = rng.uniform(0.5, 2.0, size=tuple(weight.shape))
        weight.assign(values.astype("float32"))
    return layer


def to_numpy(tensor):
    """A copy that later assignments leave alone."""
    return np.array(keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(tensor)))


def from_same_state(layer, *calls):
    """Outputs of several calls, each from the state that the layer has now."""
    start = [(variable, to_numpy(variable)) for variable in layer.variables]
    outputs = []
    for call in calls:
        for variable, value in start:
            variable.assign(value)
        outputs.append(to_numpy(call()))
    return outputs


def on_both_strands(descriptor, layer, x, **call_arguments):
    """Output for the reverse complement, and what it should be."""
    turned = np.ascontiguousarray(reverse_complement(x))
    y, y_turned = from_same_state(
        layer,
        lambda: layer(x, **call_arguments),
        lambda: layer(turned, **call_arguments),
    )
    return y_turned, y if descriptor.symmetry == "invariant" else reverse_complement(y)


def assert_alike(received, expected, tolerance=0.0):
    """Difference of at most `tolerance`, relative to the largest value above 1."""
    assert received.shape == expected.shape
    bound = tolerance * max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(received, expected, rtol=0, atol=bound)
