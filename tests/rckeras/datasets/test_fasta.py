import os
import re

import numpy as np
import pytest

from rckeras.datasets.fasta import load_fasta_pair
from rckeras.sequence import codes_to_letters
from tests.rckeras.datasets.genomes import dinucleotides

POSITIVES = ">chr1:0-8\nACGTACGT\n>chr2:10-18(+)\nacgtNNGT\n>chr3:5-13\nAAAACCCC\n"
NEGATIVES = ">chr1:100-108\nTTTTTTTT\n>chr4:0-8\nGGGGGGGG\n"


@pytest.fixture
def write(tmp_path):
    """Writes a FASTA file."""

    def write(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.fixture
def pair(write):
    """FASTA files of positives and negatives."""
    return write("bound.fa", POSITIVES), write("open.fa", NEGATIVES)


def test_labels_say_which_file_a_sequence_is_from(pair):
    dataset = load_fasta_pair(*pair, target="NFE2")
    letters = codes_to_letters(dataset.sequences)
    assert letters == ["ACGTACGT", "ACGTNNGT", "AAAACCCC", "TTTTTTTT", "GGGGGGGG"]
    assert dataset.labels[:, 0].tolist() == [1, 1, 1, 0, 0]
    assert dataset.targets == ("NFE2",)
    assert dataset.splits is None
    assert dataset.columns["name"][1] == "chr2:10-18(+)"
    assert dataset.columns["chrom"].tolist() == ["chr1", "chr2", "chr3", "chr1", "chr4"]


def test_names_that_are_no_intervals_give_no_chromosome(pair, write):
    dataset = load_fasta_pair(pair[0], write("some.fa", ">one\nACGTACGT\n"))
    assert list(dataset.columns) == ["name"]


def test_without_negatives_the_positives_are_shuffled(pair):
    dataset = load_fasta_pair(pair[0], seed=3)
    letters = codes_to_letters(dataset.sequences)
    assert dataset.labels[:, 0].tolist() == [1, 1, 1, 0, 0, 0]
    assert [dinucleotides(text) for text in letters[:3]] == [
        dinucleotides(text) for text in letters[3:]
    ]
    assert dataset.columns["name"][3] == "chr1:0-8_shuf"
    again = load_fasta_pair(pair[0], seed=3)
    np.testing.assert_array_equal(again.sequences, dataset.sequences)


def test_no_negatives_leave_the_positives_alone(pair, write):
    held = write("held.fa", ">chr9:0-8\nCCCCCCCC\n")
    dataset = load_fasta_pair(pair[0], None, test_positives=held)
    assert dataset.labels[:, 0].tolist() == [1, 1, 1, 1]
    assert dataset.splits.tolist() == [0, 0, 0, 2]
    assert "negatives_from" not in dataset.notes


def test_other_lengths_are_brought_to_one_around_their_centre(write):
    bound = write("bound.fa", ">a\nAACCGG\n>b\nACG\n>c\nTTCCCCCCTT\n")
    dataset = load_fasta_pair(bound, length=6, fit="both")
    letters = codes_to_letters(dataset.sequences)
    assert letters[:3] == ["AACCGG", "NACGNN", "CCCCCC"]
    assert letters[4][0] + letters[4][4:] == "NNN"
    assert dataset.notes["cropped"] == dataset.notes["padded"] == 1


def test_files_for_the_test_are_the_test(pair, write):
    held = write("held.fa", ">chr9:0-8\nCCCCCCCC\n")
    others = write("others.fa", ">chr9:0-8\nGTGTGTGT\n")
    dataset = load_fasta_pair(*pair, test_positives=held, test_negatives=others)
    assert dataset.splits.tolist() == [0, 0, 0, 0, 0, 2, 2]
    assert dataset.labels[:, 0].tolist() == [1, 1, 1, 0, 0, 1, 0]
    with_validation = load_fasta_pair(
        *pair,
        test_positives=held,
        test_negatives=others,
        splits={"validation": "chr1"},
    )
    assert with_validation.splits.tolist() == [1, 0, 0, 1, 0, 2, 2]
    shuffled = load_fasta_pair(pair[0], test_positives=held)
    assert shuffled.splits.tolist() == [0, 0, 0, 0, 0, 0, 2, 2]
    assert shuffled.labels[:, 0].tolist() == [1, 1, 1, 0, 0, 0, 1, 0]


def test_shuffles_are_in_the_split_of_their_positive(write):
    text = "".join(f">s{i}\n{'ACGGTCAGTTAC'}\n" for i in range(40))
    dataset = load_fasta_pair(
        write("bound.fa", text), splits={"validation": 0.2, "test": 0.3}
    )
    assert dataset.split_sizes() == {"train": 40, "validation": 16, "test": 24}
    np.testing.assert_array_equal(dataset.splits[:40], dataset.splits[40:])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"negatives": "bound"}, "`positives` and `negatives` must be different"),
        (
            {"test_positives": "bound", "test_negatives": "others"},
            "`positives` and `test_positives` must be different",
        ),
        ({"length": 0, "fit": "both"}, "`length` must be from 1. Received: 0"),
        ({"length": -3, "fit": "both"}, "`length` must be from 1. Received: -3"),
        ({"splits": "chr1"}, "as in {'validation': 0.1}. Received: 'chr1'"),
        ({"splits": ["chr1"]}, "as in {'validation': 0.1}. Received: ['chr1']"),
        ({"seed": -1}, "`seed` must be a whole number from 0. Received: -1"),
        ({"seed": 1.5}, "`seed` must be a whole number from 0. Received: 1.5"),
        ({"test_positives": "bound"}, "`test_negatives` must come with"),
        ({"negatives": "dinucleotide", "test_negatives": "open"}, "and not otherwise"),
        ({"fit": "squeeze"}, "`fit` must be one of error, crop, pad, both"),
        ({"splits": {"test": "chr77"}}, "'chr77' to 'test', but no sequence"),
        ({"splits": {"train": 0.1}}, "Received: {'train': 0.1}"),
        ({"length": 6}, "bound.fa:1: record 'chr1:0-8': it has 8 bases and 6 are"),
    ],
)
def test_bad_arguments_are_refused(pair, write, arguments, words):
    others = write("others.fa", NEGATIVES)
    files = {"bound": pair[0], "open": pair[1], "others": others}
    given = {"negatives": pair[1]} | {
        name: files.get(value, value) if isinstance(value, str) else value
        for name, value in arguments.items()
    }
    with pytest.raises(ValueError, match=re.escape(words)):
        load_fasta_pair(pair[0], **given)


