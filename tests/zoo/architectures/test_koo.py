"""Koo and Eddy's networks by name."""

import keras
import numpy as np
import pytest

from tests.zoo.architectures.arithmetic import conv, dense, names, norm, trainable
from zoo.architectures.koo import koo_cnn


def count(filters=(30, 128), widths=(19, 5), positions=2, units=512):
    channels = (4, *filters)
    convolutions = [
        conv(channels[i], filters[i], widths[i], bias=False) + norm(filters[i])
        for i in range(len(filters))
    ]
    hidden = dense(positions * filters[-1], units, bias=False) + norm(units)
    return sum(convolutions) + hidden + dense(units, 12)


FIFTY_TWO = {"pool_sizes": (50, 50), "pool_strides": (2, 50)}
NETWORKS = {
    "CNN-1": ({"pool_sizes": (1, 100)}, count(), 160_048),
    "CNN-2": ({"pool_sizes": (2, 50)}, count(), 160_048),
    "CNN-25": ({}, count(), 160_048),
    "CNN-100": ({"pool_sizes": (100, 1)}, count(), 160_048),
    "CNN9-4": (
        {"kernel_sizes": (9, 5), "pool_sizes": (4, 25)},
        count(widths=(9, 5)),
        158_848,
    ),
    "CNN25 (60)": ({"filters": (60, 128)}, count((60, 128)), 181_588),
    "CNN19-1-2": (
        {"kernel_sizes": (19, 1), "pool_sizes": (2, 50)},
        count(widths=(19, 1)),
        144_688,
    ),
    "CNN-50-2": (FIFTY_TWO, count(positions=1), 94_512),
    "CNN-50-2, padded": (FIFTY_TWO | {"pool_padding": "same"}, count(), 160_048),
    "CNN-50-2, released": (
        FIFTY_TWO | {"filters": (30, 64), "hidden_units": 96},
        count((30, 64), positions=1, units=96),
        19_568,
    ),
    "CNN-1-1-100": (
        {
            "filters": (30, 128, 128),
            "kernel_sizes": (19, 5, 5),
            "pool_sizes": (1, 1, 100),
        },
        count((30, 128, 128), (19, 5, 5)),
        242_224,
    ),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_the_count_follows_from_the_layers(network):
    arguments, expected, documented = NETWORKS[network]
    assert trainable(koo_cnn(**arguments)) == expected == documented
    assert "released" in network or f"{documented:,}" in koo_cnn.__doc__


def test_the_layers_stand_in_the_published_order():
    assert names(koo_cnn()) == (
        "conv1 norm1 relu1 pool1 dropout1 conv2 norm2 relu2 pool2 dropout2 flatten "
        "hidden norm_hidden relu_hidden dropout_hidden predictions"
    )


def test_a_pool_of_one_is_left_out():
    layers = names(koo_cnn(pool_sizes=(1, 100)))
    assert "pool1" not in layers
    assert "pool2" in layers


def test_every_named_cnn_hands_two_positions_to_its_hidden_layer():
    for p in (1, 2, 4, 10, 25, 50, 100):
        model = koo_cnn(pool_sizes=(p, 100 // p))
        assert model.get_layer("flatten").input.shape == (None, 2, 128)


def test_rates_are_the_published_ones():
    model = koo_cnn()
    rates = {n: model.get_layer(n).rate for n in names(model).split() if "dropout" in n}
    assert rates == {"dropout1": 0.1, "dropout2": 0.1, "dropout_hidden": 0.5}


def test_the_l2_penalty_covers_convolutions_and_dense_layers():
    model = koo_cnn(l2=1e-3)
    layers = ("conv1", "conv2", "hidden", "predictions")
    kernels = [model.get_layer(name).get_weights()[0] for name in layers]
    expected = 1e-3 * sum(np.square(kernel).sum() for kernel in kernels)
    penalty = keras.ops.convert_to_numpy(sum(model.losses))
    np.testing.assert_allclose(penalty, expected, rtol=1e-4)


def test_the_penalty_can_be_left_out():
    assert koo_cnn(l2=0).losses == []


@pytest.mark.parametrize(
    ("chosen", "start"),
    [
        ({}, keras.initializers.GlorotUniform),
        ({"kernel_initializer": "he_normal"}, keras.initializers.HeNormal),
    ],
)
def test_weights_start_as_in_the_code_or_as_in_the_text(chosen, start):
    model = koo_cnn(**chosen)
    for name in ("conv1", "conv2", "hidden", "predictions"):
        assert isinstance(model.get_layer(name).kernel_initializer, start)


def test_strides_must_come_in_equal_number():
    with pytest.raises(ValueError, match=r"pool_strides=\(2,\)"):
        koo_cnn(pool_strides=(2,))
