"""The cards: complete, consistent, found by name."""

import importlib
import inspect
import re
from importlib.resources import files

import pytest

import zoo
from zoo.registry import ALPHABETS, TestVector, Weights, unique_ids
from zoo.store import RemoteFile

NAMES = zoo.list_models()

# Trainable parameters that the papers print.
COUNTS = {
    "deepsea": 52_843_119,
    "danq": 46_926_479,
    "danq-jaspar": 67_892_175,
    "crnn-320": 2_727_335,
    "crnn-320-projection": 2_477_479,
    "crnn-700": 3_174_595,
    "crnn-700-projection": 2_547_779,
    "shrikumar-sim-rc": 1_983,
    "shrikumar-sim-20": 2_283,
}

REQUIRED = [
    "deepsea",
    "danq",
    "danq-jaspar",
    "crnn-320",
    "crnn-320-projection",
    "crnn-700",
    "crnn-700-projection",
    "rc-danq",
    "rc-crnn-700-projection",
    "prdm9",
    "brown-sim",
    "shrikumar-sim-rc",
    "shrikumar-sim-20",
    "shrikumar-sim-40",
    "shrikumar-chip-rc",
    "shrikumar-chip",
    "koo-cnn-1",
    "koo-cnn-2",
    "koo-cnn-4",
    "koo-cnn-10",
    "koo-cnn-25",
    "koo-cnn-50",
    "koo-cnn-100",
    "koo-cnn9-4",
    "koo-cnn9-25",
    "koo-cnn3-2",
    "koo-cnn3-50",
    "koo-cnn-50-2",
    "koo-cnn19-1-2",
    "koo-cnn-25-60",
    "koo-cnn-25-90",
    "koo-cnn-25-120",
    "koo-cnn-1-1-100",
]


def test_every_promised_name_has_a_card():
    assert set(REQUIRED) <= set(NAMES)


@pytest.mark.parametrize("name", COUNTS)
def test_cards_state_the_papers_parameter_counts(name):
    card = zoo.describe(name)
    assert card.parameter_count == COUNTS[name]
    assert card.published["trainable parameters"] == COUNTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_card_is_complete(name):
    card = zoo.describe(name)
    assert (files("zoo") / "presets" / f"{name}.toml").is_file()
    assert re.fullmatch(r"[a-z0-9-]+", card.name)
    assert card.description.endswith(".")
    assert card.doi.startswith("10.")
    assert card.citation
    assert card.trained_on
    assert card.sequence_length > 0
    assert card.parameter_count > 0
    assert card.channel_order in ALPHABETS
    assert card.n_value in (0.0, 0.25)
    assert card.strand_symmetry in ("invariant", "none")
    assert len(set(card.targets)) == len(card.targets) > 0
    assert all(id == id.strip() and id.isprintable() for id in card.targets)


@pytest.mark.parametrize("name", NAMES)
def test_builder_has_the_arguments_of_the_card(name):
    card = zoo.describe(name)
    module, function = card.builder.split(":")
    builder = getattr(importlib.import_module(f"zoo.architectures.{module}"), function)
    assert set(card.arguments) <= set(inspect.signature(builder).parameters)


@pytest.mark.parametrize("name", NAMES)
def test_test_vectors_fit_the_network(name):
    card = zoo.describe(name)
    assert any(vector.weights == "drawn" for vector in card.test_vectors)
    known = {"drawn", *(weights.name for weights in card.weights)}
    for vector in card.test_vectors:
        assert isinstance(vector, TestVector)
        assert vector.weights in known
        assert len(vector.sequence) == card.sequence_length
        assert set(vector.sequence) <= set("ACGT")
        assert 1 <= len(vector.expected) <= len(card.targets)
        assert 0 < vector.tolerance <= 1e-4


@pytest.mark.parametrize("name", [n for n in NAMES if zoo.describe(n).weights])
def test_weights_name_source_licence_and_porter(name):
    for weights in zoo.describe(name).weights:
        assert isinstance(weights, Weights)
        assert weights.licence
        importlib.import_module(weights.porter)
        if weights.sources:
            RemoteFile(weights.file, weights.sources)
        else:
            assert (files("zoo") / "weights" / weights.file).is_file()


def test_names_are_listed_in_natural_order_and_filtered():
    assert zoo.list_models("koo-cnn-?") == ["koo-cnn-1", "koo-cnn-2", "koo-cnn-4"]
    koo = zoo.list_models("koo-cnn-*")
    assert koo.index("koo-cnn-4") < koo.index("koo-cnn-10") < koo.index("koo-cnn-100")
    assert zoo.list_models("nothing*") == []


@pytest.mark.parametrize(
    ("typo", "meant"), [("prmd9", "prdm9"), ("danq-jasper", "danq-jaspar")]
)
def test_misspelt_name_suggests_the_near_ones(typo, meant):
    with pytest.raises(ValueError, match=rf"{typo!r}. Did you mean .*{meant}"):
        zoo.describe(typo)


def test_deepsea_has_919_ids_though_54_names_repeat():
    ids = zoo.describe("deepsea").targets
    assert len(ids) == len(set(ids)) == 919
    assert len({id.split(".2")[0] for id in ids}) < 919
    assert sum(re.search(r"\.2$", id) is not None for id in ids) >= 54


def test_ids_of_repeated_names_are_numbered():
    assert unique_ids(["a", "b", "a", "a"]) == ["a", "b", "a.2", "a.3"]


def test_no_other_card_claims_a_printed_count():
    claimed = {n for n in NAMES if "trainable parameters" in zoo.describe(n).published}
    assert claimed == set(COUNTS)


@pytest.mark.parametrize("name", NAMES)
def test_misprints_are_of_published_figures(name):
    card = zoo.describe(name)
    assert set(card.misprints) <= set(card.published)


def test_card_prints_misprints():
    page = str(zoo.describe("deepsea"))
    assert "trainable parameters 52,843,119" in page
    assert "155,159,839" in page


def test_card_prints_what_a_user_asks_for():
    page = str(zoo.describe("danq"))
    for text in ("10.1093/nar/gkw226", "non-commercial", "46,926,479", "AGCT", "0.371"):
        assert text in page


def test_ids_are_unique_whatever_the_names():
    for names in (["a", "a", "a.2"], ["a.2", "a", "a"], ["a"] * 4):
        ids = unique_ids(names)
        assert len(set(ids)) == len(names)


def test_all_names_are_listed_only_where_none_is_near():
    with pytest.raises(ValueError, match="Did you mean danq") as near:
        zoo.describe("damq")
    assert "All names" not in str(near.value)
    with pytest.raises(ValueError, match=r"All names: brown-sim, .*shrikumar"):
        zoo.describe("xyz")


def test_the_card_names_the_reader_of_its_weights():
    assert "read by zoo.porting.keras2" in str(zoo.describe("prdm9"))


def test_what_is_done_to_a_card_reaches_no_other():
    zoo.describe("shrikumar-sim-rc").arguments["filters"] = 2
    assert zoo.describe("shrikumar-sim-rc").arguments.get("filters") != 2


def test_a_file_is_no_name_of_a_network():
    with pytest.raises(ValueError, match=r"mine\.keras is a file, which .*load_model"):
        zoo.load("mine.keras")
