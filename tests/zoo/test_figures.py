import sys
from dataclasses import replace
from functools import partial
from statistics import fmean, median
from xml.etree import ElementTree

import numpy as np
import pytest

from zoo import figures
from zoo.experiment import Run
from zoo.recipes import find_recipe, list_recipes
from zoo.records import Records, read_records

matplotlib = pytest.importorskip("matplotlib", reason="figures need Matplotlib")

from matplotlib.colors import to_hex  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

MISSING = "predictions are not here"


def make_records(
    recipe, rows=None, seeds=2, datasets=("simulated",), epochs=5, folder=None
):
    """Results of some rows that any recipe could have had."""
    rng = np.random.default_rng(0)
    monitor = recipe.settings.monitor or "val_loss"
    results, histories = [], []
    for row in recipe.rows if rows is None else rows:
        for dataset in datasets:
            for seed in range(seeds):
                keys = {"dataset": dataset, "row": row.name, "seed": float(seed)}
                metrics = {name: rng.random() for name in recipe.metrics}
                results.append({**keys, **metrics, "epochs": float(epochs)})
                for epoch in range(1, epochs + 1):
                    logs = {
                        monitor: rng.random(),
                        monitor.removeprefix("val_"): rng.random(),
                    }
                    histories.append({**keys, "epoch": float(epoch), **logs})
    return Records(results, histories, folder)


def write_strands(recipe, row, folder, points, seed=0):
    """What `zoo.measures.strand_agreement` leaves of a run."""
    place = Run(recipe, "simulated", row, seed).folder(folder)
    place.mkdir(parents=True)
    lines = [f"{a:.6f},{b:.6f}\n" for a, b in points]
    text = "forward,reverse_complement\n" + "".join(lines)
    (place / "strands.csv").write_text(text, encoding="utf-8")


@pytest.fixture
def draw(monkeypatch, tmp_path):
    """Draws a recipe's figure; returns Matplotlib's and the file."""
    kept, save = [], Figure.savefig

    def keep(figure, *args, **kwargs):
        kept.append(figure)
        save(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", keep)

    def draw(recipe, records, function=None):
        path = tmp_path / f"{len(kept)}.svg.part"
        (function or recipe.figure)(recipe, records, path)
        return kept[-1], path

    return draw


def texts(path):
    """All texts of a file, which is read as XML."""
    return [
        "".join(node.itertext()).strip()
        for node in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")
    ]


def lines(axes, marker="None"):
    """Data and colours of the lines with a marker."""
    return [
        ([*map(float, line.get_xdata())], [*map(float, line.get_ydata())], colour(line))
        for line in axes.lines
        if line.get_marker() == marker
    ]


def colour(line):
    return to_hex(line.get_color()).upper()


def shown_name(recipe, row):
    function = getattr(recipe.figure, "func", recipe.figure)
    shared = function in (figures.shrinking_sets, figures.gains)
    return row.name.rpartition(",")[0] if shared else row.name


@pytest.mark.parametrize("name", list_recipes())
def test_a_figure_names_the_rows_that_have_run_and_no_others(name, draw):
    recipe = find_recipe(name)
    rows = recipe.rows[:2]
    found = texts(draw(recipe, make_records(recipe, rows))[1])
    expected = {shown_name(recipe, row) for row in rows}
    assert expected <= set(found)
    others = {shown_name(recipe, row) for row in recipe.rows[2:]} - expected
    assert not others & set(found)


@pytest.mark.parametrize("name", list_recipes())
def test_one_seed_of_one_row_is_enough_for_a_figure(name, draw):
    recipe = find_recipe(name)
    rows = recipe.rows[-1:]
    _, path = draw(recipe, make_records(recipe, rows, seeds=1, epochs=1))
    assert shown_name(recipe, rows[0]) in texts(path)


@pytest.mark.parametrize("name", list_recipes())
def test_a_figure_of_nothing_is_a_figure(name, draw):
    recipe = find_recipe(name)
    assert recipe.title in " ".join(texts(draw(recipe, Records((), ()))[1]))


@pytest.mark.parametrize("name", list_recipes())
def test_the_same_records_give_the_same_bytes_whatever_the_users_style(name, draw):
    recipe = find_recipe(name)
    records = make_records(recipe, recipe.rows[:2])
    first = draw(recipe, records)[1].read_bytes()
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 20}):
        second = draw(recipe, records)[1].read_bytes()
    assert first == second


