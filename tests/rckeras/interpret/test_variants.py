"""Scores of variants, against a network whose answers are known in float64."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

from rckeras.interpret import predict_mc
from rckeras.interpret.alleles import AlleleWindows
from rckeras.interpret.variants import VariantScorer, score_variants
from rckeras.io import Genome, Variant
from rckeras.layers import MonteCarloDropout, RevCompConv1D, RevCompSumPooling

LENGTH = 14


def linear(activation, targets, scale=0.5, dropout=()):
    rng = np.random.default_rng(3)
    model = keras.Sequential(
        [
            keras.Input((LENGTH, 4)),
            *dropout,
            layers.Flatten(),
            layers.Dense(targets, activation=activation),
        ]
    )
    model.set_weights(
        [scale * rng.normal(size=(4 * LENGTH, targets)), rng.normal(size=targets)]
    )
    return model


def encode(sequences):
    return np.array([[np.eye(4)["ACGT".index(b)] for b in s] for s in sequences])


def logits(model, sequences, turned=False):
    kernel, bias = (np.asarray(w, "float64") for w in model.get_weights())
    x = encode(sequences)
    x = x[:, ::-1, ::-1] if turned else x
    return x.reshape(len(x), -1) @ kernel + bias


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def log_odds(p):
    return np.log(p) - np.log1p(-p)


@pytest.fixture(scope="module")
def windows():
    rng = np.random.default_rng(0)
    made = []
    for _ in range(5):
        letters = rng.choice(list("ACGT"), LENGTH)
        other = letters.copy()
        other[6] = "ACGT"["CGTA".index(letters[6])]
        made.append(AlleleWindows("".join(letters), "".join(other), False))
    return made


SQUASHINGS = [("sigmoid", sigmoid, 3), ("softmax", softmax, 2), ("softmax", softmax, 4)]


@pytest.mark.parametrize(("activation", "squash", "targets"), SQUASHINGS)
@pytest.mark.parametrize("strands", ["forward", "mean"])
def test_scores_are_those_of_the_formulas(
    windows, activation, squash, targets, strands
):
    model = linear(activation, targets)
    turns = (False, True) if strands == "mean" else (False,)
    ref, alt = (
        np.mean([squash(logits(model, s, turn)) for turn in turns], axis=0)
        for s in zip(*[w[:2] for w in windows], strict=True)
    )
    found = VariantScorer(model, strands).score(windows)
    expected = ref, alt, log_odds(alt) - log_odds(ref)
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_logits_of_both_strands_are_averaged(windows):
    model = linear("sigmoid", 2)
    ref, alt = (
        np.mean([logits(model, s, turn) for turn in (False, True)], axis=0)
        for s in zip(*[w[:2] for w in windows], strict=True)
    )
    found = VariantScorer(model, "logits").score(windows)
    for got, wanted in zip(found, (sigmoid(ref), sigmoid(alt), alt - ref), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize("strands", ["forward", "mean"])
@pytest.mark.parametrize("shift", [-60, 60])
def test_log_odds_stay_exact_where_probabilities_round(windows, strands, shift):
    model = linear("sigmoid", 2)
    expected = VariantScorer(model, "forward").score(windows)[2]
    kernel, bias = model.get_weights()
    if strands == "mean":  # so that both strands agree
        square = kernel.reshape(LENGTH, 4, 2)
        kernel = ((square + square[::-1, ::-1]) / 2).reshape(-1, 2)
        model.set_weights([kernel, bias])
        expected = VariantScorer(model, "forward").score(windows)[2]
    model.set_weights([kernel, bias + shift])
    found = VariantScorer(model, strands).score(windows)[2]
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_outputs_that_are_probabilities_already_are_taken_so(windows):
    model = linear("sigmoid", 2)
    behind = keras.Model(model.inputs, layers.Reshape((2,))(model.outputs[0]))
    for a, b in zip(
        VariantScorer(behind, "forward").score(windows),
        VariantScorer(model, "forward").score(windows),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_outputs_that_are_no_probabilities_are_refused(windows):
    scorer = VariantScorer(linear(None, 2, scale=50), "forward")
    with pytest.raises(ValueError, match=r"probabilities from 0 to 1.*Received: -?\d"):
        scorer.score(windows)


def test_auto_averages_strands_only_of_asymmetric_networks():
    paired = keras.Sequential(
        [
            keras.Input((LENGTH, 4)),
            RevCompConv1D(4, 3, activation="sigmoid"),
            layers.GlobalMaxPooling1D(),
        ]
    )
    symmetric = keras.Sequential(
        [
            keras.Input((LENGTH, 4)),
            RevCompConv1D(4, 3),
            RevCompSumPooling(),
            layers.GlobalMaxPooling1D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    assert VariantScorer(paired).strands == "forward"
    assert VariantScorer(symmetric).strands == "forward"
    assert VariantScorer(linear("sigmoid", 1)).strands == "mean"


def test_batches_of_any_size_give_the_same_scores(windows):
    model = linear("sigmoid", 2)
    whole = VariantScorer(model).score(windows)
    for size in (1, 3, 7):
        parts = VariantScorer(model, batch_size=size).score(windows)
        np.testing.assert_allclose(parts, whole, atol=1e-6)


def test_equal_windows_are_predicted_once(windows, monkeypatch):
    scorer = VariantScorer(linear("sigmoid", 1), "forward")
    seen = []
    outputs = scorer._outputs
    monkeypatch.setattr(scorer, "_outputs", lambda x: seen.append(len(x)) or outputs(x))
    scorer.score([windows[0], windows[0]._replace(alternative=windows[1].reference)])
    assert seen == [3]


def test_monte_carlo_dropout_is_off(windows):
    plain = linear("sigmoid", 2)
    random = linear("sigmoid", 2, dropout=[MonteCarloDropout(0.5)])
    np.testing.assert_allclose(
        VariantScorer(random).score(windows), VariantScorer(plain).score(windows)
    )


@pytest.mark.parametrize("strands", ["forward", "mean"])
@pytest.mark.parametrize("batch_size", [3, 128])
def test_alleles_are_compared_by_the_mean_over_samples(windows, strands, batch_size):
    random = linear("sigmoid", 2, dropout=[MonteCarloDropout(0.5)])
    scorer = VariantScorer(random, strands, batch_size=batch_size, mc_samples=6, seed=2)
    found = scorer.score(windows)

    def mean(sequences):
        x = encode(sequences).astype("float32")
        p = predict_mc(random, x, 6, seed=2)[0].astype("float64")
        if strands == "mean":
            p = (p + predict_mc(random, x[:, ::-1, ::-1], 6, seed=2)[0]) / 2
        return p

    reference = mean([pair.reference for pair in windows])
    alternative = mean([pair.alternative for pair in windows])
    np.testing.assert_allclose(found[0], reference, atol=1e-5)
    np.testing.assert_allclose(found[1], alternative, atol=1e-5)
    expected = log_odds(alternative) - log_odds(reference)
    np.testing.assert_allclose(found[2], expected, atol=1e-4)


def test_no_windows_give_no_scores():
    assert [a.shape for a in VariantScorer(linear("sigmoid", 3)).score([])] == [
        (0, 3)
    ] * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strands": "both"}, "`strands` must be one of auto, mean.*'both'"),
        ({"n_value": 2}, "`n_value` must be from 0 to 1. Received: 2"),
        ({"batch_size": 0}, "`batch_size` must be at least 1. Received: 0"),
        ({"length": 9}, "`length` must be 14 .* Received: 9"),
    ],
)
def test_options_out_of_range_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        VariantScorer(linear("sigmoid", 1), **options)


def test_a_network_of_any_length_needs_one(windows):
    inputs = keras.Input((None, 4))
    pooled = layers.GlobalMaxPooling1D()(layers.Conv1D(2, 3)(inputs))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(pooled))
    with pytest.raises(ValueError, match="`length` must say how long"):
        VariantScorer(model)
    assert VariantScorer(model, length=LENGTH).score(windows)[0].shape == (5, 1)


def test_a_model_of_other_shapes_is_refused():
    model = keras.Sequential([keras.Input((9, 5)), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"from \(None, 9, 5\) to \(None, 9, 2\)"):
        VariantScorer(model)


class TestStream:
    """`score_variants` over a small genome."""

    CHROM = "ACGTTGCATGCCATTAGCAGTACGGATACCATG" * 3

    @pytest.fixture
    def genome(self, tmp_path):
        pytest.importorskip("pyfaidx", reason="needs the extra `genome`")
        (tmp_path / "g.fa").write_text(f">chr1\n{self.CHROM}\n")
        with Genome(tmp_path / "g.fa") as opened:
            yield opened

    def variant(self, position, *alts, line=0):
        return Variant("chr1", position, ".", self.CHROM[position - 1], alts, line=line)

    def test_every_alternative_comes_out_in_order(self, genome):
        variants = [
            self.variant(70, "AC", "<DEL>", "GG"),
            self.variant(3),
            self.variant(30, "T"),
            self.variant(2, "G"),
        ]
        found = list(score_variants(linear("sigmoid", 2), variants, genome))
        assert [(e.variant.position, e.alt, e.reason) for e in found] == [
            (70, "AC", None),
            (70, "<DEL>", "symbolic"),
            (70, "GG", None),
            (3, None, "no_alternative"),
            (30, "T", None),
            (2, "G", "edge"),
        ]
        for effect in found:
            scored = effect.reason is None
            assert np.isfinite(effect.log_odds).all() == scored
            assert np.isfinite(effect.difference).all() == scored
            assert bool(effect.detail) != scored

    def test_scores_belong_to_their_alternative(self, genome):
        model = linear("sigmoid", 2)
        variants = [self.variant(p, "A", "*", "TT", "C") for p in range(20, 60)]
        together = list(score_variants(model, variants, genome))
        scorer = VariantScorer(model, batch_size=1)
        alone = list(score_variants(scorer, variants, genome))
        for a, b in zip(together, alone, strict=True):
            assert (a.variant, a.alt, a.reason) == (b.variant, b.alt, b.reason)
            np.testing.assert_allclose(a.log_odds, b.log_odds, atol=1e-5)

    def test_an_alternative_that_is_the_reference_changes_nothing(self, genome):
        variant = self.variant(40, self.CHROM[39])
        (effect,) = score_variants(linear("sigmoid", 2), [variant], genome)
        assert effect.log_odds.tolist() == effect.difference.tolist() == [0, 0]

    def test_only_a_batch_is_read_ahead(self, genome):
        read = []
        variants = (read.append(p) or self.variant(p, "A") for p in range(20, 60))
        scorer = VariantScorer(linear("sigmoid", 1), batch_size=8)
        list(itertools.islice(score_variants(scorer, variants, genome), 5))
        assert len(read) == 8

    def test_padding_is_noted(self, genome):
        (effect,) = score_variants(
            linear("sigmoid", 1), [self.variant(2, "G")], genome, fit="pad"
        )
        assert effect.padded
        assert effect.reason is None
