"""The joint dataset of many experiments, and the networks trained on it."""

import numpy as np
import pytest

from rckeras.sequence.codes import N_CODE
from tests.zoo.test_recipes_invivo import FASTA, write_deepbind, write_fasta
from zoo import build
from zoo.experiment import Run
from zoo.recipes import find_recipe
from zoo.recipes.encode import FLANK, LEFT_OUT, load_joint, start_from_jaspar


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiments")
    write_deepbind(folder, "SP1_here", seed=1)
    write_deepbind(folder, "USF1_there", seed=2)
    write_deepbind(folder, "YY1_there", seed=2)
    write_fasta(folder, "three", FASTA["lsgkm"])
    return load_joint(folder)


def test_factors_left_out_and_fasta_files_are_no_targets(joint):
    assert joint.targets == ("SP1_here", "USF1_there")
    assert "YY1" in LEFT_OUT


def test_every_second_sequence_has_flanks_and_the_others_n(joint):
    ends = joint.sequences[:, :FLANK], joint.sequences[:, -FLANK:]
    unknown = [(end == N_CODE).all(axis=1) for end in ends]
    np.testing.assert_array_equal(*unknown)
    assert abs(unknown[0].mean() - 0.5) < 0.1
    for end in ends:
        assert not (end[~unknown[0]] == N_CODE).any()
    assert not (joint.sequences[:, FLANK:-FLANK] == N_CODE).any()


@pytest.mark.parametrize("held_out", ["validation", "test"])
def test_nothing_of_validation_and_test_is_trained_on(joint, held_out):
    inner = joint.sequences[:, FLANK:-FLANK]
    seen = {
        row[start : start + 32].tobytes()
        for row in inner[joint.rows("train")]
        for start in range(inner.shape[1] - 31)
    }
    for row in inner[joint.rows(held_out)]:
        assert not seen & {row[i : i + 32].tobytes() for i in range(len(row) - 31)}


@pytest.mark.parametrize("place", [0, 1])
def test_windows_fit_the_networks_and_move_over_stored_bases(joint, place):
    recipe = find_recipe("encode-pretraining")
    run = Run(recipe, "ENCODE", recipe.rows[place], 0)
    settings = run.settings
    assert settings.length + 2 * settings.max_jitter == joint.length
    assert settings.strands == ("forward" if place == 0 else "random")
    network = build(run.row.network, targets=2, sequence_length=settings.length)
    assert network.output_shape == (None, 2)


@pytest.fixture(scope="module")
def transfer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("others")
    write_deepbind(folder, "SP1_here")
    write_deepbind(folder, "YY1_there")
    write_fasta(folder, "short", FASTA["lsgkm"], lengths=(60, 70))
    write_fasta(folder, "long", FASTA["gkmexplain"], lengths=(200, 236, 240))
    return find_recipe("encode-transfer").data(folder)


def test_networks_are_tried_on_what_they_were_not_trained_on(transfer):
    assert list(transfer) == ["YY1_there", "short", "long"]


@pytest.mark.parametrize(
    ("name", "length"), [("YY1_there", 141), ("short", 113), ("long", 239)]
)
def test_windows_tile_the_sequences_of_every_experiment(transfer, name, length):
    dataset = transfer[name]()
    assert dataset.length == length
    row = find_recipe("encode-transfer").rows[0]
    network = build(row.network, targets=1, sequence_length=length)
    assert network.output_shape == (None, 1)


def test_short_sequences_lie_in_the_middle(transfer):
    sequences = transfer["YY1_there"]().sequences
    assert (sequences[:, :20] == N_CODE).all()
    assert (sequences[:, -20:] == N_CODE).all()
    assert not (sequences[:, 20:-20] == N_CODE).any()


def test_rows_differ_in_their_start_alone():
    recipe = find_recipe("encode-transfer")
    starts = [(row.start, row.settings.get("weights")) for row in recipe.rows]
    assert starts[:5] * 3 == starts
    assert starts[:5] == [
        (None, "default"),
        (None, None),
        (None, "default"),
        (None, None),
        (start_from_jaspar, None),
    ]
    assert [row.train_share for row in recipe.rows[::5]] == [0.05, 0.2, 1.0]


def test_first_filters_start_from_motifs_and_the_others_at_random():
    pytest.importorskip("pyjaspar")
    from rckeras.motifs import fetch_jaspar_collection

    network = build("crnn-700-projection-encode", sequence_length=113)
    layer = network.get_layer("conv1")
    before = layer.get_weights()[0]
    start_from_jaspar(network, seed=3)
    kernel, bias = layer.get_weights()
    motif = fetch_jaspar_collection("JASPAR2016")[0].probabilities - 0.25
    windows = np.lib.stride_tricks.sliding_window_view(
        kernel[:, :, 0], len(motif), axis=0
    ).transpose(0, 2, 1)
    assert np.isclose(windows, motif, atol=1e-6).all(axis=(1, 2)).any()
    changed = (kernel != before).any(axis=(0, 1))
    assert changed[:519].all()
    assert not changed[519:].any()
    assert (bias[:519] < 0).all()