def test_drawing_takes_no_state_of_pyplots(monkeypatch, draw):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    recipe = find_recipe("koo2019-table1")
    draw(recipe, make_records(recipe, seeds=1))


def test_the_users_style_stays_as_it_is(draw):
    recipe = find_recipe("koo2019-table1")
    before = dict(matplotlib.rcParams)
    draw(recipe, make_records(recipe))
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", list_recipes())
def test_figures_of_all_the_papers_seeds_are_small(name, draw, tmp_path):
    recipe = find_recipe(name)
    rng = np.random.default_rng(0)
    if recipe.name == "shrikumar2017-strands":
        for row in recipe.rows:
            write_strands(recipe, row, tmp_path, rng.random((3000, 2)))
    epochs = recipe.settings.epochs if len(recipe.rows) < 4 else 1
    records = make_records(recipe, seeds=recipe.seeds, epochs=epochs, folder=tmp_path)
    assert draw(recipe, records)[1].stat().st_size < 200_000


def test_coordinates_are_rounded_and_texts_are_not(draw):
    recipe = find_recipe("brown2018-simulation")
    records = make_records(recipe, recipe.rows[:1])
    row = replace(recipe.rows[0], name="12.345678")
    renamed = [{**run, "row": row.name} for run in records.results]
    _, path = draw(replace(recipe, rows=(row,)), Records(renamed, ()))
    assert "12.345678" in texts(path)
    shapes = [node.get("d", "") for node in ElementTree.parse(path).iter()]
    numbers = [word for shape in shapes for word in shape.split() if "." in word]
    assert numbers
    assert max(len(number.partition(".")[2]) for number in numbers) <= 2


def test_shares_and_aurocs_stand_beside_those_of_the_paper(draw):
    recipe = find_recipe("koo2019-table1")
    records = make_records(recipe)
    figure, _ = draw(recipe, records)
    left, right = figure.axes
    for axes, metrics in (
        (left, ("matched", "matched_relevant")),
        (right, ("test_auroc",)),
    ):
        dots = [(x, y) for (x,), (y,), _ in lines(axes, "o")]
        marks = [(x, y) for (x,), (y,), _ in lines(axes, "D")]
        wanted = [(m, n, row) for m in metrics for n, row in enumerate(recipe.rows)]
        assert [x for x, _ in dots] == [
            fmean(records.values(row.name, metric)) for metric, _, row in wanted
        ]
        assert [round(y) for _, y in dots] == [place for _, place, _ in wanted]
        printed = [
            (row.published[metric][0], place)
            for metric, place, row in wanted
            if metric in row.published
        ]
        assert [(x, round(y)) for x, y in marks] == printed
        assert len(lines(axes)) == len(dots)
        for (metric, _, row), (x, _, _) in zip(wanted, lines(axes), strict=True):
            values = records.values(row.name, metric)
            assert x == [min(values), max(values)]
    assert left.get_ylim() == (len(recipe.rows) - 0.5, -0.5)


def test_curves_need_no_history(draw):
    recipe = find_recipe("shrikumar2017-simulation")
    assert not lines(draw(recipe, make_records(recipe, epochs=0))[0].axes[0])


def test_metrics_have_a_panel_each_with_means_and_the_papers_values(draw):
    recipe = replace(find_recipe("koo2019-table1"), figure=figures.metrics)
    records = make_records(recipe)
    figure, path = draw(recipe, records)
    for axes, (metric, label) in zip(figure.axes, recipe.metrics.items(), strict=True):
        assert axes.get_xlabel() == label
        assert [x for (x,), _, _ in lines(axes, "o")] == [
            fmean(records.values(row.name, metric)) for row in recipe.rows
        ]
        assert [(x, y) for (x,), (y,), _ in lines(axes, "D")] == [
            (row.published[metric][0], place)
            for place, row in enumerate(recipe.rows)
            if metric in row.published
        ]
    assert "paper" in texts(path)


@pytest.mark.parametrize(
    "function", [figures.metrics, figures.learning_curves, figures.accuracies]
)
def test_the_key_has_no_mark_of_the_paper_where_it_prints_nothing(function, draw):
    recipe = find_recipe("shrikumar2017-simulation")
    _, path = draw(recipe, make_records(recipe), function)
    assert "paper" not in texts(path)


