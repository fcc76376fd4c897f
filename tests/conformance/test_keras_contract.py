"""What Keras expects of a layer, checked by its own suite and beyond it."""

import copy
import json

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras.src.testing import TestCase

import rckeras
from tests.conformance.descriptors import DESCRIPTORS
from tests.conformance.harness import FEW, batches, example, randomized, to_numpy


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
def test_the_layer_passes_the_suite_of_keras(descriptor):
    TestCase().run_layer_test(
        descriptor.layer,
        init_kwargs=descriptor.kwargs(),
        input_shape=(2, *descriptor.shape),
        expected_output_shape=(2, *descriptor.output),
        expected_output_dtype="float32",
        expected_num_trainable_weights=len(descriptor.weights),
        expected_num_non_trainable_weights=len(descriptor.state),
        expected_num_seed_generators=descriptor.generators,
    )


@pytest.mark.parametrize("name", rckeras.layers.__all__)
def test_layers_are_registered_under_the_package(name):
    layer = getattr(rckeras.layers, name)
    assert keras.saving.get_registered_name(layer) == f"rckeras>{name}"


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
def test_the_config_makes_the_same_layer_again(descriptor):
    config = descriptor.make().get_config()
    again = descriptor.layer.from_config(config).get_config()
    assert json.dumps(again, sort_keys=True) == json.dumps(config, sort_keys=True)


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
def test_from_config_leaves_the_config_alone(descriptor):
    config = descriptor.make().get_config()
    before = copy.deepcopy(config)
    descriptor.layer.from_config(config)
    assert config == before


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
def test_arguments_of_the_base_layer_survive_the_config(descriptor):
    arguments = {"name": "mine", "trainable": False, "dtype": "mixed_bfloat16"}
    layer = descriptor.make(**arguments)
    again = descriptor.layer.from_config(layer.get_config())
    assert (again.name, again.trainable) == ("mine", False)
    assert again.dtype_policy.name == "mixed_bfloat16"


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
@FEW
@given(data=st.data())
def test_the_announced_output_shape_is_the_real_one(descriptor, data):
    x, _ = data.draw(batches(descriptor))
    layer = descriptor.make()
    assert tuple(layer.compute_output_shape(x.shape)) == tuple(layer(x).shape)


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
def test_a_batch_of_unknown_size_keeps_the_announced_shape(descriptor):
    y = descriptor.make()(keras.Input(descriptor.shape))
    assert tuple(y.shape) == (None, *descriptor.output)


@pytest.fixture
def channels_first():
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format(before)


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
@pytest.mark.usefixtures("channels_first")
def test_the_data_format_of_images_changes_nothing(descriptor):
    x, rng = example(descriptor)
    layer = randomized(descriptor.make(), x.shape, rng)
    keras.config.set_image_data_format("channels_last")
    usual = randomized(
        descriptor.layer.from_config(layer.get_config()),
        x.shape,
        example(descriptor)[1],
    )
    usual.set_weights(layer.get_weights())
    expected = to_numpy(usual(x))
    keras.config.set_image_data_format("channels_first")
    np.testing.assert_array_equal(to_numpy(layer(x)), expected)


LONG = [each for each in DESCRIPTORS if len(each.shape) == 2]


@pytest.mark.parametrize("descriptor", [d for d in LONG if d.any_length], ids=str)
def test_a_model_of_unknown_length_takes_any_legal_length(descriptor):
    x, rng = example(descriptor)
    layer = randomized(descriptor.make(), (4, None, descriptor.shape[1]), rng)
    inputs = keras.Input((None, descriptor.shape[1]))
    model = keras.Model(inputs, layer(inputs))
    shorter = x[:, : descriptor.lengths[-2]][:, descriptor.lengths.step :]
    for batch in (x, shorter):
        y = model.predict(batch, verbose=0)
        assert y.shape == tuple(layer.compute_output_shape(batch.shape))
        if not descriptor.random:
            np.testing.assert_allclose(y, to_numpy(layer(batch)), atol=1e-5)


@pytest.mark.parametrize("descriptor", [d for d in LONG if not d.any_length], ids=str)
def test_an_unknown_length_is_refused_where_it_matters(descriptor):
    name = descriptor.layer.__name__
    with pytest.raises(ValueError, match=rf"{name}.*\(None, None, "):
        descriptor.make()(keras.Input((None, descriptor.shape[1])))
