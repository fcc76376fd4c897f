import importlib
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tuning.made_up import TRIALS, make_search
from tuning import workers
from tuning.cli import main
from tuning.commands import tune
from tuning.results import read_search
from tuning.spaces import find_space, list_spaces

# The package has a function of this name.
search_module = importlib.import_module("tuning.search")


def run(*arguments):
    return main(["tune", *map(str, arguments)])


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """A folder to work in, and no chief that the environment tells of."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for name in ("TUNER_ID", "ORACLE_IP", "ORACLE_PORT"):
        monkeypatch.delenv(f"KERASTUNER_{name}", raising=False)


@pytest.fixture
def received(monkeypatch, tmp_path):
    """What the search was given, which finds what is made up."""
    received = {}
    found = read_search(make_search(tmp_path / "found"))

    def search(space, dataset, folder, **options):
        received.update(options, space=space, dataset=dataset, folder=folder)
        return found

    monkeypatch.setattr(search_module, "search", search)
    return received


def test_the_list_has_every_space(capsys):
    assert run("--list") == 0
    texts = capsys.readouterr().out.rstrip().split("\n\n")
    assert texts == [str(find_space(name)) for name in list_spaces()]


def test_the_list_takes_a_pattern(capsys):
    assert run("koo*", "--list") == 0
    assert capsys.readouterr().out == f"{find_space('koo2019')}\n"
    assert run("nothing*", "--list") == 1
    assert "no search space is called like 'nothing*'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--list"], ["--help"], ["koo2018", "data.h5", "-o", "out"]]
)
def test_keras_is_not_imported_for_list_help_or_a_wrong_name(arguments):
    code = (
        "import sys\n"
        "from tuning.cli import main\n"
        "try:\n"
        "    main(['tune', *sys.argv[1:]])\n"
        "except SystemExit:\n"
        "    pass\n"
        "assert not {'keras', 'keras_tuner', 'rckeras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)


def test_a_near_space_is_suggested(capsys):
    assert run("koo2018", "data.h5", "-o", "out") == 1
    assert "'koo2018'. Did you mean koo2019" in capsys.readouterr().err


def test_what_is_needed_is_named(capsys):
    assert run() == 1
    assert "SPACE is needed; --list shows" in capsys.readouterr().err
    assert run("koo2019") == 1
    assert "DATA is needed" in capsys.readouterr().err
    assert run("koo2019", "data.h5") == 1
    assert "-o FOLDER is needed" in capsys.readouterr().err


def test_the_help_offers_every_tuner_and_objective():
    from tuning.hypermodel import OBJECTIVES

    assert tuple(OBJECTIVES) == tune.OBJECTIVES
    assert search_module.TUNERS == tune.TUNERS


def test_every_option_is_handed_on(received):
    options = (
        "-o out --tuner grid --objective val_loss --max-trials 7 --max-seconds 60 "
        "--max-parameters 9000 --max-memory 0.5 --seeds 2 --seed 3 --length 50 --quiet "
        "--set revcomp=on --set filters=8,16 --set epochs=20 --set monitor=none "
        "--set learning-rate=0.01,0.1 --set batch_size=64"
    )
    assert run("shrikumar2017", "data.h5", *options.split()) == 0
    assert received.pop("space") is find_space("shrikumar2017")
    assert received == {
        "dataset": "data.h5",
        "folder": Path("out"),
        "tuner": "grid",
        "objective": "val_loss",
        "max_trials": 7,
        "max_seconds": 60.0,
        "max_parameters": 9000,
        "max_memory": 500_000_000,
        "seeds": 2,
        "seed": 3,
        "settings": {"epochs": 20, "monitor": None, "batch_size": 64, "length": 50},
        "choices": {
            "revcomp": True,
            "filters": [8, 16],
            "learning_rate": [0.01, 0.1],
        },
        "sources": (),
        "command": f"rckeras tune shrikumar2017 data.h5 {options}",
        "progress": False,
    }


def test_without_options_the_search_decides(received):
    assert run("koo2019", "data.h5", "-o", "out") == 0
    assert (received["settings"], received["choices"]) == ({}, {})
    names = "objective max_trials max_seconds max_parameters max_memory seeds"
    assert [received[name] for name in names.split()] == [None] * 6


def test_values_are_of_the_kind_of_the_hyperparameter(received):
    assert run("koo2019", "data.h5", "-o", "o", "--set", "pool_stride=2,pool") == 0
    assert received["choices"] == {"pool_stride": ["2", "pool"]}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("conjoined=off", False),
        ("conjoined=True", True),
        ("freeze=false", False),
        ("length=none", None),
        ("decay=1", 1.0),
        ("strands=both", "both"),
        ("monitor=val_loss", "val_loss"),
        ("n_value=0.25", 0.25),
    ],
)
def test_settings_of_training_are_of_their_kind(received, option, value):
    assert run("koo2019", "data.h5", "-o", "o", "--set", option) == 0
    name = option.partition("=")[0]
    assert received["settings"] == {name: value}
    assert type(received["settings"][name]) is type(value)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("filtres=8", "shrikumar2017 has the hyperparameters "),
        ("filters=8,many", "--set filters must be a whole number. Received: 'many'"),
        ("revcomp=maybe", "--set revcomp must be on or off. Received: 'maybe'"),
        ("conjoined=maybe", "--set conjoined must be on or off. Received: 'maybe'"),
        ("epochs=2e1", "--set epochs must be a whole number. Received: '2e1'"),
        ("length=all", "--set length must be a whole number or none. Received"),
    ],
)
def test_a_value_of_another_kind_is_refused(received, capsys, option, words):
    assert run("shrikumar2017", "data.h5", "-o", "out", "--set", option) == 1
    assert words in capsys.readouterr().err
    assert received == {}


def test_a_name_is_set_once(received, capsys):
    twice = ["--set", "filters=8", "--set", "filters=16"]
    assert run("shrikumar2017", "data.h5", "-o", "out", *twice) == 1
    assert "must name each hyperparameter once" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["filters", "filters=", "=8"])
def test_a_setting_has_a_name_and_a_value(capsys, option):
    with pytest.raises(SystemExit):
        run("shrikumar2017", "data.h5", "-o", "out", "--set", option)
    assert f"or epochs=20. Received: '{option}'" in capsys.readouterr().err


def test_a_pair_of_fasta_files_becomes_a_dataset(received, tmp_path):
    for name, letters in (("bound.fa", "ACGT"), ("open.fa", "TTTA")):
        text = "".join(f">{name}{i}\n{letters * 5}\n" for i in range(20))
        (tmp_path / name).write_text(text)
    pair = tmp_path / "bound.fa", tmp_path / "open.fa"
    assert run("shrikumar2017", *pair, "-o", "out", "--split", "validation=0.25") == 0
    dataset = received["dataset"]
    assert dataset.split_sizes() == {"train": 30, "validation": 10, "test": 0}
    assert received["sources"] == [str(path) for path in pair]


def test_options_for_fasta_files_are_refused_with_a_dataset(received, capsys):
    assert run("koo2019", "data.h5", "-o", "out", "--fit", "both") == 1
    assert "--fit is for FASTA files" in capsys.readouterr().err


def test_the_best_trials_are_printed_and_how_to_build_the_best(
    received, tmp_path, capsys, monkeypatch
):
    trials = [replace(t, network="shrikumar-sim-rc") for t in TRIALS]
    found = read_search(make_search(tmp_path / "other", trials))
    monkeypatch.setattr(search_module, "search", lambda *args, **options: found)
    assert run("shrikumar2017", "data.h5", "-o", "out") == 0
    out, err = capsys.readouterr()
    assert out == f"{found}\nnetwork = {found.code(found.best())}\n"
    assert err == ""


def test_a_worker_prints_no_results(received, capsys, monkeypatch):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    assert run("shrikumar2017", "data.h5", "-o", "out", "--workers", "2") == 0
    assert received["folder"] == Path("out")
    assert capsys.readouterr().out == ""


@pytest.fixture
def launched(monkeypatch):
    launched = {}

    def launch(command, folder, workers, **options):
        launched.update(options, command=command, folder=folder, workers=workers)
        make_search(folder)

    monkeypatch.setattr(workers, "launch", launch)
    return launched


def test_workers_are_launched_with_the_same_arguments(launched, tmp_path, capsys):
    options = ["-o", tmp_path / "a b", "--workers", 3, "--quiet"]
    assert run("koo2019", "data.h5", *options) == 0
    python, option, _, *words = launched.pop("command")
    assert (python, option) == (sys.executable, "-c")
    assert words == ["tune", "koo2019", "data.h5", *map(str, options)]
    assert launched == {"folder": tmp_path / "a b", "workers": 3, "progress": False}
    assert capsys.readouterr().out == str(read_search(tmp_path / "a b"))


def test_what_is_launched_is_the_command(launched, tmp_path):
    assert run("koo2019", "data.h5", "-o", tmp_path / "out", "--workers", 1) == 0
    start = launched["command"][:3]
    done = subprocess.run([*start, "tune", "--list"], check=True, capture_output=True)
    assert b"koo2019: " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["koo2018"], "Did you mean"), (["koo2019", "--set", "filters=x"], "whole")],
)
def test_wrong_arguments_launch_nothing(launched, tmp_path, capsys, arguments, words):
    space, *options = arguments
    options += ["-o", tmp_path / "out", "--workers", 1]
    assert run(space, "data.h5", *options) == 1
    assert words in capsys.readouterr().err
    assert launched == {}


@pytest.mark.parametrize("option", [[], ["--workers", 2]])
def test_an_interrupted_command_says_that_it_goes_on(monkeypatch, capsys, option):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(search_module, "search", interrupt)
    monkeypatch.setattr(workers, "launch", interrupt)
    assert run("koo2019", "data.h5", "-o", "out", *option) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_a_report_of_what_was_found_so_far(tmp_path, capsys):
    folder = make_search(tmp_path / "search")
    assert run("--report", folder) == 0
    out, err = capsys.readouterr()
    assert out == str(read_search(folder))
    assert err == f"{folder / 'report.html'} shows more\n"
    assert (folder / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert (folder / "leaderboard.csv").read_text("utf-8").startswith("rank,trial,")


def test_a_report_needs_a_search_and_no_keras(tmp_path, capsys):
    assert run("--report", tmp_path) == 1
    assert "holds no search: there is no" in capsys.readouterr().err
    code = (
        "import sys\n"
        "from tuning.cli import main\n"
        "assert main(['tune', '--report', sys.argv[1]]) == 0\n"
        "assert not {'keras', 'keras_tuner', 'rckeras'} & set(sys.modules)\n"
    )
    folder = make_search(tmp_path / "search")
    subprocess.run([sys.executable, "-c", code, folder], check=True)


def test_the_examples_of_the_help_can_be_parsed(received, launched, capsys):
    with pytest.raises(SystemExit):
        run("--help")
    text = " ".join(capsys.readouterr().out.split()).split("Examples: ")[1]
    examples = text.replace("--max- trials", "--max-trials").split("; ")
    assert len(examples) == 2
    for example in examples:
        assert main(shlex.split(example)[1:]) == 0
    assert received["max_trials"] == 30
    assert launched["workers"] == 4
