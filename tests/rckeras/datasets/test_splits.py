import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rckeras.datasets.splits import (
    NO_SPLIT,
    check_seed,
    check_sequences,
    check_splits,
    split_at_random,
    split_by_chromosome,
    split_clusters_at_random,
)

CHROMS = ["chr1", "chr2", "chr17", "chr1", "chrM", "chr8"]


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        ({"validation": "chr17", "test": ["chr8", "chr1"]}, [2, 0, 1, 2, 0, 2]),
        ({"validation": "17", "test": ["MT", "CHR8"]}, [0, 0, 1, 0, 2, 2]),
        ({"train": "chr1", "validation": "chr17", "test": "*"}, [0, 2, 1, 0, 2, 2]),
        ({"train": "*", "test": "chr1"}, [2, 0, 0, 2, 0, 0]),
        ({"train": "chr1", "test": "chr2"}, [0, 2, 255, 0, 255, 255]),
        ({"test": "*"}, [2, 2, 2, 2, 2, 2]),
    ],
    ids=["unnamed train", "other names", "rest", "rest trains", "left out", "all"],
)
def test_chromosomes_go_where_they_are_given(splits, expected):
    codes = split_by_chromosome(CHROMS, splits)
    assert codes.dtype == np.uint8
    assert codes.tolist() == expected
    assert NO_SPLIT == 255


