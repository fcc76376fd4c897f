import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

import zoo
from rckeras.datasets import Dataset
from rckeras.interpret import without_dropout
from zoo import experiment, measures
from zoo.experiment import Run
from zoo.learning import TrainingSettings, compile_learner, resolve_monitor
from zoo.recipes import find_recipe, list_recipes
from zoo.registry import describe

NAMES = list_recipes()

# Koo and Eddy 2019, Table 1, as it is printed.
TABLE_1 = """
CNN-1         0.972±0.001  0.240±0.083  0.007±0.013
CNN-2         0.966±0.000  0.240±0.071  0.007±0.013
CNN-4         0.955±0.002  0.453±0.131  0.127±0.080
CNN-10        0.964±0.007  0.987±0.016  0.973±0.033
CNN-25        0.973±0.001  0.987±0.016  0.980±0.027
CNN-50        0.961±0.011  0.933±0.037  0.920±0.045
CNN-100       0.958±0.012  0.887±0.034  0.880±0.034
CNN9-4        0.954±0.002  0.260±0.039  0.033±0.030
CNN9-25       0.958±0.008  0.993±0.013  0.980±0.016
CNN3-50       0.648±0.008  0.160±0.049  0.000±0.000
CNN3-2        0.968±0.001  0.233±0.067  0.000±0.000
CNN-50-2      0.921±0.012  0.913±0.050  0.893±0.044
CNN19-1-2     0.969±0.002  0.867±0.056  0.747±0.096
CNN-25 (60)   0.972±0.001  0.973±0.013  0.960±0.023
CNN-25 (90)   0.968±0.001  0.940±0.023  0.909±0.028
CNN-25 (120)  0.963±0.001  0.933±0.015  0.887±0.025
"""


@pytest.fixture(params=NAMES)
def recipe(request):
    return find_recipe(request.param)


def target_count(row):
    """The two classes of Brown and Lunter's, or one target, which all others take."""
    return 2 if describe(row.network).family == "brown2018" else 1


def test_recipes_are_listed_and_found_by_name():
    assert len(NAMES) >= 6
    assert [find_recipe(name).name for name in NAMES] == NAMES
    assert list_recipes("koo*") == [name for name in NAMES if name[:3] == "koo"]
    assert list_recipes("nothing*") == []


def test_a_near_name_is_suggested():
    with pytest.raises(ValueError, match="'koo2019-table'; there is koo2019-table1"):
        find_recipe("koo2019-table")
    with pytest.raises(ValueError, match=f"'xyz'; there is {', '.join(NAMES)}"):
        find_recipe("xyz")


