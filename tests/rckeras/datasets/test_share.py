"""Fewer training sequences, whatever else is in a dataset."""

import dataclasses
import itertools

import numpy as np
import pytest

from rckeras.datasets import SPLITS, simulate_shrikumar2017
from rckeras.datasets.splits import share_of_training


def numbers_of(dataset, split):
    return {row.tobytes() for row in dataset.sequences[dataset.rows(split)]}


@pytest.fixture(scope="module")
def dataset():
    return simulate_shrikumar2017(sequences=300)


def test_smaller_shares_are_parts_of_larger_ones(dataset):
    shares = [share_of_training(dataset, share) for share in (0.1, 0.25, 0.5, 1.0)]
    found = [numbers_of(share, "train") for share in shares]
    assert all(one < other for one, other in itertools.pairwise(found))
    again = share_of_training(dataset, 0.25)
    np.testing.assert_array_equal(again.sequences, shares[1].sequences)
    other = share_of_training(dataset, 0.25, seed=1)
    assert numbers_of(other, "train") != found[1]


@pytest.mark.parametrize("share", [0.05, 0.3, 0.77])
def test_a_share_of_one_target_keeps_the_balance(dataset, share):
    one = dataset.take(np.arange(len(dataset)))
    one = dataclasses.replace(
        one, labels=one.labels[:, :1], targets=one.targets[:1], truth=None
    )
    labels = [
        d.labels[d.rows("train"), 0] for d in (one, share_of_training(one, share))
    ]
    for value in (0, 1):
        counts = [int((y == value).sum()) for y in labels]
        assert counts[1] == round(share * counts[0])


def test_a_share_leaves_the_other_splits(dataset):
    found = share_of_training(dataset, 0.3)
    for split in SPLITS[1:]:
        for one, other in zip(found.arrays(split), dataset.arrays(split), strict=True):
            np.testing.assert_array_equal(one, other)
    sizes = found.split_sizes()["train"], dataset.split_sizes()["train"]
    assert sizes[0] == round(0.3 * sizes[1])


def test_a_share_takes_truth_and_columns_along(dataset):
    places = np.arange(len(dataset))
    marked = dataclasses.replace(dataset, columns={"place": places})
    found = share_of_training(marked, 0.3)
    place = found.columns["place"]
    np.testing.assert_array_equal(found.sequences, dataset.sequences[place])
    np.testing.assert_array_equal(found.labels, dataset.labels[place])
    expected = dataset.truth.take(place)
    for name in ("sequence", "motif", "start", "strand", "labels"):
        np.testing.assert_array_equal(
            getattr(found.truth, name), getattr(expected, name)
        )


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(dataset, share):
    with pytest.raises(ValueError, match=f"`share` must be above 0 .*: {share}"):
        share_of_training(dataset, share)


def test_a_share_that_leaves_nothing_is_refused(dataset):
    with pytest.raises(ValueError, match=r"`share` must leave .* 0\.001 of \d+"):
        share_of_training(dataset, 0.001)
    with pytest.raises(ValueError, match="no splits"):
        share_of_training(dataclasses.replace(dataset, splits=None), 0.5)
