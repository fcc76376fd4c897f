"""The list of layers is complete and true."""

import keras
import pytest

import rckeras
from tests.conformance.descriptors import DESCRIPTORS


def test_every_public_layer_is_described():
    described = {each.layer for each in DESCRIPTORS}
    assert described == {getattr(rckeras.layers, n) for n in rckeras.layers.__all__}


def test_no_public_layer_is_left_out_of_all():
    layers = {
        name
        for name, value in vars(rckeras.layers).items()
        if isinstance(value, type) and issubclass(value, keras.layers.Layer)
    }
    assert layers == set(rckeras.layers.__all__)


def test_no_two_descriptors_share_a_name():
    assert len({str(each) for each in DESCRIPTORS}) == len(DESCRIPTORS)


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
def test_weights_have_the_described_shapes(descriptor):
    layer = descriptor.make()
    layer.build((None, *descriptor.shape))
    assert [tuple(w.shape) for w in layer.trainable_weights] == [*descriptor.weights]
    assert [tuple(w.shape) for w in layer.non_trainable_weights] == [*descriptor.state]


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=str)
def test_example_shapes_are_among_the_legal_ones(descriptor):
    assert descriptor.shape[-1] in descriptor.channels
    assert len(descriptor.shape) == 1 or descriptor.shape[0] in descriptor.lengths
