import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.io.fasta import read_fasta
from rckeras.sequence.alphabet import (
    count_ambiguous,
    one_hot_decode,
    one_hot_encode,
    reverse_complement_string,
)

AMBIGUOUS = "NRYSWKMBDHV"
IUPAC = "ACGTU" + AMBIGUOUS

# The bases that each code stands for: NC-IUB, Nucleic Acids Res. 13, 3021 (1985).
MEANING = {
    **dict(A="A", C="C", G="G", T="T", U="T", R="AG", Y="CT", S="CG", W="AT"),
    **dict(K="GT", M="AC", B="CGT", D="AGT", H="ACT", V="ACG", N="ACGT"),
}

iupac_strings = st.text(IUPAC + IUPAC.lower(), max_size=60)
base_strings = st.text("ACGT", max_size=60)


def encode_slowly(sequence, n_value):
    """Letter by letter, float64."""
    rows = np.zeros((len(sequence), 4))
    for row, letter in zip(rows, sequence.upper(), strict=True):
        bases = MEANING[letter]
        row[:] = n_value if len(bases) > 1 else [base == bases for base in "ACGT"]
    return rows


@given(sequence=iupac_strings, n_value=st.sampled_from([0.0, 0.25]))
def test_encoding_agrees_with_a_loop_over_the_letters(sequence, n_value):
    x = one_hot_encode(sequence, "float32", n_value)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, encode_slowly(sequence, n_value))


@given(sequence=base_strings)
def test_decoding_undoes_encoding(sequence):
    assert one_hot_decode(one_hot_encode(sequence)) == sequence


@given(
    batch=st.integers(0, 20).flatmap(
        lambda length: st.lists(
            st.text("ACGTN", min_size=length, max_size=length), min_size=1, max_size=8
        )
    ),
    n_value=st.sampled_from([0.0, 0.25]),
)
def test_decoding_undoes_encoding_of_a_list(batch, n_value):
    x = one_hot_encode(batch, "float32", n_value)
    assert x.shape == (len(batch), len(batch[0]), 4)
    assert one_hot_decode(x) == batch


@given(sequence=iupac_strings)
def test_a_list_of_one_is_the_sequence_with_a_batch_axis(sequence):
    np.testing.assert_array_equal(
        one_hot_encode([sequence])[0], one_hot_encode(sequence)
    )


@given(sequence=iupac_strings, n_value=st.sampled_from([0.0, 0.25]))
def test_reverse_complement_reverses_both_axes_of_the_encoding(sequence, n_value):
    turned = one_hot_encode(reverse_complement_string(sequence), "float32", n_value)
    x = one_hot_encode(sequence, "float32", n_value)
    np.testing.assert_array_equal(turned, x[::-1, ::-1])


@given(sequence=iupac_strings)
def test_reverse_complement_twice_is_the_sequence_with_t_for_u(sequence):
    twice = reverse_complement_string(reverse_complement_string(sequence))
    assert twice == sequence.replace("U", "T").replace("u", "t")


@pytest.mark.parametrize("letter", IUPAC)
def test_complement_stands_for_the_complements_of_its_bases(letter):
    complement = {"A": "T", "C": "G", "G": "C", "T": "A"}
    turned = reverse_complement_string(letter)
    assert set(MEANING[turned]) == {complement[base] for base in MEANING[letter]}


def test_reverse_complement_keeps_the_case():
    assert reverse_complement_string("AAcgRn") == "nYcgTT"


@given(sequence=iupac_strings)
def test_reverse_complement_of_bytes_is_bytes(sequence):
    turned = reverse_complement_string(sequence.encode())
    assert turned == reverse_complement_string(sequence).encode()


@given(sequence=iupac_strings)
def test_bytes_are_encoded_as_strings_are(sequence):
    np.testing.assert_array_equal(
        one_hot_encode(sequence.encode()), one_hot_encode(sequence)
    )


def test_strings_and_bytes_may_stand_in_one_list():
    np.testing.assert_array_equal(
        one_hot_encode(["ACGT", b"NNaa"]), one_hot_encode(["ACGT", "NNaa"])
    )


def test_long_sequences_are_encoded_and_decoded_to_the_last_letter():
    letters = np.random.default_rng(0).choice([*b"ACGTN"], 300_001).astype("uint8")
    x = one_hot_encode(letters.tobytes())
    np.testing.assert_array_equal(x, letters[:, None] == [*b"ACGT"])
    assert one_hot_decode(x).encode() == letters.tobytes()


