import csv
import math
import multiprocessing

import pytest

from zoo.records import (
    Records,
    append,
    mean_and_spread,
    read_columns,
    read_records,
)


def result(row="A", seed=0, dataset="one", **numbers):
    return {"dataset": dataset, "row": row, "seed": seed, **numbers}


def epochs(*losses, **run):
    return [
        {**result(**run), "epoch": number, "loss": loss}
        for number, loss in enumerate(losses, start=1)
    ]


def test_lines_come_back_as_they_were_written(tmp_path):
    first = result("RC, 5%", 1, score=0.123456, protocol="0a1b2c3d4e5f", backend="jax")
    second = result('"two"', 0, score=1e-9, protocol="12345e678901", backend="torch")
    append(tmp_path / "results.csv", [first])
    append(tmp_path / "results.csv", [second])
    append(tmp_path / "histories.csv", epochs(0.5, 0.25))
    found = read_records(tmp_path)
    assert found.results == [first, second]
    assert found.histories == epochs(0.5, 0.25)


def test_names_that_look_like_numbers_stay_names(tmp_path):
    line = result("1e3", dataset="inf", protocol="123456789012", backend="nan")
    append(tmp_path / "results.csv", [line])
    assert read_records(tmp_path).results == [line]


def test_numbers_that_are_none_are_kept(tmp_path):
    append(tmp_path / "results.csv", [result(score=math.nan)])
    assert math.isnan(read_records(tmp_path).results[0]["score"])


def test_six_digits_are_written(tmp_path):
    append(tmp_path / "results.csv", [result(score=1 / 3, parameters=12_345_678)])
    text = (tmp_path / "results.csv").read_text()
    assert text == "dataset,row,seed,score,parameters\none,A,0,0.333333,12345678\n"


def test_a_folder_without_files_has_no_results(tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path):
        found = read_records(folder)
        assert found.results == found.histories == found.datasets() == []
    assert read_columns(tmp_path / "results.csv") == []
    (tmp_path / "results.csv").touch()
    assert read_records(tmp_path).results == []
    append(tmp_path / "results.csv", [result()])
    assert read_records(tmp_path).results == [result()]


def test_other_columns_are_refused(tmp_path):
    path = tmp_path / "results.csv"
    append(path, [result(score=1.0)])
    before = path.read_bytes()
    words = r"results\.csv has the columns dataset, row, seed, score, and .*, marks are"
    with pytest.raises(ValueError, match=words):
        append(path, [result(marks=1.0)])
    assert path.read_bytes() == before


@pytest.mark.parametrize("line", ["one,A,1", "one,A,1,0.5,2", "one,A,1,high"])
def test_a_line_that_is_damaged_is_named(tmp_path, line):
    path = tmp_path / "results.csv"
    append(path, [result(score=1.0)])
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(ValueError, match=r"results\.csv:3: .*; remove the lines of"):
        read_records(tmp_path)


def test_a_run_that_is_written_twice_counts_once(tmp_path):
    for losses in ((0.9, 0.8, 0.7), (0.5, 0.4)):
        append(tmp_path / "histories.csv", epochs(*losses))
        append(tmp_path / "histories.csv", epochs(1.0, row="B"))
        append(tmp_path / "results.csv", [result(score=losses[-1])])
    found = read_records(tmp_path)
    assert found.results == [result(score=0.4)]
    assert found.curves("A", "loss") == {("one", 0): [0.5, 0.4]}
    assert found.curves("B", "loss") == {("one", 0): [1.0]}


def write_many(path, row):
    for seed in range(20):
        append(path, epochs(*[0.5] * 300, row=row, seed=seed))


def test_several_processes_write_whole_lines(tmp_path):
    context = multiprocessing.get_context("spawn")
    path = tmp_path / "histories.csv"
    processes = [
        context.Process(target=write_many, args=(path, row)) for row in ("A", "B", "C")
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    found = read_records(tmp_path)
    for row in ("A", "B", "C"):
        curves = found.curves(row, "loss")
        assert [key[1] for key in curves] == list(range(20))
        assert set(map(len, curves.values())) == {300}
    with path.open(newline="") as file:
        assert {len(cells) for cells in csv.reader(file)} == {5}


def test_two_headers_are_read_as_one(tmp_path):
    path = tmp_path / "results.csv"
    append(path, [result("A")])
    header = path.read_text().splitlines()[0]
    path.write_text(f"{header}\n{path.read_text()}")
    assert read_records(tmp_path).results == [result("A")]


RUNS = Records(
    [
        result("A", 2, score=0.3),
        result("A", 0, score=0.1),
        result("B", 0, score=0.9),
        result("A", 0, "two", score=0.5),
    ],
    [],
)


def test_values_are_in_the_order_of_seeds():
    assert RUNS.values("A", "score", "one") == [0.1, 0.3]
    assert RUNS.values("A", "score") == [0.1, 0.5, 0.3]
    assert RUNS.values("C", "score") == []
    assert RUNS.datasets() == ["one", "two"]


def test_mean_and_spread_are_those_of_a_sample():
    mean, spread = mean_and_spread([1.0, 2.0, 4.0])
    assert (mean, spread) == pytest.approx((7 / 3, math.sqrt(7 / 3)))
    assert mean_and_spread([2.0])[0] == 2.0
    assert math.isnan(mean_and_spread([2.0])[1])
    assert all(map(math.isnan, mean_and_spread([])))


def test_a_seed_is_whole_once_it_has_run_on_all_datasets_of_its_row():
    runs = [result("A", 1, "x", auc=0.2), result("A", 0, "x", auc=0.4)]
    runs += [result("A", 0, "y", auc=0.6), result("B", 1, "x", auc=0.9)]
    records = Records(runs, [])
    assert records.whole_seeds("A") == [runs[1:3]]
    assert records.by_seed("A", "auc") == [0.5]
    assert records.by_seed("B", "auc") == [0.9]
    assert records.by_seed("C", "auc") == []


def test_rows_are_compared_on_the_datasets_that_all_have_run_on():
    runs = [result("A", 0, name) for name in "xyz"]
    runs += [result("B", 0, name) for name in "zx"] + [result("C", 0, "y")]
    lines = epochs(0.5, row="A", dataset="y") + epochs(0.5, row="B", dataset="x")
    shared = Records(runs, lines).on_shared_datasets(["A", "B"])
    assert [(run["row"], run["dataset"]) for run in shared.results] == [
        ("A", "x"),
        ("A", "z"),
        ("B", "z"),
        ("B", "x"),
    ]
    assert shared.histories == lines[1:]
    assert Records(runs, []).on_shared_datasets([]).results == []
