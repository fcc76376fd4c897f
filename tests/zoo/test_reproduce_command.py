import shlex
import subprocess
import sys

import pytest

from tests.zoo.test_experiment import TINY
from tuning.cli import main
from zoo import experiment
from zoo.recipes import find_recipe, list_recipes
from zoo.records import append


def run(*arguments):
    return main(["reproduce", *map(str, arguments)])


@pytest.fixture
def found(monkeypatch):
    """Lets command and engine find a small recipe, of which nothing is left to run."""
    for place in ("zoo.recipes.find_recipe", "zoo.experiment.find_recipe"):
        monkeypatch.setattr(place, lambda name: TINY)

    def execute(run, dataset, protocol, folder):
        line = {
            "recipe": run.recipe.name,
            **run.keys,
            "epochs": 2,
            "best_epoch": 1,
            "score": 0.75,
        }
        line |= {"parameters": 1234, "seconds": 1, "backend": "jax"}
        line["protocol"] = protocol
        append(folder / "results.csv", [line])
        return line

    monkeypatch.setattr(experiment, "_execute", execute)


def test_the_list_has_every_experiment_and_its_rows_as_a_shell_takes_them(capsys):
    assert run("--list") == 0
    lines = capsys.readouterr().out.splitlines()
    for name, head, rows in zip(list_recipes(), lines[::2], lines[1::2], strict=True):
        recipe = find_recipe(name)
        assert head.startswith(f"{name}: {recipe.title} ({recipe.reference}; ")
        assert f"; {recipe.seeds} seed" in head
        assert not recipe.needs or head.endswith(f"needs --data: {recipe.needs}")
        assert shlex.split(rows) == [row.name for row in recipe.rows]


@pytest.mark.parametrize("arguments", [["--list"], ["--help"], ["koo2018"]])
def test_keras_is_not_imported_for_list_help_or_a_wrong_name(arguments):
    code = (
        "import sys\n"
        "from tuning.cli import main\n"
        "try:\n"
        "    main(['reproduce', *sys.argv[1:]])\n"
        "except SystemExit:\n"
        "    pass\n"
        "assert not {'keras', 'matplotlib', 'scipy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)


def test_a_near_name_is_suggested(capsys):
    assert run("koo2019-table") == 1
    assert "'koo2019-table'; there is koo2019-table1" in capsys.readouterr().err
    assert run() == 1
    assert "NAME is needed; --list shows" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--seeds", "0"], "`seeds` must be at least 1. Received: 0"),
        (["--rows", "A", "RC"], "must be among 'A', 'B'. Received: 'RC'"),
        (["--datasets", "three"], "must be among 'one', 'two'. Received: 'three'"),
        (["--data", "peaks"], "makes its own data; see `data` (--data)"),
    ],
)
def test_wrong_options_are_named_before_any_work(
    found, tmp_path, capsys, options, words
):
    assert run("tiny", "-o", tmp_path / "new", *options) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_number_of_seeds_must_be_one(capsys):
    with pytest.raises(SystemExit):
        run("koo2019-table1", "--seeds", "many")
    assert "--seeds: invalid int value: 'many'" in capsys.readouterr().err


def test_the_table_is_printed_and_progress_shown_beside_it(found, tmp_path, capsys):
    options = ["-o", tmp_path, "--datasets", "one"]
    assert run("tiny", *options) == 0
    out, err = capsys.readouterr()
    assert out == (tmp_path / "table.md").read_text("utf-8")
    assert "| A | 1,234 | 1 | 2 | 0.750 |" in out
    assert err.startswith("run 1 of 2: A on one, seed 0\n")
    assert run("tiny", *options, "--quiet") == 0
    assert capsys.readouterr() == (out, "")


def test_without_a_folder_that_of_the_name_is_taken(found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("tiny", "--rows", "A", "--seeds", "2", "--quiet") == 0
    assert (tmp_path / "tiny" / "table.md").is_file()


def test_every_option_is_handed_on(monkeypatch, tmp_path):
    received = {}

    def record(name, folder, **options):
        received.update(options, name=name, folder=folder)
        (folder / "table.md").write_text("done\n")

    monkeypatch.setattr(experiment, "reproduce", record)
    options = "--seeds 3 --rows CNN-1 CNN-2 --datasets simulated --data peaks --quiet"
    assert run("koo2019-table1", "-o", tmp_path, *options.split()) == 0
    assert {key: str(value) for key, value in received.items()} == {
        "name": "koo2019-table1",
        "folder": str(tmp_path),
        "seeds": "3",
        "rows": "['CNN-1', 'CNN-2']",
        "datasets": "['simulated']",
        "data": "peaks",
        "progress": "False",
    }


def test_an_interrupted_command_says_that_it_goes_on(monkeypatch, tmp_path, capsys):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "reproduce", interrupt)
    assert run("koo2019-table1", "-o", tmp_path) == 130
    assert "the same command goes on" in capsys.readouterr().err
