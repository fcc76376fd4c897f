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
    assert "not checked (no source could be reached)" in str(result)