def test_a_test_split_beside_test_files_is_refused(pair):
    with pytest.raises(ValueError, match=r"must not take sequences for the test"):
        load_fasta_pair(
            *pair,
            test_positives=pair[0],
            test_negatives=pair[1],
            splits={"test": 0.1},
        )


def test_chromosomes_of_names_that_have_none_are_refused(pair, write):
    some = write("some.fa", ">one\nACGTACGT\n")
    with pytest.raises(ValueError, match=r"Received: 'one' in .*some\.fa"):
        load_fasta_pair(pair[0], some, splits={"test": "chr1"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "open.fa: the file holds no FASTA record"),
        (">a\nACGTACGT\n>b\nACGTXCGT\n", "open.fa:3: record 'b': "),
        (">a\nACGT\n", "open.fa:1: record 'a': it has 4 bases and 8 are needed"),
    ],
    ids=["empty", "letter", "length"],
)
def test_a_bad_file_is_named(pair, write, text, words):
    write("open.fa", text)
    with pytest.raises(ValueError, match=re.escape(words)):
        load_fasta_pair(*pair)


def test_the_published_nfe2_sequences_load(shared_data):
    stem = str(shared_data / "nfe2_gm12878.")
    dataset = load_fasta_pair(
        f"{stem}tr.fa",
        f"{stem}neg.tr.fa",
        test_positives=f"{stem}test.fa",
        test_negatives=f"{stem}neg.test.fa",
        length=236,
        fit="both",
    )
    positive = dataset.labels[:, 0] == 1
    assert np.bincount(dataset.splits[positive]).tolist() == [644, 0, 69]
    assert np.bincount(dataset.splits[~positive]).tolist() == [644, 0, 69]
    shorter = [("N" in text) for text in codes_to_letters(dataset.sequences)]
    assert dataset.notes["padded"] == sum(shorter) == 163
    assert dataset.notes["cropped"] == 10


def test_the_published_nanog_sequences_load(shared_data):
    stem = str(shared_data / "nanog_h1esc.")
    dataset = load_fasta_pair(
        f"{stem}positives_train.fa",
        f"{stem}negatives_train.fa",
        test_positives=f"{stem}positives_test.fa",
        test_negatives=f"{stem}negatives_test.fa",
        splits={"validation": "chr6"},
    )
    positive = dataset.labels[:, 0] == 1
    counts = np.bincount(dataset.splits[positive])
    assert (counts[0] + counts[1], counts[2]) == (4687, 960)
    counts = np.bincount(dataset.splits[~positive])
    assert (counts[0] + counts[1], counts[2]) == (5017, 964)
    assert set(dataset.split("validation").columns["chrom"]) == {"chr6"}
    assert dataset.length == 200
    assert dataset.notes["sequences_with_n"] == 0


def test_names_of_bedtools_have_their_chromosome(write):
    records = "".join(f">peak{n}::chr{n}:100-104(+)\nACGT\n" for n in (1, 2))
    dataset = load_fasta_pair(write("a.fa", records), splits={"test": ["chr2"]})
    assert dataset.columns["chrom"].tolist() == ["chr1", "chr2", "chr1", "chr2"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_of_unknown_length_is_refused(tmp_path):
    os.mkfifo(tmp_path / "a.fa")
    with pytest.raises(ValueError, match="nor a pipe nor a folder"):
        load_fasta_pair(tmp_path / "a.fa")
