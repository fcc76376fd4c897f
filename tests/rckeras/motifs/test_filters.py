import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from rckeras.layers import (
    MonteCarloDropout,
    RevCompBatchNormalization,
    RevCompConv1D,
)
from rckeras.motifs import filters
from rckeras.motifs.filters import filters_to_motifs
from rckeras.motifs.motif import Motif
from rckeras.motifs.receptive import view_filters
from rckeras.motifs.scan import log_odds
from rckeras.sequence.codes import codes_to_one_hot, reverse_complement_codes

LENGTH = 40


def site(width, seed=3):
    """A motif that is no palindrome, with few bits missing."""
    bases = np.random.default_rng(seed).integers(4, size=width)
    return Motif("site", 0.9 * np.eye(4)[bases] + 0.025)


def planted(motif, sequences=600, seed=0, turned=False):
    """Random sequences with an instance each, not at the ends."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(4, size=(sequences, LENGTH)).astype(np.uint8)
    chances = motif.probabilities.cumsum(axis=1)
    for row in codes:
        draws = rng.random((len(motif), 1))
        instance = (chances < draws).sum(axis=1).clip(0, 3)
        if turned and rng.random() < 0.5:
            instance = reverse_complement_codes(instance)
        start = rng.integers(len(motif), LENGTH - 2 * len(motif))
        row[start : start + len(motif)] = instance
    return codes


def detector(motif, conv):
    """A convolution whose first filter is the motif's log odds, the others random."""
    model = keras.Sequential([keras.Input((LENGTH, 4)), conv, layers.ReLU()])
    kernel = 0.1 * np.random.default_rng(1).normal(size=conv.kernel.shape)
    kernel[..., 0] = log_odds(motif)
    conv.kernel.assign(kernel)
    return model


def some_model(*stack, seed=0):
    """Weights drawn anew, so that biases and normalizations do something."""
    model = keras.Sequential([keras.Input((LENGTH, 4)), *stack])
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed" not in weight.path:
            positive = 0.5 if "variance" in weight.path else -1
            weight.assign(rng.uniform(positive, 1, weight.shape))
    return model


def some_codes(sequences=60, seed=0, letters=4):
    codes = np.random.default_rng(seed).integers(letters, size=(sequences, LENGTH))
    return codes.astype(np.uint8)


@pytest.mark.parametrize("method", filters.METHODS)
@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@pytest.mark.parametrize("width", [7, 8])
def test_a_planted_motif_is_what_its_log_odds_see(method, padding, width):
    motif = site(width)
    model = detector(motif, layers.Conv1D(3, width, padding=padding, name="conv1"))
    found = filters_to_motifs(model, planted(motif), method=method, threshold=0.6)
    assert [each.name for each in found] == ["conv1_0", "conv1_1", "conv1_2"]
    assert found[0].consensus == motif.consensus
    assert abs(found[0].probabilities - motif.probabilities).max() < 0.12


@pytest.mark.parametrize(("padding", "width"), [("valid", 8), ("same", 7)])
def test_a_free_filter_gets_its_forward_motif_from_either_strand(padding, width):
    motif = site(width)
    conv = RevCompConv1D(2, width, padding=padding, name="conv1")
    model = detector(motif, conv)
    found = filters_to_motifs(model, planted(motif, turned=True))
    assert len(found) == 2
    assert found[0].consensus == motif.consensus
    assert abs(found[0].probabilities - motif.probabilities).max() < 0.12
    assert found[0].counts.sum(axis=1).min() > 300
    assert [(each.channel, each.partner) for each in found] == [(0, 3), (1, 2)]
    assert sum(found[0].sites) == found[0].counts[0].sum()
    assert min(found[0].sites) > 150


