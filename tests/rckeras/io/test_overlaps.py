import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.io.intervals import Interval, read_bed
from rckeras.io.overlaps import overlaps
from rckeras.io.peaks import Peak, read_narrowpeak

# A chromosome and the names that files have for it.
CHROMS = {"1": ["chr1", "1"], "11": ["chr11", "11"], "M": ["chrM", "MT", "M"]}


@st.composite
def intervals(draw, most):
    """Pairs of a chromosome and an interval on it; starts may be off the end."""
    drawn = []
    for _ in range(draw(st.integers(0, most))):
        chrom = draw(st.sampled_from(sorted(CHROMS)))
        name = draw(st.sampled_from(CHROMS[chrom]))
        start = draw(st.integers(-5, 30))
        drawn.append((chrom, Interval(name, start, start + draw(st.integers(1, 12)))))
    return drawn


def share_a_base(one, other):
    (chrom, a), (other_chrom, b) = one, other
    bases = set(range(a.start, a.end)) & set(range(b.start, b.end))
    return chrom == other_chrom and bool(bases)


def as_arrays(rows):
    return {
        "chrom": np.array([row.chrom for row in rows], dtype=str),
        "start": np.array([row.start for row in rows], dtype="int32"),
        "end": np.array([row.end for row in rows], dtype="int64"),
        "name": ["is not looked at"],
    }


@given(queries=intervals(12), subjects=intervals(8))
def test_intervals_overlap_where_they_share_a_base(queries, subjects):
    expected = [any(share_a_base(q, s) for s in subjects) for q in queries]
    found = overlaps([q for _, q in queries], [s for _, s in subjects])
    assert found.dtype == bool
    assert found.tolist() == expected


@given(queries=intervals(6), subjects=intervals(6))
def test_arrays_generators_and_lists_are_alike(queries, subjects):
    queries, subjects = ([row for _, row in rows] for rows in (queries, subjects))
    expected = overlaps(queries, subjects).tolist()
    assert overlaps(as_arrays(queries), subjects).tolist() == expected
    assert overlaps(queries, as_arrays(subjects)).tolist() == expected
    assert overlaps(iter(queries), (row for row in subjects)).tolist() == expected


def test_a_long_subject_is_found_behind_a_short_one():
    subjects = [Interval("chr1", 0, 100), Interval("chr1", 10, 11)]
    assert overlaps([Interval("chr1", 50, 60)], subjects).tolist() == [True]


def test_peaks_are_intervals():
    found = overlaps([Peak("chr1", 5, 9)], [Interval("1", 8, 20)])
    assert found.tolist() == [True]


def test_positions_of_any_size_are_compared():
    far = 2**62
    queries = [Interval(f"chr{i}", far, far + 1) for i in range(30)]
    subjects = [Interval("chr7", far - 5, far + 5), Interval("chr8", far + 1, far + 2)]
    assert np.flatnonzero(overlaps(queries, subjects)).tolist() == [7]


@pytest.mark.parametrize(("start", "end"), [(4, 4), (5, 3)])
def test_an_interval_without_bases_is_refused(start, end):
    good, bad = [Interval("chr1", 1, 2)], Interval("chr1", start, end)
    message = rf"`queries` must end .* chr1:{start}-{end} as interval 1"
    with pytest.raises(ValueError, match=message):
        overlaps([*good, bad], good)
    with pytest.raises(ValueError, match=r"`subjects` must end .* as interval 0"):
        overlaps(good, [bad])


def test_positions_that_are_no_whole_numbers_are_refused():
    good = {"chrom": ["chr1"], "start": [1], "end": [2]}
    with pytest.raises(TypeError, match=r"`queries` .* float64"):
        overlaps({**good, "end": [2.5]}, good)
    with pytest.raises(TypeError, match=r"`subjects` .* <U1"):
        overlaps(good, {**good, "start": ["1"]})


@pytest.mark.parametrize("key", ["chrom", "start", "end"])
def test_arrays_of_other_lengths_are_refused(key):
    good = {"chrom": ["chr1"], "start": [1], "end": [2]}
    with pytest.raises(ValueError, match=r"`subjects` must have as many .*\(2,\)"):
        overlaps(good, {**good, key: good[key] * 2})


def test_real_peaks_overlap_themselves_and_what_brute_force_finds(shared_data):
    name = "factornet_GM12878.{}.conservative.train.narrowPeak.gz"
    ours = list(read_narrowpeak(shared_data / name.format("MAX")))
    others = list(read_bed(shared_data / name.format("SPI1")))
    assert overlaps(ours, ours).all()
    found = overlaps(ours, others)
    assert 0.05 < found.mean() < 0.95
    starts, ends = (np.array([getattr(o, k) for o in others]) for k in ("start", "end"))
    chroms = np.array([other.chrom for other in others])
    for index in range(0, len(ours), 100):
        peak = ours[index]
        near = (chroms == peak.chrom) & (starts < peak.end) & (ends > peak.start)
        assert found[index] == near.any()
