"""Shrikumar's networks for simulated and ChIP-seq data."""

import keras
import numpy as np
import pytest

from rckeras import conjoin
from tests.zoo.architectures.arithmetic import (
    conv,
    dense,
    names,
    norm,
    sequences,
    trainable,
    valid,
)
from zoo.architectures.shrikumar import shrikumar

CHIP_SEQ = {
    "targets": 1,
    "sequence_length": 1000,
    "filters": 16,
    "kernel_sizes": (15, 14, 14),
    "pool_size": 40,
    "pool_strides": 20,
}


def test_the_tied_network_has_the_published_count():
    expected = conv(4, 20, 21) + norm(20) + 180 // 20 * 20 + dense(20, 3)
    assert trainable(shrikumar()) == expected == 1_983


def test_the_traditional_network_has_the_published_count():
    expected = conv(4, 20, 21) + norm(20) + dense(180 // 20 * 20, 3)
    assert trainable(shrikumar(revcomp=False)) == expected == 2_283


@pytest.mark.parametrize("filters", [8, 16, 32])
def test_the_count_of_the_tied_chip_seq_network_follows_from_its_layers(filters):
    model = shrikumar(**(CHIP_SEQ | {"filters": filters}), freeze_head=True)
    length = valid(1000, (15, 1), (14, 1), (14, 1), (40, 20))
    expected = conv(4, filters, 15) + 2 * conv(2 * filters, filters, 14)
    expected += 3 * norm(filters) + length * filters + dense(filters, 1)
    assert trainable(model) == expected
    assert filters != 16 or f"{expected:,}" in shrikumar.__doc__


@pytest.mark.parametrize("filters", [8, 16, 32])
def test_the_count_of_the_traditional_chip_seq_network_follows(filters):
    model = shrikumar(**(CHIP_SEQ | {"filters": filters}), revcomp=False)
    expected = conv(4, filters, 15) + 2 * conv(filters, filters, 14)
    expected += 3 * norm(filters) + dense(47 * filters, 1)
    assert trainable(model) == expected
    assert filters == 8 or f"{expected:,}" in shrikumar.__doc__


def test_the_layers_stand_in_the_published_order():
    convolutions = "conv1 norm1 relu1 conv2 norm2 relu2 conv3 norm3 relu3"
    tied = shrikumar(**CHIP_SEQ)
    traditional = shrikumar(**CHIP_SEQ, revcomp=False)
    assert names(tied) == f"{convolutions} pool weighted_sum predictions"
    assert names(traditional) == f"{convolutions} pool flatten predictions"


def test_the_one_layer_network_needs_a_length_that_its_pool_tiles():
    one_layer = CHIP_SEQ | {"filters": 8, "kernel_sizes": (15,), "freeze_head": True}
    with pytest.raises(ValueError, match="994 and 1014"):
        shrikumar(**one_layer)
    assert shrikumar(**(one_layer | {"sequence_length": 994})).output_shape == (None, 1)
    assert shrikumar(**(one_layer | {"revcomp": False, "freeze_head": False}))


def frozen():
    return shrikumar(
        targets=1, sequence_length=64, filters=4, kernel_sizes=(5,), freeze_head=True
    )


def train(model, y):
    keras.utils.set_random_seed(0)
    x = sequences(16, 64)
    model.compile(keras.optimizers.Adam(0.05), loss="binary_crossentropy")
    model.fit(x, y, epochs=3, batch_size=8, verbose=0)


def saved(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.saving.load_model(tmp_path / "model.keras")


@pytest.mark.parametrize("step", ["built", "saved", "cloned"])
def test_a_frozen_head_keeps_its_ones_while_its_bias_learns(step, tmp_path):
    model = frozen()
    if step == "saved":
        model = saved(model, tmp_path)
    elif step == "cloned":
        model = keras.models.clone_model(model)
    train(model, np.ones((16, 1)))  # one class alone: the bias has one way to go
    kernel, bias = model.get_layer("predictions").get_weights()
    np.testing.assert_allclose(kernel, np.ones((4, 1)), rtol=1e-6)
    assert bias[0] > 0.05


def test_a_head_that_is_not_frozen_learns():
    model = shrikumar(targets=1, sequence_length=64, filters=4, kernel_sizes=(5,))
    before = model.get_layer("predictions").get_weights()[0]
    train(model, np.arange(16)[:, None] % 2)
    assert np.abs(model.get_layer("predictions").get_weights()[0] - before).max() > 0.01


@pytest.mark.parametrize("options", [{"targets": 3}, {"targets": 1, "revcomp": False}])
def test_a_head_that_is_not_redundant_is_not_frozen(options):
    with pytest.raises(ValueError, match=f"Received targets={options['targets']}"):
        shrikumar(**options, freeze_head=True)


@pytest.mark.parametrize("pool", ["sum", "average", "max"])
def test_a_pool_over_the_strands_leaves_an_ordinary_head(pool):
    model = shrikumar(strand_pool=pool)
    layers = names(model)
    assert layers == "conv1 norm1 relu1 pool strand_pool flatten predictions"
    expected = conv(4, 20, 21) + norm(20) + dense(180 // 20 * 20, 3)
    assert trainable(model) == expected
    x = sequences(4, 200)
    other = model.predict(x[:, ::-1, ::-1], verbose=0)
    np.testing.assert_allclose(model.predict(x, verbose=0), other, atol=1e-6)


@pytest.mark.parametrize(
    "arguments",
    [
        {"strand_pool": "mean"},
        {"strand_pool": "sum", "revcomp": False},
        {"strand_pool": "sum", "freeze_head": True, "targets": 1},
    ],
)
def test_other_pools_over_the_strands_are_refused(arguments):
    with pytest.raises(ValueError, match="strand_pool"):
        shrikumar(**arguments)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_one_tied_layer_averaged_over_the_pair_is_a_conjoined_network(seed, training):
    tied = shrikumar(strand_pool="average")
    plain = shrikumar(revcomp=False)
    rng = np.random.default_rng(seed)
    for layer in plain.layers:
        # Those of the batch norm are scales and variances, too.
        weights = [rng.uniform(0.5, 1, w.shape) for w in layer.get_weights()]
        if not isinstance(layer, keras.layers.BatchNormalization):
            weights = [w * rng.choice([-0.1, 0.1], w.shape) for w in weights]
        layer.set_weights(weights)
    tied.set_weights(plain.get_weights())
    x = sequences(8, 200, seed=seed)
    one, other = (
        keras.ops.convert_to_numpy(network(x, training=training))
        for network in (tied, conjoin(plain))
    )
    assert np.ptp(one) > 1e-3
    np.testing.assert_allclose(one, other, atol=1e-5)
