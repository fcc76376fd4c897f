import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rckeras.motifs.enrichment import (
    PRINTED,
    PRINTED_TOTALS,
    count_pattern,
    fisher_test,
    measure_enrichment,
    motif_pattern,
)
from rckeras.motifs.motif import Motif
from rckeras.sequence import base_codes, reverse_complement_string
from rckeras.sequence.alphabet import IUPAC
from rckeras.sequence.codes import codes_to_letters, codes_to_one_hot

pytest.importorskip("scipy")


def drawn(sequences=60, length=30, seed=0, letters=4):
    rng = np.random.default_rng(seed)
    return rng.integers(letters, size=(sequences, length)).astype(np.uint8)


def places_by_hand(word, sequence):
    """Places of a word or its reverse complement, by regular expressions."""
    found = set()
    for each in (word, reverse_complement_string(word)):
        classes = "".join(
            "." if letter == "N" else f"[{IUPAC[letter]}]" for letter in each
        )
        found |= {m.start() for m in re.finditer(f"(?={classes})", sequence)}
    return found


@settings(deadline=None, max_examples=30)
@given(
    word=st.text(alphabet="ACGTNNRYSWKMBDHV", min_size=1, max_size=6),
    seed=st.integers(0, 2**32),
)
def test_places_are_those_of_regular_expressions(word, seed):
    codes = drawn(seed=seed, letters=5)
    by_hand = [places_by_hand(word, row) for row in codes_to_letters(codes)]
    places, sequences = count_pattern(codes, word)
    assert places == sum(map(len, by_hand))
    assert sequences == sum(map(bool, by_hand))


def test_a_place_that_reads_on_both_strands_counts_once():
    codes = base_codes(["TTGATCTTGATC", "AAAAAAAAAAAA"])
    assert count_pattern(codes, "GATC") == (2, 1)
    assert count_pattern(codes, "AAG") == (1, 1)


def test_an_unknown_base_is_read_by_an_n_alone():
    codes = base_codes(["CCNCC", "CCRCC"])
    assert count_pattern(codes, "CCNCC") == (2, 2)
    assert count_pattern(codes, "CCVCC") == (0, 0)


def test_neither_strand_nor_blocks_nor_encoding_change_the_counts(monkeypatch):
    hot, cold = drawn(seed=1), drawn(80, seed=2)
    one = measure_enrichment(["CCNCC", "WGATAR"], hot, cold)
    turned = (3 - hot)[:, ::-1], codes_to_one_hot(cold)
    monkeypatch.setattr("rckeras.motifs.enrichment._BLOCK", 70)
    assert measure_enrichment(["ccNcc", "WGATAR"], *turned) == one


def test_p_values_are_those_of_the_hypergeometric_distribution():
    ratio, _, p_value = fisher_test(9, 20, 2, 25)
    total, drawn_ones = 20 + 25, 9 + 2
    chances = [
        math.comb(20, k) * math.comb(25, drawn_ones - k) / math.comb(total, drawn_ones)
        for k in range(drawn_ones + 1)
    ]
    expected = sum(chance for chance in chances if chance <= chances[9] * (1 + 1e-9))
    assert p_value == pytest.approx(expected, rel=1e-9)
    assert ratio == pytest.approx(9 * 23 / (2 * 11), rel=1e-12)


def test_an_interval_has_its_ratio_inside_and_one_where_p_is_large():
    for counts in ((30, 100, 12, 90), (5, 100, 6, 100), (4, 10, 0, 10)):
        ratio, (low, high), p_value = fisher_test(*counts)
        assert low <= ratio <= high
        assert (low > 1) == (p_value < 0.03)


def test_what_all_or_none_have_tells_nothing():
    for counts in ((5, 5, 7, 7), (0, 5, 0, 7)):
        ratio, interval, p_value = fisher_test(*counts)
        assert np.isnan(ratio)
        assert (interval, p_value) == ((0, np.inf), 1)
    assert fisher_test(3, 5, 0, 7)[0] == np.inf
    with pytest.raises(ValueError, match="Received: 6 of 5 and 0 of 7"):
        fisher_test(6, 5, 0, 7)


def test_a_planted_word_is_found_enriched_and_p_values_are_corrected():
    hot, cold = drawn(200, seed=3), drawn(200, seed=4)
    hot[:80, 5:13] = base_codes("CCTCCCTA")
    planted, other = measure_enrichment(["CCTCCCT", "GTACGTA"], hot, cold)
    assert planted.hot_sequences >= 80
    assert planted.odds_ratio > 50
    assert planted.corrected < 1e-20
    assert planted.corrected == pytest.approx(2 * planted.p_value, abs=0)
    assert other.corrected == min(1, 2 * other.p_value) > 0.05


