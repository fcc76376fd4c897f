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
    assert dataset.columns["start"].tolist() == [95, 1045, 301, 685] * 2
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


def test_negatives_that_are_positives_are_dropped_and_overlaps_counted(
    genome, peaks, tmp_path
):
    rows = [
        ("1", 110, 130, 10),  # the window of the first peak
        ("chr1", 100, 180, 69),  # the last base of it
        ("chr1", 100, 180, 70),  # the base after it
        ("chr2", 300, 360, 27),  # other by one base, and on the other strand
    ]
    others = write_peaks(tmp_path / "open.narrowPeak", rows)
    dataset = load_peaks(peaks, genome[0], length=50, negatives=others)
    assert dataset.columns["name"][4:].tolist() == ["p1", "p2", "p3"]
    counts = dataset.notes["negatives_file"]
    assert counts["read"] == 4
    assert counts["equal_to_positives"] == 1
    assert counts["overlapping_positives"] == 2


def test_negatives_of_which_none_is_left_are_refused(genome, peaks, tmp_path):
    same = write_peaks(tmp_path / "same.narrowPeak", ROWS)
    with pytest.raises(ValueError, match=r"same\.narrowPeak: no negative is left"):
        load_peaks(peaks, genome[0], length=50, negatives=same)


def test_the_peaks_are_not_their_own_negatives(genome, peaks):
    with pytest.raises(ValueError, match="`peaks` and `negatives` must be different"):
        load_peaks(peaks, genome[0], length=50, negatives=str(peaks))


def test_random_shares_keep_overlapping_windows_together(genome, tmp_path):
    chance = np.random.default_rng(0)
    for name in ("bound", "open"):
        starts = chance.integers(100, 2800, 60).tolist()
        rows = [("chr1", start, start + 20) for start in starts]
        write_peaks(tmp_path / name, rows)
    for negatives in ("dinucleotide", tmp_path / "open"):
        dataset = load_peaks(
            tmp_path / "bound",
            genome[0],
            length=30,
            negatives=negatives,
            splits={"validation": 0.2, "test": 0.2},
        )
        starts, codes = dataset.columns["start"], dataset.splits
        near = abs(starts[:, np.newaxis] - starts) < 30
        assert not (near & (codes[:, np.newaxis] != codes)).any()
        shares = np.bincount(codes) / len(codes)
        np.testing.assert_allclose(shares, [0.6, 0.2, 0.2], atol=0.02)


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ({"test": "chr99"}, "'chr99' to 'test', but no sequence"),
        ({"test": 0.01}, "`test` must come to a sequence at least"),
        ({"train": "chr1", "test": "chr2"}, "leaves no negatives"),
        ({"validation": 0.1, "test": 0.85}, "left for training"),
    ],
)
def test_splits_are_checked_before_bases_are_read(
    genome, peaks, tmp_path, monkeypatch, splits, words
):
    others = write_peaks(tmp_path / "open.narrowPeak", [("chr17", 300, 360)])

    def refuse(*_, **__):
        raise AssertionError("bases were read")

    monkeypatch.setattr("rckeras.io.genome.Genome.fetch", refuse)
    if "leaves" not in words:
        monkeypatch.setattr("rckeras.io.genome.Genome.__init__", refuse)
    with pytest.raises(ValueError, match=re.escape(words)):
        load_peaks(peaks, genome[0], length=50, negatives=others, splits=splits)


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
        ({"splits": "chr1"}, "as in {'validation': 0.1}. Received: 'chr1'"),
        ({"splits": ["chr1"]}, "as in {'validation': 0.1}. Received: ['chr1']"),
        ({"seed": -1}, "`seed` must be a whole number from 0. Received: -1"),
        ({"seed": 1.5}, "`seed` must be a whole number from 0. Received: 1.5"),
    ],
)
def test_bad_arguments_are_refused(genome, peaks, changes, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        load_peaks(peaks, genome[0], **{"length": 50, **changes})


def test_an_empty_file_is_refused(genome, tmp_path):
    (tmp_path / "none.bed").write_text("# nothing\n")
    with pytest.raises(ValueError, match=r"none\.bed: the file holds no peak"):
        load_peaks(tmp_path / "none.bed", genome[0], length=50)
