import csv

import numpy as np
import pytest

from rckeras.motifs.matching import Matches, match_motifs
from rckeras.motifs.meme import read_meme
from rckeras.motifs.motif import Motif


def collection(size=80, seed=0):
    rng = np.random.default_rng(seed)
    return [
        Motif(f"factor{i}", rng.dirichlet([0.2] * 4, rng.integers(8, 15)), f"MA{i}.1")
        for i in range(size)
    ]


def with_flanks(motif, left, right):
    flank = np.full((max(left, right), 4), 0.25)
    rows = np.concatenate([flank[:left], motif.probabilities, flank[:right]])
    return Motif("query", rows)


TARGETS = collection()


@pytest.mark.parametrize("distance", ["euclidean", "pearson"])
@pytest.mark.parametrize("strand", [1, -1])
@pytest.mark.parametrize(("left", "right"), [(0, 0), (4, 2), (0, 5)])
def test_a_motif_is_found_however_it_is_shifted_or_turned(
    distance, strand, left, right
):
    query = with_flanks(TARGETS[7], left, right)
    if strand < 0:
        query, left, right = query.reverse_complement(), right, left
    best = match_motifs([query], TARGETS, distance=distance)[0][0]
    assert (best.target, best.strand, best.offset) == (7, strand, -left)
    assert best.overlap == len(TARGETS[7])


def test_a_part_of_a_motif_is_found_at_its_place():
    part = Motif("part", TARGETS[7].probabilities[2:9])
    best = match_motifs([part], TARGETS)[0][0]
    assert (best.target, best.offset, best.overlap) == (7, 2, 7)


def test_a_trimmed_motif_is_found():
    padded = with_flanks(TARGETS[7], 8, 8)
    assert len(padded.trim()) < len(padded)
    assert match_motifs([padded.trim()], TARGETS)[0][0].target == 7


def test_e_and_q_values_follow_from_the_p_values():
    matches = match_motifs([TARGETS[3]], TARGETS, threshold_e=np.inf)[0]
    p = np.array([match.p_value for match in matches])
    count = len(TARGETS)
    assert len(matches) == count
    assert (np.diff(p) >= 0).all()
    np.testing.assert_allclose([m.e_value for m in matches], p * count, rtol=1e-12)
    by_hand = [min(p[j] * count / (j + 1) for j in range(i, count)) for i in range(80)]
    np.testing.assert_allclose([m.q_value for m in matches], by_hand, rtol=1e-12)


def test_chance_p_values_are_about_uniform():
    rng = np.random.default_rng(1)
    queries = [Motif("q", rng.dirichlet([0.2] * 4, 10)) for _ in range(15)]
    found = match_motifs(queries, TARGETS, threshold_e=np.inf)
    p = np.array([match.p_value for matches in found for match in matches])
    for level in (0.02, 0.1, 0.5):
        assert 0.6 * level < (p <= level).mean() < 1.4 * level


def test_matches_above_the_threshold_are_left_out():
    kept = match_motifs([TARGETS[3]], TARGETS, threshold_e=20.0)[0]
    every = match_motifs([TARGETS[3]], TARGETS, threshold_e=np.inf)[0]
    assert kept == tuple(match for match in every if match.e_value <= 20)
    assert 1 < len(kept) < len(every)


def test_the_fraction_counts_queries_with_a_match_among_those_asked_for():
    turned = TARGETS[5].reverse_complement()
    noise = Motif("noise", np.random.default_rng(3).dirichlet([0.2] * 4, 9))
    matches = match_motifs([TARGETS[2], turned, None, noise], TARGETS)
    assert [m and m.target for m in matches.best()] == [2, 5, None, None]
    assert matches.fraction_matched() == 0.5
    assert matches.fraction_matched(among={"factor2", "unheard of"}) == 0.25
    assert matches.fraction_matched(among={"MA5.1", "MA2.1"}) == 0.5
    assert matches.fraction_matched(among={"factor9"}) == 0
    assert matches.fraction_matched(evalue=0) == 0