def test_the_papers_ratios_are_those_of_counts_and_not_of_odds():
    """Brown and Lunter 2018, Table 2: what is printed, and what follows from it."""
    expected = (  # odds ratio, p-value before correction
        (2.377, 1.0e-5),
        (3.873, 3.6e-4),
        (1.589, 4.0e-4),
        (2.045, 3.4e-16),
        (4.418, 4.6e-8),
        (1.414, None),
    )
    for row, (odds, p_value) in zip(PRINTED, expected, strict=True):
        hot_total, cold_total = PRINTED_TOTALS
        ratio, _, found = fisher_test(row.hot, hot_total, row.cold, cold_total)
        assert row.hot / row.cold == pytest.approx(row.ratio, abs=0.025)
        assert ratio == pytest.approx(odds, abs=5e-3)
        assert abs(ratio - row.ratio) > 0.1
        if p_value is not None:
            assert found == pytest.approx(p_value, rel=0.05)
            assert not 0.3 < row.p_value / (6 * found) < 3


def test_the_table_shows_what_is_printed_beside():
    hot, cold = drawn(seed=1), drawn(seed=2)
    text = str(measure_enrichment(["CCNCC", "ACGT"], hot, cold))
    header, known, own = (line.split("\t") for line in text.split("\n"))
    assert header[0] == "motif"
    assert header[-2:] == ["printed_ratio", "printed_p_value"]
    assert (known[0], known[-2:]) == ("CCNCC", ["0.96", "0.31"])
    assert (own[0], own[-2:]) == ("ACGT", ["", ""])
    assert len(header) == len(known) == len(own)


def test_a_motif_becomes_a_word_with_ns_where_it_tells_little():
    weak, strong = [0.4, 0.2, 0.2, 0.2], np.eye(4)
    rows = [weak, strong[1], strong[0], weak, weak, strong[3], [0.5, 0.5, 0, 0], weak]
    motif = Motif("sparse", rows)
    assert motif_pattern(motif) == "CANNTA"
    assert motif_pattern(motif, threshold=1.5) == "CANNT"
    assert motif_pattern(motif, threshold=0) == "ACAAATAA"
    assert motif_pattern(Motif("flat", [weak])) == ""
    with pytest.raises(ValueError, match=r"`threshold` .* Received: 3"):
        motif_pattern(motif, threshold=3)


def test_motifs_stand_for_their_words():
    motif = Motif("box", 0.97 * np.eye(4)[[2, 0, 3, 0]] + 0.0075)
    hot, cold = drawn(seed=1), drawn(seed=2)
    found = measure_enrichment([motif], hot, cold)
    assert found == measure_enrichment(["GATA"], hot, cold)


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ([""], "Received: ''"),
        (["GATX"], "Received: 'GATX'"),
        (["A" * 31], "words of 1 to 30 letters.* Received: 'A{31}'"),
        ([Motif("flat", np.full((3, 4), 0.25))], "a position of 1 bit. Received: ''"),
    ],
)
def test_what_is_no_word_is_refused(patterns, message):
    with pytest.raises(ValueError, match=message):
        measure_enrichment(patterns, drawn(), drawn())


def test_a_single_word_is_refused():
    with pytest.raises(TypeError, match=r"must be a list. Received: 'GATA'"):
        measure_enrichment("GATA", drawn(), drawn())


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_the_interval_is_the_exact_one_of_scipy(hot_total, cold_total, data):
    from scipy.stats import contingency

    hot = data.draw(st.integers(0, hot_total))
    cold = data.draw(st.integers(0, cold_total))
    if hot + cold in (0, hot_total + cold_total):
        return
    table = [[hot, cold], [hot_total - hot, cold_total - cold]]
    wanted = contingency.odds_ratio(table).confidence_interval(0.95)
    _, found, _ = fisher_test(hot, hot_total, cold, cold_total)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_tens_of_thousands_of_sequences_can_be_tested():
    ratio, (low, high), p = fisher_test(22_370, 40_000, 22_273, 40_000)
    assert low < 1 < ratio < high < 1.05
    assert 0.3 < p < 0.7
    # With so many the logarithm of the odds ratio is about normal.
    error = np.sqrt(sum(1 / n for n in (22_370, 17_630, 22_273, 17_727)))
    assert np.log(high / low) == pytest.approx(2 * 1.96 * error, rel=0.01)
