"""Published values beside those of the package."""

import dataclasses
import math

import pytest

import zoo
from tuning.cli import main
from zoo import fidelity
from zoo.fidelity import COUNT, compare, compare_results, judge
from zoo.recipes import Row, find_recipe
from zoo.records import append
from zoo.registry import TestVector, Weights

NAME = "shrikumar-sim-rc"
RECIPE = dataclasses.replace(
    find_recipe("brown2018-simulation"),
    name="made-up",
    seeds=10,
    published_errors=False,
    rows=(
        Row("a", NAME, published={"test_accuracy": (0.6, 0.01), "test_auroc": (0.7,)}),
    ),
)


@pytest.fixture
def cards(monkeypatch):
    """Function that leaves networks with these cards alone, and one simulation."""

    def install(*cards):
        by_name = {card.name: card for card in cards}
        monkeypatch.setattr(fidelity, "list_models", lambda: list(by_name))
        monkeypatch.setattr(fidelity, "describe", by_name.__getitem__)

    data = {key: fidelity._DATA[key] for key in ["simulate_shrikumar2017"]}
    monkeypatch.setattr(fidelity, "_DATA", data)
    install(zoo.describe(NAME))
    return install


@pytest.fixture
def no_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("RCKERAS_HOME", str(tmp_path / "cache"))


def verdicts(found, text):
    return [f.verdict for f in found.findings if text in f.what]


