"""Attributions along the genome."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.interpret import signals_of
from rckeras.io import Interval


def brute_force(intervals, values, lengths=None):
    """Mean of each base, looked up one by one."""
    found = {}
    for interval, numbers in zip(intervals, values, strict=True):
        turned = numbers[::-1] if interval.strand == "-" else numbers
        for base, number in zip(
            range(interval.start, interval.end), turned, strict=True
        ):
            if 0 <= base < (lengths or {}).get(interval.chrom, np.inf):
                found.setdefault((interval.chrom, base), []).append(number)
    return {key: np.mean(numbers) for key, numbers in found.items()}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["chr1", "chr10", "chr2"]),
            st.integers(-3, 40),
            st.integers(1, 9),
            st.sampled_from("+-."),
        ),
        max_size=12,
    )
)
def test_each_base_has_the_mean_of_its_values(places):
    rng = np.random.default_rng(0)
    intervals = [
        Interval(chrom, start, start + length, strand=strand)
        for chrom, start, length, strand in places
    ]
    values = [rng.normal(size=length) for _, _, length, _ in places]
    lengths = {"chr1": 30, "chr10": 1000, "chr2": 1000}
    signals = list(signals_of(intervals, values, lengths))
    found = {(signal.chrom, signal.start): signal.value for signal in signals}
    assert found == pytest.approx(brute_force(intervals, values, lengths))
    keys = [(signal.chrom, signal.start) for signal in signals]
    assert keys == sorted(set(keys))
    assert all(signal.end == signal.start + 1 for signal in signals)


def test_without_lengths_only_bases_before_the_first_are_left_out():
    intervals = [Interval("chr1", -1, 2)]
    signals = signals_of(intervals, [np.array([1.0, 2.0, 3.0])])
    assert [(s.start, s.value) for s in signals] == [(0, 2.0), (1, 3.0)]


def test_values_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"chr1:3-6 .*\(4,\)"):
        list(signals_of([Interval("chr1", 3, 6)], np.zeros((1, 4))))


def test_unknown_chromosomes_are_refused():
    with pytest.raises(ValueError, match="'chr1', and 1 lengths"):
        list(signals_of([Interval("chr1", 3, 6)], np.zeros((1, 3)), {"1": 10}))


def test_bases_without_a_value_are_left_out_of_means():
    intervals = [Interval("chr1", 5, 8), Interval("chr1", 6, 9)]
    values = [[1.0, np.nan, np.nan], [2.0, np.nan, 3.0]]
    found = [(s.start, s.value) for s in signals_of(intervals, values)]
    assert found == [(5, 1.0), (6, 2.0), (8, 3.0)]