def test_the_table_has_a_row_for_each_match():
    query = Motif("query", TARGETS[2].probabilities)
    header, row = str(match_motifs([None, query], TARGETS)).splitlines()
    assert header.split("\t")[:3] == ["query", "target", "name"]
    fields = row.split("\t")
    assert fields[:3] == ["query", "MA2.1", "factor2"]
    assert float(fields[4]) == pytest.approx(80 * float(fields[3]), rel=0.01)
    assert fields[6:] == ["0", str(len(query)), "+"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], TARGETS), "Received: 0 and 80"),
        ((TARGETS, TARGETS[:1]), "Received: 80 and 1"),
        ((TARGETS, TARGETS, 0), r"`threshold_e` .* Received: 0"),
        ((TARGETS, TARGETS, 0.1, "ed"), r"'euclidean', 'pearson'\]. Received: 'ed'"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        match_motifs(*arguments)


def test_what_cannot_be_counted_is_refused():
    matches = Matches((None,), tuple(TARGETS), ((),), 0.1)
    with pytest.raises(ValueError, match=r"at most 0.1.* Received: 0.5"):
        matches.fraction_matched(evalue=0.5)
    with pytest.raises(ValueError, match=r"of a target. Received: \['CTCF'\]"):
        matches.fraction_matched(among={"CTCF"})
    with pytest.raises(TypeError, match="Received: 'factor2'"):
        matches.fraction_matched(among="factor2")


def read_published(folder, step):
    """Matches of every so many filters, and those that TOMTOM found.

    The search was against 1748 motifs, the 519 at hand among them; by correlation, with
    E-values up to 0.01.
    """
    targets = read_meme(folder / "jaspar_core_2016_vertebrates.meme")
    queries = {m.matrix_id: m for m in read_meme(folder / "danq_filters.meme")}
    numbers = {target.matrix_id: i for i, target in enumerate(targets)}
    rows = {}
    with (folder / "danq_filters_tomtom.txt").open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["Target ID"] in numbers:
                number = numbers[row["Target ID"]]
                rows.setdefault(row["#Query ID"], {})[number] = row
    chosen = dict([*rows.items()][::step])
    matches = match_motifs(
        [queries[name] for name in chosen], targets, np.inf, distance="pearson"
    )
    return matches, list(chosen.values())


@pytest.fixture(scope="module")
def published(shared_data):
    return read_published(shared_data, step=4)


@pytest.mark.slow
def test_of_all_published_filters_92_percent_match_best_what_they_did(shared_data):
    """The others' best match is the second one, and hardly worse by its p-value."""
    matches, theirs = read_published(shared_data, step=1)
    same, factors = 0, []
    for found, rows in zip(matches, theirs, strict=True):
        p_values = {number: float(row["p-value"]) for number, row in rows.items()}
        best = min(p_values, key=p_values.get)
        same += found[0].target == best
        if found[0].target != best:
            assert found[1].target == best
            factors.append(p_values[found[0].target] / p_values[best])
    assert len(theirs) == 153
    assert same >= 0.92 * len(theirs)
    assert max(factors) < 2


def test_the_best_matches_are_those_of_the_original_program(published):
    matches, theirs = published
    same = close = 0
    for found, rows in zip(matches, theirs, strict=True):
        best = min(rows, key=lambda number: float(rows[number]["p-value"]))
        p = next(match.p_value for match in found if match.target == best)
        same += found[0].target == best
        close += p < 10 * found[0].p_value
    assert len(theirs) > 35
    assert same >= 0.85 * len(theirs)
    assert close >= 0.98 * len(theirs)


def test_p_values_and_places_are_those_of_the_original_program(published):
    matches, theirs = published
    ours, expected, placed = [], [], []
    for found, rows in zip(matches, theirs, strict=True):
        for match in found:
            if match.target in rows:
                row = rows[match.target]
                ours.append(match.p_value)
                expected.append(float(row["p-value"]))
                strand = 1 if row["Orientation"] == "+" else -1
                place = (int(row["Optimal offset"]), int(row["Overlap"]), strand)
                placed.append(place == (match.offset, match.overlap, match.strand))
    ours, expected = np.log10(ours), np.log10(expected)
    assert np.corrcoef(ours, expected)[0, 1] > 0.98
    assert abs(np.median(ours - expected)) < 0.3
    assert np.mean(abs(ours - expected) < 0.6) > 0.9
    assert np.mean(placed) > 0.9


def test_the_original_programs_p_values_by_distance_are_found(shared_data):
    """A filter, with what TOMTOM 4.12 says of it and these targets."""
    query = Motif("filter0", FILTER / FILTER.sum(axis=1, keepdims=True))
    targets = read_meme(shared_data / "jaspar_core_2016_vertebrates.meme")
    found = match_motifs([query], targets, threshold_e=0.1)[0]
    p_values = {targets[match.target].matrix_id: match.p_value for match in found}
    assert len(p_values) == 20
    for matrix_id, p_value in FILTER_MATCHES.items():
        assert abs(np.log10(p_values[matrix_id] / p_value)) < 0.15


# Koo and Eddy 2019, released results: network CNN9-25, in vivo, filter 0.
FILTER = np.array(
    [
        [0.3739, 0.2321, 0.2706, 0.1233],
        [0.3408, 0.2741, 0.3628, 0.0223],
        [0.1926, 0.5298, 0.2120, 0.0657],
        [0.0000, 1.0000, 0.0000, 0.0000],
        [0.0000, 0.0000, 1.0000, 0.0000],
        [0.0000, 0.0000, 0.9749, 0.0251],
        [1.0000, 0.0000, 0.0000, 0.0000],
        [0.9960, 0.0000, 0.0000, 0.0040],
        [0.2483, 0.1901, 0.4454, 0.1162],
        [0.2056, 0.2886, 0.2799, 0.2258],
        [0.2260, 0.2562, 0.3357, 0.1822],
    ]
)
FILTER_MATCHES = {
    "MA0765.1": 4.10818e-07,
    "MA0136.2": 4.11624e-07,
    "MA0076.2": 7.98595e-07,
    "MA0474.2": 2.4323e-06,
    "MA0473.2": 1.91422e-05,
    "MA0624.1": 7.17607e-05,
}
