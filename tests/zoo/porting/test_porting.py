"""One call sets a model's weights, whatever format the file has."""

import keras
import numpy as np
import pytest

from tests.reference import danq as danq_reference
from tests.reference import prdm9 as prdm9_reference
from zoo.architectures.brown import prdm9
from zoo.architectures.danq import danq, rc_danq
from zoo.architectures.koo import koo_cnn
from zoo.porting import count_targets, port_weights
from zoo.porting.keras3 import layer_groups, read_shapes

SMALL = {
    "targets": 5, "sequence_length": 28, "filters": 6, "kernel_size": 5,
    "pool_size": 3, "units": 4, "hidden_units": 7,
}  # fmt: skip


def weights(model):
    return [keras.ops.convert_to_numpy(weight) for weight in model.weights]


def same(model, other):
    pairs = zip(weights(model), weights(other), strict=True)
    return all(np.array_equal(*pair) for pair in pairs)


@pytest.mark.parametrize("format", [None, "keras0"])
def test_keras_0_is_ported(tmp_path, format):
    layers = danq_reference.random_layers(np.random.default_rng(0))
    danq_reference.write(tmp_path / "a", layers)
    model = danq(**SMALL)
    port_weights(tmp_path / "a", model, format)
    bias = keras.ops.convert_to_numpy(model.get_layer("predictions").bias)
    np.testing.assert_array_equal(bias, layers[8][1])


@pytest.mark.parametrize("format", [None, "keras2"])
def test_keras_2_is_ported(tmp_path, format):
    drawn = prdm9_reference.random_weights(np.random.default_rng(0))
    prdm9_reference.write(tmp_path / "a", drawn)
    model = prdm9()
    port_weights(str(tmp_path / "a"), model, format)
    kernel = keras.ops.convert_to_numpy(model.get_layer("conv1").kernel)
    np.testing.assert_array_equal(kernel, drawn["conv1"][..., :8])


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_the_formats_of_keras_3_are_loaded(tmp_path, suffix):
    model, other = prdm9(), prdm9()
    (model.save if suffix == ".keras" else model.save_weights)(tmp_path / f"a{suffix}")
    assert not same(model, other)
    port_weights(tmp_path / f"a{suffix}", other)
    assert same(model, other)


def test_a_keras_3_file_of_another_name_is_to_be_renamed(tmp_path):
    model = prdm9()
    model.save_weights(tmp_path / "a.weights.h5")
    path = (tmp_path / "a.weights.h5").rename(tmp_path / "a.bin")
    with pytest.raises(ValueError, match=r"a\.bin .*rename it to end in \.weights\.h5"):
        port_weights(path, model)


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must be one of keras3, .* format='onnx'"):
        port_weights(tmp_path / "a", prdm9(), "onnx")


def test_a_format_that_the_file_does_not_have_is_refused(tmp_path):
    layers = danq_reference.random_layers(np.random.default_rng(0))
    danq_reference.write(tmp_path / "a", layers)
    with pytest.raises(ValueError, match=r"has the format 'keras0'.*format='keras2'"):
        port_weights(tmp_path / "a", danq(**SMALL), "keras2")


def test_a_truncated_file_leaves_the_model_as_it_was(tmp_path):
    prdm9_reference.write(
        tmp_path / "a", prdm9_reference.random_weights(np.random.default_rng(0))
    )
    content = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(content[: len(content) // 2])
    model = prdm9()
    before = weights(model)
    with pytest.raises(ValueError, match="damaged or truncated"):
        port_weights(tmp_path / "a", model)
    for value, old in zip(weights(model), before, strict=True):
        np.testing.assert_array_equal(value, old)


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_a_keras_3_file_that_does_not_fit_changes_nothing(tmp_path, suffix):
    saved, model = prdm9(targets=3), prdm9()
    (saved.save if suffix == ".keras" else saved.save_weights)(tmp_path / f"a{suffix}")
    before = weights(model)
    with pytest.raises(ValueError, match="does not hold the weights of 'prdm9'"):
        port_weights(tmp_path / f"a{suffix}", model)
    for value, old in zip(weights(model), before, strict=True):
        np.testing.assert_array_equal(value, old)


def test_a_layer_of_a_keras_3_file_that_is_not_in_the_model_is_an_error(tmp_path):
    prdm9().save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(ValueError, match=r"left over: dense$"):
        port_weights(tmp_path / "a.weights.h5", prdm9(include_top=False))


def test_every_builders_last_layer_is_found_in_its_file(tmp_path):
    for model in (prdm9(), danq(**SMALL), rc_danq(**SMALL)):
        model.save_weights(tmp_path / "a.weights.h5")
        shapes = read_shapes(tmp_path / "a.weights.h5")
        with_weights = {layer.name for layer in model.layers if layer.weights}
        groups = {g for name, g in layer_groups(model).items() if name in with_weights}
        assert {name.split("/")[1] for name in shapes} == groups
        assert count_targets(tmp_path / "a.weights.h5", model) == model.output_shape[-1]


@pytest.mark.parametrize("build", [prdm9, lambda: rc_danq(**SMALL)])
def test_a_model_that_keras_3_saved_as_h5_is_loaded(tmp_path, build):
    model, other = build(), build()
    model.save(tmp_path / "own.h5")
    port_weights(tmp_path / "own.h5", other)
    assert same(model, other)


def test_an_h5_of_keras_3_of_another_network_names_better_formats(tmp_path):
    rc_danq(**SMALL).save(tmp_path / "own.h5")
    with pytest.raises(
        ValueError, match=r"Keras 3, if saved as \.h5; better \.weights"
    ):
        port_weights(tmp_path / "own.h5", prdm9())


def test_an_archive_of_layers_that_compute_otherwise_is_refused(tmp_path):
    koo_cnn(pool_sizes=(50, 2)).save(tmp_path / "a.keras")
    port_weights(tmp_path / "a.keras", koo_cnn(pool_sizes=(50, 2)))
    other = koo_cnn(pool_sizes=(2, 50))
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"its layer 'pool1' has .*50.* has .*2"):
        port_weights(tmp_path / "a.keras", other)
    for old, new in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
