"""DenseAfterRevcomp against its definition and against an untied Dense layer."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.layers import (
    DenseAfterRevcomp,
    RevCompBatchNormalization,
    RevCompBidirectional,
    RevCompConv1D,
    WeightedSum1D,
)
from tests.conformance.harness import (
    BOUNDED,
    FEW,
    SEEDS,
    assert_alike,
    randomized,
    to_numpy,
)
from tests.gradients import gradients
from tests.reference.layers import dense_after_revcomp, reverse_complement


@st.composite
def batches(draw):
    """Inputs of either rank with an even number of features, and a generator."""
    rng = np.random.default_rng(draw(SEEDS))
    shape = [draw(st.integers(1, 3)), draw(st.integers(1, 5))]
    if draw(st.booleans()):
        shape.append(draw(st.integers(1, 6)))
    if np.prod(shape[1:]) % 2:
        shape[1] += 1
    return rng.normal(size=shape).astype("float32"), rng


@BOUNDED
@given(batch=batches())
def test_output_puts_equal_weights_on_a_feature_and_its_partner(batch):
    x, rng = batch
    layer = randomized(DenseAfterRevcomp(3), x.shape, rng)
    assert_alike(to_numpy(layer(x)), dense_after_revcomp(x, *layer.get_weights()), 1e-5)


@FEW
@given(batch=batches())
def test_gradients_are_those_of_the_untied_dense_layer_folded(batch):
    x, rng = batch
    layer = randomized(DenseAfterRevcomp(3), x.shape, rng)
    stored, bias = layer.get_weights()
    flat = x.reshape(len(x), -1)
    untied = keras.layers.Dense(3)
    untied.build(flat.shape)
    untied.set_weights([np.concatenate([stored, stored[::-1]]), bias])
    cotangent = rng.normal(size=(len(x), 3))
    (kernel, of_bias), of_input = gradients(layer, x, cotangent)
    (wide, wide_bias), of_flat = gradients(untied, flat, cotangent)
    half = len(stored)
    assert_alike(kernel, wide[:half] + wide[half:][::-1], 1e-5)
    assert_alike(of_bias, wide_bias, 1e-5)
    assert_alike(of_input, of_flat.reshape(x.shape), 1e-5)


@pytest.fixture
def network():
    """Shrikumar's layers in small, with the dense layer as a head."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((40, 4)),
            RevCompConv1D(5, 5),
            RevCompBatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.MaxPooling1D(6),
            DenseAfterRevcomp(2, activation="sigmoid"),
        ]
    )


def test_it_is_a_head_of_networks_without_a_flatten_layer(network):
    rng = np.random.default_rng(0)
    x = np.eye(4, dtype="float32")[rng.integers(0, 4, size=(8, 40))]
    network.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    network.fit(x, rng.integers(0, 2, size=(8, 2)), epochs=2, verbose=0)
    y = network.predict(x, verbose=0)
    assert y.std(axis=0).min() > 1e-3
    turned = network.predict(reverse_complement(x), verbose=0)
    assert_alike(turned, y, 1e-5)


def test_it_follows_the_weighted_sum():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 9, 6)).astype("float32")
    model = keras.Sequential(
        [keras.Input((9, 6)), WeightedSum1D(), DenseAfterRevcomp(2)]
    )
    turned = np.ascontiguousarray(reverse_complement(x))
    np.testing.assert_array_equal(to_numpy(model(turned)), to_numpy(model(x)))


@pytest.mark.parametrize("shape", [(40,), (5, 8), (8, 5)])
def test_it_stores_half_the_weights_of_a_dense_layer(shape):
    layer = DenseAfterRevcomp(3)
    layer.build((None, *shape))
    assert layer.count_params() == 20 * 3 + 3


def test_initializers_see_a_matrix():
    layer = DenseAfterRevcomp(64, kernel_initializer="glorot_uniform")
    keras.utils.set_random_seed(0)
    layer.build((None, 40, 16))
    limit = np.sqrt(6 / (320 + 64))
    assert 0.98 * limit < np.abs(to_numpy(layer.kernel)).max() <= limit


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 7), "7 features of input shape"),
        ((2, 3, 5), "15 features of input shape"),
        ((2, 3, 4, 5), r"\(batch, length, channels\).* \(2, 3, 4, 5\)"),
    ],
)
def test_features_without_partners_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        DenseAfterRevcomp(3)(np.zeros(shape, "float32"))


@pytest.mark.parametrize("shape", [(None, None), (None, None, 4), (None, 9, None)])
def test_an_unknown_size_is_refused(shape):
    with pytest.raises(ValueError, match=rf"known. Received input shape \({shape[0]}"):
        DenseAfterRevcomp(3).build(shape)


def test_another_shape_than_the_first_is_refused():
    layer = DenseAfterRevcomp(3)
    layer(np.zeros((2, 9, 4), "float32"))
    with pytest.raises(ValueError, match=r"found shape=\(2, 6, 6\)"):
        layer(np.zeros((2, 6, 6), "float32"))


@pytest.mark.parametrize("dtype", ["int8_from_float32", "int4_from_mixed_bfloat16"])
def test_a_quantized_dtype_is_refused(dtype):
    with pytest.raises(ValueError, match=f"float or mixed.*Received dtype='{dtype}'"):
        DenseAfterRevcomp(3, dtype=dtype)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_quantizing_a_model_leaves_the_layer_alone(network):
    x = np.random.default_rng(0).normal(size=(2, 40, 4)).astype("float32")
    y = to_numpy(network(x))
    network.quantize("int8")
    np.testing.assert_array_equal(to_numpy(network(x)), y)


def test_a_mask_ends_where_the_positions_end():
    model = keras.Sequential(
        [
            keras.Input((7, 4)),
            keras.layers.Masking(),
            RevCompBidirectional(keras.layers.LSTM(3, return_sequences=True)),
            DenseAfterRevcomp(2),
        ]
    )
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(4, 7, 4))
    x[:, 5:] = 0
    assert np.isfinite(model.train_on_batch(x, np.zeros((4, 2))))
