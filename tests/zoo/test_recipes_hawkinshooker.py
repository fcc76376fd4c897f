import inspect
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from tests.rckeras.datasets.bundle import save_bundle
from zoo import build, describe
from zoo.recipes import find_recipe, list_recipes

DEEPSEA = (
    "hawkinshooker2018-first-layer-deepsea",
    "hawkinshooker2018-crnn-deepsea",
    "koo2019-deepsea",
)

# Hawkins-Hooker et al. 2018, Table 1: test loss and test AUPRC.
TABLE_1 = {
    "DeepSEA": (0.0554, 0.343),
    "DanQ": (0.0538, 0.371),
    "DanQ-JASPAR": (0.0533, 0.379),
    "CRNN-320-projection": (0.0532, 0.383),
    "CRNN-320": (0.0540, 0.375),
    "CRNN-700-projection": (0.0526, 0.391),
    "CRNN-700": (0.0533, 0.385),
}


@pytest.mark.parametrize("kind", ["", "-deepsea"])
def test_first_layers_come_with_and_without_projection_and_dropout(kind):
    rows = find_recipe(f"hawkinshooker2018-first-layer{kind}").rows
    assert len({row.name for row in rows}) == len(rows) == 2 * 4 * 4
    drawn = [
        (
            row.network,
            np.ravel(row.arguments["filters"])[0],
            row.arguments["projection"] is None,
            row.arguments["dropout"],
        )
        for row in rows
    ]
    assert len(set(drawn)) == len(rows)
    assert {dropout for *_, dropout in drawn} == {None, 0.2}
    sizes = {300, 500, 750, 1000} if kind else {32, 64, 128, 256}
    assert {size for _, size, *_ in drawn} == sizes


@pytest.mark.parametrize(
    "row", find_recipe("hawkinshooker2018-first-layer").rows[:4], ids=lambda r: r.name
)
def test_names_of_rows_say_what_is_in_the_network(row):
    model = build(row.network, targets=50, sequence_length=200, **row.arguments)
    layers = {layer.name for layer in model.layers}
    assert ("projection" in layers) == ("projection" in row.name)
    assert ("dropout1" in layers) == ("dropout" in row.name)


@pytest.mark.parametrize(
    "row", find_recipe("hawkinshooker2018-crnn").rows, ids=lambda row: row.name
)
def test_small_networks_fit_the_simulated_sequences(row):
    model = build(row.network, targets=50, sequence_length=200, **row.arguments)
    assert model.output_shape == (None, 50)
    whole = describe(row.network).parameter_count
    assert model.count_params() < whole / 8


@pytest.mark.parametrize("name", list_recipes("*-deepsea"))
def test_arguments_are_those_of_the_builder(name):
    for row in find_recipe(name).rows:
        module, function = describe(row.network).builder.split(":")
        builder = getattr(import_module(f"zoo.architectures.{module}"), function)
        assert set(row.arguments) <= set(inspect.signature(builder).parameters)


def test_there_is_a_recipe_for_each_study_of_deepsea():
    assert set(list_recipes("*-deepsea")) == set(DEEPSEA)
    for name in DEEPSEA:
        assert "rckeras data deepsea" in find_recipe(name).needs


def test_table_1_is_the_papers():
    rows = find_recipe("hawkinshooker2018-crnn-deepsea").rows
    printed = {
        row.name: tuple(
            row.published[metric][0] for metric in ("test_loss", "test_auprc")
        )
        for row in rows
    }
    assert printed == TABLE_1


def test_the_papers_networks_are_those_of_their_cards():
    for row in find_recipe("hawkinshooker2018-crnn-deepsea").rows:
        published = describe(row.network).published
        printed = published.get("test AUPRC, strands averaged")
        if printed is not None:
            assert (printed,) == row.published["test_auprc"]


def test_table_2_of_koo_and_eddy_is_read_number_by_number():
    row = find_recipe("koo2019-deepsea").row("CNN-25 (90)")
    assert row.network == "koo-cnn-25-90"
    assert row.published == {
        "test_auroc": (0.919, 0.001),
        "test_auprc": (0.628, 0.005),
        "matched": (0.940, 0.023),
        "matched_relevant": (0.909, 0.028),
    }


