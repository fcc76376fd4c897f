"""What holds for every builder: one list of small networks drives all tests."""

import inspect

import keras
import numpy as np
import pytest

from tests.zoo.architectures.arithmetic import names, randomize, run, sequences, strands
from zoo.architectures import brown, crnn, danq, deepsea, first_layer, koo, shrikumar
from zoo.architectures.head import predictions

DANQ = {"filters": 8, "units": 4, "hidden_units": 8}
CRNN = {"filters": 8, "projection": 6, "second_filters": 4, "units": 4}
CHIP_SEQ = {"kernel_sizes": (5, 4, 4), "pool_size": 10, "pool_strides": 5}
DRY = {"dropout": None}

# Builder, arguments, a length that works, the shortest that does, RC-invariant or not.
NETWORKS = {
    "deepsea": (
        deepsea.deepsea,
        {"filters": (8, 6, 6), "hidden_units": 8},
        200,
        163,
        False,
    ),
    "danq": (danq.danq, DANQ, 100, 38, False),
    "danq_jaspar": (danq.danq_jaspar, DANQ, 100, 44, False),
    "rc_danq": (danq.rc_danq, DANQ, 103, 38, True),
    "crnn": (crnn.crnn, CRNN, 150, 113, False),
    "rc_crnn": (crnn.rc_crnn, CRNN, 155, 113, True),
    "rc_crnn, no projection": (
        crnn.rc_crnn,
        CRNN | {"projection": None},
        155,
        113,
        True,
    ),
    "first_layer_cnn": (
        first_layer.first_layer_cnn,
        {"filters": (8, 6, 6), "projection": 6, "dropout": 0.2, "hidden_units": 8},
        200,
        174,
        False,
    ),
    "first_layer_danq": (
        first_layer.first_layer_danq,
        DANQ | {"projection": 6, "dropout": 0.2},
        100,
        38,
        False,
    ),
    "shrikumar, tied": (shrikumar.shrikumar, {}, 200, 40, True),
    "shrikumar, traditional": (
        shrikumar.shrikumar,
        {"revcomp": False},
        200,
        40,
        False,
    ),
    "shrikumar, ChIP-seq": (shrikumar.shrikumar, CHIP_SEQ, 60, 20, True),
    "prdm9": (brown.prdm9, DRY, 117, 61, True),
    "prdm9, max": (brown.prdm9, DRY | {"strand_pooling": "max"}, 117, 61, True),
    "prdm9, ordinary dropout": (brown.prdm9, {"dropout": "ordinary"}, 117, 61, True),
    "prdm9, untied": (brown.prdm9, DRY | {"equivariant": False}, 100, 61, False),
    "brown_simulation": (brown.brown_simulation, DRY, 50, 14, True),
    "brown_simulation, untied": (
        brown.brown_simulation,
        DRY | {"equivariant": False},
        50,
        14,
        False,
    ),
    "koo_cnn": (
        koo.koo_cnn,
        {"filters": (8, 6), "hidden_units": 8},
        200,
        100,
        False,
    ),
    "koo_cnn, CNN-50-2": (
        koo.koo_cnn,
        {"filters": (8, 6), "pool_sizes": (50, 50), "pool_strides": (2, 50)},
        200,
        148,
        False,
    ),
}
MODULES = (brown, crnn, danq, deepsea, first_layer, koo, shrikumar)


def build(network, **more):
    builder, arguments, length, _, _ = NETWORKS[network]
    return builder(**({"targets": 3, "sequence_length": length} | arguments | more))


@pytest.fixture(params=NETWORKS)
def network(request):
    return request.param


def test_every_builder_is_in_the_list():
    public = {
        function
        for module in MODULES
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    listed = {builder for builder, *_ in NETWORKS.values()}
    assert public == listed | {danq.start_filters_from_motifs}


def test_the_input_is_named_sequence_and_takes_four_letters(network):
    model = build(network)
    assert model.input.name == "sequence"
    assert model.input_shape == (None, NETWORKS[network][2], 4)


def test_targets_set_the_number_of_predictions(network):
    model = build(network, targets=5)
    assert model.output_shape == (None, 5)
    assert model.layers[-1].name == "predictions"


def test_predictions_are_probabilities(network):
    model = build(network)
    randomize(model)
    y = run(model, sequences(4, model.input_shape[1]))
    assert y.shape == (4, 3)
    assert np.all((y > 0) & (y < 1))


def test_without_top_the_output_is_the_input_of_predictions(network):
    whole, headless = build(network), build(network, include_top=False)
    assert f"{names(headless)} predictions" == names(whole)
    assert headless.output_shape == whole.get_layer("predictions").input.shape


def test_the_name_can_be_set(network):
    assert build(network, name="mine").name == "mine"


def test_the_shortest_sequence_that_works_is_built(network):
    assert build(network, sequence_length=NETWORKS[network][3])


def test_a_sequence_too_short_is_refused_with_the_shortest_that_works(network):
    shortest = NETWORKS[network][3]
    message = rf"`sequence_length` must be at least {shortest} .*={shortest - 1}$"
    with pytest.raises(ValueError, match=message):
        build(network, sequence_length=shortest - 1)


def test_a_saved_network_predicts_the_same(network, tmp_path):
    model = build(network)
    randomize(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = sequences(2, model.input_shape[1])
    np.testing.assert_array_equal(run(loaded, x), run(model, x))


def test_a_network_is_rebuilt_from_its_config(network):
    model = build(network)
    rebuilt = keras.Model.from_config(model.get_config())
    assert names(rebuilt) == names(model)
    assert [w.shape for w in rebuilt.weights] == [w.shape for w in model.weights]
    rebuilt.set_weights(model.get_weights())
    x = sequences(2, model.input_shape[1])
    np.testing.assert_array_equal(run(rebuilt, x), run(model, x))


def test_a_network_is_symmetric_if_and_only_if_it_is_said_to_be(network):
    model = build(network)
    randomize(model)
    forward, reverse = strands(model)
    assert np.ptp(forward, axis=0).max() > 1e-3, "constant outputs prove nothing"
    difference = np.abs(forward - reverse).max()
    assert difference < 1e-5 if NETWORKS[network][4] else difference > 1e-3


def test_the_docstring_names_every_layer(network):
    builder = NETWORKS[network][0]
    documented = danq.danq if builder is danq.danq_jaspar else builder
    for layer in names(build(network)).split():
        stem = layer.rstrip("0123456789")
        assert stem in documented.__doc__, layer


@pytest.mark.parametrize("name", NETWORKS)
def test_the_last_layer_computes_in_the_type_of_its_weights(name):
    builder, arguments, length, *_ = NETWORKS[name]
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = builder(sequence_length=length, **arguments)
    finally:
        keras.config.set_dtype_policy("float32")
    assert network.layers[1].compute_dtype == "bfloat16"
    assert network.layers[-1].compute_dtype == network.output.dtype == "float32"


@pytest.mark.parametrize("policy", ["mixed_float16", "float32", "float64"])
def test_weights_decide_on_the_type_of_the_last_layer(policy):
    keras.config.set_dtype_policy(policy)
    try:
        last = predictions(2)
    finally:
        keras.config.set_dtype_policy("float32")
    assert last.compute_dtype == last.variable_dtype == last.dtype
