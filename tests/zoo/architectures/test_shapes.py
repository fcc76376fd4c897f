"""Sizes that must hold before a network is built."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.zoo.architectures.arithmetic import valid
from zoo.architectures.shapes import (
    check_length,
    check_one_per_layer,
    check_symmetric_length,
    half,
    receptive_field,
)

windows = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 5)), max_size=4)


@given(windows)
def test_the_receptive_field_is_the_shortest_length_that_leaves_one_position(stack):
    width, _ = receptive_field(stack)
    assert valid(width, *stack) == 1
    assert width == 1 or valid(width - 1, *stack) < 1 or any(s > k for k, s in stack)


@given(windows, st.integers(0, 20))
def test_the_stride_adds_one_position(stack, more):
    width, stride = receptive_field(stack)
    assert valid(width + more * stride, *stack) == 1 + more


def reads_both_ends_alike(length, stack):
    """Follows the first and the last base that the windows read."""
    reaches_last_base = True
    for size, stride in stack:
        reaches_last_base &= (length - size) % stride == 0
        length = 1 + (length - size) // stride
    return reaches_last_base and length > 0


@given(windows, st.integers(1, 300))
def test_a_length_is_accepted_if_every_window_tiles_it(stack, length):
    assume(length >= receptive_field(stack)[0])
    if reads_both_ends_alike(length, stack):
        check_symmetric_length(length, stack)
    else:
        with pytest.raises(ValueError, match=f"sequence_length={length}"):
            check_symmetric_length(length, stack)


@pytest.mark.parametrize(
    ("stack", "length", "nearest"),
    [
        ([(30, 1), (7, 7), (11, 1), (2, 2)], 1000, "995 and 1009"),
        ([(8, 1), (4, 4), (8, 1), (4, 4), (8, 1)], 1000, "995 and 1011"),
        ([(30, 1), (15, 15)], 1000, "989 and 1004"),
        ([(30, 1), (8, 8), (4, 1)], 1000, "997 and 1005"),
        ([(15, 1), (40, 20)], 1000, "994 and 1014"),
    ],
)
def test_the_error_names_the_nearest_lengths_that_work(stack, length, nearest):
    with pytest.raises(ValueError, match=nearest):
        check_symmetric_length(length, stack)


def test_the_error_of_a_short_sequence_names_the_smallest_length_that_works():
    with pytest.raises(ValueError, match=r"at least 32 .* sequence_length=31$"):
        check_length(31, [(30, 1), (3, 2)])
    check_length(32, [(30, 1), (3, 2)])


def test_windows_may_come_from_a_generator():
    with pytest.raises(ValueError, match="995 and 1009"):
        check_symmetric_length(1000, iter([(30, 1), (7, 7), (11, 1), (2, 2)]))


def test_half_of_an_even_number_is_free():
    assert half(filters=np.int64(16)) == 8


@pytest.mark.parametrize("number", [15, 0, -2])
def test_channels_that_do_not_pair_are_refused(number):
    with pytest.raises(ValueError, match=f"`filters` .*filters={number}$"):
        half(filters=number)


def test_tuples_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"`a`, `b` must .* a=\(1, 2\), b=\(3,\)$"):
        check_one_per_layer(a=(1, 2), b=(3,))


def test_a_network_without_convolutions_is_refused():
    with pytest.raises(ValueError, match="one entry for each convolution"):
        check_one_per_layer(a=(), b=())