@pytest.mark.parametrize("name", list_recipes("hawkinshooker2018-*"))
def test_simulated_data_are_not_taken_for_deepseas(name):
    recipe = find_recipe(name)
    if not recipe.needs:
        assert "not DeepSEA's" in recipe.title
        assert "not DeepSEA's" in recipe.differs[0]


@pytest.fixture
def bundle(tmp_path):
    """A dataset of the layout of DeepSEA's, converted from a small bundle."""
    from rckeras.datasets import convert_deepsea

    folder = tmp_path / "bundle"
    save_bundle(folder, rows=(40, 30, 30), length=1000, targets=919)
    path = tmp_path / "deepsea.h5"
    convert_deepsea(folder, path)
    return path


def test_the_in_vivo_set_holds_sequences_with_one_of_twelve_labels(bundle):
    from rckeras.datasets import load_dataset
    from rckeras.datasets.koo2019 import IN_VIVO_TARGETS

    (load,) = find_recipe("koo2019-deepsea").data(bundle).values()
    dataset = load()
    assert dataset.targets == tuple(IN_VIVO_TARGETS)
    assert dataset.labels.any(axis=1).all()
    whole = load_dataset(bundle)
    labels = np.asarray(whole.labels)[:, list(IN_VIVO_TARGETS.values())]
    bound = labels.any(axis=1)
    assert (dataset.labels == labels[bound]).all()
    assert (dataset.sequences == whole.sequences[bound]).all()
    assert (dataset.splits == whole.splits[bound]).all()


@pytest.mark.parametrize(
    ("name", "row", "arguments"),
    [
        (
            "hawkinshooker2018-first-layer-deepsea",
            "CNN 300, projection, dropout",
            {"filters": (8, 4, 4), "projection": 6, "hidden_units": 8},
        ),
        (
            "hawkinshooker2018-crnn-deepsea",
            "CRNN-320-projection",
            {"filters": 8, "projection": 4, "second_filters": 4, "units": 3},
        ),
        ("koo2019-deepsea", "CNN-25", {"filters": (4, 4), "hidden_units": 8}),
    ],
)
@pytest.mark.slow
def test_deepseas_data_are_run_from_file_to_results(
    tmp_path, monkeypatch, bundle, name, row, arguments
):
    pytest.importorskip("sklearn")
    if name.startswith("koo"):
        pytest.importorskip("pyjaspar")
    from zoo.experiment import reproduce
    from zoo.records import read_records

    recipe = find_recipe(name)
    small = replace(recipe.row(row), arguments=arguments)
    recipe = replace(
        recipe,
        rows=(small,),
        settings=replace(recipe.settings, epochs=1, batch_size=20),
    )
    monkeypatch.setattr("zoo.experiment.find_recipe", lambda name: recipe)
    reproduce(name, tmp_path / "out", data=bundle, progress=False)
    (line,) = read_records(tmp_path / "out").results
    assert line["row"] == row
    for metric in recipe.metrics:
        assert line[metric] >= 0
    report = (tmp_path / "out" / "table.md").read_text()
    assert row in report


@pytest.mark.slow
def test_simulated_data_are_run_to_results(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    pytest.importorskip("pyjaspar")
    from functools import partial

    from rckeras.datasets import simulate_hawkinshooker2018
    from zoo.experiment import reproduce
    from zoo.records import read_records

    few = partial(simulate_hawkinshooker2018, sequences=600, motifs=5)
    recipe = find_recipe("hawkinshooker2018-crnn")
    recipe = replace(
        recipe,
        data=lambda path: {"simulated": few},
        settings=replace(recipe.settings, epochs=1),
    )
    monkeypatch.setattr("zoo.experiment.find_recipe", lambda name: recipe)
    row = "CRNN-80, projection"
    reproduce(recipe.name, tmp_path, rows=[row], progress=False)
    (line,) = read_records(tmp_path).results
    assert 0 <= line["test_auprc"] <= 1
