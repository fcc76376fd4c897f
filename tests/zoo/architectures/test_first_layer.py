"""The two networks of the first-layer study."""

import pytest

from tests.zoo.architectures.arithmetic import (
    conv,
    dense,
    lstm,
    names,
    trainable,
    valid,
)
from zoo.architectures.first_layer import first_layer_cnn, first_layer_danq


def cnn_count(filters, projection):
    length = valid(500, (19, 1), (6, 6), (11, 1), (2, 2), (7, 1), (2, 2))
    inner = projection or filters
    total = conv(4, filters, 19) + (filters * projection if projection else 0)
    total += conv(inner, 128, 11) + conv(128, 256, 7)
    return total + dense(length * 256, 2048) + dense(2048, 919)


def danq_count(filters, projection):
    length = valid(500, (26, 1), (13, 13))
    inner = projection or filters
    total = conv(4, filters, 26) + (filters * projection if projection else 0)
    total += 2 * lstm(inner, 100)
    return total + dense(length * 200, 925) + dense(925, 919)


CASES = [(300, None), (300, 64), (1000, 64)]


@pytest.mark.parametrize(("filters", "projection"), CASES)
def test_the_count_of_the_cnn_follows_from_its_layers(filters, projection):
    model = first_layer_cnn(filters=(filters, 128, 256), projection=projection)
    assert trainable(model) == cnn_count(filters, projection)


@pytest.mark.parametrize(("filters", "projection"), CASES)
def test_the_count_of_the_danq_follows_from_its_layers(filters, projection):
    model = first_layer_danq(filters=filters, projection=projection)
    assert trainable(model) == danq_count(filters, projection)


@pytest.mark.parametrize("projection", [None, 64])
def test_documented_counts_are_right(projection):
    assert f"{cnn_count(300, projection):,}" in first_layer_cnn.__doc__
    assert f"{danq_count(300, projection):,}" in first_layer_danq.__doc__


def test_projection_and_dropout_follow_the_first_pool():
    options = {"projection": 2, "dropout": 0.2}
    cnn = first_layer_cnn(filters=(4, 4, 4), hidden_units=4, **options)
    danq = first_layer_danq(filters=4, units=2, hidden_units=4, **options)
    start = "conv1 act1 pool1 projection dropout1"
    assert names(cnn) == (
        f"{start} conv2 act2 pool2 conv3 act3 pool3 flatten hidden act4 dropout2 "
        "predictions"
    )
    assert names(danq) == f"{start} bilstm dropout2 flatten hidden act2 predictions"
    assert cnn.get_layer("dropout1").rate == 0.2


def test_neither_stands_there_by_default():
    cnn = first_layer_cnn(filters=(4, 4, 4), hidden_units=4)
    danq = first_layer_danq(filters=4, units=2, hidden_units=4)
    assert names(cnn).startswith("conv1 act1 pool1 conv2 ")
    assert names(danq).startswith("conv1 act1 pool1 bilstm ")