@given(
    st.lists(st.sampled_from("123456789X"), min_size=1, max_size=50),
    st.lists(st.sampled_from(["train", "validation", "test"]), min_size=10),
)
def test_no_chromosome_is_in_two_splits(chroms, owners):
    splits = {"test": "*"}
    for chrom, owner in zip(sorted(set(chroms))[1:], owners, strict=False):
        splits[owner] = [*splits.get(owner, []), f"chr{chrom}"]
    codes = split_by_chromosome(chroms, splits)
    found = {(chrom, code) for chrom, code in zip(chroms, codes, strict=True)}
    assert len(found) == len(set(chroms))


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ({"valid": "chr1"}, "train, validation, test. Received: 'valid'"),
        ({"validation": "chr99"}, "'chr99' to 'validation', but no sequence is on it"),
        ({"validation": "chr1", "test": ["chr2", "1"]}, "'1' to 'validation' and to"),
        ({"train": "*", "test": "*"}, "'*' to 'train' and to 'test'"),
        ({"test": []}, "must give chromosomes to 'test'"),
    ],
)
def test_bad_chromosomes_are_refused(splits, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        split_by_chromosome(CHROMS, splits)


def test_a_rest_of_nothing_is_refused():
    with pytest.raises(ValueError, match=r"all other chromosomes to 'test', but"):
        split_by_chromosome(["chr1"], {"train": "chr1", "test": "*"})


@given(
    st.integers(1, 300),
    st.sampled_from([0, 0.1, 0.125, 0.25, 0.3]),
    st.sampled_from([0, 0.2, 0.5]),
    st.integers(0, 9),
)
def test_random_shares_are_rounded_halves_upwards(sequences, validation, test, seed):
    expected = [np.floor(sequences * share + 0.5) for share in (validation, test)]
    wanted = [bool(share) for share in (validation, test)]
    try:
        codes = split_at_random(sequences, validation=validation, test=test, seed=seed)
    except ValueError:
        assert [bool(n) for n in expected] != wanted or sum(expected) >= sequences
        return
    counts = np.bincount(codes, minlength=3)
    assert counts[1:].tolist() == expected
    assert counts.sum() == sequences


def test_a_random_division_follows_from_its_seed():
    first, same, other = (
        split_at_random(200, validation=0.3, test=0.3, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


@given(
    st.lists(st.integers(0, 30), max_size=200),
    st.integers(0, 9),
)
def test_clusters_stay_whole_and_shares_are_not_exceeded(labels, seed):
    labels = [*labels, *range(31, 51)]  # so that a cluster always fits
    _, clusters = np.unique(labels, return_inverse=True)
    sizes = np.bincount(clusters)
    wanted = [int(len(clusters) * share + 0.5) for share in (0.2, 0.1)]
    codes = split_clusters_at_random(clusters, validation=0.2, test=0.1, seed=seed)
    assert len(set(zip(clusters, codes, strict=True))) == len(sizes)
    for code, most in enumerate(wanted, start=1):
        got = (codes == code).sum()
        assert 0 < got <= most
        training = sizes[np.unique(clusters[codes == 0])]
        assert training.min() > most - got  # no cluster that is left would fit


def test_single_sequences_are_drawn_exactly():
    codes = split_clusters_at_random(np.arange(50), validation=0.1, test=0.3, seed=2)
    assert np.bincount(codes).tolist() == [30, 5, 15]


def test_a_draw_of_clusters_follows_from_its_seed():
    clusters = np.repeat(np.arange(60), 2)
    first, same, other = (
        split_clusters_at_random(clusters, test=0.3, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


def test_a_share_that_no_cluster_fits_is_refused():
    with pytest.raises(ValueError, match=r"a share of 1 sequences, and clusters of 4"):
        split_clusters_at_random(np.array([0] * 4 + [1] * 5), test=0.1)


def test_every_sequence_is_drawn_equally_often():
    drawn = [split_at_random(10, validation=0.3, seed=seed) for seed in range(2000)]
    share = np.mean(np.array(drawn) == 1, axis=0)
    assert np.abs(share - 0.3).max() < 0.05


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"validation": -0.1}, "`validation` must be from 0 to 1. Received: -0.1"),
        ({"test": 1.5}, "`test` must be from 0 to 1. Received: 1.5"),
        ({"test": 0.01}, "`test` must come to a sequence at least. Received: 0.01 of"),
        ({"validation": 0.5, "test": 0.5}, "left for training"),
    ],
)
def test_bad_shares_are_refused(shares, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        split_at_random(10, **shares)


def test_the_way_of_dividing_is_told_from_the_values():
    assert check_splits(None) is check_splits({}) is None
    assert check_splits({"test": "*"}) == "chromosomes"
    assert check_splits({"validation": 0.1, "test": 0.2}) == "shares"


@pytest.mark.parametrize(
    "splits",
    [
        {"validation": 0.1, "test": "chr1"},
        {"train": 0.5},
        {"validation": 0.5, "test": 0.5},
        {"test": -0.1},
        {"test": float("nan")},
        {"test": None},
        {"test": [8, 9]},
        "chr1",
        "",
        ["chr1", "chr2"],
        0.1,
    ],
)
def test_mixed_or_impossible_splits_are_refused(splits):
    received = repr(splits)
    if received in ("{'test': None}", "{'test': [8, 9]}"):
        received = f"{splits['test']!r} for 'test'"
    with pytest.raises(ValueError, match=re.escape(f"Received: {received}")):
        check_splits(splits)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", None])
def test_seeds_are_whole_numbers_from_0(seed):
    words = re.escape(f"`seed` must be a whole number from 0. Received: {seed!r}")
    with pytest.raises(ValueError, match=words):
        check_seed(seed)
    with pytest.raises(ValueError, match=words):
        split_at_random(10, test=0.1, seed=seed)
    assert check_seed(np.int64(3)) == 3


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ({"test": "chr99"}, "'chr99' to 'test', but no sequence is on it"),
        ({"test": 0.01}, "`test` must come to a sequence at least"),
        ("chr1", "`splits` must give chromosomes to splits"),
    ],
)
def test_splits_that_the_sequences_cannot_fill_are_refused(splits, words):
    check_sequences({"test": "chr8"}, CHROMS)
    check_sequences(None, CHROMS)
    with pytest.raises(ValueError, match=re.escape(words)):
        check_sequences(splits, CHROMS)
