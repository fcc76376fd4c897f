"""Checks of named networks against their cards."""

from dataclasses import replace

import pytest

import zoo
from zoo import checking

SMALL = [n for n in zoo.list_models() if zoo.describe(n).parameter_count < 1e6]
LARGE = [n for n in zoo.list_models() if n not in SMALL]


@pytest.mark.parametrize("name", SMALL)
def test_network_agrees_with_its_card(name):
    result = zoo.check(name, weights=None)
    assert result.passed, str(result)
    assert len(result.steps) == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_large_network_agrees_with_its_card(name):
    result = zoo.check(name, weights=None)
    assert result.passed, str(result)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("parameters", {"parameter_count": 1}),
        ("strand symmetry", {"strand_symmetry": "none"}),
    ],
)
def test_card_that_is_wrong_fails(monkeypatch, what, change):
    card = replace(zoo.describe("shrikumar-sim-rc"), **change)
    monkeypatch.setattr(checking, "describe", lambda name: card)
    result = zoo.check("shrikumar-sim-rc", weights=None)
    assert not result.passed
    assert f"{what}: FAILED" in str(result)


def test_wrong_output_fails(monkeypatch):
    card = zoo.describe("shrikumar-sim-rc")
    vector = card.test_vectors[0]
    off = replace(vector, expected=tuple(v + 2e-4 for v in vector.expected))
    wrong = replace(card, test_vectors=(off,))
    monkeypatch.setattr(checking, "describe", lambda name: wrong)
    result = zoo.check("shrikumar-sim-rc", weights=None)
    assert "weights 'drawn': FAILED" in str(result)


def test_weights_that_cannot_be_had_are_not_a_failure(monkeypatch):
    def offline(card, weights):
        raise OSError("no source could be reached\nand more")

    monkeypatch.setattr(checking, "locate", offline)
    result = zoo.check("prdm9")
    assert result.passed
    assert "not checked (no source could be reached; and more)" in str(result)


def test_weights_that_cannot_be_had_show_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("RCKERAS_HOME", str(tmp_path))
    monkeypatch.setattr(zoo.store, "urlopen", _refuse)
    monkeypatch.setattr(zoo.store, "_BACKOFF", ())
    (step,) = [s for s in zoo.check("prdm9").steps if s[1] is None]
    assert "refused" in step[2]
    assert f"at {tmp_path}" in step[2]
    assert "\n" not in step[2]


def _refuse(*args, **kwargs):
    raise ConnectionRefusedError("refused")


def test_given_weights_are_loaded_even_if_no_output_is_recorded(tmp_path):
    name = "shrikumar-sim-rc"
    with pytest.raises(FileNotFoundError, match="nowhere"):
        zoo.check(name, weights="nowhere.weights.h5")
    zoo.build("koo-cnn-25").save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(ValueError, match="does not hold"):
        zoo.check(name, weights=tmp_path / "other.weights.h5")
    zoo.build(name).save_weights(tmp_path / "own.weights.h5")
    result = zoo.check(name, weights=tmp_path / "own.weights.h5")
    assert result.passed
    assert "own.weights.h5': not checked (loads (targets: 3); no output" in str(result)


def test_weights_with_other_targets_are_not_compared_with_published_ones(tmp_path):
    zoo.build("prdm9", targets=1).save_weights(tmp_path / "own.weights.h5")
    result = zoo.check("prdm9", weights=tmp_path / "own.weights.h5")
    assert "loads (targets: 1); no output is recorded" in str(result)
