"""Many experiments as one dataset."""

import numpy as np
import pytest

from rckeras.datasets import Dataset
from rckeras.datasets.joint import (
    WINDOW,
    add_flanks,
    drop_overlapping,
    join_experiments,
)
from rckeras.sequence.codes import N_CODE, reverse_complement_codes

LENGTH = 60


def experiment(codes, bound, splits=None):
    bound = np.asarray(bound, np.uint8)[:, None]
    splits = np.zeros(len(codes), np.uint8) if splits is None else splits
    return Dataset(np.asarray(codes, np.uint8), bound, ("bound",), splits)


def random_codes(rng, count, length=LENGTH):
    return rng.integers(4, size=(count, length), dtype=np.uint8)


def overlap_by_letters(centre, sequences):
    """Whether the central window is found in one of the sequences, by strings."""
    start = (len(centre) - WINDOW) // 2
    window = centre[start : start + WINDOW]
    both = [window.tobytes(), reverse_complement_codes(window[None])[0].tobytes()]
    return any(piece in each.tobytes() for each in sequences for piece in both)


@pytest.mark.parametrize("seed", range(5))
def test_labels_are_those_of_a_search_for_each_centre(seed):
    rng = np.random.default_rng(seed)
    genome = rng.integers(4, size=400, dtype=np.uint8)
    parts = {}
    for name in ("a", "b", "c"):
        starts = rng.integers(400 - LENGTH, size=12)
        codes = np.stack([genome[start : start + LENGTH] for start in starts])
        turned = rng.random(12) < 0.5
        codes[turned] = reverse_complement_codes(codes[turned])
        codes[rng.random(codes.shape) < 0.002] = N_CODE
        parts[name] = experiment(codes, rng.integers(2, size=12))
    joint = join_experiments(parts)
    assert joint.targets == ("a", "b", "c")
    row = 0
    for name, part in parts.items():
        for codes, bound in zip(part.sequences, part.labels[:, 0], strict=True):
            for place, (other, rest) in enumerate(parts.items()):
                found = rest.sequences[rest.labels[:, 0] == 1]
                expected = bound and (other == name or overlap_by_letters(codes, found))
                if other == name or N_CODE not in codes:
                    assert joint.labels[row, place] == expected
            assert joint.columns["experiment"][row] == name
            row += 1
    assert row == len(joint)
    assert 1 < joint.labels.sum(axis=1).max() <= 3


def test_splits_stay_and_unbound_sequences_are_bound_nowhere():
    rng = np.random.default_rng(0)
    codes = random_codes(rng, 6)
    splits = np.array([0, 0, 1, 1, 2, 2], np.uint8)
    parts = {
        "bound": experiment(codes, np.ones(6), splits),
        "open": experiment(codes, np.zeros(6), splits),
    }
    joint = join_experiments(parts)
    np.testing.assert_array_equal(joint.splits, np.tile(splits, 2))
    np.testing.assert_array_equal(joint.labels[:6], np.tile([1, 0], (6, 1)))
    assert not joint.labels[6:].any()


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("shared", "dropped"), [(WINDOW, True), (WINDOW - 1, False)])
def test_rows_that_others_overlap_are_dropped_but_not_those_of_the_test(
    turned, shared, dropped
):
    rng = np.random.default_rng(1)
    codes = random_codes(rng, 30)
    splits = np.arange(30).astype(np.uint8) % 3
    dataset = experiment(codes, np.ones(30), splits)
    other = random_codes(rng, 1, 80)
    other[0, 20 : 20 + shared] = codes[4, 7 : 7 + shared]
    # Neither neighbour may go on with the match.
    other[0, 19], other[0, 20 + shared] = (
        (codes[4, 6] + 1) % 4,
        (codes[4, 7 + shared] + 1) % 4,
    )
    if turned:
        other = reverse_complement_codes(other)
    kept = drop_overlapping(dataset, other)
    expected = np.delete(np.arange(30), 4) if dropped else np.arange(30)
    np.testing.assert_array_equal(kept.sequences, codes[expected])
    rows = [5, 6, 7]  # of test, training and validation
    for splits, lost in ((("train", "validation"), [6, 7]), (("train",), [6])):
        left = drop_overlapping(dataset, codes[rows], splits)
        np.testing.assert_array_equal(left.sequences, np.delete(codes, lost, axis=0))


def test_n_overlaps_with_nothing():
    unknown = experiment(np.full((3, LENGTH), N_CODE), np.ones(3), np.uint8([0, 0, 2]))
    assert len(drop_overlapping(unknown, unknown.sequences)) == 3
    joint = join_experiments({"a": unknown, "b": unknown})
    assert joint.labels.sum() == 6


def test_flanks_lie_around_and_look_like_the_sequences():
    rng = np.random.default_rng(2)
    codes = np.where(rng.random((200, LENGTH)) < 0.8, 1, 2).astype(np.uint8)
    dataset = experiment(codes, np.ones(200))
    longer = add_flanks(dataset, 15, seed=3)
    assert longer.length == LENGTH + 30
    np.testing.assert_array_equal(longer.sequences[:, 15:-15], codes)
    flanks = np.concatenate([longer.sequences[:, :15], longer.sequences[:, -15:]])
    assert set(np.unique(flanks)) == {1, 2}
    assert abs((flanks == 1).mean() - 0.8) < 0.03
    np.testing.assert_array_equal(
        add_flanks(dataset, 15, seed=3).sequences, longer.sequences
    )
    assert (add_flanks(dataset, 15, seed=4).sequences != longer.sequences).any()
    assert add_flanks(dataset, 0) is dataset
    with pytest.raises(ValueError, match="`flank` must be from 0 to 30"):
        add_flanks(dataset, 31)


def test_datasets_that_cannot_be_joined_are_refused():
    rng = np.random.default_rng(0)
    good = experiment(random_codes(rng, 4), np.ones(4))
    longer = experiment(random_codes(rng, 4, 70), np.ones(4))
    undivided = Dataset(good.sequences, good.labels, ("bound",))
    with pytest.raises(ValueError, match="Received: none"):
        join_experiments({})
    with pytest.raises(ValueError, match=r"'b' with 1 targets, a division .* 70"):
        join_experiments({"a": good, "b": longer})
    with pytest.raises(ValueError, match="'b' with 1 targets, no division"):
        join_experiments({"a": good, "b": undivided})
    with pytest.raises(ValueError, match="32 bases at least"):
        join_experiments({"a": experiment(random_codes(rng, 2, 20), np.ones(2))})


def test_what_can_have_no_overlaps_is_refused():
    codes = np.zeros((4, 40), "uint8")
    labels, splits = np.ones((4, 1), "uint8"), np.zeros(4, "uint8")
    undivided = Dataset(codes, labels, ("bound",))
    with pytest.raises(ValueError, match="must have splits"):
        drop_overlapping(undivided, codes)
    divided = Dataset(codes, labels, ("bound",), splits)
    with pytest.raises(ValueError, match=r"`sequences` .* 32 bases. Received: 31"):
        drop_overlapping(divided, codes[:, :31])