def test_a_run_that_has_ended_counts_in_curves_with_its_last_value(draw):
    recipe = find_recipe("shrikumar2017-simulation")
    row = recipe.rows[0]
    keys = {"dataset": "simulated", "row": row.name}
    logged = {0: [0.5, 0.7], 1: [0.6, 0.8, 0.9]}
    histories = [
        {**keys, "seed": seed, "epoch": n, "val_auroc": v, "auroc": v + 0.01}
        for seed, curve in logged.items()
        for n, v in enumerate(curve, start=1)
    ]
    results = make_records(recipe, [row]).results
    left, right = draw(recipe, Records(results, histories))[0].axes
    training, validation = lines(left)
    means = [0.55, 0.75, 0.8]
    assert validation[0] == training[0] == [1, 2, 3]
    np.testing.assert_allclose(validation[1], means)
    np.testing.assert_allclose(training[1], np.add(means, 0.01))
    assert [line.get_linestyle() for line in left.lines] == [":", "-"]
    band = left.collections[0].get_paths()[0].vertices
    assert {(2, 0.7), (2, 0.8), (3, 0.7), (3, 0.9)} <= set(map(tuple, band))
    metrics = [x for (x,), _, _ in lines(right, "o")]
    assert metrics == [
        fmean(run[metric] for run in results) for metric in recipe.metrics
    ]


def test_long_curves_are_thinned_and_keep_their_last_epoch(draw):
    recipe = find_recipe("shrikumar2017-simulation")
    records = make_records(recipe, recipe.rows[:1], seeds=1, epochs=499)
    epochs, values, _ = lines(draw(recipe, records)[0].axes[0])[1]
    curve = records.curves(recipe.rows[0].name, "val_auroc")["simulated", 0]
    assert len(epochs) <= 201
    assert (epochs[0], epochs[-1]) == (1, 499)
    assert values == [curve[int(epoch) - 1] for epoch in epochs]


@pytest.mark.parametrize("datasets", [("one",), ("one", "two", "three")])
def test_lines_of_shrinking_sets_join_the_medians_of_their_dots(datasets, draw):
    recipe = find_recipe("shrikumar2017-shrinking")
    family = [row for row in recipe.rows if row.network == "shrikumar-sim-rc"]
    records = make_records(recipe, family[::2], seeds=4, datasets=datasets)
    for axes, metric in zip(
        draw(recipe, records)[0].axes, list(recipe.metrics)[:2], strict=True
    ):
        dots = [
            [median(records.values(row.name, metric, dataset)) for dataset in datasets]
            if len(datasets) > 1
            else records.values(row.name, metric)
            for row in family[::2]
        ]
        assert [values for _, values, _ in lines(axes, "o")] == dots
        ((shares, middles, _),) = lines(axes)
        assert shares == [row.train_share for row in family[::2]]
        assert middles == [median(values) for values in dots]


def test_a_network_of_shrinking_sets_has_one_line_and_one_colour(draw):
    recipe = find_recipe("shrikumar2017-shrinking")
    figure, _ = draw(recipe, make_records(recipe))
    drawn = lines(figure.axes[0])
    assert len(drawn) == len({colour for _, _, colour in drawn}) == 3
    assert all(len(shares) == 7 for shares, _, _ in drawn)


def test_gains_are_differences_to_the_first_network_dataset_by_dataset(draw):
    recipe = find_recipe("invivo-strands")
    rows = [row for row in recipe.rows if row.train_share == 1][:3]
    records = make_records(recipe, rows, seeds=3, datasets=("one", "two", "three"))
    (axes,) = draw(recipe, records)[0].axes
    start = records.by_dataset(rows[0].name, "test_auroc")
    expected = []
    for metric in ("test_auroc", "conjoined_auroc"):
        for row in rows:
            found = records.by_dataset(row.name, metric)
            differences = [found[key] - start[key] for key in start]
            expected += [differences] * any(differences)
    dots = [values for values, _, _ in lines(axes, "o") if values]
    bars = [values for values, _, _ in lines(axes) if len(values) == 2]
    assert dots == expected
    middles = [[median(values)] * 2 for values in expected]
    assert [bar for bar in bars if bar in middles] == middles


def test_networks_that_are_as_good_afterwards_gain_once(draw):
    recipe = find_recipe("invivo-strands")
    records = make_records(recipe, recipe.rows[:2], datasets=("one", "two"))
    same = [{**run, "conjoined_auroc": run["test_auroc"]} for run in records.results]
    (axes,) = draw(recipe, replace(records, results=same))[0].axes
    dots = [values for values, _, _ in lines(axes, "o") if values]
    assert len(dots) == 1


