import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.sequence.codes import base_codes, codes_to_letters
from rckeras.sequence.shuffle import dinucleotide_shuffle

seeds = st.integers(0, 2**32)
sequences = st.one_of(
    st.text("ACGTN", max_size=60),
    st.text("AC", max_size=60),
    st.text("A", max_size=9),
    st.lists(st.sampled_from(["AC", "GT", "AAAA", "CG", "N"])).map("".join),
)


def dinucleotides(sequence):
    return Counter(itertools.pairwise(sequence))


def arrangements(sequence):
    """All sequences with the same ends and the same counts, by trial."""
    first, *inner, last = sequence
    tried = {"".join([first, *each, last]) for each in itertools.permutations(inner)}
    return {each for each in tried if dinucleotides(each) == dinucleotides(sequence)}


@given(batch=st.lists(sequences, min_size=1, max_size=8), seed=seeds)
def test_dinucleotides_are_as_many_as_before(batch, seed):
    shuffled = dinucleotide_shuffle(batch, seed)
    assert [*map(dinucleotides, shuffled)] == [*map(dinucleotides, batch)]


@given(batch=st.lists(sequences, min_size=1, max_size=8), seed=seeds)
def test_the_ends_stay(batch, seed):
    for before, after in zip(batch, dinucleotide_shuffle(batch, seed), strict=True):
        assert (before[:1], before[-1:]) == (after[:1], after[-1:])


@pytest.mark.parametrize("length", [5, 101, 1000, 5000])
def test_long_batches_keep_their_counts(length):
    codes = np.random.default_rng(length).integers(0, 5, (500_000 // length, length))
    shuffled = dinucleotide_shuffle(codes, length)

    def counts(x):
        pairs = 5 * x[:, :-1].astype(int) + x[:, 1:]
        return np.array([np.bincount(row, minlength=25) for row in pairs])

    np.testing.assert_array_equal(counts(shuffled), counts(codes))


@pytest.mark.parametrize(
    "sequence",
    [
        *("ACGACTAGCA", "AACCGGATCC", "CACGTNAGCT", "TTTTTATCAT", "ACAGATANA"),
        # One way out of A and C among many steps to and fro.
        *("ACACACAGGT", "AAAAACCCCG", "AACACCACAG"),
        # Last steps to the final letter of different counts.
        *("AGAGAGACG", "ATATCTATNT"),
    ],
)
def test_all_arrangements_are_equally_likely(sequence):
    possible = arrangements(sequence)
    draws = 400 * len(possible)
    drawn = Counter(dinucleotide_shuffle([sequence] * draws, 1))
    assert set(drawn) == possible
    chi_square = sum((count - 400) ** 2 / 400 for count in drawn.values())
    freedom = len(possible) - 1
    assert chi_square < freedom + 4 * np.sqrt(2 * freedom) + 1


def test_shuffles_of_a_sequence_are_drawn_apart():
    sequence = "ACGACTAGCA"
    possible = arrangements(sequence)
    drawn = dinucleotide_shuffle([sequence] * 400 * len(possible), 2)
    same = sum(map(str.__eq__, drawn[::2], drawn[1::2]))
    assert abs(same - 200) < 4 * np.sqrt(200)


@given(sequence=sequences, seed=seeds)
def test_the_same_seed_gives_the_same_shuffle(sequence, seed):
    assert dinucleotide_shuffle(sequence, seed) == dinucleotide_shuffle(sequence, seed)


def test_other_seeds_give_other_shuffles():
    sequence = "ACGTTGCAAGCTTACG" * 5
    drawn = {dinucleotide_shuffle(sequence, seed) for seed in range(50)}
    assert len(drawn) == 50
    assert sequence not in drawn


@given(batch=st.lists(sequences, min_size=2, max_size=8), seed=seeds)
def test_a_shuffle_does_not_depend_on_the_others_in_the_list(batch, seed):
    others = [batch[0], *("GATTACA" * len(s) for s in batch[1:]), "ACGT" * 30]
    shuffled = dinucleotide_shuffle(batch, seed)
    assert shuffled[0] == dinucleotide_shuffle(others, seed)[0]
    assert shuffled[:-1] == dinucleotide_shuffle(batch[:-1], seed)


def test_a_generator_gives_further_shuffles():
    rng = np.random.default_rng(0)
    sequence = "ACGTTGCAAGCTTACG" * 5
    first = dinucleotide_shuffle(sequence, rng)
    assert first == dinucleotide_shuffle(sequence, 0)
    assert first != dinucleotide_shuffle(sequence, rng)


@given(sequence=sequences, seed=seeds)
def test_one_sequence_is_shuffled_as_a_list_of_one(sequence, seed):
    assert [dinucleotide_shuffle(sequence, seed)] == dinucleotide_shuffle(
        [sequence], seed
    )


@given(
    batch=st.integers(0, 30).flatmap(
        lambda length: st.lists(
            st.text("ACGTN", min_size=length, max_size=length), min_size=1, max_size=6
        )
    ),
    seed=seeds,
)
def test_codes_are_shuffled_as_letters_are(batch, seed):
    codes = base_codes(batch)
    shuffled = dinucleotide_shuffle(codes, seed)
    assert shuffled.dtype == np.uint8
    assert shuffled.shape == codes.shape
    assert codes_to_letters(shuffled) == dinucleotide_shuffle(batch, seed)


def test_codes_of_one_sequence_keep_their_axis():
    codes = base_codes("ACGTTGCAAGCTTACG")
    shuffled = dinucleotide_shuffle(codes, 3)
    assert codes_to_letters(shuffled) == dinucleotide_shuffle("ACGTTGCAAGCTTACG", 3)


def test_the_array_received_is_left_alone():
    codes = base_codes(["ACGTTGCAAGCTTACG"] * 3)
    before = codes.copy()
    dinucleotide_shuffle(codes, 3)
    np.testing.assert_array_equal(codes, before)


def test_letters_are_read_as_base_codes_are():
    sequence = "acguRACGTnACCTTGA"
    plain = codes_to_letters(base_codes(sequence))
    assert dinucleotide_shuffle(sequence, 5) == dinucleotide_shuffle(plain, 5)


@pytest.mark.parametrize("seed", range(5))
def test_padding_of_one_end_stays_there(seed):
    sequence = "ACGTTGCAAGCTTACG"
    padded = dinucleotide_shuffle(["NNNN" + sequence, sequence + "NNN"], seed)
    assert [len(each.strip("N")) for each in padded] == [16, 16]
    assert padded[0].startswith("NNNN")
    assert padded[1].endswith("NNN")


def test_other_characters_are_refused_with_their_sequence():
    with pytest.raises(ValueError, match=r"'-' at position 1 .*of sequence 1"):
        dinucleotide_shuffle(["ACG", "A-GT"])


def test_what_is_no_list_of_strings_is_refused():
    with pytest.raises(TypeError, match="as sequence 1: 5"):
        dinucleotide_shuffle(["ACGT", 5])
    with pytest.raises(TypeError, match="Received: 5"):
        dinucleotide_shuffle(5)


def test_codes_beyond_four_are_refused():
    with pytest.raises(ValueError, match="0 to 7"):
        dinucleotide_shuffle(np.array([0, 1, 7]))
