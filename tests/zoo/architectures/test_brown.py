"""Brown and Lunter's networks for recombination hotspots and simulated data."""

import h5py
import keras
import numpy as np
import pytest

from rckeras.activations import shifted_relu
from rckeras.interpret import fix_dropout
from rckeras.layers import (
    MonteCarloDropout,
    RevCompAveragePooling,
    RevCompDropout,
    RevCompSumPooling,
)
from tests.zoo.architectures.arithmetic import (
    conv,
    correlate,
    dense,
    names,
    randomize,
    run,
    sequences,
    strands,
    trainable,
)
from zoo.architectures.brown import brown_simulation, prdm9


def test_the_tied_network_has_the_documented_count():
    expected = conv(4, 8, 30) + conv(16, 8, 4) + dense(8, 2)
    assert trainable(prdm9()) == expected == 1_506


def test_the_untied_network_has_the_documented_count():
    expected = conv(4, 16, 30) + conv(16, 16, 4) + dense(16, 2)
    assert trainable(prdm9(equivariant=False)) == expected == 3_010


def test_the_simulation_networks_have_the_documented_counts():
    tied = conv(4, 6, 14) + dense(6, 2)
    untied = conv(4, 12, 14) + dense(12, 2)
    assert trainable(brown_simulation()) == tied == 356
    assert trainable(brown_simulation(equivariant=False)) == untied == 710


def test_the_layers_stand_in_the_published_order():
    prdm9_layers = "conv1 dropout1 pool1 conv2 dropout2 strand_pool global_pool"
    simulation_layers = "conv1 strand_pool dropout1 global_pool"
    assert names(prdm9()) == f"{prdm9_layers} predictions"
    assert names(brown_simulation()) == f"{simulation_layers} predictions"


def test_strands_are_pooled_as_in_the_released_code_by_default():
    assert type(prdm9().get_layer("strand_pool")) is RevCompSumPooling
    assert type(brown_simulation().get_layer("strand_pool")) is RevCompAveragePooling


def test_convolutions_are_exponential_linear_by_default():
    assert prdm9().get_layer("conv2").activation is keras.activations.elu
    assert brown_simulation().get_layer("conv1").activation is keras.activations.elu


@pytest.mark.parametrize("builder", [prdm9, brown_simulation])
def test_untied_networks_have_no_strand_pooling(builder):
    assert "strand_pool" not in names(builder(equivariant=False))


def elu(x):
    return np.where(x > 0, x, np.expm1(x))


def test_the_published_weights_give_the_published_forward_pass(shared_data):
    with h5py.File(shared_data / "prdm9_brown2018_keras2.weights.h5") as file:
        layers = [file[f"{n}/{n}"] for n in ("conv1d_1", "conv1d_2", "dense_1")]
        k1, k2, w = (layer["kernel:0"][()] for layer in layers)
        b1, b2, b = (layer["bias:0"][()] for layer in layers)
    model = prdm9(dropout=None)
    model.set_weights([k1[..., :8], b1[:8], k2[..., :8], b2[:8], w, b])
    x = sequences(3, 997)

    y = elu(correlate(np.float64(x), k1) + b1)
    y = elu(correlate(y.reshape(3, 121, 8, 16).max(axis=2), k2) + b2)
    y = (y[..., :8] + y[:, ::-1, :7:-1]).max(axis=1) @ w + b
    expected = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(run(model, x), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("strand_pooling", "merge"),
    [("sum", np.add), ("max", np.maximum), ("average", lambda a, b: (a + b) / 2)],
)
def test_strands_are_pooled_as_asked(strand_pooling, merge):
    options = {"sequence_length": 30, "kernel_size": 5, "dropout": None}
    model = brown_simulation(**options, strand_pooling=strand_pooling)
    randomize(model)
    x = sequences(2, 30)
    conv1 = keras.Model(model.input, model.get_layer("conv1").output)
    pooled = keras.Model(model.input, model.get_layer("strand_pool").output)
    y = run(conv1, x)
    expected = merge(y[..., :6], y[:, ::-1, :5:-1])
    np.testing.assert_allclose(run(pooled, x), expected, atol=1e-6)


@pytest.mark.parametrize("builder", [prdm9, brown_simulation])
def test_the_head_starts_at_ones_with_opposite_biases(builder):
    kernel, bias = builder().get_layer("predictions").get_weights()
    assert np.all(kernel == 1)
    assert bias.tolist() == [1, -1]


