import itertools

import keras
import numpy as np
import pytest
from keras import layers

from rckeras.interpret.projections import FAMILIES, OTHER, map_motifs
from rckeras.layers import Projection1D, RevCompConv1D
from rckeras.motifs.matching import Match, Matches
from rckeras.motifs.motif import Motif

pytest.importorskip("sklearn")

UNITS = 16
TARGETS = tuple(
    Motif(name, np.eye(4)[[0, 1, 2, 3]], family=family)
    for name, family in [
        ("CTCF", "C2H2 zinc finger factors"),
        ("JUN", "Basic leucine zipper factors (bZIP)"),
        ("PAX", "Paired box factors"),
        ("MAX", "Basic helix-loop-helix factors (bHLH)"),
    ]
)


def matched(*best, q_value=1e-9):
    """Matches in which filter `i` has the target and the strand `best[i]`."""
    found = tuple(
        () if hit is None else (Match(i, hit[0], 1e-9, 1e-9, q_value, 0, 4, hit[1]),)
        for i, hit in enumerate(best)
    )
    return Matches((None,) * len(best), TARGETS, found, 0.1)


def both_strands(copies=2):
    """Each motif on each strand, so many times."""
    return [(t, s) for t in range(4) for s in (1, -1) for _ in range(copies)]


