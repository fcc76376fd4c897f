import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rckeras.motifs.tomtom import compare


def drawn(lengths, seed):
    rng = np.random.default_rng(seed)
    return [rng.dirichlet([0.3] * 4, length) for length in lengths]


def column_score(a, b, distance):
    if distance == "euclidean":
        return -math.dist(a, b)
    return np.corrcoef(a, b)[0, 1]


def steps_by_hand(query, columns, distance):
    raw = [[column_score(a, b, distance) for b in columns] for a in query]
    above = [[x - np.median(row) for x in row] for row in raw]
    values = [x for row in above for x in row]
    step = (max(values) - min(values)) / 100
    return [[round(x / step) for x in row] for row in above]


def compare_by_hand(query, number, both, distance):
    """Best offset and p-value of one strand; chances by listing all columns."""
    steps = steps_by_hand(query, [column for each in both for column in each], distance)
    first, length = sum(map(len, both[:number])), len(both[number])
    none, scores = 1.0, {}
    for k in range(1 - len(query), length):
        pairs = [(i, i + k) for i in range(len(query)) if 0 <= i + k < length]
        scores[k] = sum(steps[i][first + j] for i, j in pairs)
    best = max(scores.values())
    for k in scores:
        rows = [steps[i] for i in range(len(query)) if 0 <= i + k < length]
        reached = [sum(each) >= best for each in itertools.product(*rows)]
        none *= 1 - sum(reached) / len(reached)
    return next(k for k in scores if scores[k] == best), 1 - none


@pytest.mark.parametrize("distance", ["euclidean", "pearson"])
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_p_values_are_those_of_listing_all_that_can_happen(distance, seed):
    [query, *targets] = drawn([3, 2, 4, 1], seed)
    found = compare(query, targets, distance)
    both = [*targets, *(target[::-1, ::-1] for target in targets)]
    for index in range(len(targets)):
        numbers = (index, index + len(targets))
        by_hand = [compare_by_hand(query, n, both, distance) for n in numbers]
        (_, p) = min(by_hand, key=lambda each: each[1])
        expected = 1 - (1 - p) ** 2
        assert found.p_values[index] == pytest.approx(expected, abs=1e-12)
        offset, _ = by_hand[0 if found.strands[index] > 0 else 1]
        assert found.offsets[index] == offset


def test_the_strand_and_its_complement_change_places():
    [query, *targets] = drawn([8, *range(5, 15), *range(5, 15)], 0)
    one = compare(query, targets, "euclidean")
    other = compare(query, [t[::-1, ::-1] for t in targets], "euclidean")
    np.testing.assert_allclose(one.p_values, other.p_values, rtol=1e-10)
    differ = one.strands != other.strands
    assert (differ | (one.offsets == other.offsets)).all()
    assert differ.mean() > 0.8


def test_overlaps_are_counted_where_both_have_a_column():
    [query, *targets] = drawn([8, *range(3, 20)], 1)
    found = compare(query, targets, "pearson")
    for target, offset, overlap in zip(
        targets, found.offsets, found.overlaps, strict=True
    ):
        places = {i + offset for i in range(len(query))} & {*range(len(target))}
        assert overlap == len(places) > 0


def test_tiny_p_values_do_not_vanish():
    [query, *targets] = drawn([30, 30, *[12] * 30], 2)
    p = compare(query, [query, *targets], "euclidean").p_values
    assert 0 < p[0] < 1e-18


def test_columns_that_are_all_alike_say_nothing():
    flat = np.full((4, 4), 0.25)
    for distance in ("euclidean", "pearson"):
        assert (compare(flat, [flat, flat], distance).p_values > 0.99).all()


@pytest.mark.slow
def test_distances_give_the_p_values_of_another_implementation():
    memelite = pytest.importorskip("memelite", reason="compares with memelite")
    [*queries] = drawn([8, 12, 20], 3)
    targets = drawn(np.random.default_rng(4).integers(6, 20, 100), 5)
    theirs = memelite.tomtom([q.T for q in queries], [t.T for t in targets])[0]
    ours = [compare(query, targets, "euclidean").p_values for query in queries]
    assert np.corrcoef(np.log10(ours).ravel(), np.log10(theirs).ravel())[0, 1] > 0.98
    assert np.median(abs(np.log10(ours) - np.log10(theirs))) < 0.05
