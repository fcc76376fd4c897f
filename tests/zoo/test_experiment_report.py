import dataclasses

import pytest

from zoo.experiment_report import report, table, write_report
from zoo.learning import TrainingSettings
from zoo.recipes import Recipe, Row
from zoo.records import Records, append

RECIPE = Recipe(
    name="tiny",
    title="two networks",
    reference="Nobody 2000, Fig. 1",
    data=lambda path: {},
    settings=TrainingSettings(),
    rows=(
        Row("A", "shrikumar-sim-rc", published={"score": (0.75, 0.02)}),
        Row("B", "shrikumar-sim-20", published={"score": (0.5,)}),
        Row("C", "shrikumar-sim-40"),
    ),
    measures=(),
    metrics={"score": "the score", "gap": "gap"},
    seeds=2,
    differs=("Fewer sequences.", "Other seeds."),
)


def result(row, seed, score, gap=0.0, dataset="one", epochs=2, parameters=1234):
    return {
        **{"dataset": dataset, "row": row, "seed": seed, "epochs": epochs},
        **{"parameters": parameters, "score": score, "gap": gap},
    }


def rows_of(results):
    """The cells of a table by network, and its head."""
    lines = table(RECIPE, Records(results, []))
    cells = [line.strip("| ").split(" | ") for line in lines]
    assert len({len(line) for line in cells}) == 1
    assert all(line.startswith("| ") and line.endswith(" |") for line in lines)
    assert set(cells[1]) == {"---", "--:"}
    head, _, *rest = cells
    return {line[0]: dict(zip(head, line, strict=True)) for line in rest}


def test_only_networks_that_ran_have_a_row_in_the_order_of_the_recipe():
    assert list(rows_of([result("C", 0, 0.5), result("A", 0, 0.5)])) == ["A", "C"]


def test_numbers_are_means_and_deviations_over_seeds():
    scores = (0.7, 0.8, 0.6)
    found = rows_of([result("A", s, score) for s, score in enumerate(scores)])["A"]
    assert found["the score"] == "0.700 ± 0.100 [0.750 ± 0.020]"
    assert found["seeds"] == "3"
    assert found["parameters"] == "1,234"
    assert "datasets" not in found


def test_one_seed_has_no_deviation_and_one_published_number_neither():
    assert rows_of([result("B", 0, 0.25)])["B"]["the score"] == "0.250 [0.500]"


def test_what_is_not_published_has_no_brackets():
    assert rows_of([result("C", 0, 0.25)])["C"]["the score"] == "0.250"


def test_small_numbers_keep_their_size():
    found = rows_of([result("A", 0, 0.0, 1.2e-8), result("A", 1, 0.0, 3.4e-8)])["A"]
    assert found["gap"] == "2.3e-08"
    assert found["the score"].startswith("0.000 ± 0.000")


def test_epochs_are_shown_from_fewest_to_most():
    results = [result("A", 0, 0.5, epochs=7), result("A", 1, 0.5, epochs=30)]
    assert rows_of(results)["A"]["epochs"] == "7-30"
    assert rows_of(results[:1])["A"]["epochs"] == "7"


def test_datasets_are_averaged_before_seeds_are_compared():
    numbers = {("one", 0): 0.1, ("two", 0): 0.9, ("one", 1): 0.3, ("two", 1): 0.9}
    results = [result("A", s, y, dataset=d) for (d, s), y in numbers.items()]
    found = rows_of(results)["A"]
    assert found["the score"] == "0.550 ± 0.071 [0.750 ± 0.020]"
    assert (found["datasets"], found["seeds"]) == ("2", "2")


def test_a_seed_that_lacks_datasets_is_not_counted_yet():
    results = [result("A", 0, score, dataset=d) for d, score in (("x", 0.2), ("y", 1))]
    results.append(result("A", 1, 0.2, dataset="x"))
    found = rows_of(results)["A"]
    assert found["the score"].startswith("0.600 [")
    assert found["seeds"] == "1"


def test_the_report_has_all_that_the_recipe_says():
    recipe = dataclasses.replace(
        RECIPE, remarks=(lambda recipe, records: ["A is better than B."],)
    )
    text = report(recipe, Records([result("A", 0, 0.5)], []))
    assert text.startswith("# tiny: two networks\n\nNobody 2000, Fig. 1.\n\n| network")
    assert "\n\nA is better than B.\n\n" in text
    assert "\n\n- Fewer sequences.\n- Other seeds.\n\n" in text
    assert "`rckeras reproduce tiny`" in text
    assert text.endswith("\n")
    assert "\n\n\n" not in text


def test_the_report_says_if_there_are_several_datasets():
    results = [result("A", 0, 0.5, dataset=name) for name in ("x", "y")]
    assert "Means over the datasets" in report(RECIPE, Records(results, []))
    assert "Means over" not in report(RECIPE, Records(results[:1], []))


def test_table_and_figure_are_written(tmp_path):
    def draw(recipe, records, path):
        path.write_text(f"{recipe.name} {len(records.results)}")

    append(tmp_path / "results.csv", [result("A", 0, 0.5), result("B", 0, 0.5)])
    write_report(dataclasses.replace(RECIPE, figure=draw), tmp_path)
    assert (tmp_path / "figure.svg").read_text() == "tiny 2"
    assert "| B | 1,234 | 1 | 2 |" in (tmp_path / "table.md").read_text("utf-8")
    assert len(list(tmp_path.iterdir())) == 3


def test_a_figure_that_fails_leaves_the_one_before(tmp_path):
    def fail(recipe, records, path):
        path.write_text("half")
        raise RuntimeError

    append(tmp_path / "results.csv", [result("A", 0, 0.5)])
    (tmp_path / "figure.svg").write_text("old")
    with pytest.raises(RuntimeError):
        write_report(dataclasses.replace(RECIPE, figure=fail), tmp_path)
    assert (tmp_path / "figure.svg").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 3


def test_without_results_there_is_no_report(tmp_path):
    write_report(RECIPE, tmp_path)
    assert list(tmp_path.iterdir()) == []