def test_importing_recipes_costs_little():
    code = (
        "import sys, zoo.recipes\n"
        "heavy = {'keras', 'tensorflow', 'scipy', 'sklearn', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout == "[]\n"


def test_rows_have_names_and_folders_of_their_own(recipe, tmp_path):
    names = [row.name for row in recipe.rows]
    assert len(set(names)) == len(names) > 0
    folders = {
        str(Run(recipe, "data", row, 0).folder(tmp_path)).lower() for row in recipe.rows
    }
    assert len(folders) == len(names)


def test_a_row_is_found_by_its_name(recipe):
    assert all(recipe.row(row.name) is row for row in recipe.rows)
    with pytest.raises(KeyError, match="no such row"):
        recipe.row("no such row")


def test_networks_and_presets_are_in_the_zoo(recipe):
    for row in recipe.rows:
        assert describe(row.network).name == row.network
        if row.preset is not None:
            assert describe(row.preset).name == row.preset
    presets = [row.preset for row in recipe.rows if row.preset]
    assert len(set(presets)) == len(presets)


def test_a_preset_has_the_network_of_its_row(recipe):
    for row in recipe.rows:
        if row.preset is not None:
            card, base = describe(row.preset), describe(row.network)
            arguments = {**base.arguments, **row.arguments}
            # These two follow the data.
            for name in ("targets", "sequence_length"):
                arguments[name] = card.arguments.get(name)
            assert card.builder == base.builder
            network = zoo.build(row.network, **row.arguments)
            assert network.count_params() >= card.parameter_count
            assert {**arguments, **card.arguments} == arguments


def test_settings_are_valid_and_hold_for_the_networks(recipe):
    for row in recipe.rows:
        settings = Run(recipe, "data", row, 3).settings
        assert settings.seed == 3
        assert settings.strands is not None
        assert settings.n_value is not None
        assert 0 < row.train_share <= 1
        for name, value in row.settings.items():
            assert getattr(settings, name) == value


def test_published_values_and_metrics_have_headings(recipe):
    for row in recipe.rows:
        assert set(row.published) <= set(recipe.metrics)
        for numbers in row.published.values():
            assert 1 <= len(numbers) <= 2
    if recipe.best:
        assert recipe.best[0] in "+-"
        assert recipe.best[1:].startswith("validation_")


def test_every_metric_of_a_table_is_measured(recipe, tmp_path):
    rng = np.random.default_rng(0)
    for row in recipe.rows[:1]:
        run = Run(recipe, "data", row, 0)
        targets = target_count(row)
        bases = run.settings.length or describe(row.network).sequence_length
        labels = rng.integers(0, 2, (40, targets)).astype("uint8")
        labels[:, -1] = 1 - labels[:, 0] if targets == 2 else labels[:, 0]
        dataset = Dataset(
            rng.integers(0, 4, (40, bases)).astype("uint8"),
            labels,
            ("a", "b")[:targets],
            np.repeat([1, 2], 20).astype("uint8"),
        )
        network = zoo.build(
            row.network, targets=targets, sequence_length=bases, **row.arguments
        )
        found = {}
        for measure in recipe.measures:
            function = getattr(measure, "func", measure)
            if function is measures.motif_matches:
                found |= dict.fromkeys(("matched", "matched_relevant"), 0.0)
            else:
                found |= measure(without_dropout(network), dataset, tmp_path)
        assert set(recipe.metrics) <= {*found, *experiment._AFTER}
        assert not recipe.best or recipe.best[1:] in found


def distinct_rows():
    """Networks of all rows, each once."""
    found = {}
    for name in NAMES:
        recipe = find_recipe(name)
        for row in recipe.rows:
            key = row.network, tuple(sorted(map(str, row.arguments.items())))
            found.setdefault(key, (name, row))
    return [
        pytest.param(*value, id=f"{value[0]}: {value[1].name}")
        for value in found.values()
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "row"), distinct_rows())
def test_the_network_of_a_row_can_be_built_and_compared(name, row):
    recipe = find_recipe(name)
    settings = Run(recipe, "data", row, 0).settings
    targets = target_count(row)
    bases = settings.length or describe(row.network).sequence_length
    network = zoo.build(
        row.network, targets=targets, sequence_length=bases, **row.arguments
    )
    labels = np.eye(2, dtype="uint8")[[0, 1], :targets]
    dataset = Dataset(np.zeros((2, bases), "uint8"), labels, ("a", "b")[:targets])
    learner = compile_learner(network, dataset, settings)
    found = resolve_monitor(settings, learner, held_out=True)
    assert found.monitor is not None


def test_the_numbers_of_koo_and_eddy_are_those_of_their_table():
    recipe = find_recipe("koo2019-table1")
    printed = {}
    for line in TABLE_1.strip().splitlines():
        name, *cells = line.rsplit(maxsplit=3)
        numbers = [tuple(float(x) for x in cell.split("±")) for cell in cells]
        metrics = ("test_auroc", "matched", "matched_relevant")
        printed[name.strip()] = dict(zip(metrics, numbers, strict=True))
    rows = {row.name: dict(row.published) for row in recipe.rows}
    # It is in the text alone, below Table 1.
    text = {"matched": (0.147, 0.045), "matched_relevant": (0.0, 0.0)}
    assert rows.pop("CNN-1-1-100") == text
    assert rows == printed
    assert Counter(len(row.settings) for row in recipe.rows) == {0: 17}


def test_a_row_may_have_settings_of_its_own():
    recipe = find_recipe("shrikumar2017-strands")
    settings = [Run(recipe, "simulated", row, 0).settings for row in recipe.rows]
    assert [s.strands for s in settings] == ["forward", "both", "forward"]
    shown = [s.samples_per_epoch * (1 + (s.strands == "both")) for s in settings]
    assert len(set(shown)) == 1


def test_a_recipe_has_the_settings_of_the_paper():
    simulation = find_recipe("shrikumar2017-simulation").settings
    assert simulation == TrainingSettings(
        epochs=500,
        batch_size=500,
        samples_per_epoch=5_000,
        learning_rate=1e-3,
        strands="forward",
        monitor="val_auroc",
        patience=10,
    )
    assert find_recipe("brown2018-simulation").settings == TrainingSettings(
        epochs=50,
        batch_size=32,
        learning_rate=0.01,
        decay=0.0002,
        strands="forward",
        monitor="val_accuracy",
        patience=4,
    )
