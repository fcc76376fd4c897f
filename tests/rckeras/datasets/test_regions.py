import os
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rckeras.datasets.regions import (
    check_choices,
    fetch_windows,
    overlap_clusters,
    read_peaks,
    windows_on,
    without_equal,
)
from rckeras.io import Genome
from rckeras.sequence import codes_to_letters
from tests.rckeras.datasets.genomes import SIZES, make_genome, window, write_peaks

pytest.importorskip("pyfaidx", reason="needs the extra `genome`")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a genome."""
    return tmp_path_factory.mktemp("regions")


@pytest.fixture(scope="module")
def chromosomes(folder):
    return make_genome(folder / "genome.fa", n_every=97)


@pytest.fixture(scope="module")
def genome(folder, chromosomes):
    with Genome(folder / "genome.fa") as opened:
        yield opened


@st.composite
def peak_rows(draw):
    chrom = draw(st.sampled_from(list(SIZES)))
    start = draw(st.integers(0, SIZES[chrom] - 60))
    width = draw(st.integers(1, 60))
    summit = draw(st.integers(-1, width))
    return chrom, start, start + width, summit, 1.0, draw(st.sampled_from("+-."))


@given(
    st.lists(peak_rows(), min_size=1, max_size=40),
    st.integers(1, 80),
    st.sampled_from(["centre", "either"]),
)
@settings(max_examples=60, deadline=None)
def test_windows_hold_the_bases_around_the_middle_of_their_peak(
    folder, chromosomes, genome, rows, length, at
):
    peaks = read_peaks(write_peaks(folder / "some.narrowPeak", rows))
    expected = {}
    for number, (chrom, start, end, summit, _, strand) in enumerate(rows):
        known = at == "either" and summit >= 0
        middle = start + summit if known else (start + end) // 2
        first = middle - length // 2
        if strand == "-":  # the window on the reversed chromosome, turned back
            first = middle + 1 + length // 2 - length
        if first >= 0 and first + length <= SIZES[chrom]:
            expected.setdefault((chrom, first), (f"p{number}", strand))
    if not expected:
        return
    windows, counts = windows_on(peaks, genome, length, at)
    names = [name for name, _ in expected.values()]
    assert windows["name"].tolist() == names
    left_out = counts["off_chromosome"] + counts["duplicates"]
    assert counts["read"] == len(rows) == len(names) + left_out
    letters = codes_to_letters(fetch_windows(genome, windows))
    for text, ((chrom, first), (_, strand)) in zip(
        letters, expected.items(), strict=True
    ):
        assert text == window(chromosomes, chrom, first, first + length, strand)


@pytest.mark.parametrize("length", [1, 2, 7, 8])
@pytest.mark.parametrize("strand", "+-.")
def test_the_middle_is_the_same_base_of_the_window_on_both_strands(
    tmp_path, length, strand
):
    (tmp_path / "one.fa").write_text(f">chr1\n{'A' * 20}C{'A' * 20}\n")
    rows = [("chr1", 10, 30, 10, 1.0, strand)]
    peaks = read_peaks(write_peaks(tmp_path / "one.narrowPeak", rows))
    with Genome(tmp_path / "one.fa") as genome:
        windows, _ = windows_on(peaks, genome, length)
        (letters,) = codes_to_letters(fetch_windows(genome, windows))
    assert letters.index("G" if strand == "-" else "C") == length // 2


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["chr1", "1", "2"]), st.integers(0, 60), st.integers(1, 9)
        ),
        min_size=1,
        max_size=25,
    )
)
def test_clusters_are_the_windows_linked_by_overlaps(places):
    chroms, starts, sizes = map(np.array, zip(*places, strict=True))
    windows = {"chrom": chroms, "start": starts, "end": starts + sizes}
    clusters = overlap_clusters(windows)
    plain = [chrom.removeprefix("chr") for chrom in chroms.tolist()]
    bases = [
        {(c, base) for base in range(s, s + n)}
        for c, s, n in zip(plain, starts, sizes, strict=True)
    ]
    expected = np.arange(len(places))  # joined pair by pair until nothing changes
    for _ in places:
        for one, own in enumerate(bases):
            for other, others in enumerate(bases):
                if own & others:
                    expected[expected == expected[other]] = expected[one]
    same = clusters[:, np.newaxis] == clusters
    np.testing.assert_array_equal(same, expected[:, np.newaxis] == expected)
    assert sorted(set(clusters.tolist())) == list(range(clusters.max() + 1))


def test_windows_equal_to_others_are_left_out_whatever_database_names_them():
    windows = {
        "name": np.array(list("abcd")),
        "chrom": np.array(["chr1", "chr1", "chr2", "2"]),
        "start": np.array([5, 6, 5, 7]),
    }
    others = {"chrom": np.array(["1", "chr2"]), "start": np.array([5, 7])}
    left, count = without_equal(windows, others)
    assert left["name"].tolist() == ["b", "c"]
    assert left["start"].tolist() == [6, 5]
    assert count == 2


def test_ten_columns_are_read_with_their_summit_and_ranks(tmp_path):
    path = tmp_path / "a.narrowPeak"
    path.write_text(
        "#made\nchr1\t10\t20\tx\t5\t-\t2.5\t-1\t3\t4\nchr1\t5\t9\t.\t0\t.\t1\t7\t-1\t-1\n"
    )
    peaks = read_peaks(path)
    assert peaks["summit"].tolist() == [14, -1]
    assert peaks["signal"].tolist() == [2.5, 1.0]
    np.testing.assert_array_equal(peaks["p_value"], [np.nan, 7])
    np.testing.assert_array_equal(peaks["q_value"], [3, np.nan])
    assert peaks.place(1) == f"{path}:3"


def test_other_columns_are_read_as_bed(tmp_path):
    path = tmp_path / "a.bed"
    path.write_text("chr1\t10\t20\nchr2\t5\t9\tx\t0\t-\n")
    peaks = read_peaks(path)
    assert "summit" not in peaks.columns
    assert peaks["strand"].tolist() == [".", "-"]
    assert peaks["end"].tolist() == [20, 9]


def test_names_of_other_databases_mean_the_same_chromosome(tmp_path, genome):
    path = write_peaks(tmp_path / "a", [("1", 50, 60), ("chr1", 50, 60), ("2", 5, 99)])
    windows, counts = windows_on(read_peaks(path), genome, 10)
    assert windows["chrom"].tolist() == ["1", "2"]
    assert counts["duplicates"] == 1


def test_a_summit_may_be_the_base_after_the_chromosome_and_no_other(tmp_path, genome):
    size = SIZES["chr2"]
    rows = [("chr1", 50, 90), ("chr2", size - 10, size, 10)]
    peaks = read_peaks(write_peaks(tmp_path / "at_end", rows))
    _, counts = windows_on(peaks, genome, 1)
    assert counts["off_chromosome"] == 1
    rows[1] = ("chr2", size - 10, size + 1, 11)
    peaks = read_peaks(write_peaks(tmp_path / "behind", rows))
    with pytest.raises(ValueError, match=r"behind:2: the peak lies off its chromosome"):
        windows_on(peaks, genome, 1)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("chr1", 5, 90), ("chr9", 5, 90)], ":2: `chrom` must be a chromosome of"),
        ([("chr1", 5, 90), ("chr1", 9000, 9010)], ":2: the peak lies off its chromo"),
        ([("chr1", 5, 90), ("chr1", 5, 90, -1)], ":2: the peak has no summit"),
        ([("chr1", 5, 6), ("chr2", 1995, 2000)], ": no peak is left with a window of"),
    ],
    ids=["contig", "position", "summit", "ends"],
)
def test_peaks_that_do_not_fit_the_genome_are_named(tmp_path, genome, rows, words):
    path = write_peaks(tmp_path / "bad.narrowPeak", rows)
    with pytest.raises(ValueError, match=re.escape(f"{path}{words}")):
        windows_on(read_peaks(path), genome, 40)


def test_peaks_on_missing_contigs_can_be_dropped(tmp_path, genome):
    rows = [("chr9", 5, 90), ("chr1", 50, 90), ("chr7", 5, 90), ("chr9", 5, 90)]
    peaks = read_peaks(write_peaks(tmp_path / "a", rows))
    windows, counts = windows_on(peaks, genome, 10, missing_contigs="drop")
    assert windows["name"].tolist() == ["p1"]
    assert counts == {
        "read": 4,
        "without_summit": 0,
        "missing_contigs": 3,
        "off_chromosome": 0,
        "duplicates": 0,
    }


def test_a_letter_of_the_genome_that_is_none_is_named(tmp_path):
    (tmp_path / "bad.fa").write_text(">chr1\nACGTJACGTACGT\n")
    peaks = read_peaks(write_peaks(tmp_path / "a", [("chr1", 2, 8)]))
    with Genome(tmp_path / "bad.fa") as genome:
        windows, _ = windows_on(peaks, genome, 6)
        with pytest.raises(ValueError, match=r"bad\.fa: chr1:2-8: .*'J' at position 2"):
            fetch_windows(genome, windows)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ((0, "summit", "error"), "`length` must be from 1. Received: 0"),
        ((2.5, "summit", "error"), "`length` must be from 1. Received: 2.5"),
        ((9, "top", "error"), "one of summit, centre, either. Received: 'top'"),
        ((9, "summit", "keep"), "one of error, drop. Received: 'keep'"),
    ],
)
def test_unknown_choices_are_refused(choices, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        check_choices(*choices)


@pytest.mark.parametrize(("factor", "count"), [("MAX", 12786), ("SPI1", 36800)])
def test_published_peaks_have_their_summits_inside(shared_data, factor, count):
    name = f"factornet_GM12878.{factor}.conservative.train.narrowPeak.gz"
    peaks = read_peaks(shared_data / name)
    assert len(peaks) == count
    assert (peaks["start"] <= peaks["summit"]).all()
    assert (peaks["summit"] <= peaks["end"]).all()
    # Three peaks of SPI1 were cut short at their summit.
    assert (peaks["summit"] == peaks["end"]).sum() == (3 if factor == "SPI1" else 0)
    assert (peaks["signal"] > 0).all()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_before_any_of_it_is_read(tmp_path):
    os.mkfifo(tmp_path / "peaks.bed")
    for path in (tmp_path / "peaks.bed", "-", tmp_path):
        with pytest.raises(ValueError, match="nor a pipe nor a folder"):
            read_peaks(path)
    with pytest.raises(FileNotFoundError):
        read_peaks(tmp_path / "nowhere.bed")
