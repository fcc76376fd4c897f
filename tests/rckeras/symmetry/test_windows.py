"""Conditions on windows against the windows themselves, laid out one by one."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rckeras.symmetry.windows import asymmetry, output_length, padding_surplus
from tests.conformance.harness import BOUNDED
from tests.reference.layers import convolution

WINDOWS = {
    "length": st.integers(1, 40),
    "size": st.integers(1, 8),
    "strides": st.integers(1, 6),
    "padding": st.sampled_from(["valid", "same"]),
    "dilation_rate": st.integers(1, 3),
}
MANY = st.fixed_dictionaries(WINDOWS)


def windows(length, size, strides, padding, dilation_rate):
    """The positions that each window reads, those of the padding included."""
    width = (size - 1) * dilation_rate + 1
    count, first = (length - width) // strides + 1, 0
    if padding == "same":
        count = -(-length // strides)
        first = -(max((count - 1) * strides + width - length, 0) // 2)
    starts = [first + n * strides for n in range(count)]
    return [tuple(s + tap * dilation_rate for tap in range(size)) for s in starts]


def look_alike(length, **arguments):
    """Whether the windows, seen from the other end, are the same."""
    forward = windows(length, **arguments)
    reverse = {tuple(length - 1 - i for i in reversed(each)) for each in forward}
    return set(forward) == reverse


def fits(length, size, dilation_rate, **_):
    return length > (size - 1) * dilation_rate


@settings(BOUNDED, max_examples=300)
@given(case=MANY)
def test_windows_are_called_symmetric_exactly_where_they_are(case):
    if case["padding"] == "same" or fits(**case):
        assert (asymmetry(**case) is None) == look_alike(**case)


@settings(BOUNDED, max_examples=300)
@given(case=MANY)
def test_the_surplus_is_zero_exactly_where_windows_are_symmetric(case):
    if case["padding"] == "same" or fits(**case):
        assert (padding_surplus(**case) == 0) == look_alike(**case)


@settings(BOUNDED, max_examples=300)
@given(case=MANY)
def test_the_output_has_one_position_for_each_window(case):
    if case["padding"] == "same" or fits(**case):
        assert output_length(**case) == len(windows(**case))


@pytest.mark.parametrize("size", [5, 6])
def test_an_input_shorter_than_the_window_leaves_no_output(size):
    assert output_length(4, size, 1, "valid") <= 0


@settings(BOUNDED, max_examples=60)
@given(case=MANY)
def test_symmetric_windows_make_a_convolution_that_turns_with_its_input(case):
    if asymmetry(**case) or (case["padding"] == "valid" and not fits(**case)):
        return
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, case["length"], 1))
    kernel = rng.normal(size=(case["size"], 1, 1))
    rest = (0.0, case["strides"], case["padding"], case["dilation_rate"])
    turned = convolution(x[:, ::-1], kernel[::-1], *rest)
    np.testing.assert_allclose(turned[:, ::-1], convolution(x, kernel, *rest))


@settings(BOUNDED, max_examples=200)
@given(case=MANY)
def test_lengths_named_are_the_nearest_symmetric_ones(case):
    reason = asymmetry(**case)
    named = re.search("length of ([0-9 or]+) would", reason or "")
    if named is None:
        return
    lengths, given_length = [int(n) for n in named[1].split(" or ")], case["length"]
    others = {k: v for k, v in case.items() if k != "length"}
    good = [
        n
        for n in range(1, given_length + 30)
        if (case["padding"] == "same" or fits(n, **others)) and look_alike(n, **others)
    ]
    below = [n for n in good if n < given_length][-1:]
    above = [n for n in good if n > given_length][:1]
    assert lengths == below + above


def test_an_unknown_length_is_symmetric_where_every_length_is():
    assert asymmetry(None, 4) is None
    assert asymmetry(None, 5, padding="same") is None
    assert asymmetry(None, 4, padding="same", dilation_rate=2) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"length": None, "size": 7, "strides": 7},
            "with strides=7 .* not known here; .* fixed length or use strides=1",
        ),
        (
            {"length": None, "size": 4, "padding": "same"},
            "'same' with an even effective width of 4 .* odd width or padding='valid'",
        ),
        (
            {"length": 9, "size": 2, "padding": "same", "dilation_rate": 3},
            "even effective width of 4",
        ),
        (
            {"length": 971, "size": 7, "strides": 7},
            "windows of 7 every 7 .* leave 5 of 971 .* a length of 966 or 973 would",
        ),
        (
            {"length": 10, "size": 3, "strides": 2, "padding": "same"},
            "leave 1 of 10 positions .* a length of 9 or 11 would",
        ),
    ],
)
def test_a_reason_says_what_was_received_and_what_would_work(arguments, message):
    assert re.search(message, asymmetry(**arguments))


def test_no_length_below_is_named_where_none_is_long_enough():
    reason = asymmetry(7, 6, strides=5)
    assert "a length of 6 or 11 would" in reason
    assert "a length of 12 would" in asymmetry(7, 12, strides=3)


# Published networks: length, then convolutions and pools as (size, strides).
CRNN = [(30, 1), (7, 7), (11, 1), (2, 2)]
DEEPSEA = [(8, 1), (4, 4), (8, 1), (4, 4), (8, 1)]
DANQ = [(26, 1), (13, 13)]
DANQ_JASPAR = [(30, 1), (15, 15)]


def stack_is_symmetric(length, steps):
    for size, strides in steps:
        if asymmetry(length, size, strides) is not None:
            return False
        length = output_length(length, size, strides, "valid")
    return True


@pytest.mark.parametrize(
    ("steps", "symmetric", "asymmetric"),
    [
        (CRNN, [995, 1009], [1000, 1002]),
        (DEEPSEA, [995, 1011], [1000]),
        (DANQ, [1000], [999]),
        (DANQ_JASPAR, [989, 1004], [1000]),
    ],
    ids=["crnn", "deepsea", "danq", "danq_jaspar"],
)
def test_published_stacks_break_and_hold_at_known_lengths(steps, symmetric, asymmetric):
    assert all(stack_is_symmetric(length, steps) for length in symmetric)
    assert not any(stack_is_symmetric(length, steps) for length in asymmetric)