def test_what_is_equal_passes(cards, tmp_path, capsys):
    found = compare(results=tmp_path)
    assert found.passed
    assert verdicts(found, COUNT) == ["equal"]
    assert set(verdicts(found, "simulate_")) == {"equal"}
    assert main(["fidelity", "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "| what | published | here | difference | verdict |" in out
    assert f"| {NAME}, {COUNT} | 1,983 | 1,983 | 0 | equal |" in out


def test_wrong_count_is_told_and_fails(cards, tmp_path, capsys):
    cards(dataclasses.replace(zoo.describe(NAME), published={COUNT: 2000}))
    assert main(["fidelity", "--results", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert f"| {NAME}, {COUNT} | 2,000 | 1,983 | -17 | DIFFERS |" in out


def test_wrong_fact_about_data_is_told_and_fails(cards, monkeypatch, tmp_path):
    monkeypatch.setitem(fidelity._DATA, "simulate_shrikumar2017", {"bases": 201})
    found = compare(results=tmp_path)
    assert verdicts(found, "bases") == ["DIFFERS"]
    assert not found.passed


def test_misprint_is_noted(cards, tmp_path):
    cards(zoo.describe("deepsea"))
    (finding,) = (f for f in compare(results=tmp_path).findings if COUNT in f.what)
    assert finding.verdict == "equal"
    assert finding.published.startswith("52,843,119 (")
    assert "155,159,839" in finding.published


def test_missing_results_are_told_as_not_run_and_pass(cards, tmp_path):
    found = compare(results=tmp_path)
    told = verdicts(found, "koo2019-table1: CNN-25, AUROC")
    assert told == verdicts(found, "shrikumar2017-simulation") == ["not run"]
    assert found.passed


def results(folder, accuracies, **more):
    folder.mkdir()
    append(
        folder / "results.csv",
        [
            {"dataset": "d", "row": "a", "seed": seed, "test_accuracy": value, **more}
            for seed, value in enumerate(accuracies)
        ],
    )


def test_results_are_set_beside_the_papers(tmp_path):
    results(tmp_path / "made-up", [0.61, 0.63])
    accuracy, auroc = compare_results(RECIPE, tmp_path)
    assert accuracy.what == "made-up: a, test accuracy"
    assert accuracy.published == "0.600 ± 0.010"
    assert accuracy.here == "0.620 ± 0.014 (n = 2)"
    assert (accuracy.difference, accuracy.verdict) == ("+0.020", "within error")
    assert auroc.verdict == "not run"  # it was not measured


def test_results_far_off_are_outside(tmp_path):
    results(tmp_path / "made-up", [0.66, 0.66], test_auroc=0.8)
    accuracy, auroc = compare_results(RECIPE, tmp_path)
    assert (accuracy.verdict, auroc.verdict) == ("outside", "outside")


def test_errors_of_published_means_are_no_deviations(tmp_path):
    results(tmp_path / "made-up", [0.605])
    row = Row("a", NAME, published={"test_accuracy": (0.6, 0.001)})
    for errors, verdict in ((True, "within error"), (False, "outside")):
        recipe = dataclasses.replace(
            RECIPE, rows=(row,), seeds=4, published_errors=errors
        )
        (finding,) = compare_results(recipe, tmp_path)
        assert finding.verdict == verdict


def test_an_experiment_without_printed_numbers_says_so(tmp_path):
    recipe = dataclasses.replace(RECIPE, rows=(Row("a", NAME),))
    results(tmp_path / "made-up", [0.6])
    (finding,) = compare_results(recipe, tmp_path)
    assert (finding.here, finding.verdict) == ("1 seed", "nothing to compare")


@pytest.mark.parametrize(
    ("difference", "published", "here", "verdict"),
    [
        (0.0189, (0.01, 5), (0.01, 5), "within error"),
        (-0.0189, (0.01, 5), (0.01, 5), "within error"),
        (-0.0199, (0.01, 5), (0.01, 5), "outside"),
        (0.0328, (0.01, 5), (math.nan, 1), "within error"),
        (0.0339, (0.01, 5), (math.nan, 1), "outside"),
        (0.03, (math.nan, 5), (0.01, 2), "outside"),
        (0.0, (math.nan, 10), (math.nan, 1), "no spread to judge by"),
        (0.0004, (0.0, 5), (0.0, 3), "within error"),
    ],
)
def test_verdicts_go_by_the_error_of_the_difference(
    difference, published, here, verdict
):
    assert judge(difference, published, here) == verdict


def test_published_figures_in_no_experiment_are_told(cards, tmp_path):
    cards(zoo.describe("koo-cnn-1-1-100"))
    found = compare(results=tmp_path)
    told = verdicts(found, "koo-cnn-1-1-100, third-layer filters like a JASPAR")
    assert told == ["not run: no experiment of the package measures it"]


def test_ported_outputs_are_compared(cards, shared_data, tmp_path):
    cards(zoo.describe("prdm9"))
    path = shared_data / "prdm9_brown2018_keras2.weights.h5"
    found = compare({"prdm9": path}, results=tmp_path)
    assert verdicts(found, "published weights 'brown2018'") == ["equal"]


def test_ported_outputs_that_differ_fail(cards, shared_data, tmp_path, capsys):
    card = zoo.describe("prdm9")
    vectors = [dataclasses.replace(v, expected=(0.5, 0.5)) for v in card.test_vectors]
    cards(dataclasses.replace(card, test_vectors=tuple(vectors)))
    path = shared_data / "prdm9_brown2018_keras2.weights.h5"
    given = f"prdm9={path}"
    assert main(["fidelity", "--weights", given, "--results", str(tmp_path)]) == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_ported_outputs_are_not_run_without_the_file(cards, no_cache, tmp_path):
    cards(zoo.describe("prdm9"))
    (verdict,) = verdicts(compare(results=tmp_path), "published weights")
    assert verdict == "not run: --weights prdm9=FILE, or --full to download"


def test_weights_of_other_networks_and_missing_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"prdm9\. Received: 'danq'"):
        compare({"danq": tmp_path})
    with pytest.raises(FileNotFoundError, match=r"nowhere\.h5"):
        compare({"prdm9": "nowhere.h5"})


def test_missing_weights_of_the_package_fail(cards, tmp_path):
    weights = Weights("rckeras", "keras3", "nowhere.weights.h5", "MIT")
    vector = TestVector("rckeras", "A" * 200, (0.5,), 1e-5)
    cards(
        dataclasses.replace(
            zoo.describe(NAME), weights=(weights,), test_vectors=(vector,)
        )
    )
    found = compare(results=tmp_path)
    assert verdicts(found, "shipped weights 'rckeras'") == ["DIFFERS"]
    assert "lacks its file" in str(found)
    assert not found.passed


def test_all_of_a_card_is_checked_in_full(cards, tmp_path):
    cards(dataclasses.replace(zoo.describe("koo-cnn-50-2"), published={}))
    found = compare(results=tmp_path, full=True)
    assert verdicts(found, "koo-cnn-50-2, ") == ["equal"] * 3


def test_file_is_written_and_not_replaced_unasked(cards, tmp_path, capsys):
    words = ["fidelity", "--results", str(tmp_path), "-o", str(tmp_path / "a.md")]
    assert main(words) == 0
    assert (tmp_path / "a.md").read_text().startswith("# The package beside the papers")
    assert main(words) == 1
    assert "exists already" in capsys.readouterr().err
    assert main([*words, "--force"]) == 0


def test_malformed_weights_are_wrong_usage(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["fidelity", "--weights", "SavedModel.h5"])
    assert "NETWORK=FILE" in capsys.readouterr().err
