import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rckeras.datasets.chipseq import SHRIKUMAR_SPLITS, load_chipseq
from rckeras.io import Genome
from rckeras.sequence import base_codes, codes_to_letters
from tests.rckeras.datasets.genomes import SIZES, make_genome, window, write_peaks

pytest.importorskip("pyfaidx", reason="needs the extra `genome`")

BOUND = [("chr1", 500, 560, 20), ("chr2", 500, 560, 30), ("chr17", 400, 460, 9)]
RELAXED = [
    ("chr1", 490, 570, 40, 9.0),
    ("chr1", 1200, 1260, 30, 5.0),
    ("chr2", 800, 900, 50, 5.0),
    ("chr2", 1500, 1600, 50, 7.0),
]
OPEN = [
    ("chr1", 569, 640, 30),  # overlaps a relaxed peak by a base
    ("chr1", 570, 641, 30),  # touches it
    ("chr1", 1250, 1300, 40),
    ("chr2", 899, 950, 20),
    ("chr2", 540, 600, 50),  # overlaps a peak that is not among the relaxed
    ("chr17", 900, 960, 30),
    ("chrX", 20, 80, 30),  # its window leaves the chromosome
    ("17", 880, 960, 50),  # the same window once more
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a genome and peaks."""
    folder = tmp_path_factory.mktemp("chipseq")
    write_peaks(folder / "bound", BOUND)
    write_peaks(folder / "relaxed", RELAXED)
    write_peaks(folder / "open", OPEN)
    write_peaks(folder / "far", [("chr1", 500, 560)])
    return folder


@pytest.fixture(scope="module")
def chromosomes(folder):
    return make_genome(folder / "genome.fa", n_every=131)


@pytest.fixture
def make(folder, chromosomes):
    """Makes a dataset of the files, windows of 200."""

    def make(bound="bound", controls="open", **settings):
        settings = {"length": 200, **settings}
        if "relaxed_peaks" in settings:
            settings["relaxed_peaks"] = folder / settings["relaxed_peaks"]
        return load_chipseq(
            folder / bound, folder / controls, folder / "genome.fa", **settings
        )

    return make


def names(dataset, label):
    return dataset.columns["name"][dataset.labels[:, 0] == label].tolist()


def meet(one, other):
    """Whether two intervals have a base in common, base by base."""
    same = one[0].removeprefix("chr") == other[0].removeprefix("chr")
    return same and bool(set(range(*one[1:3])) & set(range(*other[1:3])))


def test_negatives_are_open_chromatin_without_peaks_of_the_factor(make):
    dataset = make(relaxed_peaks="relaxed")
    assert names(dataset, 1) == ["p0", "p1", "p2"]
    assert names(dataset, 0) == ["p1", "p5"]
    assert dataset.notes["controls"] == {
        "read": 8,
        "on_relaxed_peaks": 3,
        "on_other_peaks": 1,
        "without_summit": 0,
        "missing_contigs": 0,
        "off_chromosome": 1,
        "duplicates": 1,
        "overlapping_positives": 1,
    }
    assert dataset.notes["relaxed"] == {"read": 4, "taken": 4}
    assert dataset.class_weight() == {0: 1.0, 1: 2 / 3}


@pytest.mark.parametrize(
    ("top", "left"),
    [(1, [1, 2, 3, 5]), (2, [1, 2, 3, 5]), (3, [1, 3, 5]), (4, [1, 5])],
)
def test_the_relaxed_peaks_of_highest_signal_count(make, top, left):
    dataset = make(relaxed_peaks="relaxed", top_relaxed=top)
    assert names(dataset, 0) == [f"p{number}" for number in left]
    assert dataset.notes["relaxed"]["taken"] == top


def test_of_relaxed_peaks_of_equal_signal_the_first_ones_count(make, folder):
    starts = range(100, 1900, 45)
    rows = [("chr2", start, start + 20, 10, 1.0 + (start > 1500)) for start in starts]
    write_peaks(folder / "equal", rows)
    write_peaks(folder / "over", [row[:4] for row in rows])
    dataset = make(
        controls="over", relaxed_peaks="equal", top_relaxed=25, length=20, bound="far"
    )
    better = sum(row[4] > 1 for row in rows)
    expected = [f"p{number}" for number in range(25 - better, len(rows) - better)]
    assert names(dataset, 0) == expected


def test_relaxed_peaks_can_be_ranked_by_another_column(make, folder):
    text = (folder / "relaxed").read_text().splitlines()
    lines = [line.split("\t") for line in text]
    for line, value in zip(lines, [1, 4, 3, 2], strict=True):
        line[7] = str(value)
    (folder / "by-p").write_text("\n".join("\t".join(line) for line in lines))
    dataset = make(relaxed_peaks="by-p", top_relaxed=2, rank_by="p_value")
    assert names(dataset, 0) == ["p0", "p1", "p5"]
    assert (
        dataset.notes["relaxed"] | {"rank_by": "p_value", "lowest": 3.0}
        == (dataset.notes["relaxed"])
    )


def test_without_relaxed_peaks_the_peaks_themselves_count(make):
    dataset = make()
    assert names(dataset, 0) == ["p0", "p1", "p2", "p3", "p5"]
    assert "relaxed" not in dataset.notes


@st.composite
def intervals(draw):
    chrom = draw(st.sampled_from(list(SIZES)))
    start = draw(st.integers(0, SIZES[chrom] - 120))
    return chrom, start, start + draw(st.integers(1, 120))


@given(*[st.lists(intervals(), min_size=1, max_size=25)] * 3, st.integers(1, 30))
@settings(max_examples=50, deadline=None)
def test_every_window_lies_where_it_should(
    folder, chromosomes, bound, controls, relaxed, top
):
    paths = [
        write_peaks(folder / f"drawn{number}", rows)
        for number, rows in enumerate((bound, controls, relaxed))
    ]
    best = relaxed[-top:]  # the signal is the row's number
    middles = [
        {
            (row[0], row[1] + (row[2] - row[1]) // 2)
            for row in rows
            if rows is bound or not any(meet(row, other) for other in [*best, *bound])
        }
        for rows in (bound, controls)
    ]
    counts = [
        sum(50 <= middle <= SIZES[chrom] - 50 for chrom, middle in places)
        for places in middles
    ]
    settings = {"relaxed_peaks": paths[2], "top_relaxed": top, "length": 100}
    if not all(counts):
        with pytest.raises(ValueError, match=r" is left"):
            load_chipseq(*paths[:2], folder / "genome.fa", **settings)
        return
    dataset = load_chipseq(*paths[:2], folder / "genome.fa", **settings)
    assert [dataset.notes[name] for name in ("positives", "negatives")] == counts
    columns = [dataset.columns[n].tolist() for n in ("chrom", "start", "end", "name")]
    letters = codes_to_letters(dataset.sequences)
    for chrom, start, end, name, text, label in zip(
        *columns, letters, dataset.labels[:, 0], strict=True
    ):
        row = (bound if label else controls)[int(name[1:])]
        assert (chrom, start + 50) == (row[0], row[1] + (row[2] - row[1]) // 2)
        assert text == window(chromosomes, chrom, start, end)
        assert label or not any(meet(row, other) for other in [*best, *bound])


def test_splits_share_no_chromosome(make):
    dataset = make(splits={"validation": "chr17", "test": "chr2"})
    found = set(zip(dataset.columns["chrom"].tolist(), dataset.splits, strict=True))
    assert found == {("chr1", 0), ("chr17", 1), ("chr2", 2)}


def test_the_paper_s_splits_have_names(make):
    by_name = make(splits="chr1")
    given = make(splits={"train": "chr1", "validation": "chr17", "test": "*"})
    np.testing.assert_array_equal(by_name.splits, given.splits)
    assert set(SHRIKUMAR_SPLITS) == {"chr1", "chr21", "genome"}


def test_windows_with_n_are_kept_and_counted(make):
    dataset = make()
    holding = [("N" in text) for text in codes_to_letters(dataset.sequences)]
    assert dataset.notes["sequences_with_n"] == sum(holding) > 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"splits": "chr7"}, "`splits` must be one of chr1, chr21, genome"),
        ({"splits": "chr21"}, "'chr21' to 'train', but no sequence is on it"),
        ({"splits": ["chr1"]}, "as in {'validation': 0.1}. Received: ['chr1']"),
        ({"seed": -1}, "`seed` must be a whole number from 0. Received: -1"),
        ({"rank_by": "score"}, "one of signal, p_value, q_value. Received: 'score'"),
        ({"top_relaxed": 0}, "`top_relaxed` must be from 1. Received: 0"),
        ({"controls": "bound"}, "no control is left, all 3 overlap peaks of the"),
        (
            {"relaxed_peaks": "relaxed", "top_relaxed": 2, "rank_by": "q_value"},
            "relaxed:1: the peak has no q_value to tell the best 2 of 4 by",
        ),
    ],
)
def test_bad_settings_are_refused(make, settings, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        make(**settings)


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ("chr21", "'chr21' to 'train', but no sequence is on it"),
        ({"test": 0.01}, "`test` must come to a sequence at least"),
    ],
)
def test_splits_are_checked_before_the_genome_is_opened(
    make, monkeypatch, splits, words
):
    def refuse(*_):
        raise AssertionError("the genome was opened")

    monkeypatch.setattr("rckeras.io.genome.Genome.__init__", refuse)
    with pytest.raises(ValueError, match=re.escape(words)):
        make(splits=splits)


@pytest.mark.parametrize("argument", ["bound", "controls"])
def test_contigs_that_the_genome_lacks_are_named_or_dropped(make, folder, argument):
    rows = BOUND if argument == "bound" else OPEN
    path = write_peaks(folder / "contigs", [*rows, ("chrUn", 500, 560)])
    words = f"{path}:{len(rows) + 1}: `chrom` must be"
    with pytest.raises(ValueError, match=re.escape(words)):
        make(**{argument: "contigs"})
    dropped = make(**{argument: "contigs"}, missing_contigs="drop")
    assert len(dropped) == len(make())


@pytest.fixture
def real(shared_data, tmp_path):
    """Peaks, open chromatin and relaxed peaks in the first million bases of chr1."""
    chance = np.random.default_rng(0)
    sizes = {"bound": 200, "open": 2000, "relaxed": 600}
    for name, count in sizes.items():
        starts = chance.integers(9_000, 998_000, count)
        rows = [("chr1", start, start + 150, 40) for start in starts.tolist()]
        write_peaks(tmp_path / name, rows)
    return tmp_path, shared_data / "hg38_chr1_first1Mb.fa.gz"


def test_a_real_genome_gives_its_bases(real):
    folder, path = real
    dataset = load_chipseq(
        folder / "bound",
        folder / "open",
        path,
        relaxed_peaks=folder / "relaxed",
        splits={"validation": 0.1, "test": 0.2},
    )
    assert dataset.length == 1000
    with Genome(path) as genome:
        for row in range(0, len(dataset), 7):
            place = [dataset.columns[n][row].item() for n in ("chrom", "start", "end")]
            codes = base_codes(genome.fetch(*place))
            np.testing.assert_array_equal(dataset.sequences[row], codes)
    assert dataset.notes["sequences_with_n"] > 0
    shares = np.bincount(dataset.splits) / len(dataset)
    np.testing.assert_allclose(shares, [0.7, 0.1, 0.2], atol=0.005)
    starts, codes = dataset.columns["start"], dataset.splits
    near = abs(starts[:, np.newaxis] - starts) < 1000
    assert not (near & (codes[:, np.newaxis] != codes)).any()
