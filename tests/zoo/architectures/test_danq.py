"""DanQ, DanQ-JASPAR, the strand-symmetric DanQ, and the start from motifs."""

import keras
import numpy as np
import pytest

from rckeras.layers import RevCompConv1D
from tests.zoo.architectures.arithmetic import (
    conv,
    dense,
    lstm,
    names,
    randomize,
    strands,
    trainable,
)
from zoo.architectures.danq import (
    danq,
    danq_jaspar,
    rc_danq,
    start_filters_from_motifs,
)


@pytest.fixture(scope="module")
def published():
    return danq()


def test_the_count_is_the_published_one(published):
    expected = conv(4, 320, 26) + 2 * lstm(320, 320)
    expected += dense(75 * 640, 925) + dense(925, 919)
    assert trainable(published) == expected == 46_926_479


def test_the_count_of_the_jaspar_network_is_the_published_one():
    expected = conv(4, 1024, 30) + 2 * lstm(1024, 512)
    expected += dense(64 * 1024, 925) + dense(925, 919)
    assert trainable(danq_jaspar()) == expected == 67_892_175


def test_the_count_of_the_symmetric_network_is_the_documented_one():
    model = rc_danq()
    expected = conv(4, 160, 26) + lstm(320, 320)
    expected += dense(75 * 320, 925) + dense(925, 919)
    assert trainable(model) == expected == 23_889_199
    assert f"{expected:,}" in rc_danq.__doc__


def test_the_layers_stand_in_the_published_order(published):
    expected = "conv1 pool1 dropout1 bilstm dropout2 flatten hidden predictions"
    assert names(published) == expected


def test_the_symmetric_network_has_the_same_layers_without_flatten():
    model = rc_danq(filters=4, units=3, hidden_units=5)
    expected = "conv1 pool1 dropout1 bilstm dropout2 hidden predictions"
    assert names(model) == expected
    assert model.get_layer("hidden").input.shape == (None, 75, 6)


def test_75_steps_of_both_directions_are_flattened(published):
    assert published.get_layer("flatten").input.shape == (None, 75, 640)


def test_gates_are_the_hard_sigmoid_of_the_published_weights(published):
    gate = published.get_layer("bilstm").forward_layer.recurrent_activation
    values = gate(keras.ops.array([-3.0, 1.0, 3.0]))
    np.testing.assert_allclose(values, [0, 0.7, 1], atol=1e-6)


def test_other_gates_can_be_chosen():
    model = danq(filters=2, units=2, hidden_units=2, recurrent_activation="sigmoid")
    gate = model.get_layer("bilstm").forward_layer.recurrent_activation
    assert gate is keras.activations.sigmoid


def test_the_hidden_layer_of_the_symmetric_network_is_strand_invariant():
    model = rc_danq(filters=6, units=4, hidden_units=8, include_top=False)
    randomize(model)
    forward, reverse = strands(model)
    assert np.ptp(forward, axis=0).max() > 1e-3
    np.testing.assert_allclose(forward, reverse, atol=1e-5)


def motif(length, seed=0):
    counts = np.random.default_rng(seed).uniform(size=(length, 4))
    return counts / counts.sum(axis=1, keepdims=True)


def small():
    return danq(sequence_length=60, filters=5, kernel_size=30, units=2, hidden_units=2)


def test_each_motif_less_a_quarter_stands_in_its_filter():
    model = small()
    motifs = [motif(6, 1), motif(24, 2), motif(15, 3)]
    start_filters_from_motifs(model, motifs, seed=0)
    kernel = model.get_layer("conv1").get_weights()[0]
    for i, matrix in enumerate(motifs):
        windows = [kernel[j : j + len(matrix), :, i] for j in range(31 - len(matrix))]
        places = [
            j for j, w in enumerate(windows) if np.allclose(w, matrix - 0.25, atol=1e-6)
        ]
        assert len(places) == 1
        assert 3 <= places[0] <= 30 - 3 - len(matrix)


def test_motifs_come_to_stand_at_every_offset_allowed():
    layer = keras.layers.Conv1D(1, 12)
    layer.build((None, None, 4))
    matrix = motif(4)
    offsets = set()
    for seed in range(60):
        layer.kernel.assign(np.zeros((12, 4, 1)))
        start_filters_from_motifs(layer, [matrix], seed=seed)
        offsets.add(int(np.flatnonzero(layer.get_weights()[0].any(axis=(1, 2)))[0]))
    assert offsets == {3, 4, 5}


def test_biases_of_motif_filters_start_between_minus_one_and_zero():
    model = small()
    start_filters_from_motifs(model, [motif(8)] * 3, seed=0)
    bias = model.get_layer("conv1").get_weights()[1]
    assert np.all((bias[:3] < 0) & (bias[:3] >= -1))
    assert len(set(bias[:3])) == 3
    assert not bias[3:].any()


def test_what_no_motif_covers_keeps_its_start():
    model = small()
    before = model.get_layer("conv1").get_weights()[0]
    start_filters_from_motifs(model, [motif(8)] * 3, seed=0)
    after = model.get_layer("conv1").get_weights()[0]
    np.testing.assert_array_equal(before[..., 3:], after[..., 3:])
    unchanged = (before == after)[..., :3].all(axis=1)
    assert unchanged.sum(axis=0).tolist() == [22, 22, 22]


def test_the_same_seed_gives_the_same_start():
    starts = []
    for _ in range(2):
        layer = keras.layers.Conv1D(3, 30, kernel_initializer="zeros")
        layer.build((None, None, 4))
        start_filters_from_motifs(layer, [motif(8), motif(9)], seed=7)
        starts.append(layer.get_weights())
    np.testing.assert_array_equal(starts[0][0], starts[1][0])
    np.testing.assert_array_equal(starts[0][1], starts[1][1])


def test_free_filters_of_a_tied_convolution_start_from_motifs():
    layer = RevCompConv1D(2, 12)
    layer.build((None, 60, 4))
    start_filters_from_motifs(layer, [motif(6)], seed=0)
    assert layer.get_weights()[0].shape == (12, 4, 2)
    assert -1 <= layer.get_weights()[1][0] < 0


def test_motifs_fit_a_smaller_margin():
    layer = keras.layers.Conv1D(1, 8, kernel_initializer="zeros")
    layer.build((None, None, 4))
    start_filters_from_motifs(layer, [motif(8)], margin=0, seed=0)
    kernel = layer.get_weights()[0][:, :, 0]
    np.testing.assert_allclose(kernel, motif(8) - 0.25, atol=1e-6)


@pytest.mark.parametrize(
    ("motifs", "message"),
    [
        ([motif(8)] * 6, "no more than the 5 filters .* Received 6 motifs"),
        ([motif(8), motif(25)], "at most 24 long .* motif 1 of length 25"),
        ([motif(8).T], r"shape \(length, 4\).* Received shape \(4, 8\) for motif 0"),
        ([motif(8) * 20], "Received motif 0 with row sums from 20 to 20"),
        ([motif(8), np.zeros((0, 4))], r"Received shape \(0, 4\) for motif 1"),
    ],
)
def test_motifs_that_do_not_fit_are_refused(motifs, message):
    with pytest.raises(ValueError, match=message):
        start_filters_from_motifs(small(), motifs)


def test_an_odd_number_of_tied_channels_is_refused():
    with pytest.raises(ValueError, match="filters=321"):
        rc_danq(filters=321)


def test_the_symmetric_network_refuses_a_length_that_its_pool_does_not_tile():
    with pytest.raises(ValueError, match=r"987 and 1000 .* sequence_length=999"):
        rc_danq(sequence_length=999)