@pytest.mark.parametrize("kind", ["U", "S", object])
def test_numpy_arrays_of_strings_are_encoded_as_lists_are(kind):
    batch = np.array(["ACGT", "NNaa"], dtype=kind)
    np.testing.assert_array_equal(
        one_hot_encode(batch), one_hot_encode(["ACGT", "NNaa"])
    )


def test_lower_case_and_u_are_read_as_upper_case_and_t():
    np.testing.assert_array_equal(one_hot_encode("acguU"), one_hot_encode("ACGTT"))


def test_default_type_is_uint8():
    assert one_hot_encode("ACGT").dtype == np.uint8


def test_an_encoded_array_may_be_written_to_without_consequence():
    one_hot_encode("A")[:] = 7
    assert one_hot_encode("A").tolist() == [[1, 0, 0, 0]]


@given(sequence=iupac_strings)
def test_ambiguous_letters_are_those_decoded_as_n(sequence):
    decoded = one_hot_decode(one_hot_encode(sequence))
    assert count_ambiguous(sequence) == decoded.count("N")


@pytest.mark.parametrize(
    "letter", ["-", "*", "7", " ", "\n", "?", "X", "é", "中", "\0"]
)
@pytest.mark.parametrize(
    "function", [one_hot_encode, reverse_complement_string, count_ambiguous]
)
def test_other_characters_are_refused_with_their_position(function, letter):
    with pytest.raises(ValueError, match="at position 3") as error:
        function("ACG" + letter + "T" + letter)
    assert repr(letter) in str(error.value)


def test_other_characters_in_a_list_are_refused_with_their_sequence():
    with pytest.raises(ValueError, match=r"'-' at position 1 .*of sequence 2"):
        one_hot_encode(["ACGT", "ACGT", "A-GT"])


def test_other_items_than_strings_are_refused_beside_bytes():
    with pytest.raises(TypeError, match="as sequence 1: bytearray"):
        one_hot_encode([b"ACGT", bytearray(b"ACGT")])


def test_unequal_lengths_are_refused_with_the_first_offender():
    with pytest.raises(ValueError, match="4 letters in sequence 0, 3 in sequence 2"):
        one_hot_encode(["ACGT", "ACGT", "ACG", "A"])


def test_an_empty_list_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        one_hot_encode([])


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
def test_a_value_for_n_is_refused_for_an_integer_dtype(dtype):
    with pytest.raises(ValueError, match=rf"n_value=0.25, dtype='{dtype}'"):
        one_hot_encode("ACGT", dtype, 0.25)


@pytest.mark.parametrize("n_value", [-0.5, 1.5, float("nan")])
def test_a_value_for_n_beyond_its_range_is_refused(n_value):
    with pytest.raises(ValueError, match=f"Received: {n_value}"):
        one_hot_encode("ACGT", "float32", n_value)


@pytest.mark.parametrize("sequence", [["ACGT", 5], ["ACGT", None]])
def test_an_item_that_is_no_string_is_refused_with_its_place(sequence):
    with pytest.raises(TypeError, match=f"as sequence 1: {sequence[1]!r}"):
        one_hot_encode(sequence)


def test_what_is_neither_string_nor_list_is_refused():
    with pytest.raises(TypeError, match=r"Received: 5 \(of type int\)"):
        one_hot_encode(5)


def test_decoding_takes_the_largest_number():
    assert one_hot_decode([[0.1, 0.2, 0.3, 0.4], [0.9, 0.0, 0.1, 0.0]]) == "TA"


@pytest.mark.parametrize("shape", [(4,), (5, 3), (5, 5), (2, 5, 1), (1, 2, 5, 4)])
def test_decoding_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match="Received: shape") as error:
        one_hot_decode(np.zeros(shape))
    assert str(shape) in str(error.value)


@pytest.fixture
def deepsea_example(shared_data):
    """DeepSEA's example input, (8, 1000, 4) in the order A, C, G, T."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(shared_data / "deepsea_example_input.h5") as file:
        published = np.asarray(file["testxdata"])
    return published[:, [0, 2, 1, 3]].transpose(0, 2, 1)


def test_the_example_of_deepsea_is_encoded_as_published(shared_data, deepsea_example):
    records = list(read_fasta(shared_data / "deepsea_example.fasta"))
    x = one_hot_encode([record.sequence for record in records])
    # The others differ in the one variant that the text file has and the array not.
    differing = (x != deepsea_example[:4]).any(axis=-1).sum(axis=-1)
    assert differing.tolist() == [1, 0, 1, 1]


def test_the_other_strand_of_deepseas_example_is_as_published(deepsea_example):
    forward, backward = deepsea_example[:4], deepsea_example[4:]
    turned = [reverse_complement_string(one_hot_decode(x)) for x in forward]
    assert one_hot_decode(backward) == turned
