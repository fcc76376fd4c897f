import csv
import subprocess
import sys
from dataclasses import replace

import pytest

import rckeras
import zoo
from tests.tuning.made_up import FACTS, TRIALS, make_search
from tuning.results import read_search
from tuning.trials import Trial


@pytest.fixture
def found(tmp_path):
    return read_search(make_search(tmp_path / "search"))


def test_a_search_is_read_without_keras(tmp_path):
    folder = make_search(tmp_path / "search")
    code = (
        "import sys\n"
        "from tuning.results import read_search\n"
        "print(read_search(sys.argv[1]))\n"
        "assert not {'keras', 'keras_tuner', 'rckeras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)


def test_a_folder_without_a_search_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing holds no search: .*\.json"):
        read_search(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("direction", "order"), [("max", ["3", "0", "1"]), ("min", ["1", "0", "3"])]
)
def test_the_best_score_comes_first(tmp_path, direction, order):
    found = read_search(make_search(tmp_path / direction, direction=direction))
    assert [trial.trial for trial in found.ranked()] == order
    assert found.best().trial == order[0]


def test_of_equal_scores_the_earlier_trial_comes_first(tmp_path):
    trials = [Trial(name, "done", {}, 0.5) for name in ("b", "a")]
    found = read_search(make_search(tmp_path / "search", trials, direction="min"))
    assert [trial.trial for trial in found.ranked()] == ["b", "a"]


def test_without_a_trial_that_is_done_the_first_cause_is_told(tmp_path):
    trials = [trial for trial in TRIALS if trial.score is None]
    found = read_search(make_search(tmp_path / "search", trials))
    with pytest.raises(ValueError, match=r"no trial of .*search is done: long$"):
        found.best()


def test_the_table_has_a_column_for_each_hyperparameter_that_varies(tmp_path):
    trials = [t for t in TRIALS if t.status == "done"]
    found = read_search(make_search(tmp_path / "search", trials))
    header, first, *_ = str(found).splitlines()
    assert header == "TRIAL  VAL_AUROC        PARAMETERS  TIME  revcomp  filters"
    assert first == "3      0.9000 ± 0.0141  -           0 s   True     16"


def test_under_the_table_is_told_how_trials_ended(found):
    assert found.table().splitlines()[-1] == "3 done, 1 pruned, 1 failed"


def test_the_table_shows_so_many_trials_as_are_asked_for(found):
    assert len(found.table(2).splitlines()) == 1 + 2 + 1
    assert len(found.table().splitlines()) == 1 + 3 + 1


def test_a_search_without_trials_has_a_table_too(tmp_path):
    assert str(read_search(make_search(tmp_path, []))) == "no trials\n"


def test_a_value_that_a_trial_lacks_is_a_dash(tmp_path):
    trials = [
        Trial("0", "done", {"layers": 1}, 0.5, parameters=1234, seconds=90),
        Trial("1", "done", {"layers": 2, "inner": 4}, 0.4, seconds=7200),
    ]
    rows = str(read_search(make_search(tmp_path, trials))).splitlines()
    assert rows[0].split()[-2:] == ["layers", "inner"]
    assert rows[1].split() == ["0", "0.5000", "1,234", "90", "s", "1", "-"]
    assert rows[2].split() == ["1", "0.4000", "-", "2.0", "h", "2", "4"]


def test_what_hyperband_keeps_among_the_values_is_no_hyperparameter(tmp_path):
    trials = [
        Trial(str(n), "done", {"filters": n, "tuner/epochs": n}, n) for n in (1, 2)
    ]
    found = read_search(make_search(tmp_path, trials))
    assert found.names() == found.names(varying=True) == ["filters"]


def test_the_leaderboard_has_every_trial_with_every_value(found, tmp_path):
    found.write_leaderboard(tmp_path / "leaderboard.csv")
    with (tmp_path / "leaderboard.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["trial"] for line in lines] == ["3", "0", "1", "2", "4"]
    assert [line["rank"] for line in lines] == ["1", "2", "3", "", ""]
    assert lines[0] == {
        "rank": "1",
        "trial": "3",
        "status": "done",
        "val_auroc": "0.9",
        "spread": "0.0141",
        "parameters": "",
        "epochs": "",
        "seconds": "0",
        "revcomp": "True",
        "filters": "16",
        "pool": "4",
        "reason": "",
    }
    assert [line["reason"] for line in lines[3:]] == ["long", "no room"]


def test_tables_have_what_else_was_measured(tmp_path):
    trials = [
        Trial("0", "done", {"pool": 4}, 0.5, measured={"matched": 0.25, "other": 1}),
        Trial("1", "failed", {"pool": 2}),
    ]
    metrics = {"matched": "filters that match"}
    found = read_search(make_search(tmp_path, trials, metrics=metrics))
    assert "MATCHED" in found.table()
    assert "0.2500" in found.table()
    assert "OTHER" not in found.table()
    found.write_leaderboard(tmp_path / "leaderboard.csv")
    with (tmp_path / "leaderboard.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["matched"] for line in lines] == ["0.25", ""]


def test_numbers_of_the_leaderboard_are_not_rounded(tmp_path):
    rate = 0.00123456789
    found = read_search(make_search(tmp_path, [Trial("0", "done", {"rate": rate}, 1)]))
    found.write_leaderboard(tmp_path / "leaderboard.csv")
    assert repr(rate) in (tmp_path / "leaderboard.csv").read_text()
    assert "0.001235" not in found.table()  # it does not vary


@pytest.mark.parametrize(
    ("score", "text"),
    [(0.91239, "0.9124"), (0.0, "0.0000"), (0.000123449, "0.0001234"), (-2.0, "-2")],
)
def test_scores_have_digits_enough(tmp_path, score, text):
    found = read_search(make_search(tmp_path, [Trial("0", "done", {}, score)]))
    assert text in str(found).splitlines()[1]


@pytest.mark.parametrize(
    ("network", "arguments"),
    [
        ("shrikumar-sim-rc", {"filters": 8, "kernel_sizes": (5, 5), "pool_size": 4}),
        ("shrikumar-sim-20", {"kernel_sizes": (7,), "name": 'my "net"'}),
    ],
)
def test_the_code_builds_a_network_of_the_recorded_size(tmp_path, network, arguments):
    built = zoo.build(network, targets=2, sequence_length=40, **arguments)
    parameters = built.count_params()
    trial = Trial("0", "done", {}, 0.5, parameters=parameters)
    trial = replace(trial, network=network, arguments=arguments)
    found = read_search(make_search(tmp_path, [trial]))
    # Read back, what was a tuple is a list.
    code = found.code(found.best())
    assert code.startswith(f'zoo.build("{network}", targets=2, sequence_length=40, ')
    assert f"kernel_sizes={arguments['kernel_sizes']}" in code
    again = eval(code, {"zoo": zoo})
    assert again.get_config() == built.get_config()
    assert again.count_params() == found.best().parameters


def test_the_code_has_the_length_that_was_trained_on(tmp_path):
    trial = replace(TRIALS[0], network="shrikumar-sim-rc")
    settings = FACTS["settings"] | {"length": 30}
    found = read_search(make_search(tmp_path, [trial], settings=settings))
    assert "sequence_length=30" in found.code(trial)


def test_the_code_of_a_conjoined_network_conjoins_it(tmp_path):
    trial = replace(TRIALS[0], network="shrikumar-sim-20")
    settings = FACTS["settings"] | {"conjoined": True}
    found = read_search(make_search(tmp_path, [trial], settings=settings))
    network = eval(found.code(trial), {"zoo": zoo})
    assert rckeras.audit_strand_symmetry(network).symmetry == "invariant"


def test_there_is_no_code_where_no_network_is_recorded(found):
    with pytest.raises(ValueError, match="trial 0 stands for no network"):
        found.code(found.trials[0])
