import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.sequence import (
    base_codes,
    codes_to_letters,
    codes_to_one_hot,
    one_hot_encode,
    reverse_complement_codes,
    reverse_complement_string,
)

LETTERS = st.text("ACGTUNRYSWKMBDHVacgtunryswkmbdhv", min_size=1, max_size=60)


@given(LETTERS)
def test_codes_are_the_places_of_the_letters(sequence):
    expected = ["ACGT".find(c.replace("U", "T")) % 5 for c in sequence.upper()]
    assert base_codes(sequence).tolist() == expected


@given(LETTERS, st.sampled_from([0.0, 0.25, 1.0]))
def test_one_hot_codes_are_those_of_the_letters(sequence, n_value):
    expected = one_hot_encode(sequence, "float32", n_value)
    got = codes_to_one_hot(base_codes(sequence), n_value=n_value)
    np.testing.assert_array_equal(got, expected)
    assert got.dtype == np.float32


@given(LETTERS)
def test_letters_come_back_as_bases_and_n(sequence):
    expected = "".join(
        c if c in "ACGT" else "N" for c in sequence.upper().replace("U", "T")
    )
    assert codes_to_letters(base_codes(sequence)) == expected


@given(st.lists(st.text("ACGTN", min_size=7, max_size=7), min_size=1, max_size=9))
def test_lists_are_encoded_and_turned_row_by_row(sequences):
    codes = base_codes(sequences)
    assert codes.shape == (len(sequences), 7)
    assert codes_to_letters(codes) == sequences
    turned = codes_to_letters(reverse_complement_codes(codes))
    assert turned == [reverse_complement_string(s) for s in sequences]


def test_other_letters_are_refused_with_their_place():
    with pytest.raises(ValueError, match=r"'-' at position 2 .* of sequence 1"):
        base_codes(["ACG", "AC-"])


def test_numbers_that_are_no_codes_are_refused():
    with pytest.raises(ValueError, match=r"from 0 to 4.*Received: 0 to 7"):
        codes_to_letters(np.array([0, 7]))
    with pytest.raises(ValueError, match=r"shape \(1, 1, 1\)"):
        codes_to_letters(np.zeros((1, 1, 1), int))
    for function in (codes_to_one_hot, reverse_complement_codes):
        for wrong in (5, -1):
            with pytest.raises(IndexError):
                function(np.array([wrong]))


def test_a_fraction_for_n_needs_a_floating_type():
    with pytest.raises(ValueError, match=r"floating `dtype`.*'uint8'"):
        codes_to_one_hot(np.zeros(3, "uint8"), "uint8", 0.25)
