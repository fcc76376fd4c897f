from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rckeras.datasets.placement import place_uniformly, place_with_gaps


def generator(seed=0):
    return np.random.default_rng(seed)


def overlap(start, width, other, other_width):
    return start < other + other_width and other < start + width


def law_of_placing_in_turn(widths, length):
    """Probability of each arrangement, of those in which all find room."""
    law = Counter()

    def go_on(placed, probability):
        if len(placed) == len(widths):
            law[placed] += probability
            return
        width = widths[len(placed)]
        free = [
            start
            for start in range(length - width + 1)
            if not any(
                overlap(start, width, *each)
                for each in zip(placed, widths, strict=False)
            )
        ]
        for start in free:
            go_on((*placed, start), probability / len(free))

    go_on((), 1.0)
    total = sum(law.values())
    return {starts: probability / total for starts, probability in law.items()}


@pytest.mark.parametrize(
    ("widths", "length"), [((2, 2), 7), ((2, 3, 1), 9), ((1, 4, 2), 8), ((3, 3), 8)]
)
def test_every_free_start_is_as_likely_as_any_other(widths, length):
    sequences = 40_000
    rows = np.tile(widths, (sequences, 1))
    found = Counter(map(tuple, place_uniformly(generator(), rows, length).tolist()))
    law = law_of_placing_in_turn(widths, length)
    assert set(found) <= set(law)
    expected = [sequences * law[starts] for starts in law]
    observed = [found[starts] for starts in law]
    assert stats.chisquare(observed, expected).pvalue > 1e-3


@st.composite
def rooms(draw):
    """Widths of a few sequences, 0 for no instance, and a length with room for all."""
    shape = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    cells = st.lists(
        st.integers(0, 6), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]
    )
    widths = np.array(draw(cells)).reshape(shape)
    buffer = draw(st.integers(0, 3))
    least = int(widths.sum(axis=1).max()) + buffer * (shape[1] + 1)
    return widths, buffer, max(1, least + draw(st.integers(0, 10)))


@settings(deadline=None)
@given(room=rooms(), seed=st.integers(0, 2**32))
def test_instances_with_gaps_keep_order_bounds_and_buffers(room, seed):
    widths, buffer, length = room
    starts = place_with_gaps(generator(seed), widths, length, buffer)
    for row, found in zip(widths, starts, strict=True):
        end = 0
        for width, start in zip(row[row > 0], found[row > 0], strict=True):
            assert start - end >= buffer
            end = start + width
        assert length - end >= buffer


@settings(deadline=None)
@given(room=rooms(), slack=st.integers(20, 60), seed=st.integers(0, 2**32))
def test_instances_placed_uniformly_stay_inside_and_apart(room, slack, seed):
    widths, _, length = room
    length += slack
    starts = place_uniformly(generator(seed), widths, length)
    for row, found in zip(widths, starts, strict=True):
        taken = np.zeros(length, dtype=int)
        for width, start in zip(row, found, strict=True):
            assert 0 <= start <= length - width
            taken[start : start + width] += 1
        assert taken.max() <= 1


def test_instances_that_just_fit_are_placed_anew_until_they_do():
    widths = np.tile([3, 3, 3], (200, 1))
    starts = place_uniformly(generator(), widths, 9)
    assert (np.sort(starts, axis=1) == [0, 3, 6]).all()


@pytest.mark.parametrize("row", [(4,), (0, 4, 0)], ids=["alone", "with-none"])
def test_a_gap_is_the_rounded_share_of_a_uniform_draw_among_two(row):
    sequences, free = 40_000, 8
    widths = np.tile(row, (sequences, 1))
    starts = place_with_gaps(generator(), widths, 4 + free)[:, row.index(4)]

    def below(x):
        """Probability of U / (U + V) < x for uniform U and V."""
        return x / (2 * (1 - x)) if x <= 0.5 else 1 - (1 - x) / (2 * x)

    edges = [0, *((k + 0.5) / free for k in range(free)), 1]
    expected = sequences * np.diff([below(edge) for edge in edges])
    observed = np.bincount(starts, minlength=free + 1)
    assert stats.chisquare(observed, expected).pvalue > 1e-3


def test_all_gaps_are_alike():
    widths = np.tile([5, 9, 7], (20_000, 1))
    starts = place_with_gaps(generator(), widths, 60, buffer=1)
    ends = starts + widths
    gaps = np.diff(np.column_stack([starts, np.full(20_000, 60)]), axis=1)
    gaps -= widths
    gaps = np.column_stack([starts[:, 0], gaps])
    assert (gaps.sum(axis=1) == 60 - 21).all()
    assert (ends[:, -1] + gaps[:, -1] == 60).all()
    np.testing.assert_allclose(gaps.mean(axis=0), 39 / 4, atol=0.15)


@pytest.mark.parametrize("seeds", [(3, 3), (3, 4)])
@pytest.mark.parametrize("place", [place_uniformly, place_with_gaps])
def test_the_seed_decides_every_place(place, seeds):
    widths = np.tile([5, 0, 7], (50, 1))
    one, other = (place(generator(seed), widths, 100) for seed in seeds)
    assert (one == other).all() == (seeds[0] == seeds[1])


@pytest.mark.parametrize("place", [place_uniformly, place_with_gaps])
def test_instances_longer_than_the_sequence_are_refused(place):
    widths = np.array([[3, 3], [3, 6]])
    with pytest.raises(ValueError, match=r"least 9, .*sequence 1 .*Received: 8"):
        place(generator(), widths, 8)


def test_buffers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"at least 12, .*Received: 11"):
        place_with_gaps(generator(), np.array([[3, 3]]), 11, buffer=2)


def test_instances_that_hardly_ever_fit_are_refused():
    widths = np.full((1, 14), 9)
    with pytest.raises(ValueError, match=r"`place_with_gaps` .*126 bases for \[9, 9"):
        place_uniformly(generator(), widths, 14 * 9)
