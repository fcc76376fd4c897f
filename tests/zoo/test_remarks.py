import math
import sys
from dataclasses import replace
from itertools import combinations, product
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.learning import TrainingSettings
from zoo.recipes import Recipe, Row, find_recipe, list_recipes
from zoo.records import Records
from zoo.remarks import _rank_sum_p, by_dataset, converged, rank_sum, signed_rank

stats = pytest.importorskip("scipy.stats", reason="tests of results need SciPy")

RECIPE = Recipe(
    name="made-up",
    title="made up",
    reference="nobody",
    data=lambda path: {},
    settings=TrainingSettings(monitor="val_accuracy"),
    rows=(Row("A", "koo-cnn-1"), Row("B", "koo-cnn-2")),
    measures=(),
    metrics={"test_accuracy": "accuracy", "test_loss": "loss"},
    seeds=3,
)


def make_records(values, metric="test_accuracy"):
    """Results from values by row, or by row and dataset, in the order of seeds."""
    results = []
    for row, found in values.items():
        datasets = found if isinstance(found, dict) else {"simulated": found}
        results += [
            {"dataset": name, "row": row, "seed": float(seed), metric: value}
            for name, numbers in datasets.items()
            for seed, value in enumerate(numbers)
        ]
    return Records(results, ())


def rank_sum_by_enumeration(better, other):
    """Share of all ways to choose the first sample that give it as large a U.

    U counts the pairs in which the first sample's value is larger, and half of those
    in which both are equal.
    """

    def doubled_u(chosen, rest):
        return sum(2 * (a > b) + (a == b) for a, b in product(chosen, rest))

    values = [*better, *other]
    observed = doubled_u(better, other)
    ways = list(combinations(range(len(values)), len(better)))
    as_large = 0
    for way in ways:
        chosen = [values[index] for index in way]
        rest = [value for index, value in enumerate(values) if index not in way]
        as_large += doubled_u(chosen, rest) >= observed
    return as_large / len(ways)


SAMPLES = st.lists(st.integers(0, 6).map(lambda n: n / 8), min_size=1, max_size=5)


@given(SAMPLES, SAMPLES)
def test_rank_sums_have_the_p_value_of_all_ways_to_deal_them_out(better, other):
    expected = rank_sum_by_enumeration(better, other)
    assert _rank_sum_p(better, other) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("first", "second"), [(10, 10), (50, 50), (3, 40)])
def test_rank_sums_without_ties_have_the_p_value_of_scipy(first, second):
    rng = np.random.default_rng(0)
    better, other = rng.normal(0.4, 1, first), rng.normal(size=second)
    expected = stats.mannwhitneyu(
        better, other, alternative="greater", method="exact"
    ).pvalue
    assert _rank_sum_p(better, other) == pytest.approx(expected, rel=1e-9)


def test_ten_seeds_above_ten_others_have_the_p_value_that_the_paper_prints():
    records = make_records({"A": range(10, 20), "B": range(10)})
    (text,) = rank_sum(RECIPE, records, (("A", "B"),))
    assert f"{_rank_sum_p(range(10, 20), range(10)):.4g}" == "5.413e-06"
    assert text.endswith("| A > B | 10, 10 | 5.4e-06 | 5.4e-06 |")


def test_the_direction_of_a_rank_sum_test_is_that_of_the_metric():
    values = {"A": [0.1, 0.2, 0.3], "B": [0.4, 0.5, 0.6]}
    (text,) = rank_sum(RECIPE, make_records(values), (("A", "B"), ("B", "A")))
    assert text.endswith("| A > B | 3, 3 | 1 | 0.05 |\n| B > A | 3, 3 | 0.05 | 0.05 |")
    losses = replace(RECIPE, metrics={"test_loss": "loss"})
    (text,) = rank_sum(losses, make_records(values, "test_loss"), (("A", "B"),))
    assert text.endswith("| A > B | 3, 3 | 0.05 | 0.05 |")


def test_rank_sums_are_those_of_the_metrics_that_are_asked_for():
    values = {"A": [0.1, 0.2, 0.3], "B": [0.4, 0.5, 0.6]}
    losses = make_records(values, "test_loss").results
    runs = [{**run, "test_auroc": -run["test_loss"]} for run in losses]
    both = replace(RECIPE, metrics={"test_auroc": "AUROC", "test_loss": "loss"})
    found = rank_sum(
        both, Records(runs, ()), (("A", "B"),), ("test_loss", "test_auroc")
    )
    assert ["loss" in found[0], "AUROC" in found[1]] == [True, True]
    assert all(text.endswith("| A > B | 3, 3 | 0.05 | 0.05 |") for text in found)


def test_a_pair_with_fewer_than_three_seeds_each_is_not_tested():
    records = make_records({"A": [0.1, 0.2, 0.3, 0.4], "B": [0.1, 0.2]})
    assert rank_sum(RECIPE, records, (("A", "B"), ("A", "C"))) == []


