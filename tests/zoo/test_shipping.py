"""Weights of experiments become weights of the package, with their cards."""

import dataclasses
import shutil
import tomllib
from importlib.resources import files
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from rckeras.datasets import simulate_shrikumar2017
from zoo import loading, registry, shipping
from zoo.experiment import Run, protocol_of
from zoo.learning import TrainingSettings
from zoo.loading import locate
from zoo.recipes import Recipe, Row, find_recipe, list_recipes
from zoo.records import append
from zoo.shipping import ship
from zoo.store import ChecksumError

NAME = "shrikumar-sim-rc"
ROOT = Path(zoo.__file__).parents[1]
CARDS = [zoo.describe(name) for name in zoo.list_models()]
DATASET = simulate_shrikumar2017(seed=0, sequences=60)
RECIPE = Recipe(
    name="made-up",
    title="nothing",
    reference="nobody",
    data=lambda path: {"simulated": lambda: DATASET},
    settings=TrainingSettings(epochs=9),
    rows=(
        Row("tied", NAME, preset=NAME),
        Row("free", "shrikumar-sim-20", preset="shrikumar-sim-20"),
        Row("does not ship", "shrikumar-sim-20"),
    ),
    measures=(),
    metrics={"validation_loss": "loss", "test_auroc": "AUROC", "matched": "matched"},
    seeds=3,
    best="-validation_loss",
)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A checkout with cards without shipped weights, which the zoo then reads."""
    package = tmp_path / "checkout" / "zoo"
    shutil.copytree(files("zoo") / "presets", package / "presets")
    for card in package.glob("presets/*.toml"):
        card.write_text(card.read_text().partition(shipping.BEGIN)[0])
    (package.parent / "pyproject.toml").touch()
    for module in (registry, loading):
        monkeypatch.setattr(module, "files", lambda name: package)
    registry._cards.cache_clear()
    yield package
    registry._cards.cache_clear()


@pytest.fixture
def results(tmp_path):
    """Three runs of a row; the one of seed 1 is best, that of seed 2 in the test."""
    folder = tmp_path / "results"
    losses = {0: (0.5, 0.7), 1: (0.4, 0.8), 2: (0.6, 0.9)}
    for seed, (loss, auroc) in losses.items():
        save_run(folder, seed, validation_loss=loss, test_auroc=auroc, matched=0.25)
    return folder


def save_run(folder, seed, row="tied", **metrics):
    run = Run(RECIPE, "simulated", RECIPE.row(row), seed)
    line = {
        **run.keys,
        "best_epoch": 10 + seed,
        **metrics,
        "backend": "any",
        "protocol": protocol_of(run, DATASET),
    }
    place = run.folder(folder)
    place.mkdir(parents=True)
    append(folder / "results.csv", [line])
    model = zoo.build(run.row.network)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(size=w.shape) ** 2 for w in model.get_weights()])
    model.save_weights(place / "network.weights.h5")


def run_weights(folder, seed):
    return Run(RECIPE, "simulated", RECIPE.row("tied"), seed).folder(folder)


def ship_to(package, folder, recipe=RECIPE, **options):
    names = ship(recipe, folder, package=package, **options)
    registry._cards.cache_clear()
    return names


def test_the_seed_that_validation_prefers_is_what_load_gives(
    package, results, monkeypatch
):
    assert ship_to(package, results) == [NAME]
    monkeypatch.setattr(loading, "fetch", None)  # no download
    expected = zoo.build(NAME)
    expected.load_weights(run_weights(results, 1) / "network.weights.h5")
    for value, other in zip(
        zoo.load(NAME).get_weights(), expected.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(value, other)


def test_a_metric_that_is_no_number_is_not_written_to_a_card(package, tmp_path):
    folder = tmp_path / "some"
    save_run(folder, 0, validation_loss=0.5, test_auroc=float("nan"), matched=0.25)
    card = package / "presets" / f"{NAME}.toml"
    before = card.read_text()
    with pytest.raises(ValueError, match="seed 0 of tied has others: auroc"):
        ship_to(package, folder)
    assert card.read_text() == before


def test_the_card_says_where_weights_come_from(package, results):
    ship_to(package, results)
    (weights,) = zoo.describe(NAME).weights
    assert (weights.name, weights.licence, weights.shipped) == ("rckeras", "MIT", True)
    training = weights.training
    assert (training.recipe, training.row) == ("made-up", "tied")
    assert (training.seed, training.seeds, training.epochs) == (1, 3, 11)
    assert training.chosen_by == "lowest validation_loss"
    assert training.metrics == {"auroc": 0.8, "matched": 0.25}
    assert "60 sequences of 200 bases, 24 / 18 / 18" in training.data
    page = str(zoo.describe(NAME))
    for text in ("rckeras reproduce made-up", "seed 1 (that of 3", "test split: auroc"):
        assert text in page


def test_shipped_weights_pass_the_check_and_damaged_ones_do_not(package, results):
    ship_to(package, results)
    result = zoo.check(NAME)
    assert "weights 'rckeras': ok" in str(result)
    assert zoo.check(NAME, weights="rckeras").passed
    path = package / "weights" / f"{NAME}.weights.h5"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ChecksumError, match=r"rc\.weights\.h5 .*sha256"):
        zoo.load(NAME)
    assert "weights 'rckeras': FAILED" in str(zoo.check(NAME))
    path.unlink()
    assert not zoo.check(NAME).passed


def test_own_weights_are_not_taken_for_shipped_ones(package, results, tmp_path):
    ship_to(package, results)
    path = tmp_path / f"{NAME}.weights.h5"
    shutil.copy(run_weights(results, 2) / "network.weights.h5", path)
    assert zoo.load(NAME, weights=path).name == NAME
    assert "no output is recorded" in str(zoo.check(NAME, weights=path))


def test_higher_is_better_if_the_recipe_says_so(package, results):
    recipe = dataclasses.replace(RECIPE, best="+validation_loss")
    ship_to(package, results, recipe)
    assert zoo.describe(NAME).weights[0].training.seed == 2


@pytest.mark.parametrize("best", ["", "-test_loss", "validation_loss"])
def test_seeds_are_not_chosen_by_the_test_split(package, results, best):
    recipe = dataclasses.replace(RECIPE, best=best)
    with pytest.raises(ValueError, match=f"validation split.*{best!r}"):
        ship_to(package, results, recipe)


def test_shipping_again_changes_nothing_and_the_rest_of_a_card_stays(package, results):
    card = package / "presets" / f"{NAME}.toml"
    before = card.read_text()
    ship_to(package, results)
    once = card.read_text()
    ship_to(package, results)
    assert card.read_text() == once
    assert once.startswith(before)


def test_a_card_with_text_behind_the_block_keeps_it():
    old = f"a = 1\n\n{shipping.BEGIN}\nold = 1\n{shipping.END}\n\n[more]\nb = 2\n"
    new = shipping.replace_block(old, "new = 2\n")
    assert new == (
        f"a = 1\n\n[more]\nb = 2\n\n{shipping.BEGIN}\nnew = 2\n{shipping.END}\n"
    )


def test_other_weights_are_replaced_only_by_force(package, results):
    ship_to(package, results)
    card = package / "presets" / f"{NAME}.toml"
    before = card.read_text()
    save_run(results, 3, validation_loss=0.3, test_auroc=0.5, matched=0.0)
    with pytest.raises(ValueError, match=r"holds other weights.*--force"):
        ship_to(package, results)
    assert card.read_text() == before
    ship_to(package, results, force=True)
    assert zoo.describe(NAME).weights[0].training.seed == 3
    assert card.read_text().count("[[weights]]") == 1


def test_results_of_another_protocol_are_refused(package, results):
    recipe = dataclasses.replace(RECIPE, settings=TrainingSettings(epochs=8))
    with pytest.raises(ValueError, match="by another protocol"):
        ship_to(package, results, recipe)
    assert not (package / "weights").exists()


def test_nothing_ships_before_it_has_run(package, tmp_path):
    with pytest.raises(ValueError, match="no result of a row of made-up that ships"):
        ship_to(package, tmp_path)


def test_weights_ship_from_a_checkout_alone(package, results):
    (package.parent / "pyproject.toml").unlink()
    with pytest.raises(FileNotFoundError, match=r"no pyproject\.toml"):
        ship_to(package, results)


def test_missing_weights_are_named(package, results):
    (run_weights(results, 1) / "network.weights.h5").unlink()
    with pytest.raises(FileNotFoundError, match="seed-1"):
        ship_to(package, results)


def test_the_tool_takes_names(monkeypatch, capsys):
    received = []
    monkeypatch.setattr(shipping, "ship", lambda *args: received.append(args) or ["a"])
    assert shipping.main(["koo2019-table1", "folder", "--force"]) == 0
    assert received == [(find_recipe("koo2019-table1"), Path("folder"), True)]
    assert capsys.readouterr().out == "a\n"


@pytest.mark.parametrize("name", list_recipes())
def test_rows_that_ship_name_networks_that_they_fit(name):
    recipe = find_recipe(name)
    for row in recipe.rows:
        if row.preset:
            assert recipe.best[1:].startswith("validation_")
            preset = zoo.build(row.preset)
            targets, length = preset.output_shape[-1], preset.input_shape[1]
            shape = {"targets": targets, "sequence_length": length}
            network = zoo.build(row.network, **{**row.arguments, **shape})
            assert [w.shape for w in network.get_weights()] == [
                w.shape for w in preset.get_weights()
            ]
            keras.backend.clear_session()


def test_weights_and_cards_of_the_package_belong_together():
    named = {
        weights.file for card in CARDS for weights in card.weights if weights.shipped
    }
    folder = files("zoo") / "weights"
    found = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    assert named == found


def test_shipped_weights_are_whole_and_have_a_recorded_output():
    for card in CARDS:
        for weights in (entry for entry in card.weights if entry.shipped):
            assert weights.size
            assert weights.sha256
            assert weights.training is not None
            assert locate(card, weights.name).is_file()
            assert weights.name in {vector.weights for vector in card.test_vectors}


def test_the_wheel_has_all_files_of_the_packages():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "zoo" in wheel["packages"]
    assert not {"exclude", "only-include"} & set(wheel)
    assert ".h5" not in (ROOT / ".gitignore").read_text()  # which Hatch obeys
