"""RevCompBatchNormalization against numpy and against a folded BatchNormalization."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.layers import RevCompBatchNormalization
from tests.conformance.harness import (
    BOUNDED,
    FEW,
    SEEDS,
    assert_alike,
    randomized,
    to_numpy,
)
from tests.gradients import gradients
from tests.reference.layers import normalization, strand_moments


@st.composite
def batches(draw, pairs=1):
    """At least so many paired channels, of either rank, and a generator for weights."""
    rng = np.random.default_rng(draw(SEEDS))
    shape = (draw(st.integers(2, 5)), 2 * draw(st.integers(pairs, 4)))
    if draw(st.booleans()):
        shape = (shape[0], draw(st.integers(1, 9)), shape[1])
    return rng.normal(0.5, 2.0, size=shape).astype("float32"), rng


def parameters(layer):
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    return {name: to_numpy(getattr(layer, name)) for name in names}


def fold(x):
    """Lay the turned channels of the other strand behind those of this one."""
    half = x.shape[-1] // 2
    turned = np.flip(x[..., half:], axis=tuple(range(1, x.ndim)))
    return np.concatenate([x[..., :half], turned], axis=x.ndim - 2)


@BOUNDED
@given(batch=batches())
def test_training_normalises_by_the_moments_of_both_strands(batch):
    x, rng = batch
    layer = randomized(RevCompBatchNormalization(), x.shape, rng)
    weights = parameters(layer)
    expected = normalization(
        x, *strand_moments(x), gamma=weights["gamma"], beta=weights["beta"]
    )
    assert_alike(to_numpy(layer(x, training=True)), expected, 1e-5)


@BOUNDED
@given(batch=batches())
def test_inference_normalises_by_the_moving_statistics(batch):
    x, rng = batch
    layer = randomized(RevCompBatchNormalization(), x.shape, rng)
    gamma, beta, mean, variance = parameters(layer).values()
    expected = normalization(x, mean, variance, gamma, beta)
    assert_alike(to_numpy(layer(x, training=False)), expected, 1e-5)


@BOUNDED
@given(batch=batches())
def test_moving_statistics_follow_the_moments_of_both_strands(batch):
    x, rng = batch
    layer = randomized(RevCompBatchNormalization(momentum=0.75), x.shape, rng)
    before = parameters(layer)
    mean, variance = strand_moments(x)
    layer(x, training=True)
    expected = 0.75 * before["moving_mean"] + 0.25 * mean
    assert_alike(to_numpy(layer.moving_mean), expected, 1e-5)
    expected = 0.75 * before["moving_variance"] + 0.25 * variance
    assert_alike(to_numpy(layer.moving_variance), expected, 1e-5)


def test_the_variance_includes_the_distance_between_the_strands():
    x = np.broadcast_to(np.float32([1, 5]), (2, 3, 2)).copy()
    layer = RevCompBatchNormalization(momentum=0.0)
    layer(x, training=True)
    assert to_numpy(layer.moving_mean) == 3
    assert to_numpy(layer.moving_variance) == 4


# With a mask and one channel, Keras's own layer fails on torch.
@BOUNDED
@given(batch=batches(pairs=2))
def test_masked_positions_do_not_count(batch):
    x, rng = batch
    mask = rng.random(x.shape[:-1]) < 0.6
    mask.flat[0] = True
    layer = RevCompBatchNormalization(momentum=0.0)
    layer(x, training=True, mask=keras.ops.convert_to_tensor(mask))
    mean, variance = strand_moments(x, mask)
    assert_alike(to_numpy(layer.moving_mean), mean, 1e-5)
    assert_alike(to_numpy(layer.moving_variance), variance, 1e-5)


def test_the_mask_of_a_masking_layer_arrives():
    x = np.random.default_rng(0).normal(1, 1, size=(3, 6, 4)).astype("float32")
    x[:, 4:] = 0
    layer = RevCompBatchNormalization(momentum=0.0)
    model = keras.Sequential([keras.Input((6, 4)), keras.layers.Masking(), layer])
    model(x, training=True)
    mean, variance = strand_moments(x[:, :4])
    assert np.abs(mean - strand_moments(x)[0]).min() > 1e-2
    assert_alike(to_numpy(layer.moving_mean), mean, 1e-5)
    assert_alike(to_numpy(layer.moving_variance), variance, 1e-5)


@FEW
@given(batch=batches(), renorm=st.booleans())
def test_gradients_in_training_are_those_of_the_folded_layer(batch, renorm):
    x, rng = batch
    tied = randomized(RevCompBatchNormalization(renorm=renorm), x.shape, rng)
    plain = keras.layers.BatchNormalization(renorm=renorm)
    plain.build(fold(x).shape)
    plain.set_weights(tied.get_weights())
    cotangent = rng.normal(size=x.shape)
    of_weights, of_input = gradients(tied, x, cotangent, training=True)
    expected, of_folded = gradients(plain, fold(x), fold(cotangent), training=True)
    for received, wanted in zip(of_weights, expected, strict=True):
        assert_alike(received, wanted, 1e-4)
    assert_alike(fold(of_input), of_folded, 1e-4)


@FEW
@given(batch=batches())
def test_gradients_in_inference_are_those_of_the_untied_layer_folded(batch):
    x, rng = batch
    tied = randomized(RevCompBatchNormalization(), x.shape, rng)
    untied = keras.layers.BatchNormalization()
    untied.build(x.shape)
    untied.set_weights([np.concatenate([w, w[::-1]]) for w in tied.get_weights()])
    cotangent = rng.normal(size=x.shape)
    of_weights, of_input = gradients(tied, x, cotangent)
    wide, of_wide_input = gradients(untied, x, cotangent)
    half = x.shape[-1] // 2
    for received, g in zip(of_weights, wide, strict=True):
        assert_alike(received, g[:half] + g[half:][::-1], 1e-4)
    assert_alike(of_input, of_wide_input, 1e-4)


@FEW
@given(batch=batches())
def test_renormalization_is_that_of_the_folded_layer(batch):
    x, rng = batch
    clipping = {"rmax": 1.5, "rmin": 0.5, "dmax": 0.5}
    arguments = {"renorm": True, "renorm_clipping": clipping}
    tied = randomized(RevCompBatchNormalization(**arguments), x.shape, rng)
    plain = keras.layers.BatchNormalization(**arguments)
    plain.build(fold(x).shape)
    plain.set_weights(tied.get_weights())
    y, expected = tied(x, training=True), plain(fold(x), training=True)
    assert_alike(fold(to_numpy(y)), to_numpy(expected), 1e-5)
    for received, wanted in zip(tied.weights, plain.weights, strict=True):
        assert_alike(to_numpy(received), to_numpy(wanted), 1e-5)


def test_a_frozen_layer_works_as_in_inference_and_keeps_its_statistics():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 7, 6)).astype("float32")
    layer = randomized(RevCompBatchNormalization(trainable=False), x.shape, rng)
    before = layer.get_weights()
    y = to_numpy(layer(x, training=True))
    np.testing.assert_array_equal(y, to_numpy(layer(x, training=False)))
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_both_strands_of_a_batch_give_the_same_statistics():
    x = np.random.default_rng(0).normal(size=(4, 7, 6)).astype("float32")
    layers = [RevCompBatchNormalization(momentum=0.0) for _ in range(2)]
    for layer, strand in zip(layers, (x, x[:, ::-1, ::-1].copy()), strict=True):
        layer(strand, training=True)
    for a, b in zip(layers[0].weights, layers[1].weights, strict=True):
        assert_alike(to_numpy(a), to_numpy(b), 1e-6)


def test_a_regularizer_counts_each_pair_once():
    layer = RevCompBatchNormalization(gamma_regularizer=keras.regularizers.L2(0.1))
    layer.build((None, 7, 6))
    np.testing.assert_allclose(to_numpy(sum(layer.losses)), 0.1 * 3, rtol=1e-6)


def test_the_last_axis_may_be_named_by_its_place():
    x = np.random.default_rng(0).normal(size=(4, 7, 6)).astype("float32")
    y = RevCompBatchNormalization(axis=2)(x, training=True)
    assert_alike(to_numpy(y), normalization(x, *strand_moments(x)), 1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"axis": 1}, r"last axis only. Received axis=1 for input shape \(2, 8, 5\)"),
        ({}, "even number of input channels.*Received channels=5"),
    ],
)
def test_an_input_without_paired_channels_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        RevCompBatchNormalization(**arguments)(np.zeros((2, 8, 5), "float32"))
