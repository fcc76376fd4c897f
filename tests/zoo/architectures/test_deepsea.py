"""DeepSEA as published."""

import numpy as np
import pytest

from rckeras.activations import threshold_relu
from tests.zoo.architectures.arithmetic import (
    conv,
    correlate,
    dense,
    names,
    randomize,
    run,
    sequences,
    trainable,
    valid,
)
from zoo.architectures.deepsea import deepsea


@pytest.fixture(scope="module")
def published():
    return deepsea()


def test_the_count_is_the_published_one(published):
    length = valid(1000, (8, 1), (4, 4), (8, 1), (4, 4), (8, 1))
    convolutions = conv(4, 320, 8) + conv(320, 480, 8) + conv(480, 960, 8)
    expected = convolutions + dense(length * 960, 925) + dense(925, 919)
    assert trainable(published) == expected == 52_843_119


def test_the_layers_stand_in_the_published_order(published):
    assert names(published) == (
        "conv1 pool1 dropout1 conv2 pool2 dropout2 conv3 dropout3 flatten hidden "
        "predictions"
    )


def test_53_positions_of_960_filters_are_flattened(published):
    assert published.get_layer("flatten").input.shape == (None, 53, 960)


def test_dropout_rates_are_the_published_ones(published):
    rates = [published.get_layer(f"dropout{i}").rate for i in (1, 2, 3)]
    assert rates == [0.2, 0.2, 0.5]


def test_all_activations_before_the_last_are_thresholds(published):
    layers = ("conv1", "conv2", "conv3", "hidden")
    assert {published.get_layer(n).activation for n in layers} == {threshold_relu}


def test_the_forward_pass_equals_an_independent_one():
    model = deepsea(
        targets=3,
        sequence_length=41,
        filters=(4, 5),
        kernel_size=3,
        dropout=(0.1, 0.1),
        hidden_units=6,
    )
    randomize(model)
    x = sequences(2, 41)
    k1, b1, k2, b2, w1, c1, w2, c2 = (np.float64(w) for w in model.get_weights())
    y = threshold(correlate(x, k1) + b1)
    y = y[:, : y.shape[1] // 4 * 4].reshape(2, -1, 4, 4).max(axis=2)
    y = threshold(correlate(y, k2) + b2).reshape(2, -1)
    y = threshold(y @ w1 + c1)
    expected = 1 / (1 + np.exp(-(y @ w2 + c2)))
    np.testing.assert_allclose(run(model, x), expected, atol=1e-5)


def threshold(x):
    return np.where(x > 0, x, 1e-6)


def test_pools_need_a_convolution_after_them():
    with pytest.raises(ValueError, match="`filters`, `dropout` must have one entry"):
        deepsea(filters=(320, 480), dropout=(0.2, 0.2, 0.5))
