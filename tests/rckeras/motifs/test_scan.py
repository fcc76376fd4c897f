import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rckeras.motifs import scan
from rckeras.motifs.motif import Motif
from rckeras.motifs.scan import best_scores, log_odds
from rckeras.sequence.codes import base_codes, reverse_complement_codes


def some_motif(length, seed):
    draws = np.random.default_rng(seed).gamma(0.3, size=(length, 4)) + 1e-9
    return Motif("some", draws / draws.sum(axis=1, keepdims=True))


def some_codes(sequences, length, seed):
    codes = np.random.default_rng(seed).integers(0, 5, (sequences, length))
    return codes.astype(np.uint8)


def best_by_hand(codes, motif, background, pseudocount):
    """One sequence, letter by letter."""
    best = -np.inf
    for letters in (codes, [3 - c if c < 4 else 4 for c in codes[::-1]]):
        for start in range(len(letters) - len(motif) + 1):
            score = 0.0
            for offset, row in enumerate(motif.probabilities):
                base = letters[start + offset]
                if base < 4:
                    even = background[base]
                    p = (row[base] + pseudocount * even) / (1 + pseudocount)
                    score += np.log2(p / even)
            best = max(best, score)
    return best


@settings(deadline=None)
@given(
    width=st.integers(1, 8),
    extra=st.integers(0, 12),
    seed=st.integers(0, 2**32),
    pseudocount=st.sampled_from([1e-3, 0.5]),
)
def test_the_best_score_is_that_of_looking_at_every_place_on_both_strands(
    width, extra, seed, pseudocount
):
    motif, codes = some_motif(width, seed), some_codes(3, width + extra, seed)
    background = (0.3, 0.2, 0.1, 0.4)
    expected = [best_by_hand(row, motif, background, pseudocount) for row in codes]
    found = best_scores(codes, motif, background, pseudocount)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@given(width=st.integers(1, 8), seed=st.integers(0, 2**32))
def test_both_strands_of_a_sequence_score_alike(width, seed):
    motif, codes = some_motif(width, seed), some_codes(5, 20, seed)
    turned = reverse_complement_codes(codes)
    background = (0.3, 0.2, 0.1, 0.4)
    np.testing.assert_allclose(
        best_scores(codes, motif, background),
        best_scores(turned, motif, background),
        rtol=1e-12,
        atol=1e-12,
    )


def test_long_inputs_are_scored_block_by_block_alike(monkeypatch):
    motif, codes = some_motif(6, 1), some_codes(50, 30, 2)
    at_once = best_scores(codes, motif)
    monkeypatch.setattr(scan, "_BLOCK", 100)
    assert (best_scores(codes, motif) == at_once).all()


def test_log_odds_of_a_base_as_common_as_in_the_background_are_zero():
    background = [0.3, 0.2, 0.1, 0.4]
    odds = log_odds(Motif("one", [background]), background)
    np.testing.assert_allclose(odds, 0, atol=1e-12)


def test_a_base_never_seen_scores_low_but_is_not_ruled_out():
    odds = log_odds(Motif("one", [[1, 0, 0, 0]]), pseudocount=0.1)
    np.testing.assert_allclose(odds[0, 1], np.log2(0.1 / 1.1), rtol=1e-12)


def test_an_unknown_base_counts_nothing():
    motif = Motif("one", np.eye(4))
    known, unknown = best_scores(base_codes(["ACGT", "NNNN"]), motif)
    assert known == pytest.approx(8, abs=0.01)
    assert unknown == 0


@pytest.mark.parametrize("shape", [(2, 3), (4,)])
def test_sequences_shorter_than_the_motif_are_refused(shape):
    codes = np.zeros(shape, dtype=np.uint8)
    with pytest.raises(ValueError, match=r"at least 4.*shape \(" + str(shape[0])):
        best_scores(codes, some_motif(4, 0))


@pytest.mark.parametrize("background", [(1, 0, 0, 0), (0.5, 0.5), (1, 1, 1, -1)])
def test_a_background_that_rules_out_a_base_is_refused(background):
    with pytest.raises(ValueError, match=r"`background` .*Received: \["):
        log_odds(some_motif(4, 0), background)


@pytest.mark.parametrize("pseudocount", [0, -1, float("nan")])
def test_a_pseudocount_that_does_not_help_is_refused(pseudocount):
    with pytest.raises(ValueError, match=f"above 0. Received: {pseudocount}"):
        log_odds(some_motif(4, 0), pseudocount=pseudocount)
