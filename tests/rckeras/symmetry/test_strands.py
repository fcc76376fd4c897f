"""The reverse complement of arrays and tensors, and the two strands in one tensor."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rckeras
from rckeras.symmetry import join_strands, reverse_complement, split_strands
from rckeras.symmetry.strands import check_paired
from tests.conformance.harness import BOUNDED, SEEDS, to_numpy

COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}
SHAPES = st.lists(st.integers(1, 6), min_size=2, max_size=4)


def one_hot(sequence):
    return np.eye(4, dtype="uint8")[["ACGT".index(base) for base in sequence]]


@BOUNDED
@given(st.text("ACGT", min_size=1, max_size=30))
def test_letters_are_reversed_and_complemented(sequence):
    expected = one_hot([COMPLEMENT[base] for base in reversed(sequence)])
    received = reverse_complement(one_hot(sequence))
    np.testing.assert_array_equal(received, expected)
    assert received.dtype == "uint8"


@BOUNDED
@given(shape=SHAPES, seed=SEEDS)
def test_twice_is_nothing(shape, seed):
    x = np.random.default_rng(seed).normal(size=shape)
    np.testing.assert_array_equal(reverse_complement(reverse_complement(x)), x)


@BOUNDED
@given(shape=SHAPES, seed=SEEDS)
def test_only_the_two_last_axes_are_reversed(shape, seed):
    x = np.random.default_rng(seed).normal(size=shape).astype("float32")
    for received in (reverse_complement(x), to_numpy(reverse_complement(tensor(x)))):
        np.testing.assert_array_equal(received, x[..., ::-1, ::-1])


def tensor(x):
    return keras.ops.convert_to_tensor(x)


def test_an_array_comes_back_contiguous():
    x = np.arange(24).reshape(2, 3, 4)
    assert reverse_complement(x).flags.c_contiguous
    assert isinstance(reverse_complement(x), np.ndarray)


def test_the_array_given_is_left_alone():
    x = np.arange(12).reshape(3, 4)
    reverse_complement(x)[:] = -1
    np.testing.assert_array_equal(x, np.arange(12).reshape(3, 4))


def test_a_tensor_comes_back_as_a_tensor():
    y = reverse_complement(tensor(np.ones((3, 4), "float32")))
    assert keras.ops.is_tensor(y)


def test_nested_lists_are_read_as_an_array():
    received = reverse_complement([[1, 2], [3, 4]])
    np.testing.assert_array_equal(received, [[4, 3], [2, 1]])


def test_symbolic_tensors_keep_their_shape():
    assert reverse_complement(keras.Input((None, 4))).shape == (None, None, 4)


def test_it_stands_at_the_top_of_the_package():
    assert rckeras.reverse_complement is reverse_complement


@pytest.mark.parametrize("x", [np.ones(3), 1.0, ["ACGT"]])
def test_too_few_axes_are_refused(x):
    shape = str(np.shape(x)).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=f"axes .length, channels.*shape {shape}"):
        reverse_complement(np.asarray(x) if np.isscalar(x) else x)


def test_a_string_is_refused_with_the_function_for_strings():
    with pytest.raises(TypeError, match=r"reverse_complement_string.*x='ACGT'"):
        reverse_complement("ACGT")


@BOUNDED
@given(shape=SHAPES, seed=SEEDS)
def test_joining_undoes_splitting(shape, seed):
    shape[-1] *= 2
    x = np.random.default_rng(seed).normal(size=shape).astype("float32")
    joined = join_strands(*split_strands(tensor(x)))
    np.testing.assert_array_equal(to_numpy(joined), x)


@BOUNDED
@given(shape=st.lists(st.integers(1, 6), min_size=3, max_size=4), seed=SEEDS)
def test_the_reverse_complement_exchanges_the_strands(shape, seed):
    shape[-1] *= 2
    x = np.random.default_rng(seed).normal(size=shape).astype("float32")
    forward, reverse = map(to_numpy, split_strands(tensor(x)))
    turned_forward, turned_reverse = split_strands(tensor(reverse_complement(x)))
    np.testing.assert_array_equal(to_numpy(turned_forward), reverse)
    np.testing.assert_array_equal(to_numpy(turned_reverse), forward)


def test_strands_of_a_vector_are_its_channels_from_either_end():
    forward, reverse = split_strands(tensor(np.float32([[1, 2, 3, 4]])))
    np.testing.assert_array_equal(to_numpy(forward), [[1, 2]])
    np.testing.assert_array_equal(to_numpy(reverse), [[4, 3]])


@pytest.mark.parametrize("channels", [None, 1, 7])
def test_channels_without_partners_are_refused(channels):
    with pytest.raises(ValueError, match=f"'conv'.*Received channels={channels}"):
        check_paired(channels, "conv")


def test_an_even_number_of_channels_passes():
    assert check_paired(8, "conv") is None
