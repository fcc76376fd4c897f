import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.motifs.motif import Motif

COUNTS = [[8, 0, 1, 1], [0, 6, 0, 0], [1, 1, 1, 1]]


def some_motif(length=3, seed=0):
    draws = np.random.default_rng(seed).random((length, 4))
    return Motif("some", draws / draws.sum(axis=1, keepdims=True))


def test_counts_become_probabilities_row_by_row_and_are_kept():
    motif = Motif.from_counts("one", COUNTS, "MA1.1", "here")
    expected = [[0.8, 0, 0.1, 0.1], [0, 1, 0, 0], [0.25, 0.25, 0.25, 0.25]]
    np.testing.assert_allclose(motif.probabilities, expected, rtol=1e-15)
    assert motif.counts.tolist() == COUNTS
    assert (motif.name, motif.matrix_id, motif.source) == ("one", "MA1.1", "here")


@given(length=st.integers(1, 30), seed=st.integers(0, 2**32))
def test_the_reverse_complement_holds_each_complement_at_the_mirrored_place(
    length, seed
):
    motif = some_motif(length, seed)
    turned = motif.reverse_complement().probabilities
    for position in range(length):
        for base, complement in zip(range(4), (3, 2, 1, 0), strict=True):
            mirrored = motif.probabilities[length - 1 - position, complement]
            assert turned[position, base] == mirrored


def test_reverse_complementing_twice_gives_the_motif_back():
    motif = Motif.from_counts("one", COUNTS, "MA1.1", "here")
    again = motif.reverse_complement().reverse_complement()
    assert (again.probabilities == motif.probabilities).all()
    assert (again.counts == motif.counts).all()
    assert (again.name, again.matrix_id, again.source) == ("one", "MA1.1", "here")


def test_the_consensus_is_the_commonest_base_of_each_position():
    assert Motif.from_counts("one", COUNTS).consensus == "ACA"


def test_a_sure_base_carries_two_bits_and_an_even_choice_none():
    rows = [[0, 1, 0, 0], [0.25] * 4, [0.5, 0, 0, 0.5]]
    bits = Motif("one", rows).information_content
    np.testing.assert_allclose(bits, [2, 0, 1], atol=1e-15)


def test_the_length_is_the_number_of_positions():
    assert len(some_motif(7)) == 7


def test_a_motif_cannot_be_changed_by_way_of_its_arrays():
    rows = np.full((2, 4), 0.25)
    motif = Motif("one", rows)
    rows[:] = 0
    assert motif.probabilities.sum() == 2
    with pytest.raises(ValueError, match="read-only"):
        motif.probabilities[0, 0] = 1


@pytest.mark.parametrize(
    ("rows", "received"),
    [
        ([[0.5, 0.5, 0.1, 0]], "1.1 in row 0"),
        ([[1, 0, 0, 0], [1.5, -0.5, 0, 0]], r"\[1.5, -0.5, 0.0, 0.0\] in row 1"),
        ([[float("nan"), 1, 0, 0]], r"\[nan, 1.0, 0.0, 0.0\] in row 0"),
        ([[float("inf"), 1, 0, 0]], r"\[inf, 1.0, 0.0, 0.0\] in row 0"),
        ([[0.5, 0.5]], r"shape \(1, 2\)"),
        ([0.25] * 4, r"shape \(4,\)"),
        (np.zeros((0, 4)), r"shape \(0, 4\)"),
    ],
)
def test_rows_that_are_no_probabilities_are_refused(rows, received):
    with pytest.raises(ValueError, match=received):
        Motif("one", rows)


def test_a_row_without_counts_is_refused():
    with pytest.raises(ValueError, match="zeros in row 1"):
        Motif.from_counts("one", [[1, 2, 3, 4], [0, 0, 0, 0]])


def test_counts_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 4\). Received: \(2, 4\)"):
        Motif("one", [[1, 0, 0, 0]], counts=np.ones((2, 4)))


def motif_with_bits(informative):
    """A motif with two bits where `informative` has 1, none where it has 0."""
    rows = [[0, 0, 1, 0] if bit else [0.25] * 4 for bit in informative]
    return Motif("one", rows, "MA1.1", np.multiply(rows, 8), "here")


@pytest.mark.parametrize(
    ("informative", "pad", "kept"),
    [
        ([0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0], 3, (2, 11)),
        ([0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0], 0, (5, 8)),
        ([0, 1, 0, 0, 0, 1, 0], 3, (0, 7)),
        ([1, 0, 0, 0, 0], 1, (0, 2)),
        ([0, 0, 0], 0, (0, 3)),
    ],
)
def test_trimming_cuts_the_ends_without_information_up_to_the_pad(
    informative, pad, kept
):
    motif = motif_with_bits(informative)
    trimmed = motif.trim(pad=pad)
    start, end = kept
    assert (trimmed.probabilities == motif.probabilities[start:end]).all()
    assert (trimmed.counts == motif.counts[start:end]).all()
    assert (trimmed.name, trimmed.matrix_id, trimmed.source) == ("one", "MA1.1", "here")


def test_a_position_counts_as_informative_above_the_threshold_only():
    rows = [[0.25] * 4, [0.5, 0.5, 0, 0], [1, 0, 0, 0]]  # 0, 1 and 2 bits
    assert len(Motif("one", rows).trim(threshold=0.99, pad=0)) == 2
    assert len(Motif("one", rows).trim(threshold=1.0, pad=0)) == 1


@given(seed=st.integers(0, 2**32), pad=st.integers(0, 4))
def test_trimming_and_the_other_strand_go_in_either_order(seed, pad):
    draws = np.random.default_rng(seed).dirichlet([0.4] * 4, 12)
    motif = Motif("some", draws)
    one = motif.trim(pad=pad).reverse_complement().probabilities
    other = motif.reverse_complement().trim(pad=pad).probabilities
    assert one.tolist() == other.tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 2.5}, r"`threshold` .* Received: 2.5"),
        ({"threshold": float("nan")}, r"`threshold` .* Received: nan"),
        ({"pad": -1}, r"`pad` .* Received: -1"),
    ],
)
def test_trimming_out_of_range_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        some_motif().trim(**options)
