"""CRNN as published, and its strand-symmetric sibling."""

import numpy as np
import pytest

from tests.zoo.architectures.arithmetic import (
    conv,
    dense,
    lstm,
    names,
    randomize,
    strands,
    trainable,
)
from zoo.architectures.crnn import crnn, rc_crnn


def count(filters, projection=None, second_filters=96):
    inner = filters if projection is None else projection
    total = conv(4, filters, 30)
    total += 0 if projection is None else dense(filters, projection, bias=False)
    total += conv(inner, second_filters, 11) + 2 * lstm(second_filters, 300)
    return total + dense(600, 919) + dense(919, 919)


PUBLISHED = [
    (320, None, 2_727_335),
    (320, 64, 2_477_479),
    (700, None, 3_174_595),
    (700, 64, 2_547_779),
]


@pytest.mark.parametrize(("filters", "projection", "published"), PUBLISHED)
def test_the_count_is_the_published_one(filters, projection, published):
    model = crnn(filters=filters, projection=projection)
    assert trainable(model) == count(filters, projection) == published


@pytest.mark.parametrize(("filters", "projection", "published"), PUBLISHED)
def test_no_other_second_layer_gives_the_published_count(
    filters, projection, published
):
    widths = [n for n in range(1, 400) if count(filters, projection, n) == published]
    assert widths == [96]


def test_the_count_of_the_symmetric_network_is_the_documented_one():
    expected = conv(4, 350, 30) + dense(700, 32, bias=False) + conv(64, 48, 11)
    expected += lstm(96, 300) + dense(300, 919) + dense(919, 919)
    assert trainable(rc_crnn()) == expected == 1_697_089
    assert f"{expected:,}" in rc_crnn.__doc__


SMALL = {"filters": 8, "projection": 6, "second_filters": 4, "units": 3}


@pytest.mark.parametrize("builder", [crnn, rc_crnn])
def test_the_layers_stand_in_the_published_order(builder):
    assert names(builder(**SMALL)) == (
        "conv1 act1 pool1 projection dropout1 conv2 act2 pool2 bilstm mean hidden act3 "
        "predictions"
    )


def test_without_projection_dropout_follows_the_pool():
    assert "pool1 dropout1" in names(crnn(**(SMALL | {"projection": None})))


@pytest.mark.parametrize("builder", [crnn, rc_crnn])
def test_the_lstm_reads_64_steps(builder):
    assert builder(**SMALL).get_layer("mean").input.shape == (None, 64, 6)


def test_rates_and_slopes_are_the_published_ones():
    model = crnn(**SMALL)
    assert model.get_layer("dropout1").rate == 0.15
    assert model.get_layer("bilstm").forward_layer.recurrent_dropout == 0.2
    assert {model.get_layer(f"act{i}").negative_slope for i in (1, 2, 3)} == {0.01}


def test_the_hidden_layer_of_the_symmetric_network_is_strand_invariant():
    model = rc_crnn(**SMALL, include_top=False)
    randomize(model)
    forward, reverse = strands(model)
    assert np.ptp(forward, axis=0).max() > 1e-3
    np.testing.assert_allclose(forward, reverse, atol=1e-5)


def test_the_symmetric_network_names_the_lengths_around_1000():
    with pytest.raises(ValueError, match=r"995 and 1009 .* sequence_length=1000"):
        rc_crnn(sequence_length=1000)


@pytest.mark.parametrize("argument", ["filters", "second_filters"])
def test_an_odd_number_of_tied_channels_is_refused(argument):
    with pytest.raises(ValueError, match=f"{argument}=7"):
        rc_crnn(**(SMALL | {argument: 7}))