def test_pairs_that_have_not_both_run_on_a_dataset_are_left_out():
    pairs = (("A", "B"), ("A", "C"))
    records = make_records({"A": {"one": [0.1]}, "B": {"two": [0.1]}})
    assert signed_rank(RECIPE, records, pairs, ("test_accuracy",)) == []


def test_a_seed_counts_in_rank_sums_with_its_mean_over_datasets():
    means = {"A": [0.2, 0.5, 0.6], "B": [0.1, 0.3, 0.4]}
    apart = {
        row: {"one": [v - 0.5 for v in values], "two": [v + 0.5 for v in values]}
        for row, values in means.items()
    }
    texts = [
        rank_sum(RECIPE, make_records(found), (("A", "B"),)) for found in (means, apart)
    ]
    assert texts[0] == texts[1]
    p = rank_sum_by_enumeration(*means.values())
    assert f"| A > B | 3, 3 | {p:.2g} |" in texts[0][0]


def test_rank_sums_are_over_datasets_that_both_have_run_on():
    apart = {"A": {"easy": [0.9] * 3, "hard": [0.4] * 3}, "B": {"hard": [0.5] * 3}}
    (text,) = rank_sum(RECIPE, make_records(apart), (("A", "B"),))
    assert "| A > B | 3, 3 | 1 | 0.05 |" in text


def test_signed_ranks_are_over_seeds_that_both_have_run_with():
    few = {"A": {str(n): [0.5 + n / 100, 0.1] for n in range(6)}}
    few["B"] = {name: values[:1] for name, values in few["A"].items()}
    few["B"] = {name: [values[0] - 0.01] for name, values in few["B"].items()}
    pairs = (("A", "B"),)
    (text,) = signed_rank(RECIPE, make_records(few), pairs, ("test_accuracy",))
    assert "| A > B | 6 | 6 | 0 | +0.01 | 0.016 |" in text


def test_equal_differences_share_a_rank():
    """Though .3 - .2 and .8 - .7 are different numbers."""
    a, b = [0.3, 0.8, 0.4, 0.75, 0.95, 0.8], [0.2, 0.7, 0.5, 0.65, 0.85, 0.7]
    assert len({abs(x - y) for x, y in zip(a, b, strict=True)}) > 1
    values = {
        row: {str(n): [value] for n, value in enumerate(found)}
        for row, found in (("A", a), ("B", b))
    }
    (text,) = signed_rank(
        RECIPE, make_records(values), (("A", "B"),), ("test_accuracy",)
    )
    p = stats.wilcoxon([1, 1, -1, 1, 1, 1], alternative="greater").pvalue
    assert text.endswith(f"| {p:.2g} |")


def medians(values):
    return np.array([median(found) for found in values.values()])


@pytest.mark.parametrize("metric", ["test_accuracy", "test_loss"])
def test_signed_ranks_are_those_of_scipy_over_the_datasets_medians(metric):
    rng = np.random.default_rng(0)
    values = {
        row: {f"set {n}": rng.normal(shift, 1, 3).tolist() for n in range(20)}
        for row, shift in (("A", 0.4), ("B", 0.0))
    }
    records = make_records(values, metric)
    (text,) = signed_rank(RECIPE, records, (("A", "B"),), (metric,))
    a, b = map(medians, values.values())
    side = "less" if metric == "test_loss" else "greater"
    p = stats.wilcoxon(a, b, alternative=side).pvalue
    wins = int((a < b).sum() if metric == "test_loss" else (a > b).sum())
    middle = f"{np.median(a - b):+.2g}"
    assert f"another in {RECIPE.metrics[metric]}?" in text
    assert text.endswith(f"| A > B | 20 | {wins} | {20 - wins} | {middle} | {p:.2g} |")


def test_signed_ranks_have_the_p_value_of_all_signs():
    differences = [0.1, 0.5, -0.2, 0.7, 0.9, -0.3]
    values = {
        "A": {str(n): [value] for n, value in enumerate(differences)},
        "B": {str(n): [0.0] for n in range(len(differences))},
    }
    (text,) = signed_rank(
        RECIPE, make_records(values), (("A", "B"),), ("test_accuracy",)
    )
    ranks = np.argsort(np.argsort(np.abs(differences))) + 1
    observed = ranks[np.array(differences) > 0].sum()
    sums = [np.dot(ranks, signs) for signs in product((0, 1), repeat=len(ranks))]
    p = np.mean(np.array(sums) >= observed)
    assert text.endswith(f"| A > B | 6 | 4 | 2 | +0.3 | {p:.2g} |")