@pytest.mark.parametrize("method", filters.METHODS)
def test_reading_the_other_strand_gives_a_tied_filter_the_same_motif(method):
    model = some_model(
        RevCompConv1D(4, 5, padding="same"),
        RevCompBatchNormalization(),
        layers.ReLU(),
        RevCompConv1D(3, 3),
        layers.ReLU(name="end"),
    )
    codes = some_codes()
    for layer in (None, "end"):
        one = filters_to_motifs(model, codes, layer, method)
        turned = reverse_complement_codes(codes)
        other = filters_to_motifs(model, turned, layer, method)
        assert len(one) == (3 if layer else 4)
        for a, b in zip(one, other, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(a.counts, b.counts, rtol=1e-5)


def test_the_other_strand_of_a_pair_is_what_its_partner_reads():
    motif = site(7)
    model = detector(motif, RevCompConv1D(2, 7, name="conv1"))
    found = filters_to_motifs(model, planted(motif, turned=True))[0]
    turned = found.reverse_complement()
    assert (turned.channel, turned.partner) == (3, 0)
    assert turned.sites == found.sites[::-1]
    assert turned.trim().sites == turned.sites
    back = turned.reverse_complement()
    assert (back.channel, back.partner, back.sites) == (0, 3, found.sites)
    assert back.counts.tolist() == found.counts.tolist()


def test_a_plain_filter_reads_one_strand():
    model = detector(site(7), layers.Conv1D(3, 7))
    found = filters_to_motifs(model, planted(site(7)))[0]
    turned = found.reverse_complement()
    assert (found.channel, found.partner, found.sites[1]) == (0, None, 0)
    assert (turned.channel, turned.partner) == (0, None)
    assert turned.sites == (0, found.sites[0])


def motifs_by_hand(activations, codes, start, width, threshold):
    """One filter after the other, one sequence after the other."""
    motifs = []
    for channel in range(activations.shape[2]):
        largest = max(row[:, channel].max() for row in activations)
        counts = np.zeros((width, 4))
        for row, bases in zip(activations, codes, strict=True):
            if row[:, channel].max() <= threshold * largest:
                continue
            first = int(row[:, channel].argmax()) + start
            if first < 0 or first + width > len(bases):
                continue
            for place in range(width):
                if bases[first + place] < 4:
                    counts[place, bases[first + place]] += 1
        motifs.append(counts)
    return motifs


@settings(deadline=None, max_examples=8)
@given(
    seed=st.integers(0, 2**32),
    width=st.integers(1, 8),
    padding=st.sampled_from(["same", "valid"]),
    threshold=st.sampled_from([0.7, 0.3, 0.0]),
)
def test_sequences_above_the_threshold_are_those_of_a_plain_loop(
    seed, width, padding, threshold
):
    model = some_model(
        layers.Conv1D(4, width, padding=padding), layers.ReLU(), seed=seed
    )
    codes = some_codes(seed=seed, letters=5)
    activations = model.predict(codes_to_one_hot(codes), verbose=0)
    start = -((width - 1) // 2) if padding == "same" else 0
    expected = motifs_by_hand(activations, codes, start, width, threshold)
    found = filters_to_motifs(model, codes, threshold=threshold, batch_size=7)
    for motif, counts in zip(found, expected, strict=True):
        if motif is None:
            assert not counts.any()
        else:
            assert motif.counts.tolist() == counts.tolist()


def test_the_methods_have_the_thresholds_of_their_papers():
    model = some_model(layers.Conv1D(4, 5, padding="same"), layers.ReLU())
    codes = some_codes()
    for method, threshold in (("koo2019", 0.7), ("hawkinshooker2018", 0)):
        found = filters_to_motifs(model, codes, method=method)
        same = filters_to_motifs(model, codes, threshold=threshold)
        assert [m.counts.tolist() for m in found] == [m.counts.tolist() for m in same]


@pytest.mark.parametrize(("top", "count"), [(1, 1), (7, 7), (1000, 60)])
def test_sequences_that_drive_a_filter_most_are_those_with_the_largest_maxima(
    top, count
):
    model = some_model(layers.Conv1D(3, 12), layers.ReLU())
    codes = some_codes()
    maxima = model.predict(codes_to_one_hot(codes), verbose=0).max(axis=1)
    found = filters_to_motifs(model, codes, method="brown2018", top=top)
    for channel, motif in enumerate(found):
        driving = np.argsort(-maxima[:, channel])[:top]
        driving = driving[maxima[driving, channel] > 0]
        own = filters_to_motifs(model, codes[driving], method="hawkinshooker2018")
        assert motif.counts.tolist() == own[channel].counts.tolist()
        assert motif.sites == (min(count, (maxima[:, channel] > 0).sum()), 0)


def test_browns_method_takes_a_hundred_sequences():
    model = some_model(layers.Conv1D(3, 12), layers.ReLU())
    found = filters_to_motifs(model, some_codes(300), method="brown2018")
    assert [motif.sites for motif in found] == [(100, 0)] * 3


def test_sequences_that_drive_a_filter_alike_all_count():
    model = some_model(layers.Conv1D(3, 12), layers.ReLU())
    codes = np.tile(some_codes(6), (5, 1))
    found = filters_to_motifs(model, codes, method="brown2018", top=3)
    assert [motif.sites for motif in found] == [(5, 0)] * 3


def test_the_released_code_weights_every_place_above_half_the_maximum():
    model = some_model(layers.Conv1D(3, 5, padding="same"), layers.ReLU())
    codes = some_codes(letters=5)
    activations = model.predict(codes_to_one_hot(codes), verbose=0).astype("float64")
    found = filters_to_motifs(model, codes, method="koo2019_code", batch_size=7)
    for channel, motif in enumerate(found):
        counts = np.zeros((5, 5))
        half = activations[..., channel].max() / 2
        for row, bases in zip(activations[..., channel], codes, strict=True):
            for place in np.flatnonzero(row > half):
                for offset in range(-2, 3):
                    if 0 <= place + offset < LENGTH:
                        counts[offset + 2, bases[place + offset]] += row[place]
        np.testing.assert_allclose(motif.counts, counts[:, :4], rtol=1e-6)


def test_the_second_convolution_sees_what_both_cover():
    model = some_model(
        layers.Conv1D(4, 6, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling1D(1),
        layers.Dropout(0.1),
        layers.Conv1D(3, 4, dilation_rate=2, padding="same", name="conv2"),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.MaxPooling1D(4),
        layers.Flatten(),
        layers.Dense(2),
    )
    view = view_filters(model, "conv2")
    assert (view.start, view.width, view.name) == (-5, 12, "conv2")
    assert len(filters_to_motifs(model, some_codes(), "conv2")[0]) == 12


@pytest.mark.parametrize("width", [5, 6])
@pytest.mark.parametrize("padding", ["same", "valid", "causal"])
def test_an_activation_depends_on_the_bases_of_its_window_and_on_no_other(
    width, padding
):
    model = some_model(
        layers.Conv1D(4, width, padding=padding),
        layers.Conv1D(3, 2, dilation_rate=2, padding=padding, name="end"),
    )
    view = view_filters(model, "end")
    x = np.random.default_rng(0).normal(size=(1, LENGTH, 4))
    changed = x + np.eye(LENGTH)[:, :, None]
    moved = view.model.predict(changed, verbose=0) - view.model.predict(x, verbose=0)
    depends = np.flatnonzero(abs(moved[:, 20]).max(axis=1) > 1e-5)
    assert depends[0] == 20 + view.start
    assert depends[-1] == 20 + view.start + view.width - 1


@pytest.mark.parametrize("named", [None, "conv1", "relu1"])
def test_activations_are_those_after_normalization_and_nonlinearity(named):
    model = some_model(
        layers.Conv1D(3, 5, name="conv1"),
        layers.BatchNormalization(name="norm1"),
        layers.ReLU(name="relu1"),
        layers.MaxPooling1D(2),
    )
    x = codes_to_one_hot(some_codes())
    relu = keras.Model(model.inputs, model.get_layer("relu1").output)
    seen = view_filters(model, named).model.predict(x, verbose=0)
    assert seen.tolist() == relu.predict(x, verbose=0).tolist()
    norm = view_filters(model, "norm1").model.predict(x, verbose=0)
    assert norm.min() < 0 == seen.min()


def test_a_convolution_with_its_own_activation_is_taken_as_it_is():
    model = some_model(
        layers.Conv1D(3, 5, activation="relu", name="conv1"),
        layers.BatchNormalization(),
    )
    x = codes_to_one_hot(some_codes())
    conv = keras.Model(model.inputs, model.get_layer("conv1").output)
    seen = view_filters(model).model.predict(x, verbose=0)
    assert seen.tolist() == conv.predict(x, verbose=0).tolist()


def test_monte_carlo_dropout_is_off():
    model = some_model(
        layers.Conv1D(3, 5), MonteCarloDropout(0.5), layers.ReLU(name="end")
    )
    codes = some_codes()
    one, other = (filters_to_motifs(model, codes, "end") for _ in range(2))
    assert [m.counts.tolist() for m in one] == [m.counts.tolist() for m in other]


def test_a_filter_that_never_fires_has_no_motif():
    conv = layers.Conv1D(2, 5)
    model = keras.Sequential([keras.Input((LENGTH, 4)), conv, layers.ReLU()])
    conv.bias.assign([-100.0, 100.0])
    dead, alive = filters_to_motifs(model, some_codes())
    assert dead is None
    assert alive.counts.sum(axis=1).tolist() == [60] * 5


def test_base_codes_and_one_hot_codes_give_the_same():
    model = some_model(layers.Conv1D(3, 5), layers.ReLU())
    codes = some_codes(letters=5)
    one = filters_to_motifs(model, codes)
    for n_value in (0, 0.25):
        other = filters_to_motifs(model, codes_to_one_hot(codes, n_value=n_value))
        assert [m.counts.tolist() for m in one] == [m.counts.tolist() for m in other]


def test_neither_batches_nor_chunks_change_the_counts(monkeypatch):
    model = some_model(layers.Conv1D(3, 5), layers.ReLU())
    codes = some_codes()
    for method in filters.METHODS:
        monkeypatch.setattr(filters, "_CHUNK", 1 << 22)
        one = filters_to_motifs(model, codes, method=method)
        monkeypatch.setattr(filters, "_CHUNK", 35)
        other = filters_to_motifs(model, codes, method=method, batch_size=13)
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a.counts, b.counts, rtol=1e-6)


def test_a_limit_takes_sequences_from_everywhere():
    model = some_model(layers.Conv1D(3, 5), layers.ReLU())
    codes = some_codes()
    one = filters_to_motifs(model, codes, max_sequences=20)
    other = filters_to_motifs(model, codes[::3])
    assert [m.counts.tolist() for m in one] == [m.counts.tolist() for m in other]
    assert len(filters_to_motifs(model, codes, max_sequences=1000)) == 3


@pytest.mark.parametrize(
    ("between", "message"),
    [
        (layers.MaxPooling1D(2, name="pool1"), r"'conv2' with 'pool1' \(MaxPooling1D"),
        (
            layers.Conv1D(3, 3, strides=2, name="jump"),
            r"'conv2' with 'jump', strides=2",
        ),
        (layers.LSTM(3, return_sequences=True, name="rnn"), r"with 'rnn' \(LSTM"),
    ],
)
def test_a_layer_in_the_way_is_named(between, message):
    last = layers.Conv1D(2, 3, name="conv2")
    model = some_model(layers.Conv1D(3, 5), between, last)
    with pytest.raises(ValueError, match=message):
        filters_to_motifs(model, some_codes(), "conv2")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "conv9"}, r"one of \['conv1', 'end'\].*Received: layer='conv9'"),
        ({"method": "koo"}, r"'koo2019', .*'brown2018'\]. Received: 'koo'"),
        ({"top": 0}, r"`top` .* Received: top=0 with method='koo2019'"),
        (
            {"top": 5, "method": "koo2019_code"},
            r"Received: top=5 with method='koo2019_",
        ),
        ({"threshold": 1.0}, r"`threshold` .* Received: 1.0"),
        ({"threshold": float("nan")}, r"`threshold` .* Received: nan"),
        ({"max_sequences": 0}, r"`max_sequences` .* Received: 0"),
        ({"batch_size": 0}, r"`batch_size` .* Received: 0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    model = some_model(layers.Conv1D(3, 5, name="conv1"), layers.ReLU(name="end"))
    with pytest.raises(ValueError, match=message):
        filters_to_motifs(model, some_codes(), **options)


@pytest.mark.parametrize("shape", [(0, LENGTH), (LENGTH,), (3, LENGTH, 5)])
def test_what_is_no_batch_of_sequences_is_refused(shape):
    model = some_model(layers.Conv1D(3, 5))
    with pytest.raises(ValueError, match=r"`sequences` .* Received: shape \("):
        filters_to_motifs(model, np.zeros(shape, "uint8"))


def test_a_model_without_a_graph_is_refused():
    class Own(keras.Model):
        pass

    with pytest.raises(TypeError, match=r"must be functional.*Received: Own"):
        filters_to_motifs(Own(), some_codes())