def test_shares_stand_beside_gains_if_several_have_run(draw):
    recipe = find_recipe("invivo-strands")
    left, right = draw(recipe, make_records(recipe, datasets=("one", "two")))[0].axes
    shared = {row.name for row in recipe.rows if row.train_share < 1}
    assert len(lines(right)) == len({name.rpartition(",")[0] for name in shared})
    assert len(left.get_yticks()) == sum(row.train_share == 1 for row in recipe.rows)


def test_metrics_that_share_a_panel_are_told_apart_by_colour(draw):
    recipe = find_recipe("strategies-simulation")
    figure, path = draw(recipe, make_records(recipe, seeds=2))
    both, flipped = figure.axes
    assert len({colour for _, _, colour in lines(both, "o")}) == 2
    assert len({colour for _, _, colour in lines(flipped, "o")}) == 1
    assert recipe.metrics["conjoined_auroc"] in texts(path)


def test_a_scatter_shows_at_most_a_thousand_of_the_runs_predictions(draw, tmp_path):
    recipe = find_recipe("shrikumar2017-strands")
    few, many, _ = recipe.rows
    rng = np.random.default_rng(0)
    written = [rng.random((number, 2)).round(6) for number in (7, 3000)]
    for row, points in zip((few, many), written, strict=True):
        write_strands(recipe, row, tmp_path, points, seed=1)
    figure, path = draw(recipe, make_records(recipe, folder=tmp_path))
    for axes, points, number in zip(figure.axes, written, (7, 1000), strict=False):
        drawn = axes.patches[0].get_path().vertices[::2]
        assert len(drawn) == number
        assert set(map(tuple, drawn)) <= set(map(tuple, points))
    assert texts(path).count(MISSING) == 1


def test_a_scatter_draws_every_point_in_the_file(draw, tmp_path):
    recipe = find_recipe("shrikumar2017-strands")
    row = recipe.rows[0]
    rng = np.random.default_rng(0)
    write_strands(recipe, row, tmp_path, rng.random((500, 2)))
    records = make_records(recipe, [row], folder=tmp_path)
    shapes = [
        n.get("d", "") for n in ElementTree.parse(draw(recipe, records)[1]).iter()
    ]
    assert max(shape.count("M") for shape in shapes) == 500
    assert max(shape.count("L") for shape in shapes) == 500


@pytest.mark.parametrize("known", [False, True])
def test_a_scatter_says_where_predictions_are_missing(known, draw, tmp_path):
    recipe = find_recipe("shrikumar2017-strands")
    records = make_records(recipe, folder=tmp_path if known else None)
    assert texts(draw(recipe, records)[1]).count(MISSING) == len(recipe.rows)


def test_accuracies_show_each_seed_their_mean_the_papers_and_the_best(draw):
    recipe = find_recipe("brown2018-simulation")
    records = make_records(recipe, seeds=5)
    figure, path = draw(recipe, records)
    (axes,) = figure.axes
    seeds = [values for values, _, _ in lines(axes, "o")]
    expected = [records.values(row.name, "test_accuracy") for row in recipe.rows]
    assert seeds == expected
    *means, best = [x for x, _, _ in lines(axes)]
    assert means == [[fmean(values)] * 2 for values in expected]
    assert best == [0.64, 0.64]
    assert [x for x, _, _ in lines(axes, "D")] == [[0.592], [0.604], [0.560]]
    assert "best possible" in texts(path)


def test_accuracies_on_several_datasets_are_their_medians_over_seeds(draw):
    recipe = find_recipe("brown2018-simulation")
    datasets = "one", "two", "three"
    records = make_records(recipe, recipe.rows[:1], seeds=3, datasets=datasets)
    figure, path = draw(recipe, records)
    ((found, _, _),) = lines(figure.axes[0], "o")
    name = recipe.rows[0].name
    assert found == [
        median(records.values(name, "test_accuracy", dataset)) for dataset in datasets
    ]
    assert "a dataset" in texts(path)


def test_accuracies_without_a_known_best_have_no_line_for_it(draw):
    recipe = find_recipe("brown2018-simulation")
    function = partial(figures.accuracies, best=None)
    _, path = draw(recipe, make_records(recipe), function)
    assert "best possible" not in texts(path)


def test_without_matplotlib_a_figure_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    recipe = find_recipe("koo2019-table1")
    with pytest.raises(ImportError, match=r'pip install "rckeras\[reports\]"'):
        recipe.figure(recipe, make_records(recipe), tmp_path / "figure.svg")
    assert not list(tmp_path.iterdir())


def test_records_that_are_read_know_their_folder(tmp_path):
    assert read_records(tmp_path).folder == tmp_path