def joined_rows(best, noise=0.3, seed=0):
    """A row of its own for each motif, alike on both strands, of any length."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(4, UNITS))
    rows = own[[t for t, _ in best]] + noise * rng.normal(size=(len(best), UNITS))
    return rows * rng.uniform(0.2, 5, (len(best), 1))


def test_rows_that_are_alike_on_both_strands_are_found_close():
    best = both_strands()
    found = map_motifs(joined_rows(best), matched(*best)).closeness()
    assert found.pairs == 4 * 2 * 2
    assert found.others == 16 * 12 // 2
    assert found.cosine > 0.8
    assert abs(found.cosine_of_others) < 0.3
    assert found.closer > 0.99
    assert found.p_value < 0.001


def test_rows_without_a_meaning_are_found_as_close_as_random_pairs():
    best = both_strands()
    p_values, closer = [], []
    for seed in range(20):
        rows = np.random.default_rng(seed).normal(size=(16, UNITS))
        found = map_motifs(rows, matched(*best)).closeness(seed)
        p_values.append(found.p_value)
        closer.append(found.closer)
    assert 0.3 < np.mean(p_values) < 0.7
    assert 0.4 < np.mean(closer) < 0.6


def test_the_numbers_are_those_of_listing_all_pairs():
    best = [(0, 1), (0, -1), (1, 1), (1, 1), (1, -1), (2, -1)]
    rows = np.random.default_rng(1).normal(size=(6, UNITS))
    found = map_motifs(rows, matched(*best))
    pairs, others = [], []
    for i, j in itertools.combinations(range(6), 2):
        norms = np.linalg.norm(rows[i]) * np.linalg.norm(rows[j])
        cosine = rows[i] @ rows[j] / norms
        if best[i][0] != best[j][0]:
            others.append(cosine)
        elif best[i][1] != best[j][1]:
            pairs.append(cosine)
    assert found.pairs == [(0, 1), (2, 4), (3, 4)]
    numbers = found.closeness()
    assert (numbers.pairs, numbers.others) == (3, len(others))
    assert numbers.cosine == pytest.approx(np.mean(pairs))
    assert numbers.cosine_of_others == pytest.approx(np.mean(others))
    by_hand = np.mean([(a > b) + 0.5 * (a == b) for a in pairs for b in others])
    assert numbers.closer == pytest.approx(by_hand)


def test_points_keep_the_distances_of_rows_in_a_plane():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(6, 2)) @ rng.normal(size=(2, UNITS)) + 3
    found = map_motifs(rows, matched(*both_strands(1)[:6]))
    for i, j in itertools.combinations(range(6), 2):
        distance = np.linalg.norm(rows[i] - rows[j])
        assert np.linalg.norm(found.points[i] - found.points[j]) == pytest.approx(
            distance
        )
    assert sum(found.explained) == pytest.approx(1)


def test_filters_without_a_match_or_with_a_weak_one_are_left_out():
    rows = np.random.default_rng(0).normal(size=(6, UNITS))
    best = [(0, 1), None, (0, -1), (2, 1), None, (3, -1)]
    found = map_motifs(rows, matched(*best))
    assert found.filters == (0, 2, 3, 5)
    assert found.names == ("CTCF", "CTCF", "PAX", "MAX")
    assert found.strands == (1, -1, 1, -1)
    assert found.families[2] == "Paired box factors"
    assert found.rows.tolist() == rows[[0, 2, 3, 5]].tolist()
    with pytest.raises(ValueError, match=r"up to 1e-08. Received: 0 of 6"):
        map_motifs(rows, matched(*best, q_value=1e-7))


def network(conv, projection):
    sequence = keras.Input((30, 4))
    x = layers.MaxPooling1D(2)(layers.LeakyReLU()(conv(sequence)))
    return keras.Model(sequence, projection(x))


def test_the_rows_of_a_network_are_what_lone_filters_project_to():
    projection = Projection1D(UNITS)
    model = network(layers.Conv1D(6, 5), projection)
    found = map_motifs(model, matched(*both_strands(1)[:6]))
    seen = keras.ops.convert_to_numpy(projection(np.eye(6)[None]))[0]
    np.testing.assert_allclose(found.rows, seen, rtol=1e-6)


def test_of_tied_weights_the_free_filters_have_the_rows():
    projection = Projection1D(UNITS, revcomp=True)
    model = network(RevCompConv1D(6, 5), projection)
    found = map_motifs(model, matched(*both_strands(1)[:6]))
    seen = keras.ops.convert_to_numpy(projection(np.eye(12)[None]))[0]
    np.testing.assert_allclose(found.rows, seen[:6], rtol=1e-6)
    # The channel of the other strand has the same row, turned around.
    np.testing.assert_allclose(found.rows, seen[::-1, ::-1][:6], rtol=1e-6)


def test_a_figure_joins_the_strands_and_has_the_colours_of_families():
    colors = pytest.importorskip("matplotlib.colors")
    best = [(0, 1), (0, -1), (1, 1), (2, 1), (3, -1)]
    rows = np.random.default_rng(0).normal(size=(5, UNITS))
    found = map_motifs(rows, matched(*best))
    ax = found.draw()
    assert [text.get_text() for text in ax.texts] == [
        "CTCF f",
        "CTCF rc",
        "JUN f",
        "PAX f",
        "MAX rc",
    ]
    [line] = ax.lines
    assert line.get_xydata() == pytest.approx(found.points[:2])
    drawn = {c.get_label(): colors.to_hex(c.get_facecolor()[0]) for c in ax.collections}
    assert drawn["C2H2 zinc finger"] == FAMILIES["C2H2 zinc finger"].lower()
    assert drawn["other"] == OTHER.lower()
    assert len(drawn) == 4
    assert ax.get_xlabel().startswith("Component 1, ")
    assert ax.get_ylabel().startswith("Component 2, ")


def test_motifs_of_one_strand_only_have_no_closeness():
    rows = np.random.default_rng(0).normal(size=(3, UNITS))
    lone = map_motifs(rows, matched((0, 1), (1, 1), (2, -1)))
    with pytest.raises(ValueError, match="Received: CTCF f, JUN f, PAX rc"):
        lone.closeness()
    alike = map_motifs(rows, matched((0, 1), (0, 1), (0, -1)))
    with pytest.raises(ValueError, match="Received: CTCF f, CTCF f, CTCF rc"):
        alike.closeness()


def test_what_has_no_projection_or_others_filters_is_refused():
    plain = network(layers.Conv1D(6, 5), layers.Dense(3))
    best = matched(*both_strands(1)[:6])
    with pytest.raises(ValueError, match="with 0 of them"):
        map_motifs(plain, best)
    with pytest.raises(ValueError, match=r"shape \(5, 16\). Received: those of 6"):
        map_motifs(np.ones((5, 16)), best)