def test_equal_datasets_and_those_of_one_row_alone_do_not_count_in_signed_ranks():
    values = {
        "A": {"1": [0.2], "2": [0.4], "3": [0.6], "4": [0.5], "5": [0.9]},
        "B": {"1": [0.1], "2": [0.2], "3": [0.3], "4": [0.5]},
    }
    (text,) = signed_rank(
        RECIPE, make_records(values), (("A", "B"),), ("test_accuracy",)
    )
    assert text.endswith(f"| A > B | 4 | 3 | 0 | +0.15 | {1 / 8:.2g} |")


@pytest.mark.parametrize("other", [[0.1, 0.2, 0.3], [0.0, 0.2, 0.3]])
def test_fewer_than_three_datasets_with_a_difference_are_not_tested(other):
    values = {
        "A": {str(n): [v] for n, v in enumerate([0.1, 0.2, 0.3])},
        "B": {str(n): [v] for n, v in enumerate(other)},
    }
    (text,) = signed_rank(
        RECIPE, make_records(values), (("A", "B"),), ("test_accuracy",)
    )
    number = sum(a != b for a, b in zip([0.1, 0.2, 0.3], other, strict=True))
    counts = f"| A > B | 3 | {number} | 0 |" if number else "| A > B | 3 | 0 | 0 |"
    assert counts in text
    assert text.endswith("| – |")


def test_runs_have_converged_above_the_middle_between_chance_and_best():
    records = make_records({"A": [0.54, 0.56, 0.58, 0.55], "B": [0.5]})
    curves = {0: [0.6, 0.6], 1: [0.5, 0.55, 0.56, 0.5], 2: [0.56], 3: [0.6]}
    histories = [
        {
            "dataset": "simulated",
            "row": "A",
            "seed": float(seed),
            "epoch": float(epoch),
            "val_accuracy": value,
        }
        for seed, curve in curves.items()
        for epoch, value in enumerate(curve, start=1)
    ]
    (text,) = converged(RECIPE, Records(records.results, histories), 0.5, 0.6)
    head = "Runs above 0.55 in accuracy, halfway between chance and best:"
    assert text.splitlines()[0] == head
    assert text.splitlines()[2:] == [
        "- A: 2 of 4 (50%), after 2.0 epochs on average",
        "- B: 0 of 1 (0%)",
    ]


def test_rows_that_have_not_run_are_left_out_of_those_that_converged():
    (text,) = converged(RECIPE, make_records({"B": [0.6]}), 0.5, 0.6)
    assert text.splitlines()[2:] == ["- B: 1 of 1 (100%)"]


@pytest.mark.parametrize(
    "name", [name for name in list_recipes() if find_recipe(name).remarks]
)
def test_remarks_can_be_made_on_one_seed_of_one_row(name):
    recipe = find_recipe(name)
    keys = {"dataset": "simulated", "row": recipe.rows[0].name, "seed": 0.0}
    records = Records([{**keys, **dict.fromkeys(recipe.metrics, 0.5)}], ())
    found = [text for part in recipe.remarks for text in part(recipe, records)]
    assert all(isinstance(text, str) and text for text in found)


def test_the_smallest_p_value_is_that_of_the_number_of_ways():
    (text,) = rank_sum(
        RECIPE, make_records({"A": [1, 2, 3], "B": [4, 5, 6, 7]}), (("A", "B"),)
    )
    assert text.endswith(f"{1 / math.comb(7, 3):.2g} |")


def test_without_scipy_a_test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    values = {"A": [0.1, 0.2, 0.3], "B": [0.4, 0.5, 0.6]}
    with pytest.raises(ImportError, match=r'pip install "rckeras\[reports\]"'):
        rank_sum(RECIPE, make_records(values), (("A", "B"),))


def test_each_dataset_has_its_medians_beside_what_is_published():
    values = {"A": {"y": [0.5, 0.9, 0.6], "x": [0.25]}, "B": {"x": [0.75]}}
    records = make_records(values)
    losses = [{**run, "test_loss": 1.0} for run in records.results]
    records = replace(records, results=losses)
    accuracy, loss = by_dataset(RECIPE, records, published={"theirs": {"y": 0.99}})
    assert accuracy.splitlines() == [
        "accuracy of each dataset, medians over seeds:",
        "",
        "| network | x | y |",
        "| --- | --: | --: |",
        "| A | 0.2500 | 0.6000 |",
        "| B | 0.7500 |  |",
        "| theirs |  | 0.9900 |",
    ]
    assert "theirs" not in loss
    assert loss.endswith("| B | 1.0000 |  |")


def test_datasets_whose_names_are_longer_are_lines():
    values = {"A": {"y": [0.5], "x": [0.25], "z": [0.75]}, "B": {"x": [0.5]}}
    (table, *_) = by_dataset(RECIPE, make_records(values), shown=["test_accuracy"])
    assert table.splitlines()[2:] == [
        "| dataset | A | B |",
        "| --- | --: | --: |",
        "| x | 0.2500 | 0.5000 |",
        "| y | 0.5000 |  |",
        "| z | 0.7500 |  |",
    ]
