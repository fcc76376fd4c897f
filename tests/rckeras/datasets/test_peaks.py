import re

import numpy as np
import pytest

from rckeras.datasets.peaks import load_peaks
from rckeras.sequence import codes_to_letters
from tests.rckeras.datasets.genomes import (
    dinucleotides,
    make_genome,
    window,
    write_peaks,
)

pytest.importorskip("pyfaidx", reason="needs the extra `genome`")

ROWS = [
    ("chr1", 100, 160, 20),
    ("chr1", 1000, 1080, 70),
    ("chr2", 300, 350, 25, 9, "-"),
    ("chr17", 700, 790, 10),
]


@pytest.fixture
def genome(tmp_path):
    """Path of a genome and its letters."""
    path = tmp_path / "genome.fa"
    return path, make_genome(path)


@pytest.fixture
def peaks(tmp_path):
    return write_peaks(tmp_path / "bound.narrowPeak", ROWS)


def letters_at(dataset, chromosomes):
    """The letters of the genome at the columns of a dataset."""
    columns = [dataset.columns[name] for name in ("chrom", "start", "end", "strand")]
    return [
        window(chromosomes, *place)
        for place in zip(*(column.tolist() for column in columns), strict=True)
    ]


def test_positives_are_the_windows_and_negatives_their_shuffles(genome, peaks):
    path, chromosomes = genome
    dataset = load_peaks(peaks, path, length=50)
    letters = codes_to_letters(dataset.sequences)
    assert dataset.columns["start"].tolist() == [95, 1045, 300, 685] * 2
    assert dataset.labels[:, 0].tolist() == [1] * 4 + [0] * 4
    assert letters[:4] == letters_at(dataset, chromosomes)[:4]
    assert [dinucleotides(text) for text in letters[4:]] == [
        dinucleotides(t) for t in letters[:4]
    ]
    assert dataset.columns["name"][5] == "p1_shuf"


def test_windows_can_be_around_the_centre(genome, peaks):
    dataset = load_peaks(peaks, genome[0], length=51, at="centre", negatives=None)
    assert dataset.columns["start"].tolist() == [105, 1015, 300, 720]
    assert dataset.labels.all()


def test_negatives_can_come_from_a_file(genome, peaks, tmp_path):
    bed = tmp_path / "open.bed"
    bed.write_text("chr1\t500\t600\tx\t0\t-\n2\t900\t1000\n")
    dataset = load_peaks(peaks, genome[0], length=50, at="either", negatives=bed)
    assert dataset.labels[:, 0].tolist() == [1] * 4 + [0] * 2
    assert dataset.notes["negatives_file"]["without_summit"] == 2
    dataset.columns["chrom"][-1] = "chr2"
    letters = codes_to_letters(dataset.sequences)
    assert letters == letters_at(dataset, genome[1])


def test_chromosomes_divide_positives_and_their_shuffles(genome, peaks):
    splits = {"validation": "17", "test": ["chr2"]}
    dataset = load_peaks(peaks, genome[0], length=50, splits=splits)
    assert dataset.splits.tolist() == [0, 0, 2, 1] * 2


def test_shares_divide_positives_and_their_shuffles(genome, peaks):
    dataset = load_peaks(peaks, genome[0], length=50, splits={"test": 0.5})
    assert dataset.split_sizes() == {"train": 4, "validation": 0, "test": 4}
    np.testing.assert_array_equal(dataset.splits[:4], dataset.splits[4:])


def test_the_same_seed_gives_the_same_dataset(genome, peaks):
    first, same, other = (
        load_peaks(peaks, genome[0], length=50, seed=seed).sequences
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_a_bed_file_without_summits_is_refused_unless_they_are_not_needed(
    genome, tmp_path
):
    bed = tmp_path / "bound.bed"
    bed.write_text("track name=x\nchr1\t500\t600\n")
    with pytest.raises(ValueError, match=re.escape(f"{bed}:2: the peak has no summit")):
        load_peaks(bed, genome[0], length=50)
    assert len(load_peaks(bed, genome[0], length=50, at="centre")) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"length": 0}, "`length` must be from 1. Received: 0"),
        ({"at": "top"}, "`at` must be one of summit, centre, either"),
        ({"splits": {"test": 1}}, "leave something for training"),
        ({"splits": {"test": "chr99"}}, "'chr99' to 'test', but no sequence"),
    ],
)
def test_bad_arguments_are_refused(genome, peaks, changes, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        load_peaks(peaks, genome[0], **{"length": 50, **changes})


def test_an_empty_file_is_refused(genome, tmp_path):
    (tmp_path / "none.bed").write_text("# nothing\n")
    with pytest.raises(ValueError, match=r"none\.bed: the file holds no peak"):
        load_peaks(tmp_path / "none.bed", genome[0], length=50)