def test_a_head_of_more_classes_starts_without_bias():
    assert not prdm9(targets=3).get_layer("predictions").get_weights()[1].any()


@pytest.mark.parametrize(
    ("dropout", "equivariant", "layer"),
    [
        ("bayesian", True, RevCompDropout),
        ("bayesian", False, MonteCarloDropout),
        ("ordinary", True, keras.layers.Dropout),
        ("ordinary", False, keras.layers.Dropout),
    ],
)
def test_dropout_is_of_the_kind_asked_for(dropout, equivariant, layer):
    model = prdm9(dropout=dropout, equivariant=equivariant)
    for name in ("dropout1", "dropout2"):
        assert type(model.get_layer(name)) is layer
        assert model.get_layer(name).rate == 0.1


@pytest.mark.parametrize("builder", [prdm9, brown_simulation])
def test_bayesian_dropout_alone_stays_on_in_inference(builder):
    spread = {}
    for dropout in ("bayesian", "ordinary", None):
        model = builder(dropout=dropout)
        randomize(model)
        x = sequences(1, model.input_shape[1])
        spread[dropout] = np.ptp([run(model, x)[0, 0] for _ in range(8)])
    assert spread["bayesian"] > 1e-4
    assert spread["ordinary"] == spread[None] == 0


@pytest.mark.parametrize("builder", [prdm9, brown_simulation])
def test_under_one_mask_a_bayesian_network_gives_both_strands_the_same(builder):
    model = builder()
    randomize(model)
    outputs = [strands(fix_dropout(model, seed)) for seed in (1, 2)]
    for forward, reverse in outputs:
        np.testing.assert_allclose(forward, reverse, atol=1e-5)
    assert np.abs(outputs[0][0] - outputs[1][0]).max() > 1e-4


def test_the_simulation_network_drops_where_strands_no_longer_differ():
    assert type(brown_simulation().get_layer("dropout1")) is MonteCarloDropout


def test_dropout_can_be_left_out():
    expected = "conv1 pool1 conv2 strand_pool global_pool predictions"
    assert names(prdm9(dropout=None)) == expected


def test_deeper_networks_of_the_search_space_are_built():
    model = prdm9(
        filters=(8, 16, 32),
        kernel_sizes=(10, 4, 8),
        pool_sizes=(4, 4, 1),
        sequence_length=997,
    )
    assert names(model).startswith("conv1 dropout1 pool1 conv2 dropout2 pool2 conv3 ")
    assert model.get_layer("strand_pool").output.shape[-1] == 16


def test_the_l2_penalty_counts_tied_weights_once():
    model = prdm9(l2=3e-4)
    free = [model.get_layer(f"conv{i}").get_weights()[0] for i in (1, 2)]
    expected = 3e-4 * sum(np.square(kernel).sum() for kernel in free)
    penalty = keras.ops.convert_to_numpy(sum(model.losses))
    np.testing.assert_allclose(penalty, expected, rtol=1e-5)


def test_there_is_no_penalty_by_default():
    assert prdm9().losses == []


def test_other_activations_can_be_chosen():
    model = prdm9(activation=shifted_relu)
    assert model.get_layer("conv2").activation is shifted_relu


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strand_pooling": "mean"}, "one of 'sum', 'average', 'max'.*='mean'"),
        ({"dropout": "classic"}, "'bayesian', 'ordinary' or None.*='classic'"),
        ({"filters": 15}, "filters=15"),
    ],
)
@pytest.mark.parametrize("builder", [prdm9, brown_simulation])
def test_arguments_that_do_not_fit_are_refused(builder, options, message):
    with pytest.raises(ValueError, match=message):
        builder(**options)


def test_the_tied_network_refuses_the_uncut_window():
    with pytest.raises(ValueError, match=r"997 and 1005 .* sequence_length=1000"):
        prdm9(sequence_length=1000)
    assert prdm9(sequence_length=1000, equivariant=False)


def test_convolutions_and_pools_must_come_in_equal_number():
    with pytest.raises(ValueError, match=r"pool_sizes=\(8,\)"):
        prdm9(pool_sizes=(8,))


@pytest.mark.parametrize("builder", [prdm9, brown_simulation])
def test_a_single_target_is_a_sigmoid_that_can_say_no(builder):
    head = builder(targets=1).get_layer("predictions")
    assert head.activation is keras.activations.sigmoid
