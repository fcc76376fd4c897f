"""The joint dataset of many experiments, and the networks trained on it."""

import numpy as np
import pytest

from rckeras.sequence.codes import N_CODE
from tests.zoo.test_recipes_invivo import FASTA, write_deepbind, write_fasta
from zoo import build
from zoo.experiment import Run
from zoo.recipes import find_recipe
from zoo.recipes.encode import FLANK, LEFT_OUT, load_joint


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
