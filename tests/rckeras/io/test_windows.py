import gzip
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.io.windows import check_input, count_records, read_windows
from rckeras.sequence import reverse_complement_string

dna = st.text("ACGT", min_size=1, max_size=30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("windows")


@pytest.fixture
def write(tmp_path):
    """Function that writes a file and returns its path."""

    def write_file(text, name="input"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return write_file


@pytest.fixture(scope="module")
def chromosome():
    letters = np.array(list("ACGT"))[np.random.default_rng(0).integers(4, size=200)]
    return "".join(letters)


@pytest.fixture(scope="module")
def genome(tmp_path_factory, chromosome):
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text(f">chr1\n{chromosome[:100]}\n{chromosome[100:]}\n")
    return path


def fit_one(folder, sequence, length, fit):
    path = folder / "one.fa"
    path.write_text(f">one\n{sequence}\n")
    (window,) = read_windows(path, None, length, fit)
    return window


@given(dna, st.integers(1, 30))
def test_records_have_the_length_asked_for(folder, sequence, length):
    window = fit_one(folder, sequence, length, "both")
    assert len(window.sequence) == length
    assert window.sequence.strip("N") in sequence
    assert window.cropped == (len(sequence) > length)
    assert window.padded == (len(sequence) < length)


@given(dna, st.integers(0, 10), st.sampled_from([-1, 1]))
def test_an_even_difference_treats_both_strands_alike(folder, sequence, half, sign):
    length = max(len(sequence) + 2 * sign * half, 1 + (len(sequence) + 1) % 2)
    forward = fit_one(folder, sequence, length, "both").sequence
    turned = reverse_complement_string(sequence)
    reverse = fit_one(folder, turned, length, "both").sequence
    assert reverse_complement_string(reverse) == forward


@pytest.mark.parametrize(
    ("sequence", "length", "expected"),
    [
        ("AACCGGT", 4, "ACCG"),
        ("AACCGGT", 6, "AACCGG"),
        ("ACG", 6, "NACGNN"),
        ("ACG", 4, "ACGN"),
        ("ACG", 3, "ACG"),
    ],
)
def test_the_odd_base_is_at_the_right_end(folder, sequence, length, expected):
    assert fit_one(folder, sequence, length, "both").sequence == expected


def test_added_n_is_not_counted_and_cut_n_neither(folder):
    assert fit_one(folder, "ANg", 9, "pad").ambiguous == 1
    assert fit_one(folder, "NNAryCNN", 4, "crop").ambiguous == 2


def test_without_a_length_records_are_left_alone(write):
    path = write(">a\nACG\n>b\nACGTA\n")
    assert [w.sequence for w in read_windows(path, None, None)] == ["ACG", "ACGTA"]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_line_ends_and_compression_do_not_matter(tmp_path, ending, last, compress):
    text = f"\n>a first{ending}AC{ending}gt{ending}>a second{ending}TTTT{last}"
    path = tmp_path / "any"
    path.write_bytes(compress(text.encode()))
    check_input(path, None, "error")
    windows = list(read_windows(path, None, 4))
    assert [w.keys for w in windows] == [("a",), ("a",)]
    assert [w.sequence for w in windows] == ["ACgt", "TTTT"]


@pytest.mark.parametrize("odd", ["ACGTAA", "ACG"])
def test_another_length_is_refused(write, odd):
    path = write(f">a\nACGT\n>the odd one\n{odd}\n")
    message = rf":3: record 'the': it has {len(odd)} bases and 4 are needed\. .*--fit"
    with pytest.raises(ValueError, match=message):
        list(read_windows(path, None, 4, "error"))


@pytest.mark.parametrize(("fit", "odd"), [("crop", "ACG"), ("pad", "ACGTA")])
def test_only_the_change_asked_for_is_made(write, fit, odd):
    path = write(f">a\nACGT\n>b\n{odd}\n")
    with pytest.raises(ValueError, match=rf"input:3: record 'b': it has {len(odd)} "):
        list(read_windows(path, None, 4, fit))


def test_a_letter_that_is_none_is_named_with_its_place(write):
    path = write(">a\nACGT\n>b\nACJT\n>c\nACGT\n")
    with pytest.raises(ValueError, match=r"input:3: record 'b': .*'J' at position 2"):
        list(read_windows(path, None, 4))


def test_an_empty_file_is_refused(write):
    path = write("")
    check_input(path, None, "error")
    with pytest.raises(ValueError, match="holds no FASTA record"):
        list(read_windows(path, None, 4))


def test_records_are_read_one_at_a_time(write):
    path = write(">a\nACGT\n>b\nACGT\n>c\nwrong!\n")
    windows = read_windows(path, None, 4)
    assert [w.name for w in itertools.islice(windows, 2)] == ["a", "b"]


@pytest.mark.parametrize("strand", ["+", "-", "."])
@pytest.mark.parametrize(
    ("start", "end", "first"),
    [(50, 60, 50), (40, 70, 50), (40, 71, 50), (54, 56, 50), (53, 56, 50)],
)
def test_intervals_are_moved_around_their_centre(
    write, genome, chromosome, start, end, first, strand
):
    path = write(f"chr1\t{start}\t{end}\tpeak\t0\t{strand}\n")
    (window,) = read_windows(path, genome, 10, "crop")
    expected = chromosome[first : first + 10]
    if strand == "-":
        expected = reverse_complement_string(expected)
    assert window.sequence == expected
    assert window.keys == ("chr1", start, end, "peak", strand)
    assert (window.cropped, window.extended) == (end - start > 10, end - start < 10)
    assert not window.padded


@pytest.mark.parametrize("fit", ["pad", "both"])
@pytest.mark.parametrize("strand", ["+", "-"])
def test_bases_off_a_chromosome_are_n(write, genome, chromosome, fit, strand):
    path = write(f"chr1 0 6 left 0 {strand}\nchr1 194 200 right 0 {strand}\n")
    windows = list(read_windows(path, genome, 10, fit))
    expected = ["NN" + chromosome[:8], chromosome[192:] + "NN"]
    if strand == "-":
        expected = [reverse_complement_string(sequence) for sequence in expected]
    assert [w.sequence for w in windows] == expected
    assert all(w.padded and w.extended for w in windows)


def test_bases_off_a_chromosome_are_refused_when_cropping(write, genome):
    path = write("chr1\t50\t60\nchr1\t194\t200\n")
    with pytest.raises(ValueError, match=r"input:2: interval '\.': .*leaves the chrom"):
        list(read_windows(path, genome, 10, "crop"))


def test_an_interval_beyond_the_chromosome_is_refused(write, genome):
    path = write("chr1\t50\t60\nchr1\t5000\t5010\tfar\n")
    with pytest.raises(
        ValueError, match=r"input:2: interval 'far': its centre lies off the chrom"
    ):
        list(read_windows(path, genome, 10, "both"))


def test_an_unknown_chromosome_is_named_with_its_place(write, genome):
    path = write("chr1\t50\t60\nchr9\t50\t60\tlost\n")
    with pytest.raises(ValueError, match=r"input:2: interval 'lost': .*'chr9'"):
        list(read_windows(path, genome, 10, "both"))


@pytest.mark.parametrize(("start", "end"), [(50, 61), (50, 59)])
def test_an_interval_of_another_length_is_refused(write, genome, start, end):
    path = write(f"chr1\t50\t60\nchr1\t{start}\t{end}\tx\n")
    with pytest.raises(ValueError, match=rf"input:2: interval 'x': it has {end - 50} "):
        list(read_windows(path, genome, 10, "error"))


def test_without_a_length_intervals_are_left_alone(write, genome, chromosome):
    path = write("chr1\t50\t53\nchr1\t60\t67\n")
    sequences = [w.sequence for w in read_windows(path, genome, None)]
    assert sequences == [chromosome[50:53], chromosome[60:67]]


def test_a_bed_file_without_a_genome_is_explained(write):
    path = write("\n chr1\t50\t53\n")
    with pytest.raises(ValueError, match=r"give their `genome` \(--genome\)"):
        check_input(path, None, "error")


def test_a_fasta_file_with_a_genome_is_explained(write, genome):
    path = write(">a\nACGT\n")
    with pytest.raises(ValueError, match="is a FASTA file"):
        check_input(path, genome, "error")


def test_an_unknown_fit_is_refused(write):
    with pytest.raises(ValueError, match=r"one of error, crop, .*Received: 'trim'"):
        check_input(write(">a\nACGT\n"), None, "trim")


def test_a_missing_file_is_named(write, tmp_path):
    path = write("chr1\t50\t53\n")
    with pytest.raises(FileNotFoundError, match=r"nothing\.fa"):
        check_input(tmp_path / "nothing.fa", None, "error")
    with pytest.raises(FileNotFoundError, match=r"nothing\.fa"):
        check_input(path, tmp_path / "nothing.fa", "error")


def test_records_are_counted(write, genome):
    assert count_records(write(">a\nACGT\n>b\nAC\nGT"), None) == 2
    assert count_records(write("#x\nchr1\t1\t2\n\nchr1\t2\t3"), genome) == 2
    assert count_records("-", None) is None


@pytest.mark.parametrize(("start", "window"), [(195, "chr1:189-209"), (2, "-4-16")])
def test_a_window_off_the_end_names_the_option_that_fills_it(
    write, genome, start, window
):
    path = write(f"chr1\t{start}\t{start + 7}\n")
    message = (
        rf"{window} leaves the chromosome, .* 200 bases; .*--fit\) 'pad' or 'both'"
    )
    with pytest.raises(ValueError, match=message) as error:
        list(read_windows(path, genome, 20, "crop"))
    assert "pad=True" not in str(error.value)


def test_windows_know_their_line(write, genome):
    assert [w.line for w in read_windows(write("\n>a\nA\n>b\nC\n"), None, 1)] == [2, 4]
    path = write("# of peaks\nchr1\t5\t9\n")
    assert [w.line for w in read_windows(path, genome, 4)] == [2]
